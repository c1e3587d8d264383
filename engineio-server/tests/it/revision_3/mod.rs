//! Clients of Socket.IO 1 and 2 on the wire, and what they share with others.

mod lifecycle;
mod messages;

use std::time::Duration;

use bytes::Bytes;
use engineio_server::{Config, Prepared, ProtocolConfig};

use crate::host::{Host, Polling, protocol};
use crate::puppet::{Event, Events, Order, Reaction};
use crate::wire::{Received, Response, Websocket, request};

const INTERVAL: Duration = Duration::from_millis(300);
const TIMEOUT: Duration = Duration::from_millis(200);

/// A text and bytes in one payload: as bytes, and as text where those are not taken.
const MIXED: &[u8] = b"\0\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04";
const MIXED_TEXT: &str = "2:4€10:b4AQIDBA==";

fn start(reaction: Reaction) -> (Host, Events) {
    let config = ProtocolConfig {
        ping_interval: INTERVAL.as_millis() as u64,
        ping_timeout: TIMEOUT.as_millis() as u64,
        ..ProtocolConfig::default()
    };
    Host::start(protocol(config), reaction)
}

async fn post_bytes(host: &Host, client: &Polling<'_>, body: &[u8]) -> Response {
    let headers = [("content-type", "application/octet-stream")];
    let mut wire = host.send("POST", &client.target(), &headers, body).await;
    wire.response("POST").await
}

/// Probes a websocket with these parameters and moves to it.
async fn upgrade(host: &Host, parameters: &str, sid: &str) -> Websocket {
    let mut websocket = host.websocket_with(parameters, sid).await;
    websocket.say("2probe").await;
    websocket.expect("3probe").await;
    websocket.say("5").await;
    websocket
}

/// What each kind of client on polling gets for a payload that is this text to others.
fn in_each_form(text: &str) -> [(&'static str, String); 3] {
    [
        ("EIO=3", text.to_owned()),
        ("EIO=3&b64=1", text.to_owned()),
        ("EIO=3&j=7", format!("___eio[7](\"{text}\");")),
    ]
}

/// A payload of text as such a client posts it.
fn posted(parameters: &str, text: &str) -> String {
    match parameters.contains("j=") {
        true => format!("d={text}"),
        false => text.to_owned(),
    }
}

fn binary(data: &'static [u8]) -> Order {
    Order::Send(Prepared::binary(Bytes::from_static(data)))
}

// ---- Limits --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_form_counts_with_all_that_is_escaped_in_it() {
    let limits = ProtocolConfig {
        max_payload: 100,
        ..ProtocolConfig::default()
    };
    let (host, mut events) = Host::start(protocol(limits), Reaction::Nothing);
    let client = host.open_with("EIO=3&j=0").await;
    let form = format!("d=33:4{}x", "%22".repeat(31));
    assert_eq!(form.len(), 100);
    client.say(&form).await;
    assert_eq!(events.text().await, "\"".repeat(31) + "x");
    client.post(form + "y").await.assert(413, "");
    // That did no harm.
    client.say("d=2:4a").await;
    assert_eq!(events.text().await, "a");
}

#[tokio::test(start_paused = true)]
async fn bytes_have_the_limit_of_text() {
    let limits = ProtocolConfig {
        max_payload: 100,
        ..ProtocolConfig::default()
    };
    let (host, mut events) = Host::start(protocol(limits), Reaction::Nothing);
    let client = host.open_with("EIO=3").await;
    let mut body = b"\x01\x09\x06\xff\x04".to_vec();
    body.resize(100, 7);
    post_bytes(&host, &client, &body).await.assert(200, "ok");
    let _opened = events.opened().await;
    assert!(matches!(events.next().await, Event::Binary(data) if data == [7; 95]));
    body.push(7);
    post_bytes(&host, &client, &body).await.assert(413, "");
    client.say("2:4a").await;
    assert_eq!(events.text().await, "a");
}

// ---- One server for all --------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn bytes_are_refused_in_revision_4_before_they_are_there() {
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open().await;
    let headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", "100"),
    ];
    let whole = request("POST", &client.target(), &headers, b"");
    let head = String::from_utf8(whole)
        .unwrap()
        .replace("content-length: 0\r\n", "");
    let mut wire = host.connect().await;
    wire.write(head.as_bytes()).await;
    wire.response("POST").await.assert(400, "");
    let invalid = ("transport error", Some("invalid content"));
    assert_eq!(events.closed().await, invalid);
}

#[tokio::test(start_paused = true)]
async fn both_revisions_are_served_at_once_and_kept_apart() {
    let (host, _events) = start(Reaction::Echo);
    let (third, fourth) = (host.open_with("EIO=3").await, host.open().await);
    let mut third_link = host.websocket_with("EIO=3", "").await;
    let mut fourth_link = host.open_websocket().await;
    assert!(third_link.text().await.starts_with("0{"));
    third.say("2:4€").await;
    fourth.say("4€").await;
    for (websocket, packet) in [(&mut third_link, &[4, 1][..]), (&mut fourth_link, &[1])] {
        websocket.say_binary(packet).await;
        let received = websocket.receive().await;
        assert_eq!(received, Received::Binary(packet.to_vec()));
    }
    third.expect("2:4€").await;
    fourth.expect("4€").await;

    // A session answers to its own revision only, on each transport.
    let refusal = r#"{"code":3,"message":"Bad request"}"#;
    for (client, other) in [(&third, "EIO=4"), (&fourth, "EIO=3")] {
        let own = if other == "EIO=4" { "EIO=3" } else { "EIO=4" };
        let target = client.target().replace(own, other);
        for method in ["GET", "POST"] {
            host.ask(method, &target, "").await.assert(400, refusal);
        }
        let target = target.replace("polling", "websocket");
        let websocket = Websocket::open(host.connect().await, &target).await;
        websocket.err().unwrap().assert(400, "Bad request");
    }
    assert_eq!(host.server.sessions(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_socket_io_0_9_is_told_what_is_wrong() {
    let (host, mut events) = start(Reaction::Echo);
    let words = "Unsupported protocol version: Socket.IO 0.9 is not spoken here, the client must \
                 be 1.0 or newer";
    let body = format!(r#"{{"code":5,"message":"{words}"}}"#);
    for target in ["/engine.io/1/?t=123", "/engine.io/1/xhr-polling/abc?t=123"] {
        host.ask("GET", target, "").await.assert(400, &body);
        host.ask("POST", target, "").await.assert(400, &body);
    }
    let target = "/engine.io/1/websocket/abc";
    let websocket = Websocket::open(host.connect().await, target).await;
    websocket.err().unwrap().assert(400, words);
    assert_eq!(host.server.sessions(), 0);
    assert!(events.drain().is_empty());
}

#[tokio::test(start_paused = true)]
async fn revision_3_can_be_switched_off() {
    let mut config = Config::default();
    config.protocol.allow_eio3 = false;
    let (host, mut events) = Host::start(config, Reaction::Echo);
    let words = "Unsupported protocol version";
    let body = format!(r#"{{"code":5,"message":"{words}"}}"#);
    for parameters in ["EIO=3", "EIO=3&b64=1", "EIO=3&j=0", "t=1"] {
        let target = format!("/engine.io/?{parameters}&transport=polling");
        host.ask("GET", &target, "").await.assert(400, &body);
        let target = target.replace("polling", "websocket");
        let websocket = Websocket::open(host.connect().await, &target).await;
        websocket.err().unwrap().assert(400, words);
    }
    assert!(events.drain().is_empty());
    let client = host.open().await;
    client.say("4hello").await;
    client.expect("4hello").await;
}
