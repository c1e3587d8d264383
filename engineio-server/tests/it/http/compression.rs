//! Compressed answers, beyond what was recorded.

use std::io::Read;

use engineio_server::{Compression, Config, Prepared, Session};
use flate2::read::{GzDecoder, ZlibDecoder};

use crate::host::Host;
use crate::puppet::{Order, Reaction};
use crate::wire::Response;

fn config() -> Config {
    Config {
        compression: Some(Compression::default()),
        ..Config::default()
    }
}

/// What a poll brings for a message of this many letters.
async fn poll(config: Config, letters: usize, accept: &str) -> Response {
    poll_for(config, &[Prepared::text(&"a".repeat(letters))], accept).await
}

/// What a poll brings for these messages.
async fn poll_for(config: Config, messages: &[Prepared], accept: &str) -> Response {
    let (host, mut events) = Host::start(config, Reaction::Nothing);
    let client = host.open().await;
    let session: Session<Order> = events.opened().await;
    for message in messages {
        let bytes = message.wire_len();
        session.push(Order::Send(message.clone()), bytes).unwrap();
    }
    let headers = [("accept-encoding", accept)];
    let mut wire = host.send("GET", &client.target(), &headers, "").await;
    wire.response("GET").await
}

#[tokio::test(start_paused = true)]
async fn what_was_compressed_is_what_was_sent() {
    // In place, and beside.
    for letters in [1023, 500_000] {
        let expected = format!("4{}", "a".repeat(letters));
        let mut text = String::new();
        let response = poll(config(), letters, "gzip").await;
        assert_eq!(response.header("content-encoding"), Some("gzip"));
        assert!(response.body.len() < letters / 2);
        let mut gzip = GzDecoder::new(&*response.body);
        gzip.read_to_string(&mut text).unwrap();
        assert!(text == expected);

        text.clear();
        let response = poll(config(), letters, "gzip;q=0.5, deflate").await;
        assert_eq!(response.header("content-encoding"), Some("deflate"));
        let mut zlib = ZlibDecoder::new(&*response.body);
        zlib.read_to_string(&mut text).unwrap();
        assert!(text == expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_short_or_not_understood_stays_as_it_is() {
    let table = [
        (config(), 1022, "gzip"),
        (config(), 1023, "br"),
        (Config::default(), 1023, "gzip"),
    ];
    for (config, letters, accept) in table {
        let response = poll(config, letters, accept).await;
        assert_eq!(response.header("content-encoding"), None);
        response.assert(200, &format!("4{}", "a".repeat(letters)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_to_stay_plain_is_not_compressed_unless_it_shares_an_answer() {
    let text = |plain| {
        let message = Prepared::text(&"a".repeat(2_000));
        if plain {
            message.clone().forbid_compression();
        }
        assert_eq!(message.is_compressible(), !plain);
        message
    };
    for (messages, plain) in [
        (vec![text(true)], true),
        (vec![text(true), text(true)], true),
        (vec![text(false), text(true)], false),
        (vec![text(true), text(false)], false),
    ] {
        let response = poll_for(config(), &messages, "gzip").await;
        let encoding = response.header("content-encoding");
        assert_eq!(encoding, (!plain).then_some("gzip"));
        let cache = if plain {
            "no-store, no-transform"
        } else {
            "no-store"
        };
        assert_eq!(response.header("cache-control"), Some(cache));
    }
}
