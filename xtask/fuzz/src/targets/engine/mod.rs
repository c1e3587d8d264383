//! Targets of `engineio-proto`.

mod client;
mod frames;
mod handshake;
mod outgoing;
mod packet;
mod pair;
mod payload;
mod request;
mod server;
mod tungstenite;

pub(super) use client::client;
pub(super) use frames::frames;
pub(super) use handshake::handshake;
pub(super) use packet::packet;
pub(super) use pair::pair;
pub(super) use payload::payload;
pub(super) use request::request;
pub(super) use server::server;
pub(super) use tungstenite::tungstenite;

use engineio_proto::{Packet, PacketType, Payload, Revision};

/// Every revision there is.
const REVISIONS: [Revision; 1] = [Revision::V4];

pub(super) const TOKENS: &[&[u8]] = &[
    b"2probe",
    b"3probe",
    b"4hello",
    b"bAQIDBA==",
    b"\x1e",
    b"0{\"sid\":\"abc\",\"upgrades\":[\"websocket\"],\"pingInterval\":1000,\"pingTimeout\":500,\"maxPayload\":100}",
];

pub(super) const QUERY_TOKENS: &[&[u8]] = &[
    b"EIO=4",
    b"EIO=3",
    b"&transport=polling",
    b"&transport=websocket",
    b"&sid=AAAAAAAAAAAAAAAAAAAA",
    b"&b64=1",
    b"&j=0",
    b"%",
    b"%41",
    b"&",
];

pub(super) const HANDSHAKE_TOKENS: &[&[u8]] = &[
    b"\"sid\":\"a\"",
    b"\"upgrades\":[\"websocket\"]",
    b"\"pingInterval\":",
    b"\"pingTimeout\":",
    b"\"maxPayload\":",
    b"18446744073709551615",
    b"\\u0000",
    b"{",
    b"}",
    b",",
];

pub(super) const FRAME_TOKENS: &[&[u8]] = &[
    b"\x81\x81\0\0\0\0a",
    b"\x01\x81\0\0\0\0a",
    b"\x80\x81\0\0\0\0a",
    b"\x82\xfe\0\x7e",
    b"\x82\xff\0\0\0\0\0\x01\0\0",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x89\x80\0\0\0\0",
    b"\x81\x01a",
    b"\x01\x01a",
    b"\x80\x01a",
    b"\x88\x02\x03\xe8",
    b"\xe2\x82\xac",
];

/// A packet that has let go of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Text(PacketType, String),
    Binary(Vec<u8>),
}

impl From<Packet<'_>> for Owned {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Text(kind, text) => Self::Text(kind, text.to_owned()),
            Packet::Binary(data) => Self::Binary(data.to_vec()),
        }
    }
}

impl Owned {
    fn lend(&self) -> Packet<'_> {
        match self {
            Self::Text(kind, text) => Packet::Text(*kind, text),
            Self::Binary(data) => Packet::Binary(data),
        }
    }

    fn is_message(&self) -> bool {
        matches!(self, Self::Text(PacketType::Message, _) | Self::Binary(_))
    }
}

/// The packets of a body up to the first that cannot be decoded, and whether there is one.
fn read(revision: Revision, body: &str) -> (Vec<Owned>, bool) {
    let mut payload = Payload::new(revision, body.to_owned());
    let mut packets = Vec::new();
    loop {
        match payload.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return (packets, true),
            Err(_) => {
                assert_eq!(
                    payload.next_packet(),
                    Ok(None),
                    "nothing comes behind an error"
                );
                return (packets, false);
            }
        }
        assert!(packets.len() <= body.len() + 1, "a packet has a byte");
    }
}
