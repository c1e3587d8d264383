//! Websockets: the handshake, messages in pieces, both ways to close, the move from polling.

use engineio_proto::{Prepared, Revision, Transport};
use proptest::prelude::*;
use proptest::test_runner::{Config as Proptest, RngSeed};

use super::super::StreamId;
use super::bench::{Bench, OPEN, accepted, frame, header, unmasked};
use crate::engine::{Config, RevisionChoice};

fn config() -> Config {
    let mut config = Config::new("http://a");
    config.transports = vec![Transport::Websocket];
    config
}

fn open() -> (Bench, StreamId) {
    let mut bench = Bench::new(config());
    let stream = bench.accept();
    bench.say(stream, frame(OPEN));
    assert_eq!(bench.seen, ["opened"]);
    bench.seen.clear();
    (bench, stream)
}

#[test]
fn the_handshake_asks_for_a_websocket() {
    let mut config = config();
    config.protocols = vec!["a".into(), "b".into()];
    let request = Bench::new(config).request().text;
    assert!(request.starts_with("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\n"));
    for (name, value) in [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "a, b"),
    ] {
        assert_eq!(header(&request, name), Some(value));
    }
    assert_eq!(
        header(&request, "sec-websocket-key").map(str::len),
        Some(24)
    );
}

#[test]
fn handshakes_that_are_none_are_refused() {
    for (wrong, right, expected) in [
        (
            "upgrade: h2c",
            "upgrade: WebSocket",
            "it does not upgrade to websocket",
        ),
        (
            "connection: close",
            "connection: Upgrade",
            "it does not upgrade the connection",
        ),
        (
            "sec-websocket-accept: AAAA",
            "sec-websocket-accept: ",
            "the key was not accepted",
        ),
        (
            "sec-websocket-extensions: x\r\n\r\n",
            "\r\n\r\n",
            "extensions were not asked for",
        ),
        (
            "sec-websocket-protocol: c\r\n\r\n",
            "\r\n\r\n",
            "the subprotocol was not offered",
        ),
    ] {
        let mut config = config();
        config.protocols = vec!["a".into()];
        let mut bench = Bench::new(config);
        let request = bench.request();
        let wrong = match right {
            "\r\n\r\n" => format!("\r\n{wrong}"),
            _ => wrong.to_owned(),
        };
        let answer = accepted(&request.text, "").replace(right, &wrong);
        bench.say(request.stream, answer);
        let expected = format!(
            "closed: transport error: websocket: malformed websocket handshake: {expected}"
        );
        assert_eq!(bench.seen, [expected]);
    }
}

#[test]
fn a_subprotocol_that_was_offered_may_be_chosen() {
    let mut config = config();
    config.protocols = vec!["a".into(), "b".into()];
    let mut bench = Bench::new(config);
    let request = bench.request();
    bench.say(
        request.stream,
        accepted(&request.text, "sec-websocket-protocol: b\r\n"),
    );
    bench.say(request.stream, frame(OPEN));
    assert_eq!(bench.seen, ["opened"]);
}

#[test]
fn messages_may_arrive_in_pieces_of_any_size() {
    let mut bytes = frame("4hello");
    bytes.extend(b"\x01\x024w\x89\x02hi\x80\x04orld");
    bytes.extend(b"\x82\x02\x01\x02");
    bytes.extend(frame("bAQI="));
    bytes.extend(frame("4"));
    for piece in 1..=bytes.len() {
        let (mut bench, stream) = open();
        bench.piece = piece;
        bench.say(stream, &bytes);
        assert_eq!(
            bench.seen,
            ["hello", "world", "[1, 2]", "[1, 2]", ""],
            "by {piece}"
        );
        assert_eq!(unmasked(&bench.written_on(stream)), ["pong hi"]);
    }
}

#[test]
fn the_handshake_and_messages_may_come_with_the_101() {
    let mut bench = Bench::new(config());
    let request = bench.request();
    let mut bytes = accepted(&request.text, "").into_bytes();
    bytes.extend(frame(OPEN));
    bytes.extend(frame("4a"));
    bench.say(request.stream, bytes);
    assert_eq!(bench.seen, ["opened", "a"]);
}

#[test]
fn bytes_of_revision_3_have_a_type() {
    let mut config = config();
    config.revision = RevisionChoice::Only(Revision::V3);
    for piece in [1, usize::MAX] {
        let mut bench = Bench::new(config.clone());
        let stream = bench.accept();
        bench.say(stream, frame(OPEN));
        bench.piece = piece;
        bench.say(stream, b"\x82\x03\x04\x01\x02");
        bench.say(stream, frame("b4AQI="));
        assert_eq!(bench.seen, ["opened", "[1, 2]", "[1, 2]"]);
        bench.core.send(Prepared::binary(vec![7].into()));
        bench.run();
        assert_eq!(unmasked(&bench.written_on(stream)), ["\u{4}\u{7}"]);
    }
}

