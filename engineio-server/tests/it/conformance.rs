//! The cases of the official Engine.IO 4 suite, and what its neighbours get wrong.
//!
//! The suite's intervals are kept: a ping every 300 ms, 200 ms for the pong. Time is virtual, so
//! that each deadline is checked to the millisecond.

use std::time::Duration;

use engineio_server::{Config, ProtocolConfig};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::host::{Host, protocol, settle};
use crate::puppet::{Event, Events, Reaction};
use crate::wire::{Received, UPGRADE, Websocket, request, text_frame};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);

fn config() -> Config {
    protocol(ProtocolConfig {
        ping_interval: INTERVAL.as_millis() as u64,
        ping_timeout: TIMEOUT.as_millis() as u64,
        ..ProtocolConfig::default()
    })
}

fn start() -> (Host, Events) {
    Host::start(config(), Reaction::Echo)
}

/// Checks an `open` packet, member by member.
fn assert_handshake(packet: &str, upgrades: &[&str]) {
    let json: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    let sid = json["sid"].as_str().unwrap();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    assert!(sid.len() == 20 && sid.bytes().all(is_token), "{sid}");
    let expected = json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    });
    assert_eq!(json, expected);
}

async fn assert_refused(host: &Host, query: &str) {
    let target = format!("/engine.io/?{query}");
    let plain = host.ask("GET", &target, "").await;
    assert_eq!(plain.status, 400, "{query}");
    let upgrade = Websocket::open(host.connect().await, &target).await;
    assert_eq!(upgrade.err().unwrap().status, 400, "{query}");
    assert_eq!(host.server.sessions(), 0);
}

/// Probes a websocket and moves to it.
async fn upgrade(host: &Host, sid: &str) -> Websocket {
    let mut websocket = host.websocket(sid).await;
    websocket.say("2probe").await;
    websocket.expect("3probe").await;
    websocket.say("5").await;
    websocket
}

async fn assert_echoes(websocket: &mut Websocket) {
    websocket.say("4still here").await;
    websocket.expect("4still here").await;
}

