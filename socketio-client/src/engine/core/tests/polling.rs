//! Polling: which stream carries a request, what may be asked again, how it ends.

use engineio_proto::Prepared;

use super::bench::{Bench, OPEN, Written};
use crate::engine::Config;

fn open() -> (Bench, Written) {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.reply(OPEN);
    let poll = bench.request();
    (bench, poll)
}

fn post(bench: &mut Bench, text: &str) -> Written {
    bench.core.send(Prepared::text(text));
    bench.run();
    let mut requests = bench.requests().into_iter();
    requests
        .find(|it| it.text.starts_with("POST "))
        .expect("a post")
}

#[test]
fn messages_come_and_go() {
    let (mut bench, poll) = open();
    bench.answer(poll.stream, "4a\u{1e}4b\u{1e}bAQI=");
    assert_eq!(bench.seen, ["opened", "a", "b", "[1, 2]"]);
    let post = post(&mut bench, "out");
    assert!(post.text.starts_with("POST "));
    assert!(
        post.text
            .contains("\r\ncontent-type: text/plain; charset=UTF-8\r\ncontent-length: 4\r\n")
    );
    assert!(post.text.ends_with("\r\n\r\n4out"));
}

#[test]
fn messages_behind_the_handshake_come_after_it() {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.reply(&format!("{OPEN}\u{1e}4a\u{1e}4b"));
    assert_eq!(bench.seen, ["opened", "a", "b"]);
}

#[test]
fn two_streams_serve_all_requests() {
    let (mut bench, mut poll) = open();
    for _ in 0..3 {
        let post = post(&mut bench, "out");
        bench.answer(post.stream, "ok");
        bench.answer(poll.stream, "4a");
        poll = bench.request();
    }
    assert_eq!(bench.dialed.len(), 2);
}

#[test]
fn a_post_does_not_risk_a_stream_that_was_idle_for_long() {
    for (keep_alive, idle, reused) in [
        ("", 3_999, true),
        ("", 4_000, false),
        ("keep-alive: timeout=2\r\n", 999, true),
        ("keep-alive: timeout=2\r\n", 1_000, false),
        ("keep-alive: timeout=72\r\n", 4_000, false),
        ("keep-alive: timeout=0\r\n", 0, false),
        ("connection: close\r\n", 0, false),
    ] {
        let (mut bench, _) = open();
        let first = post(&mut bench, "out");
        bench.say(
            first.stream,
            format!("HTTP/1.1 200 OK\r\n{keep_alive}content-length: 2\r\n\r\nok"),
        );
        bench.sleep(idle);
        let second = post(&mut bench, "out");
        assert_eq!(second.stream == first.stream, reused, "{keep_alive} {idle}");
        assert_eq!(
            bench.hung_up.contains(&first.stream),
            !reused,
            "{keep_alive} {idle}"
        );
    }
}

#[test]
fn a_stream_that_was_idle_for_long_is_not_used_even_if_the_timer_is_late() {
    let (mut bench, _) = open();
    let first = post(&mut bench, "out");
    bench.answer(first.stream, "ok");
    bench.now += 4_000;
    bench.run();
    assert_ne!(post(&mut bench, "out").stream, first.stream);
}

#[test]
fn a_stream_on_which_a_request_was_answered_too_early_is_not_used_again() {
    let (mut bench, _) = open();
    bench.core.send(Prepared::text(&"x".repeat(100_000)));
    bench.run();
    let stream = bench.dialed.last().unwrap().0;
    bench.core.handle_written(0, stream, 1_000);
    bench.answer(stream, "ok");
    assert_eq!(bench.hung_up, [stream]);
}

#[test]
fn a_poll_whose_stream_ends_is_not_asked_again_for_it_may_still_wait_at_the_server() {
    let (mut bench, poll) = open();
    bench.end(poll.stream);
    assert_eq!(
        bench.last(),
        "closed: transport error: polling: server closed the connection"
    );
}

#[test]
fn a_poll_whose_stream_breaks_is_not_asked_again() {
    let (mut bench, poll) = open();
    bench.break_off(poll.stream);
    assert!(
        bench
            .last()
            .starts_with("closed: transport error: polling: connection broke")
    );
}

#[test]
fn a_poll_whose_answer_has_begun_is_not_asked_again() {
    let (mut bench, poll) = open();
    bench.say(poll.stream, "H");
    bench.end(poll.stream);
    assert_eq!(
        bench.last(),
        "closed: transport error: polling: server closed the connection"
    );
}

