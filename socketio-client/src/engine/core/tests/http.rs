//! Answers in every form HTTP allows, in pieces of every size, and what is none.

use proptest::prelude::*;
use proptest::test_runner::{Config as Proptest, RngSeed};

use super::bench::{Bench, OPEN, redirect};
use crate::engine::Config;

/// What a poll sees of an answer that arrives in pieces of a size; the stream ends behind it.
fn answer(bytes: &[u8], piece: usize) -> (Vec<String>, Bench) {
    let mut config = Config::new("http://a");
    config.max_payload = 1_000;
    let mut bench = Bench::new(config);
    bench.reply(OPEN);
    let poll = bench.request();
    bench.piece = piece;
    bench.say(poll.stream, bytes);
    bench.end(poll.stream);
    let seen = bench.seen.split_off(1);
    (seen, bench)
}

#[test]
fn answers_may_arrive_in_pieces_of_any_size() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n4hello\x1e4ok"[..],
        b"HTTP/1.1 200 OK\nContent-Length: 10\n\n4hello\x1e4ok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\ncontent-length: 10\r\n\r\n4hello\x1e4ok",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n4;x=y\r\n4hel\r\n6\r\nlo\x1e4ok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n4hello\x1e4ok\r\n0\r\na: b\r\nc: d\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n4hello\x1e4ok",
        b"HTTP/1.0 200 OK\r\ncontent-length: 10\r\n\r\n4hello\x1e4ok",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n\
          HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n4hello\x1e4ok",
    ] {
        for piece in 1..=bytes.len() {
            let (seen, _) = answer(bytes, piece);
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(seen[..2], ["hello", "ok"], "{text} by {piece}");
        }
    }
}

#[test]
fn answers_that_are_none_end_the_session() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(101));
    for (bytes, expected) in [
        (
            "SSH-2.0-x\r\n\r\n",
            "malformed answer: head cannot be parsed",
        ),
        (long.as_str(), "malformed answer: head is too long"),
        (many.as_str(), "malformed answer: too many headers"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            "malformed answer: content-length contradicts itself",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n",
            "malformed answer: content-length is no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
            "malformed answer: content-length is no number",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n",
            "response exceeds the limit of 1000 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffff\r\n",
            "response exceeds the limit of 1000 bytes",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "malformed answer: transfer-encoding is unknown",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n",
            "malformed answer: body is compressed, which was not asked for",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n",
            "malformed answer: chunk has no size",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
            "malformed answer: chunk does not end where it should",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n4he",
            "server closed the connection",
        ),
    ] {
        for piece in [1, 7, usize::MAX] {
            let (seen, _) = answer(bytes.as_bytes(), piece);
            let expected = format!("closed: transport error: polling: {expected}");
            assert_eq!(seen, [expected], "{bytes}");
        }
    }
    let endless = "x".repeat(1_001);
    let (seen, _) = answer(format!("HTTP/1.1 200 OK\r\n\r\n{endless}").as_bytes(), 100);
    assert!(seen[0].ends_with("response exceeds the limit of 1000 bytes"));
}

#[test]
fn a_stream_with_more_than_the_answer_is_not_used_again() {
    let mut bench = Bench::new(Config::new("http://a"));
    let request = bench.request();
    let len = OPEN.len();
    bench.say(
        request.stream,
        format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{OPEN}HTTP/1.1"),
    );
    assert_eq!(bench.hung_up, [request.stream]);
    assert_ne!(bench.request().stream, request.stream);
}

#[test]
fn what_follows_a_redirect_does_not_answer_the_next_request() {
    let mut bench = Bench::new(Config::new("http://a"));
    let request = bench.request();
    bench.say(
        request.stream,
        redirect(302, "/again") + "HTTP/1.1 200 OK\r\n\r\n",
    );
    assert_ne!(bench.request().stream, request.stream);
}

proptest! {
    #![proptest_config(Proptest { rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..Proptest::default() })]

    #[test]
    fn whatever_a_server_says_nothing_panics(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        piece in 1_usize..50,
    ) {
        answer(&bytes, piece);
    }

    #[test]
    fn an_answer_with_bytes_changed_does_not_panic(
        at in 0_usize..120,
        byte in any::<u8>(),
        piece in 1_usize..50,
    ) {
        let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nkeep-alive: timeout=5\r\n\
            content-type: text/plain\r\n\r\n6\r\n4hello\r\n0\r\n\r\n".to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        answer(&bytes, piece);
    }
}
