//! What a client has missed may be more than can be on its way to it at once: it begins anew, instead
//! of failing in the same way for as long as the log remembers.

use serde_json::{Value, json};
use socketio_server::{Builder, OutboxLimits, OverflowPolicy, Socket, State};

use super::phone::Phone;
use super::{builder, watched};
use crate::host::{Door, Host, settle};

/// Bytes that may be on their way to one client.
const HARD: usize = 10_000;

fn limited() -> Builder {
    with_policy(OverflowPolicy::Disconnect)
}

fn with_policy(policy: OverflowPolicy) -> Builder {
    builder().outbox_limits(OutboxLimits {
        soft: HARD,
        hard: HARD,
        policy,
        ..OutboxLimits::default()
    })
}

/// A kilobyte for everyone, so many times.
fn emit(host: &Host, count: usize) {
    for _ in 0..count {
        host.io.emit("missed", &"x".repeat(1000)).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_missed_more_than_a_link_takes_begins_anew() {
    for (missed, comes_back) in [(5, true), (12, false)] {
        let mut host = watched(limited());
        let mut phone = Phone::connect(&host).await;
        emit(&host, 1);
        phone.event().await;
        let claim = phone.cut().await;
        host.diary.rest();
        emit(&host, missed);
        let (mut phone, events) = Phone::reconnect(&host, &claim).await;
        assert_eq!(phone.sid == claim.sid, comes_back, "{missed}");
        assert_eq!(phone.pid == claim.pid, comes_back, "{missed}");
        assert_eq!(events.len(), if comes_back { missed } else { 0 });
        settle().await;
        let notes = host.diary.rest();
        let expired = notes.contains(&"/ has expired".to_owned());
        assert_eq!(expired, !comes_back, "{notes:?}");
        let connected = format!("connected, recovered: {comes_back}");
        assert!(notes.contains(&connected), "{notes:?}");
        host.io.emit("news", &()).unwrap();
        assert_eq!(phone.event().await, json!(["news"]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_others_have_missed_takes_no_room() {
    let host = watched(limited());
    let mut phone = Phone::connect(&host).await;
    emit(&host, 1);
    phone.event().await;
    let claim = phone.cut().await;
    for _ in 0..12 {
        host.io
            .to("elsewhere")
            .emit("x", &"x".repeat(1000))
            .unwrap();
    }
    emit(&host, 1);
    let (phone, events) = Phone::reconnect(&host, &claim).await;
    assert_eq!((&phone.sid, events.len()), (&claim.sid, 1));
}

#[tokio::test(start_paused = true)]
async fn namespaces_of_one_link_share_its_room() {
    let host = Host::start(limited());
    host.io.of("/more");
    let mut phone = Phone::connect(&host).await;
    phone.client.say("40/more,").await;
    let answer = phone.client.text().await;
    let more: Value = serde_json::from_str(&answer["40/more,".len()..]).unwrap();
    host.io.emit("event", &()).unwrap();
    phone.event().await;
    host.io.of("/more").emit("event", &()).unwrap();
    let (_, offset) = super::phone::event(&phone.client.text().await);
    let claim = phone.cut().await;
    emit(&host, 7);
    for _ in 0..7 {
        host.io
            .of("/more")
            .emit("missed", &"x".repeat(1000))
            .unwrap();
    }
    // Both ask before either is read.
    let mut client = host.open().await;
    let own = json!({ "pid": claim.pid, "offset": claim.offset });
    let others = json!({ "pid": more["pid"], "offset": offset });
    client
        .say_all([format!("40{own}"), format!("40/more,{others}")])
        .await;
    let (mut phone, missed) = Phone::take_answer(client).await;
    assert_eq!((&phone.sid, missed.len()), (&claim.sid, 7));
    let answer = phone.client.text().await;
    assert!(answer.starts_with("40/more,{"), "{answer}");
    assert!(!answer.contains(more["sid"].as_str().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn what_becomes_too_much_while_a_connect_handler_waits_ends_the_socket() {
    // With the latter, most of it would be missing in silence.
    for policy in [OverflowPolicy::Disconnect, OverflowPolicy::DropOldest] {
        let host = Host::start(with_policy(policy));
        host.io
            .on_connect(async |socket: Socket, door: State<Door>| {
                if socket.recovered() {
                    door.pass().await;
                }
            });
        let mut phone = Phone::connect(&host).await;
        emit(&host, 1);
        phone.event().await;
        let claim = phone.cut().await;
        let mut client = Phone::say_connect(&host, &claim).await;
        settle().await;
        emit(&host, 12);
        host.door.open();
        client.expect_close().await;
        begins_anew(&host, &claim).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_that_sends_too_much_on_top_does_so_once() {
    let host = Host::start(limited());
    host.io.on_connect(async |socket: Socket| {
        if socket.recovered() {
            // Nothing that the log knows of.
            drop(socket.call::<()>("the rest", &"x".repeat(8000)));
        }
    });
    let mut phone = Phone::connect(&host).await;
    emit(&host, 1);
    phone.event().await;
    let claim = phone.cut().await;
    emit(&host, 5);
    let mut client = Phone::say_connect(&host, &claim).await;
    client.expect_close().await;
    begins_anew(&host, &claim).await;
}

async fn begins_anew(host: &Host, claim: &super::phone::Claim) {
    settle().await;
    let (phone, missed) = Phone::reconnect(host, claim).await;
    assert_ne!(phone.sid, claim.sid);
    assert!(missed.is_empty());
    assert_eq!(host.io.of("/").len(), 1);
}