// ---- Handshake ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn polling_opens_a_session_that_may_upgrade() {
    let (host, _) = start();
    let response = host
        .ask("GET", "/engine.io/?EIO=4&transport=polling", "")
        .await;
    assert_eq!(response.status, 200);
    assert_handshake(response.text(), &["websocket"]);
    assert_eq!(host.server.sessions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_websocket_opens_a_session_that_has_nowhere_to_upgrade_to() {
    let (host, _) = start();
    let mut websocket = host.websocket("").await;
    assert_handshake(&websocket.text().await, &[]);
}

#[tokio::test(start_paused = true)]
async fn another_revision_is_refused_if_only_4_is_served() {
    let mut config = config();
    config.protocol.allow_eio3 = false;
    let (host, _) = Host::start(config, Reaction::Echo);
    for revision in ["", "EIO=&", "EIO=3&", "EIO=abc&", "EIO=5&", "EIO=04&"] {
        assert_refused(&host, &format!("{revision}transport=polling")).await;
        assert_refused(&host, &format!("{revision}transport=websocket")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_transport_is_refused() {
    let (host, _) = start();
    for transport in ["", "&transport=", "&transport=abc", "&transport=Polling"] {
        assert_refused(&host, &format!("EIO=4{transport}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_get_opens_a_session() {
    let (host, _) = start();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
        let target = "/engine.io/?EIO=4&transport=polling";
        let response = host.ask(method, target, "").await;
        response.assert(400, r#"{"code":2,"message":"Bad handshake method"}"#);
    }
    assert_eq!(host.server.sessions(), 0);
}

// ---- Messages -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn polling_carries_messages_both_ways() {
    let (host, _) = start();
    let session = host.open().await;
    for payload in [
        "4hello",
        "4test1\u{1e}4test2\u{1e}4test3",
        "4hello\u{1e}bAQIDBA==",
        "4",
        "b",
        "4€ and 😀",
    ] {
        session.say(payload).await;
        session.expect(payload).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_cannot_be_decoded_ends_the_session() {
    let (host, mut events) = start();
    let session = host.open().await;
    session.say("abc").await;
    session.assert_unknown().await;
    assert_eq!(events.closed().await.0, "parse error");
}

#[tokio::test(start_paused = true)]
async fn two_polls_at_once_end_the_session() {
    let (host, mut events) = start();
    let session = host.open().await;
    let mut first = session.park().await;
    session.get().await.assert(400, "");
    first.response("GET").await.assert(200, "1");
    session.assert_unknown().await;
    assert_eq!(
        events.closed().await,
        ("transport error", Some("overlap from client")),
    );
}

#[tokio::test(start_paused = true)]
async fn a_websocket_carries_messages_both_ways() {
    let (host, _) = start();
    let mut websocket = host.open_websocket().await;
    for text in ["4hello", "4", "4€ and 😀"] {
        websocket.say(text).await;
        websocket.expect(text).await;
    }
    for data in [&[1, 2, 3, 4][..], &[]] {
        websocket.say_binary(data).await;
        assert_eq!(websocket.receive().await, Received::Binary(data.to_vec()));
    }
}

#[tokio::test(start_paused = true)]
async fn several_frames_in_one_segment_are_several_messages() {
    let (host, _) = start();
    let mut websocket = host.open_websocket().await;
    let segment = [text_frame("4one"), text_frame("4two"), text_frame("4three")];
    websocket.wire.write(&segment.concat()).await;
    for text in ["4one", "4two", "4three"] {
        websocket.expect(text).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_may_arrive_byte_by_byte() {
    let (host, mut events) = start();
    let mut websocket = host.open_websocket().await;
    for byte in text_frame("4slow") {
        assert!(matches!(&events.drain()[..], [] | [Event::Open(_)]));
        websocket.wire.write(&[byte]).await;
        settle().await;
    }
    websocket.expect("4slow").await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_message_that_cannot_be_decoded_ends_the_session() {
    for text in ["abc", "", "7", "b AQ"] {
        let (host, mut events) = start();
        let mut websocket = host.open_websocket().await;
        websocket.say(text).await;
        websocket.expect_close(None).await;
        assert_eq!(events.closed().await.0, "parse error", "{text}");
    }
}

// ---- Heartbeat ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn polling_beats_three_times_in_a_row() {
    let (host, _) = start();
    let session = host.open().await;
    for _ in 0..3 {
        let asked = Instant::now();
        session.expect("2").await;
        assert_eq!(asked.elapsed(), INTERVAL);
        session.say("3").await;
    }
    assert_eq!(host.server.sessions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_missing_pong_ends_a_session_on_polling() {
    let (host, mut events) = start();
    let opened = Instant::now();
    let session = host.open().await;
    session.expect("2").await;
    let mut poll = session.park().await;
    poll.response("GET").await.assert(200, "1");
    assert_eq!(opened.elapsed(), INTERVAL + TIMEOUT);
    assert_eq!(events.closed().await.0, "ping timeout");
    session.assert_unknown().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_polls_misses_its_ping() {
    let (host, mut events) = start();
    let opened = Instant::now();
    let session = host.open().await;
    assert_eq!(events.closed().await.0, "ping timeout");
    assert_eq!(opened.elapsed(), INTERVAL + TIMEOUT);
    session.assert_unknown().await;
}

#[tokio::test(start_paused = true)]
async fn a_websocket_beats_three_times_in_a_row() {
    let (host, _) = start();
    let mut websocket = host.open_websocket().await;
    for _ in 0..3 {
        let asked = Instant::now();
        websocket.expect("2").await;
        assert_eq!(asked.elapsed(), INTERVAL);
        websocket.say("3").await;
    }
    assert_echoes(&mut websocket).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_pong_ends_a_session_on_websocket() {
    let (host, mut events) = start();
    let opened = Instant::now();
    let mut websocket = host.open_websocket().await;
    websocket.expect("2").await;
    websocket.expect_close(None).await;
    assert_eq!(opened.elapsed(), INTERVAL + TIMEOUT);
    assert_eq!(events.closed().await.0, "ping timeout");
}

#[tokio::test(start_paused = true)]
async fn a_client_must_not_ping() {
    let (host, mut events) = start();
    let session = host.open().await;
    session.say("2").await;
    let wrong = ("transport error", Some("invalid heartbeat direction"));
    assert_eq!(events.closed().await, wrong);
    let mut websocket = host.open_websocket().await;
    websocket.say("2").await;
    websocket.expect_close(None).await;
    assert_eq!(events.closed().await, wrong);
}

// ---- Close --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_close_packet_ends_a_session_on_polling_at_once() {
    let (host, mut events) = start();
    let opened = Instant::now();
    let session = host.open().await;
    let mut poll = session.park().await;
    session.say("1").await;
    poll.response("GET").await.assert(200, "6");
    session.assert_unknown().await;
    assert_eq!(events.closed().await, ("transport close", None));
    assert_eq!(opened.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_close_packet_ends_a_session_on_websocket_at_once() {
    let (host, mut events) = start();
    let opened = Instant::now();
    let mut websocket = host.open_websocket().await;
    websocket.say("1").await;
    websocket.expect_close(None).await;
    assert_eq!(websocket.receive().await, Received::End);
    assert_eq!(events.closed().await, ("transport close", None));
    assert_eq!(opened.elapsed(), Duration::ZERO);
}

// ---- Upgrade ------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_session_moves_from_polling_to_websocket() {
    let (host, _) = start();
    let session = host.open().await;
    let mut websocket = host.websocket(&session.sid).await;
    websocket.say("2probe").await;
    websocket.expect("3probe").await;
    // A noop, so that the client's last poll comes to its end.
    session.expect("6").await;
    websocket.say("5").await;
    assert_echoes(&mut websocket).await;
}

#[tokio::test(start_paused = true)]
async fn probe_and_upgrade_may_share_a_segment() {
    let (host, _) = start();
    let session = host.open().await;
    let mut websocket = host.websocket(&session.sid).await;
    let segment = [text_frame("2probe"), text_frame("5"), text_frame("4hello")];
    websocket.wire.write(&segment.concat()).await;
    websocket.expect("3probe").await;
    websocket.expect("4hello").await;
}

#[tokio::test]
async fn frames_may_even_share_the_segment_of_the_request() {
    let config = protocol(ProtocolConfig {
        // Longer than the test waits: no timer can help.
        upgrade_timeout: 3_600_000,
        ping_interval: 3_600_000,
        ..ProtocolConfig::default()
    });
    for (host, _events) in Host::on_each_network(&config, Reaction::Echo).await {
        let session = host.open().await;
        let target = format!("/engine.io/?EIO=4&transport=websocket&sid={}", session.sid);
        let mut wire = host.connect().await;
        let segment = [
            request("GET", &target, UPGRADE, b""),
            text_frame("2probe"),
            text_frame("5"),
        ];
        wire.write(&segment.concat()).await;
        let mut websocket = Websocket::accepted(wire).await.unwrap();
        websocket.expect("3probe").await;
        assert_echoes(&mut websocket).await;
    }
}

#[tokio::test(start_paused = true)]
async fn polling_is_refused_after_the_upgrade() {
    let (host, _) = start();
    let session = host.open().await;
    let mut websocket = upgrade(&host, &session.sid).await;
    assert_echoes(&mut websocket).await;
    let refusal = r#"{"code":3,"message":"Bad request"}"#;
    session.get().await.assert(400, refusal);
    session.post("4lost").await.assert(400, refusal);
    assert_echoes(&mut websocket).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_websocket_is_closed_and_the_first_works_on() {
    let (host, _) = start();
    let session = host.open().await;
    let mut first = host.websocket(&session.sid).await;
    let mut during = host.websocket(&session.sid).await;
    during.expect_close(None).await;
    first.say("2probe").await;
    first.expect("3probe").await;
    first.say("5").await;
    assert_echoes(&mut first).await;
    let mut after = host.websocket(&session.sid).await;
    after.expect_close(None).await;
    assert_echoes(&mut first).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_opened_on_websocket_takes_no_second_one() {
    let (host, mut events) = start();
    let mut first = host.open_websocket().await;
    let sid = events.opened().await.sid();
    let mut second = host.websocket(sid.as_str()).await;
    second.expect_close(None).await;
    assert_echoes(&mut first).await;
}
