//! Requests that are improper, too long, too slow, at the wrong time, given up, or no HTTP at all.

use std::time::Duration;

use tokio::time::Instant;

use super::{WEBSOCKET, assert_serves, start};
use crate::host::settle;
use crate::puppet::{Order, Reaction, order, send};
use crate::wire::{Received, UPGRADE, Websocket, request, text_frame};

// ---- WebSocket handshakes -----------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn an_improper_websocket_request_is_refused_and_asks_no_application() {
    let without = |name: &str| {
        let headers = UPGRADE.iter().filter(move |(it, _)| *it != name);
        headers.copied().collect::<Vec<_>>()
    };
    let with = |name: &'static str, value: &'static str| {
        let mut headers = without(name);
        headers.push((name, value));
        headers
    };
    let (host, mut events) = start(Reaction::Echo);
    for (method, headers) in [
        ("GET", without("sec-websocket-key")),
        ("GET", without("sec-websocket-version")),
        ("GET", with("sec-websocket-version", "12")),
        ("GET", without("connection")),
        ("GET", with("connection", "keep-alive")),
        ("GET", with("upgrade", "h2c")),
        ("POST", UPGRADE.to_vec()),
    ] {
        let mut wire = host.send(method, WEBSOCKET, &headers, "").await;
        assert_eq!(
            wire.response(method).await.status,
            400,
            "{method} {headers:?}"
        );
    }
    assert_eq!(host.server.sessions(), 0);
    assert!(events.drain().is_empty());

    // Nor does it harm the session that it names.
    let client = host.open().await;
    let target = format!("{WEBSOCKET}&sid={}", client.sid);
    let headers = without("sec-websocket-key");
    let mut wire = host.send("GET", &target, &headers, "").await;
    assert_eq!(wire.response("GET").await.status, 400);
    client.say("4alive").await;
    client.expect("4alive").await;
}

#[tokio::test(start_paused = true)]
async fn header_names_and_tokens_may_be_spelled_in_any_case() {
    let (host, _events) = start(Reaction::Echo);
    let headers = [
        ("CONNECTION", "keep-alive, UPGRADE"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("SEC-WEBSOCKET-KEY", UPGRADE[3].1),
    ];
    let wire = host.send("GET", WEBSOCKET, &headers, "").await;
    let mut websocket = Websocket::accepted(wire).await.unwrap();
    assert!(websocket.text().await.starts_with("0{"));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_never_comes_is_given_up() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open().await;
    let mut websocket = host.websocket(&client.sid).await;
    let asked = Instant::now();
    websocket.say("2probe").await;
    websocket.expect("3probe").await;
    websocket.expect_close(None).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(10));
    client.say("4still on polling").await;
    client.expect("4still on polling").await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_upgrade_leaves_polling_alone() {
    for bytes in [
        b"\x81\x024a".to_vec(),
        text_frame("4hello"),
        text_frame("2"),
    ] {
        let (host, _events) = start(Reaction::Echo);
        let client = host.open().await;
        let mut websocket = host.websocket(&client.sid).await;
        websocket.wire.write(&bytes).await;
        assert!(matches!(websocket.receive().await, Received::Close(_)));
        client.say("4still on polling").await;
        client.expect("4still on polling").await;
    }
}

// ---- Requests -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_post_may_have_exactly_the_limit() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open().await;
    let body = "4".repeat(1_000);
    client.say(&body).await;
    client.expect(&body).await;
    for too_long in [
        "4".repeat(1_001),
        // Bytes count, not characters.
        format!("4{}", "€".repeat(334)),
    ] {
        client.post(&too_long).await.assert(413, "");
    }
    // Without a length in advance it is counted as it comes.
    let head = request(
        "POST",
        &client.target(),
        &[("transfer-encoding", "chunked")],
        b"",
    );
    let head = String::from_utf8(head).unwrap();
    let head = head.replace("content-length: 0\r\n", "");
    let chunk = format!("1f4\r\n{}\r\n", "4".repeat(500));
    for (rest, status, answer) in [("0\r\n\r\n", 200, "ok"), ("1\r\n4\r\n", 413, "")] {
        let mut wire = host.connect().await;
        wire.write(format!("{head}{chunk}{chunk}{rest}").as_bytes())
            .await;
        wire.response("POST").await.assert(status, answer);
    }
    client.expect(&body).await;
    client.say("4still alive").await;
    client.expect("4still alive").await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_is_too_slow_is_not_waited_for() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open().await;
    let begun = Instant::now();
    let mut wire = host.connect().await;
    let whole = request("POST", &client.target(), &[], b"4never finished");
    wire.write(&whole[..whole.len() - 8]).await;
    assert_eq!(events.closed().await.0, "ping timeout");
    assert_eq!(wire.response("POST").await.status, 408);
    assert_eq!(begun.elapsed(), Duration::from_secs(45));
}

