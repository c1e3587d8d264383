//! Golden vectors of the reference's codec, both directions (`tests/vectors/v4.json`), and what
//! must hold for packets nobody has written down.

use bytes::Bytes;
use engineio_proto::{DecodeError, Message, Packet, PacketType, Payload, Prepared, Revision};
use proptest::prelude::*;
use serde_json::Value;

/// Inputs the reference decodes by accident and we refuse: its base64 decoder drops what it does
/// not know. Missing padding is accepted by both (protocol.md §16).
const REFUSED: [(&str, &str); 4] = [
    ("base64 url-safe alphabet", "no peer encodes it"),
    (
        "base64 with garbage",
        "the reference loses the data without a word",
    ),
    ("base64 with embedded newline", "no peer encodes it"),
    (
        "v3 style b4 prefix decoded by a v4 parser",
        "revision 3 in a session of revision 4; its padding does not fit, and the reference makes \
         up bytes",
    ),
];

/// Level of the vectors for a framing that is not spoken here yet: streams of WebTransport.
const LATER: &str = "stream";

fn vectors(level: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../vectors/v4.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let known = ["packet", "payload", LATER];
    assert!(
        vectors
            .iter()
            .all(|it| known.contains(&it["level"].as_str().unwrap()))
    );
    let of_level = vectors.iter().filter(|it| it["level"] == level);
    of_level.cloned().collect()
}

/// A packet with its data owned, as vectors describe it.
#[derive(Debug, PartialEq)]
enum Described {
    Text(PacketType, String),
    Binary(Vec<u8>),
    Error,
}

impl Described {
    fn read(packet: &Value) -> Self {
        let data = &packet["data"];
        let kind = match packet["type"].as_str().unwrap() {
            "open" => PacketType::Open,
            "close" => PacketType::Close,
            "ping" => PacketType::Ping,
            "pong" => PacketType::Pong,
            "message" => PacketType::Message,
            "upgrade" => PacketType::Upgrade,
            "noop" => PacketType::Noop,
            "error" => return Self::Error,
            other => panic!("unknown type {other}"),
        };
        match data["$hex"].as_str() {
            Some(hex) => Self::Binary(unhex(hex)),
            None => Self::Text(kind, data.as_str().unwrap_or_default().to_owned()),
        }
    }

    fn packet(&self) -> Packet<'_> {
        match self {
            Self::Text(kind, data) => Packet::Text(*kind, data),
            Self::Binary(data) => Packet::Binary(data),
            Self::Error => panic!("errors are not encoded"),
        }
    }
}

impl From<Packet<'_>> for Described {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Text(kind, data) => Self::Text(kind, data.to_owned()),
            Packet::Binary(data) => Self::Binary(data.to_vec()),
        }
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let digits = digits.map(|two| str::from_utf8(two).unwrap());
    digits
        .map(|two| u8::from_str_radix(two, 16).unwrap())
        .collect()
}

/// Decodes a payload until its end or its first error, which is described last.
fn decode_payload(body: &str) -> Vec<Described> {
    let mut payload = Payload::new(Revision::V4, body.to_owned());
    let mut packets = Vec::new();
    loop {
        match payload.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return packets,
            Err(_) => {
                packets.push(Described::Error);
                assert_eq!(payload.next_packet(), Ok(None), "nothing behind an error");
                return packets;
            }
        }
    }
}

fn decode_on_link(wire: &Value) -> Result<Described, DecodeError> {
    if let Some(text) = wire["text"].as_str() {
        return Revision::V4.decode_text(text).map(Into::into);
    }
    let data = unhex(wire["hex"].as_str().unwrap());
    Revision::V4.decode_binary(&data).map(Into::into)
}

#[test]
fn packets_are_decoded() {
    for vector in vectors("packet") {
        let name = vector["name"].as_str().unwrap();
        let wire = &vector["wire"][0];
        let expected = match REFUSED.iter().any(|(it, _)| *it == name) {
            true => Described::Error,
            false => Described::read(&vector["packet"]),
        };
        // Packets that begin with `b` occur in payloads only.
        let on_polling = vector["transport"] == "polling"
            || wire["text"]
                .as_str()
                .is_some_and(|text| text.starts_with('b'));
        if !on_polling {
            let decoded = decode_on_link(wire).unwrap_or(Described::Error);
            assert_eq!(decoded, expected, "{name} on a link");
        }
        if let Some(text) = wire["text"].as_str().filter(|it| !it.contains('\u{1e}')) {
            assert_eq!(decode_payload(text), [expected], "{name} as a payload");
        }
    }
}

