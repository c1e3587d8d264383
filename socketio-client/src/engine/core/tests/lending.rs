//! Messages are lent from where they arrived, one at a time, for as long as nobody asks for more.

use engineio_proto::{Message, Transport};

use super::bench::{Bench, OPEN, frame};
use crate::engine::Config;

fn text(bench: &Bench) -> &str {
    match bench.core.message(&bench.input) {
        Message::Text(text) => text,
        Message::Binary(_) => "bytes",
    }
}

/// A session whose next read has brought two messages on a websocket.
fn two_messages() -> Bench {
    let mut config = Config::new("http://a");
    config.transports = vec![Transport::Websocket];
    let mut bench = Bench::new(config);
    let stream = bench.accept();
    bench.say(stream, frame(OPEN));
    let bytes = [frame("4one"), frame("4two")].concat();
    bench.input.room(stream)[..bytes.len()].copy_from_slice(&bytes);
    bench.input.fill(bytes.len());
    bench
}

#[test]
fn a_message_on_a_websocket_lies_where_it_was_read() {
    let mut bench = two_messages();
    assert!(bench.core.advance(0, &mut bench.input));
    let at = text(&bench).as_ptr().addr();
    let buffer = bench.input.into_buffer();
    let start = buffer.as_ptr().addr();
    assert!((start..start + buffer.len()).contains(&at));
}

#[test]
fn what_is_not_taken_stays() {
    let mut bench = two_messages();
    assert!(bench.core.advance(0, &mut bench.input));
    assert_eq!((text(&bench), text(&bench)), ("one", "one"));
    assert!(!bench.input.is_empty());
    assert!(bench.core.advance(0, &mut bench.input));
    assert_eq!(text(&bench), "two");
    assert!(!bench.core.advance(0, &mut bench.input));
    assert!(bench.input.is_empty());
}

#[test]
fn a_polled_message_behind_news_is_lost_with_its_session() {
    let mut bench = Bench::new(Config::new("http://a"));
    let request = bench.request();
    let body = format!("{OPEN}\u{1e}4one");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    bench.input.room(request.stream)[..answer.len()].copy_from_slice(answer.as_bytes());
    bench.input.fill(answer.len());
    assert!(!bench.core.advance(0, &mut bench.input), "first the news");
    bench.core.handle_timeout(1_000_000);
    bench.run();
    assert_eq!(bench.seen, ["opened", "closed: ping timeout"]);
}
