//! The private room of a socket stays its own while it is away.

use std::time::Duration;

use serde_json::json;
use socketio_server::{Io, RecoveryConfig, Socket, State};

use super::phone::{Claim, Phone};
use super::{builder, host};
use crate::host::{Door, Host, settle};

/// A phone that has been cut off, and another that is connected.
async fn one_away(host: &Host) -> (Claim, Phone) {
    let mut phone = Phone::connect(host).await;
    let other = Phone::connect(host).await;
    host.io.to(phone.sid.as_str()).emit("event", &()).unwrap();
    phone.event().await;
    (phone.cut().await, other)
}

/// Whether the socket gets into a room, by a handle.
fn enters(io: &Io, phone: &Phone, room: &str) -> bool {
    let socket = phone.socket(io);
    socket.join(room.to_owned());
    let is_in = socket.rooms().iter().any(|it| **it == *room);
    assert_eq!(is_in, io.of("/").adapter().member_count(room) == 1);
    is_in
}

#[tokio::test(start_paused = true)]
async fn nobody_enters_the_private_room_of_a_socket_that_may_come_back() {
    let host = host();
    let (claim, mut other) = one_away(&host).await;
    assert!(!enters(&host.io, &other, &claim.sid));
    host.io.to(claim.sid.as_str()).emit("private", &()).unwrap();
    assert!(other.client.is_silent().await);
    let (mut phone, missed) = Phone::reconnect(&host, &claim).await;
    assert_eq!(missed, [json!(["private"])]);
    host.io.to(claim.sid.as_str()).emit("private", &()).unwrap();
    assert_eq!(phone.event().await, json!(["private"]));
    assert!(other.client.is_silent().await);
    // Away once more.
    let claim = phone.cut().await;
    assert!(!enters(&host.io, &other, &claim.sid));
}

#[tokio::test(start_paused = true)]
async fn nor_while_a_connect_handler_decides_about_it() {
    let host = Host::start(builder());
    host.io
        .on_connect(async |socket: Socket, door: State<Door>| {
            if socket.recovered() {
                socket.join("hall");
                door.pass().await;
            }
        });
    let (claim, other) = one_away(&host).await;
    let client = Phone::say_connect(&host, &claim).await;
    settle().await;
    assert!(!enters(&host.io, &other, &claim.sid));
    host.door.open();
    let (phone, _) = Phone::take_answer(client).await;
    assert_eq!(phone.sid, claim.sid);
    assert_eq!(
        host.io.of("/").participants("hall"),
        [phone.socket(&host.io).id()]
    );
    // Who comes in with a wish of the connect handler's is not let into it either.
    let claim = phone.cut().await;
    let wanted = claim.sid.clone();
    host.io.on_connect(move |socket: Socket| {
        let wanted = wanted.clone();
        async move { socket.join(wanted) }
    });
    let late = Phone::connect(&host).await;
    assert!(late.socket(&host.io).rooms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_id_of_a_socket_that_is_gone_for_good_is_a_name_like_any_other() {
    for end in [
        "leaves",
        "expires",
        "is refused",
        "claims wrongly",
        "is displaced",
    ] {
        let config = RecoveryConfig {
            max_sessions: 1,
            ..RecoveryConfig::default()
        };
        let host = Host::start(builder().connection_state_recovery(config));
        host.io
            .on_connect(async |socket: Socket| !socket.recovered());
        let (mut claim, other) = one_away(&host).await;
        let (sid, mut other) = (claim.sid.clone(), other);
        match end {
            "leaves" => {
                let mut phone = Phone::connect(&host).await;
                claim = phone.claim();
                phone.client.say("41").await;
            }
            "expires" => {
                drop(other);
                // Virtual time: too late.
                tokio::time::sleep(Duration::from_secs(130)).await;
                other = Phone::connect(&host).await;
            }
            "is refused" => {
                let mut client = Phone::say_connect(&host, &claim).await;
                assert!(client.text().await.starts_with("44"));
            }
            "claims wrongly" => {
                claim.offset = Some("Q7uSEwd".into());
                Phone::reconnect(&host, &claim).await;
            }
            "is displaced" => {
                host.io.emit("event", &()).unwrap();
                other.event().await;
                other.cut().await;
                other = Phone::connect(&host).await;
            }
            _ => unreachable!("{end}"),
        }
        settle().await;
        let gone = if end == "leaves" { claim.sid } else { sid };
        assert!(enters(&host.io, &other, &gone), "{end}");
    }
}
