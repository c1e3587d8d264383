//! Both ends of a connection, and an end that breaks its rules.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use engineio_proto::{CloseReason, Message};

use crate::{Frame, MAX_PACKET, Wire, ask, serve};

/// A server, and the stream to it.
fn served() -> (UnixStream, JoinHandle<CloseReason>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (ours, thread::spawn(|| serve(theirs)))
}

#[test]
fn what_the_client_says_comes_back_unchanged_and_in_order() {
    let (stream, server) = served();
    let long = "€".repeat(100_000);
    let questions = ["", "hello", "naïve 漢字 😀", &long, "goodbye"];
    let (answers, reason) = ask(stream, &questions);
    assert!(answers == questions);
    assert_eq!(reason, CloseReason::ForcedClose);
    assert_eq!(server.join().unwrap(), CloseReason::TransportClose);
}

#[test]
fn bytes_come_back_as_bytes() {
    let (stream, server) = served();
    let unread = Vec::new();
    let mut wire = Wire { stream, unread };
    // The handshake.
    assert!(matches!(wire.read(None), Ok(Some(Frame::Text(open))) if open.starts_with('0')));
    wire.write([Message::Binary((&[0, 255][..]).into())].into_iter());
    assert!(matches!(wire.read(None), Ok(Some(Frame::Binary(data))) if data == [0, 255]));
    drop(wire);
    assert_eq!(server.join().unwrap(), CloseReason::TransportClose);
}

#[test]
fn a_frame_may_arrive_byte_by_byte() {
    let (mut stream, server) = served();
    for byte in *b"t\0\0\0\x034hi" {
        stream.write_all(&[byte]).unwrap();
    }
    let unread = Vec::new();
    let mut wire = Wire { stream, unread };
    assert!(matches!(wire.read(None), Ok(Some(Frame::Text(open))) if open.starts_with('0')));
    assert!(matches!(wire.read(None), Ok(Some(Frame::Text(echo))) if echo == "4hi"));
    drop(wire);
    assert_eq!(server.join().unwrap(), CloseReason::TransportClose);
}

#[test]
fn an_end_that_breaks_the_framing_is_left() {
    let too_long = (MAX_PACKET as u32 + 1).to_be_bytes();
    for (kind, len, packet) in [
        (b't', too_long, &b""[..]),
        (b'x', [0, 0, 0, 1], b"4"),
        (b't', [0, 0, 0, 2], b"4\xff"),
    ] {
        let (mut stream, server) = served();
        stream
            .write_all(&[&[kind][..], &len, packet].concat())
            .unwrap();
        assert_eq!(
            server.join().unwrap(),
            CloseReason::TransportError,
            "{kind}"
        );
    }
}