#[test]
fn messages_leave_masked_and_in_order() {
    let (mut bench, stream) = open();
    assert!(bench.core.is_writable());
    for text in ["a", "b"] {
        bench.core.send(Prepared::text(text));
    }
    bench.run();
    assert!(!bench.core.is_writable() && bench.core.queued_bytes() > 0);
    assert_eq!(unmasked(&bench.written_on(stream)), ["4a", "4b"]);
    assert!(bench.core.is_writable() && bench.core.queued_bytes() == 0);
}

#[test]
fn what_does_not_leave_waits_in_the_session() {
    let (mut bench, stream) = open();
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        bench.core.send(Prepared::text(&text));
    }
    bench.run();
    assert!(bench.core.outgoing(stream).len() < 80_000);
    assert!(bench.core.queued_bytes() > 1_000_000);
    let mut written = 0;
    while !bench.core.outgoing(stream).is_empty() {
        let len = bench.core.outgoing(stream).len().min(777);
        bench.core.handle_written(0, stream, len);
        bench.run();
        written += len;
        assert!(bench.core.outgoing(stream).len() < 80_000);
    }
    assert_eq!(written, 100 * (10_001 + 4 + 4));
}

#[test]
fn closing_waits_for_the_server_to_answer() {
    let (mut bench, stream) = open();
    bench.core.send(Prepared::text("last"));
    bench.core.close(0);
    bench.run();
    assert_eq!(unmasked(&bench.written_on(stream)), ["4last", "close"]);
    assert!(bench.seen.is_empty() && bench.hung_up.is_empty());
    bench.say(stream, frame("4ignored"));
    bench.say(stream, b"\x88\x00");
    assert_eq!(bench.seen, ["closed: forced close"]);
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn closing_before_the_handshake_hangs_up() {
    let mut bench = Bench::new(config());
    let stream = bench.request().stream;
    bench.core.close(0);
    bench.run();
    assert_eq!(bench.seen, ["closed: forced close"]);
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn closing_before_the_handshake_waits_for_it_if_something_is_to_be_said() {
    let mut bench = Bench::new(config());
    bench.core.send(Prepared::text("early"));
    bench.core.close(0);
    let stream = bench.accept();
    bench.say(stream, frame(OPEN));
    assert_eq!(unmasked(&bench.written_on(stream)), ["4early", "close"]);
    bench.end(stream);
    assert_eq!(bench.seen, ["closed: forced close"]);
}

#[test]
fn closing_does_not_wait_forever() {
    let (mut bench, stream) = open();
    bench.core.send(Prepared::text(&"x".repeat(200_000)));
    bench.core.send(Prepared::text("never"));
    bench.core.close(0);
    bench.run();
    bench.sleep(29_999);
    assert!(bench.seen.is_empty());
    bench.sleep(1);
    assert_eq!(bench.seen, ["closed: forced close"]);
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn a_server_that_closes_is_answered_and_quoted() {
    for (bytes, expected) in [
        (&b"\x88\x00"[..], "closed: transport close"),
        (b"\x88\x02\x03\xe8", "closed: transport close"),
        (
            b"\x88\x05\x03\xf1big",
            "closed: transport close: websocket: server closed the websocket with code 1009: big",
        ),
    ] {
        let (mut bench, stream) = open();
        bench.say(stream, bytes);
        assert!(bench.seen.is_empty(), "the answer has to leave");
        assert_eq!(unmasked(&bench.written_on(stream)), ["close"]);
        assert_eq!(bench.seen, [expected]);
    }
}

#[test]
fn a_server_that_is_not_heard_is_not_waited_for_any_longer() {
    let (mut bench, stream) = open();
    bench.sleep(44_999);
    assert!(bench.seen.is_empty());
    bench.sleep(1);
    assert_eq!(bench.seen, ["closed: ping timeout"]);
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn an_answer_that_cannot_leave_is_given_up_soon() {
    let (mut bench, stream) = open();
    bench.say(stream, b"\x88\x00");
    bench.sleep(1_000);
    assert_eq!(bench.seen, ["closed: transport close"]);
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn a_stream_that_ends_or_breaks_ends_the_session() {
    let (mut bench, stream) = open();
    bench.end(stream);
    assert_eq!(bench.seen, ["closed: transport close"]);
    let (mut bench, stream) = open();
    bench.break_off(stream);
    assert!(
        bench
            .last()
            .starts_with("closed: transport error: websocket: connection broke")
    );
}

#[test]
fn a_close_before_the_handshake_fails_at_once() {
    let mut bench = Bench::new(config());
    let stream = bench.accept();
    bench.end(stream);
    let expected = "closed: transport error: websocket: server closed the connection";
    assert_eq!(bench.seen, [expected]);
    let mut bench = Bench::new(config());
    let stream = bench.accept();
    bench.say(stream, b"\x88\x02\x03\xf0");
    bench.written_on(stream);
    let expected = "closed: transport error: websocket: server closed the websocket with code 1008";
    assert_eq!(bench.seen, [expected]);
}

#[test]
fn frames_that_are_none_or_too_long_end_the_session() {
    for (bytes, expected) in [
        (&b"\x81\x81\0\0\0\0a"[..], "masked frame from a server"),
        (b"\xc1\x01a", "reserved bit set"),
        (b"\x81\x02\xff\xff", "text is not valid UTF-8"),
        (
            b"\x82\x7e\x04\x01",
            "message of 1025 bytes exceeds the limit of 1000 bytes",
        ),
    ] {
        let mut config = config();
        config.max_payload = 1_000;
        let mut bench = Bench::new(config);
        let stream = bench.accept();
        bench.say(stream, frame(OPEN));
        bench.say(stream, bytes);
        assert_eq!(unmasked(&bench.written_on(stream)), ["close"]);
        assert_eq!(
            bench.last(),
            format!("closed: transport error: websocket: {expected}")
        );
    }
}

#[test]
fn a_message_in_an_unknown_packet_is_a_parse_error() {
    let (mut bench, stream) = open();
    bench.say(stream, frame("x"));
    bench.written_on(stream);
    assert_eq!(
        bench.seen,
        ["closed: parse error: websocket: packet cannot be decoded"]
    );
}

fn polling() -> (Bench, StreamId, StreamId) {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.reply(&OPEN.replace("[]", r#"["websocket"]"#));
    let mut requests = bench.requests();
    requests.sort_by_key(|it| it.text.contains("transport=websocket"));
    let [poll, websocket] = &requests[..] else {
        panic!("a poll and a websocket")
    };
    let (poll, stream) = (poll.stream, websocket.stream);
    assert!(websocket.text.contains("&sid=abc "), "{}", websocket.text);
    bench.say(stream, accepted(&websocket.text, ""));
    (bench, poll, stream)
}

#[test]
fn the_session_moves_to_a_websocket_and_its_streams_go() {
    let (mut bench, poll, stream) = polling();
    assert_eq!(unmasked(&bench.written_on(stream)), ["2probe"]);
    bench.say(stream, frame("3probe"));
    bench.core.send(Prepared::text("waits"));
    assert_eq!(bench.written_on(stream), b"");
    bench.answer(poll, "4before\u{1e}6");
    assert_eq!(unmasked(&bench.written_on(stream)), ["5", "4waits"]);
    bench.say(stream, frame("4after"));
    assert_eq!(
        bench.seen,
        ["opened", "before", "upgraded to websocket", "after"]
    );
    assert_eq!(bench.hung_up, [poll]);
    assert!(bench.core.memory.lock().websocket);
}

#[test]
fn a_websocket_that_fails_leaves_the_session_on_polling() {
    type Failure = fn(&mut Bench, StreamId);
    let failures: [Failure; 4] = [
        |bench, stream| bench.end(stream),
        |bench, stream| bench.break_off(stream),
        |bench, stream| bench.say(stream, b"\x88\x00"),
        |bench, _| bench.sleep(10_000),
    ];
    for fail in failures {
        let (mut bench, poll, stream) = polling();
        bench.written_on(stream);
        fail(&mut bench, stream);
        bench.written_on(stream);
        bench.answer(poll, "4goes on");
        assert_eq!(bench.seen, ["opened", "goes on"]);
        assert!(bench.core.find(stream).is_none());
    }
}

#[test]
fn a_refused_upgrade_leaves_the_session_on_polling() {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.reply(&OPEN.replace("[]", r#"["websocket"]"#));
    let requests = bench.requests();
    let is_websocket = |it: &&super::bench::Written| it.text.contains("transport=websocket");
    let websocket = requests.iter().find(is_websocket).unwrap();
    bench.say(
        websocket.stream,
        "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n",
    );
    bench.end(websocket.stream);
    assert_eq!(bench.seen, ["opened"]);
    assert_eq!(bench.core.transport(), Transport::Polling);
}

proptest! {
    #![proptest_config(Proptest { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Proptest::default() })]

    #[test]
    fn whatever_comes_in_frames_nothing_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1_usize..50,
    ) {
        let (mut bench, stream) = open();
        bench.piece = piece;
        bench.say(stream, &bytes);
        bench.end(stream);
    }
}