#[tokio::test(start_paused = true)]
async fn a_slow_post_does_not_keep_messages_from_its_client() {
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    let mut wire = host.connect().await;
    let whole = request("POST", &client.target(), &[], b"4slowly");
    let (head, tail) = whole.split_at(whole.len() - 3);
    wire.write(head).await;
    settle().await;
    send(&session, "meanwhile");
    client.expect("4meanwhile").await;
    wire.write(tail).await;
    wire.response("POST").await.assert(200, "ok");
    assert_eq!(events.text().await, "slowly");
}

const BROKEN_OFF: (&str, Option<&str>) = (
    "transport error",
    Some("data request connection closed prematurely"),
);

#[tokio::test(start_paused = true)]
async fn a_post_that_breaks_off_ends_the_session() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open().await;
    let whole = request("POST", &client.target(), &[], b"4never finished");
    let mut wire = host.connect().await;
    wire.write(&whole[..whole.len() - 8]).await;
    settle().await;
    drop(wire);
    assert_eq!(events.closed().await, BROKEN_OFF);
    client.assert_unknown().await;
}

#[tokio::test(start_paused = true)]
async fn a_post_given_up_while_it_waits_for_the_application_ends_the_session() {
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    order(&session, Order::Read(false));
    let wire = client.start_post("4unread").await;
    settle().await;
    drop(wire);
    assert_eq!(events.closed().await, BROKEN_OFF);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_given_up_ends_the_session() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open().await;
    let poll = client.park().await;
    settle().await;
    drop(poll);
    let closed = events.closed().await;
    assert_eq!(
        closed,
        (
            "transport error",
            Some("poll connection closed prematurely")
        )
    );
    client.assert_unknown().await;
}

#[tokio::test(start_paused = true)]
async fn two_posts_at_once_end_the_session() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open().await;
    let mut poll = client.park().await;
    let whole = request("POST", &client.target(), &[], b"4first");
    let (head, tail) = whole.split_at(whole.len() - 3);
    let mut first = host.connect().await;
    first.write(head).await;
    settle().await;
    client.post("4second").await.assert(400, "");
    poll.response("GET").await.assert(200, "1");
    let overlap = Some("data request overlap from client");
    assert_eq!(events.closed().await, ("transport error", overlap));
    first.write(tail).await;
    assert_eq!(first.response("POST").await.status, 400);
    client.assert_unknown().await;
}

#[tokio::test(start_paused = true)]
async fn one_post_and_one_poll_do_not_overlap() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open().await;
    let mut poll = client.park().await;
    client.say("4hello").await;
    poll.response("GET").await.assert(200, "4hello");
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_http_are_dropped() {
    let (host, mut events) = start(Reaction::Echo);
    let endless = [b"GET / HTTP/1.1\r\nx: ".to_vec(), vec![b'x'; 100_000]].concat();
    for garbage in [
        b"\0\0\0\0\r\n\r\n".to_vec(),
        // A TLS client hello, and HTTP/2 with prior knowledge.
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET  HTTP/1.1\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\ncontent-length: many\r\n\r\n".to_vec(),
        b"4hello\x1e4world\r\n\r\n".to_vec(),
        endless,
    ] {
        let mut wire = host.connect().await;
        // The server may hang up before it has read everything.
        wire.try_write(&garbage).await;
        let answer = wire.rest().await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(host.server.sessions(), 0);
    assert!(events.drain().is_empty());
    assert_serves(&host).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_be_silent_for_ten_seconds_at_most() {
    let (host, _events) = start(Reaction::Echo);
    for begin in ["", "P", "GET /engine.io/ HTTP/1.1\r\n"] {
        let begun = Instant::now();
        let mut wire = host.connect().await;
        wire.write(begin.as_bytes()).await;
        wire.rest().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(10), "{begin}");
    }
    // Between two requests as well; not while an answer is waited for.
    let client = host.open().await;
    let mut wire = client.park().await;
    let begun = Instant::now();
    wire.response("GET").await.assert(200, "2");
    assert_eq!(begun.elapsed(), Duration::from_secs(25));
    wire.rest().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(35));
}

#[tokio::test(start_paused = true)]
async fn a_query_full_of_tricks_is_refused() {
    let (host, _events) = start(Reaction::Echo);
    for query in [
        "EIO=4&transport=polling&sid=%00",
        "EIO=4&transport=polling&sid=%FF%FE",
        "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA",
        "EIO=4&transport=polling&sid=..%2F..%2Fetc%2Fpasswd",
        "EIO=4&transport=polling&transport=constructor",
        "EIO%3D4=polling",
        "&&&===&&&",
    ] {
        let target = format!("/engine.io/?{query}");
        assert_eq!(host.ask("GET", &target, "").await.status, 400, "{query}");
    }
    assert_eq!(host.server.sessions(), 0);
}
