//! WebSocket frames against the rules, at the limits, and in a flood.

use engineio_proto::ws::Opcode;
use engineio_server::OutboxLimits;

use super::start;
use crate::host::settle;
use crate::puppet::Reaction;
use crate::wire::{Received, fragment, frame, text_frame};

#[tokio::test(start_paused = true)]
async fn a_frame_against_the_rules_is_answered_by_its_close_code() {
    let unmasked = b"\x81\x024a".to_vec();
    let masked_as_text = |bytes: &[u8]| frame(Opcode::Text, bytes);
    let first_half = fragment(Opcode::Text, false, &[b'4'; 600]);
    for (name, bytes, code) in [
        ("unmasked", unmasked, 1002),
        ("reserved opcode", b"\x83\x80\0\0\0\0".to_vec(), 1002),
        ("reserved bit", b"\xc1\x80\0\0\0\0".to_vec(), 1002),
        ("long ping", frame(Opcode::Ping, &[0; 126]), 1002),
        ("fragmented ping", fragment(Opcode::Ping, false, b""), 1002),
        (
            "continuation of nothing",
            frame(Opcode::Continuation, b"4"),
            1002,
        ),
        (
            "message inside a message",
            [first_half.clone(), text_frame("4")].concat(),
            1002,
        ),
        ("text that is not utf-8", masked_as_text(b"4\xff"), 1007),
        (
            "text cut inside a character",
            masked_as_text(b"4\xe2\x82"),
            1007,
        ),
        ("one byte too many", masked_as_text(&[b'4'; 1_001]), 1009),
        (
            "fragments with one byte too many",
            [
                first_half,
                fragment(Opcode::Continuation, true, &[b'4'; 401]),
            ]
            .concat(),
            1009,
        ),
        // The length alone is enough: the payload never comes.
        (
            "a length of 2⁶²",
            b"\x82\xff\x40\0\0\0\0\0\0\0mask".to_vec(),
            1009,
        ),
    ] {
        let (host, mut events) = start(Reaction::Echo);
        let mut websocket = host.open_websocket().await;
        websocket.wire.write(&bytes).await;
        assert_eq!(
            websocket.receive().await,
            Received::Close(Some(code)),
            "{name}"
        );
        assert_eq!(websocket.receive().await, Received::End, "{name}");
        assert_eq!(events.closed().await.0, "transport error", "{name}");
        drop(websocket);
        host.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_exactly_the_limit_passes() {
    let (host, _events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    let text = "4".repeat(1_000);
    websocket.say(&text).await;
    websocket.expect(&text).await;
    websocket.say_binary(&[7; 1_000]).await;
    assert_eq!(websocket.receive().await, Received::Binary(vec![7; 1_000]));
}

#[tokio::test(start_paused = true)]
async fn fragments_are_one_message_even_with_a_ping_between_them() {
    let (host, _events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    for bytes in [
        fragment(Opcode::Text, false, b"4fra"),
        frame(Opcode::Ping, b"here?"),
        // The euro sign, cut in two.
        fragment(Opcode::Continuation, false, b"gments \xe2\x82"),
        fragment(Opcode::Continuation, true, b"\xac"),
    ] {
        websocket.wire.write(&bytes).await;
    }
    let pong = Received::Pong(b"here?".to_vec());
    assert_eq!(websocket.receive().await, pong);
    websocket.expect("4fragments €").await;
}

#[tokio::test(start_paused = true)]
async fn a_close_frame_is_returned_with_its_code() {
    for (payload, code) in [(&[][..], None), (&[3, 232], Some(1000))] {
        let (host, mut events) = start(Reaction::Echo);
        let mut websocket = host.open_websocket().await;
        let frames = [frame(Opcode::Close, payload), text_frame("4too late")];
        websocket.wire.write(&frames.concat()).await;
        websocket.expect_close(code).await;
        assert_eq!(events.closed().await, ("transport close", None));
    }
}

#[tokio::test(start_paused = true)]
async fn pings_of_a_peer_that_never_reads_leave_only_the_last_answer() {
    let (host, mut events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    // 13 MB of pings through a connection that holds 4 KiB of answers.
    for number in 0..100_000_u32 {
        let mut payload = [0; 125];
        payload[..4].copy_from_slice(&number.to_be_bytes());
        websocket.wire.write(&frame(Opcode::Ping, &payload)).await;
    }
    settle().await;
    // Part of the one that is being written.
    assert!(session.buffered() < 127 + OutboxLimits::PER_MESSAGE);
    let mut pongs = Vec::new();
    while pongs.last() != Some(&99_999) {
        match websocket.receive().await {
            Received::Pong(payload) => {
                let number = payload[..4].try_into().unwrap();
                pongs.push(u32::from_be_bytes(number));
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(pongs.is_sorted());
    assert!(pongs.len() < 100, "{} pongs were kept", pongs.len());
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_breaks_off_ends_its_session() {
    let (host, mut events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    websocket.wire.write(&text_frame("4whole")).await;
    websocket.wire.write(b"\x81\xfe\x01").await;
    drop(websocket);
    assert_eq!(events.text().await, "whole");
    assert_eq!(events.closed().await, ("transport close", None));
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_only_stops_sending_gets_nothing_more() {
    let (host, mut events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    websocket.wire.finish().await;
    assert_eq!(events.closed().await, ("transport close", None));
    assert_eq!(websocket.receive().await, Received::End);
}