#[test]
fn packets_are_encoded() {
    for vector in vectors("packet") {
        if vector["direction"] == "decode" {
            continue;
        }
        let name = vector["name"].as_str().unwrap();
        let (packet, wire) = (Described::read(&vector["packet"]), &vector["wire"][0]);
        match (&packet, vector["transport"] == "polling") {
            (_, true) => {
                let payload = Payload::encode(Revision::V4, [packet.packet()]);
                assert_eq!(str::from_utf8(&payload).unwrap(), wire["text"], "{name}");
            }
            (Described::Text(kind, data), false) => {
                assert_eq!(
                    Revision::V4.encode_text(*kind, data),
                    wire["text"],
                    "{name}"
                );
            }
            (Described::Binary(data), false) => {
                assert_eq!(*data, unhex(wire["hex"].as_str().unwrap()), "{name}");
            }
            (Described::Error, false) => panic!("{name}"),
        }
    }
}

#[test]
fn prepared_messages_are_the_same_packets() {
    for vector in vectors("packet") {
        let name = vector["name"].as_str().unwrap();
        if vector["direction"] == "decode" || vector["transport"] != "websocket" {
            continue;
        }
        let wire = &vector["wire"][0];
        let (prepared, expected) = match Described::read(&vector["packet"]) {
            Described::Text(PacketType::Message, data) => (
                Prepared::text(&data),
                wire["text"].as_str().unwrap().as_bytes().to_vec(),
            ),
            Described::Binary(data) => (Prepared::binary(Bytes::from(data.clone())), data),
            _ => continue,
        };
        let packets: Vec<_> = prepared.packets().collect();
        let [packet] = packets[..] else {
            panic!("{name}");
        };
        let packet = match packet {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(data) => data,
        };
        assert_eq!(packet, expected, "{name}");
        let frame = prepared.frames().collect::<Vec<_>>().concat();
        assert!(frame.ends_with(&expected), "{name}");
        assert_eq!(prepared.wire_len(), frame.len(), "{name}");
    }
}

#[test]
fn payloads_are_decoded() {
    for vector in vectors("payload") {
        let name = vector["name"].as_str().unwrap();
        let Some(text) = vector["wire"][0]["text"].as_str() else {
            assert_eq!(name, "payload of 0 packets", "has no wire form");
            continue;
        };
        let packets = match &vector["decoded"] {
            Value::Null => &vector["packet"],
            decoded => decoded,
        };
        let expected = packets.as_array().unwrap().iter().map(Described::read);
        assert_eq!(decode_payload(text), expected.collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn payloads_are_encoded() {
    for vector in vectors("payload") {
        if vector["direction"] == "decode" {
            continue;
        }
        let name = vector["name"].as_str().unwrap();
        let packets = vector["packet"].as_array().unwrap();
        let packets: Vec<_> = packets.iter().map(Described::read).collect();
        let payload = Payload::encode(Revision::V4, packets.iter().map(Described::packet));
        let expected = vector["wire"][0]["text"].as_str().unwrap_or_default();
        assert_eq!(str::from_utf8(&payload).unwrap(), expected, "{name}");
    }
}

#[test]
fn every_vector_is_used_or_waits_for_its_transport() {
    let names: Vec<_> = vectors("packet")
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    for (name, reason) in REFUSED {
        assert!(names.iter().any(|it| it == name), "{name}: {reason}");
    }
    let later = vectors(LATER);
    assert!(!later.is_empty());
    assert!(later.iter().all(|it| it["transport"] == "webtransport"));
}

fn any_packet() -> impl Strategy<Value = Described> {
    let kind = (b'0'..=b'6').prop_map(|digit| PacketType::from_digit(digit).unwrap());
    let text = (kind, "[^\u{1e}]*").prop_map(|(kind, data)| Described::Text(kind, data));
    let binary = any::<Vec<u8>>().prop_map(Described::Binary);
    prop_oneof![text, binary]
}

proptest! {
    #[test]
    fn payloads_survive_the_way(packets in prop::collection::vec(any_packet(), 1..20)) {
        let payload = Payload::encode(Revision::V4, packets.iter().map(Described::packet));
        prop_assert_eq!(decode_payload(str::from_utf8(&payload).unwrap()), packets);
    }

    #[test]
    fn any_text_decodes_or_fails(body in "([0-9b]|\u{1e}|=|\\PC)*") {
        decode_payload(&body);
        let _ = Revision::V4.decode_text(&body);
    }
}
