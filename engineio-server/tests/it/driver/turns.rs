//! The turns of a task: what wakes it, what it leaves unread, what only goes at once.

use std::time::Duration;

use engineio_server::{Config, Prepared, PushError, Session};
use tokio::time::Instant;

use crate::host::{Host, pass, settle};
use crate::puppet::{Order, Reaction, order, send};
use crate::wire::text_frame;

// ---- Wakes --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn pushes_to_a_sleeping_task_wake_it_once() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    settle().await;
    let before = host.server.acceptor().polls();
    for _ in 0..10 {
        send(&session, "ding");
    }
    settle().await;
    assert_eq!(host.server.acceptor().polls(), before + 1);
    for _ in 0..10 {
        websocket.expect("4ding").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_from_the_task_itself_wakes_nobody() {
    let mut rounds = Vec::new();
    for reaction in [Reaction::Echo, Reaction::EchoThroughQueue] {
        let (host, _events) = Host::start(Config::default(), reaction);
        let mut websocket = host.open_websocket().await;
        settle().await;
        let before = host.server.acceptor().polls();
        websocket.say("4hello").await;
        websocket.expect("4hello").await;
        settle().await;
        rounds.push(host.server.acceptor().polls() - before);
    }
    assert_eq!(rounds, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_is_not_polled_between_heartbeats() {
    let (host, _events) = Host::echo();
    let mut websocket = host.open_websocket().await;
    settle().await;
    let before = host.server.acceptor().polls();
    for _ in 0..10 {
        websocket.expect("2").await;
        websocket.say("3").await;
    }
    settle().await;
    // One wake for the ping, one for the pong, one for the timer that the pong moved back.
    let polls = host.server.acceptor().polls() - before;
    assert!(polls <= 30, "{polls} polls for 10 heartbeats");
}

// ---- Reading that stops -------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_post_waits_for_an_application_that_takes_no_messages() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    order(&session, Order::Read(false));
    settle().await;
    let mut post = client.start_post("4a\u{1e}4b\u{1e}4c").await;
    assert!(post.is_silent().await);
    assert!(events.drain().is_empty());
    order(&session, Order::Read(true));
    post.response("POST").await.assert(200, "ok");
    for text in ["a", "b", "c"] {
        assert_eq!(events.text().await, text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_websocket_waits_for_an_application_that_takes_no_messages() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    order(&session, Order::Read(false));
    settle().await;
    let frames: Vec<_> = (0..100).map(|n| text_frame(&format!("4{n}"))).collect();
    websocket.wire.write(&frames.concat()).await;
    settle().await;
    assert!(events.drain().is_empty());
    // Sending goes on meanwhile.
    send(&session, "one way");
    websocket.expect("4one way").await;
    order(&session, Order::Read(true));
    for number in 0..100 {
        assert_eq!(events.text().await, number.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_not_read_does_not_miss_its_heartbeat() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    order(&session, Order::Read(false));
    websocket.expect("2").await;
    websocket.say("3").await;
    websocket.say("4late").await;
    pass(Duration::from_secs(600)).await;
    assert!(events.drain().is_empty());
    order(&session, Order::Read(true));
    assert_eq!(events.text().await, "late");
    // Once it is read again, it counts again.
    websocket.expect("2").await;
    let pinged = Instant::now();
    assert_eq!(events.closed().await.0, "ping timeout");
    assert_eq!(pinged.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn an_application_may_stop_and_resume_within_one_turn() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Pause);

    let client = host.open().await;
    let texts: Vec<_> = (0..100).map(|n| format!("4{n}")).collect();
    client.say(&texts.join("\u{1e}")).await;
    for number in 0..100 {
        assert_eq!(events.text().await, number.to_string());
    }

    let mut websocket = host.open_websocket().await;
    let frames: Vec<_> = texts.iter().map(|text| text_frame(text)).collect();
    websocket.wire.write(&frames.concat()).await;
    let asked = Instant::now();
    for number in 0..100 {
        assert_eq!(events.text().await, number.to_string());
    }
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

// ---- Volatile -----------------------------------------------------------------------------

fn push_volatile(session: &Session<Order>) -> Result<(), PushError> {
    session.push_volatile(Order::Send(Prepared::text("now or never")), 12)
}

#[tokio::test(start_paused = true)]
async fn volatile_entries_go_at_once_or_not_at_all_on_websocket() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    settle().await;
    assert_eq!(push_volatile(&session), Ok(()));
    assert_eq!(push_volatile(&session), Err(PushError::NotReady));
    websocket.expect("4now or never").await;
    settle().await;
    // More than the connection holds: some of it is on its way until the client reads.
    send(&session, &"x".repeat(100_000));
    settle().await;
    assert_eq!(push_volatile(&session), Err(PushError::NotReady));
    assert_eq!(websocket.text().await.len(), 100_001);
    settle().await;
    assert_eq!(push_volatile(&session), Ok(()));
    websocket.expect("4now or never").await;
}

#[tokio::test(start_paused = true)]
async fn volatile_entries_need_a_waiting_poll_on_polling() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    settle().await;
    assert_eq!(push_volatile(&session), Err(PushError::NotReady));
    let mut poll = client.park().await;
    settle().await;
    assert_eq!(push_volatile(&session), Ok(()));
    poll.response("GET").await.assert(200, "4now or never");
    settle().await;
    assert_eq!(push_volatile(&session), Err(PushError::NotReady));
}