#[test]
fn a_post_is_asked_again_only_if_nothing_of_it_was_written() {
    for (written, ends, expected) in [
        (false, true, None),
        (false, false, None),
        (true, true, Some("server closed the connection")),
        (true, false, Some("connection broke: connection reset")),
    ] {
        let (mut bench, _) = open();
        let first = post(&mut bench, "one");
        bench.answer(first.stream, "ok");
        bench.core.send(Prepared::text("two"));
        bench.run();
        if written {
            bench.core.handle_written(0, first.stream, 1);
        }
        match ends {
            true => bench.end(first.stream),
            false => bench.break_off(first.stream),
        }
        if let Some(expected) = expected {
            let expected = format!("closed: transport error: polling: {expected}");
            assert_eq!(bench.last(), expected);
        } else {
            let again = bench.request();
            assert!(again.stream != first.stream && again.text.ends_with("4two"));
        }
    }
}

#[test]
fn a_post_follows_redirects_with_its_body_unless_told_to_see_other() {
    for (status, expected) in [
        (301, "POST"),
        (302, "POST"),
        (307, "POST"),
        (308, "POST"),
        (303, "GET"),
    ] {
        let (mut bench, _) = open();
        let post = post(&mut bench, "out");
        bench.say(
            post.stream,
            format!("HTTP/1.1 {status} Elsewhere\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n"),
        );
        let followed = bench.request().text;
        assert!(followed.starts_with(&format!("{expected} /x HTTP/1.1")));
        assert_eq!(followed.ends_with("4out"), status != 303, "{status}");
    }
}

#[test]
fn a_large_body_follows_its_head() {
    let (mut bench, _) = open();
    let text = "x".repeat(100_000);
    let post = post(&mut bench, &text);
    assert!(post.text.ends_with(&format!("\r\n\r\n4{text}")));
}

#[test]
fn bytes_count_until_they_are_written() {
    let (mut bench, _) = open();
    assert!(bench.core.is_writable());
    bench.core.send(Prepared::text("out"));
    let queued = bench.core.queued_bytes();
    assert_eq!(queued, Prepared::text("out").wire_len());
    bench.run();
    assert!(bench.core.queued_bytes() > 4, "in a request");
    let post = bench.request();
    assert_eq!(bench.core.queued_bytes(), 0);
    assert!(!bench.core.is_writable(), "until it is answered");
    bench.answer(post.stream, "ok");
    assert!(bench.core.is_writable());
}

#[test]
fn a_post_without_progress_fails_a_poll_may_wait() {
    let (mut bench, _) = open();
    let post = post(&mut bench, "out");
    bench.sleep(19_999);
    bench.say(post.stream, "HTTP/1.1 200 OK\r\n");
    bench.sleep(19_999);
    assert_eq!(bench.seen, ["opened"]);
    bench.sleep(1);
    assert_eq!(bench.last(), "closed: transport error: polling: timeout");
}

#[test]
fn nobody_is_late_while_nothing_is_read() {
    let (mut bench, poll) = open();
    let post = post(&mut bench, "out");
    bench.core.set_reading(bench.now, false);
    assert!(!bench.core.wants_bytes(poll.stream));
    bench.sleep(1_000_000);
    bench.core.handle_timeout(bench.now);
    bench.run();
    assert_eq!(bench.seen, ["opened"]);
    bench.core.set_reading(bench.now, true);
    bench.answer(post.stream, "ok");
    bench.sleep(40_000);
    assert_eq!(bench.seen, ["opened"]);
    bench.sleep(10_000);
    assert_eq!(bench.last(), "closed: ping timeout");
}

#[test]
fn closing_sends_what_waits_and_then_the_close_packet() {
    let (mut bench, _) = open();
    let first = post(&mut bench, "one");
    bench.core.send(Prepared::text("two"));
    bench.core.close(bench.now);
    bench.answer(first.stream, "ok");
    let last = bench.request();
    assert!(last.text.ends_with("4two\u{1e}1"));
    assert_eq!(bench.seen, ["opened"]);
    bench.answer(last.stream, "ok");
    assert_eq!(bench.last(), "closed: forced close");
}

#[test]
fn closing_while_opening_tells_the_server_and_sends_what_waits() {
    let mut bench = Bench::new(Config::new("http://a"));
    let request = bench.request();
    bench.core.send(Prepared::text("early"));
    bench.core.close(bench.now);
    bench.answer(request.stream, OPEN);
    let last = bench.request();
    assert!(last.text.ends_with("4early\u{1e}1"), "{}", last.text);
    bench.answer(last.stream, "ok");
    assert_eq!(bench.seen, ["closed: forced close"]);
}
