//! Golden vectors of the reference's codecs, both directions (`tests/vectors/v3.json` and
//! `v4.json`).

use bytes::Bytes;
use engineio_proto::{
    Content, DecodeError, Format, Message, Packet, PacketType, Payload, Prepared, Revision,
    webtransport,
};
use serde_json::Value;

use crate::trace::unhex;

/// Inputs that the reference decodes, by accident, and we refuse (protocol.md §16).
const REFUSED: [(Revision, &str, &str); 22] = [
    (V4, "base64 url-safe alphabet", NO_PEER),
    (V4, "base64 with garbage", "bytes would be lost in silence"),
    (V4, "base64 with embedded newline", NO_PEER),
    (
        V4,
        "v3 style b4 prefix decoded by a v4 parser",
        "its padding does not fit, and the reference makes up bytes",
    ),
    (
        V4,
        "wt invalid utf8 text",
        "text is UTF-8 on every transport; the reference replaces what is not",
    ),
    (V3, "b without type", NO_TYPE),
    (V3, "b with bad type", NO_TYPE),
    (V3, "b64 bad type", NO_TYPE),
    (V3, "binary frame bad type", NO_TYPE),
    (V3, "binary frame ASCII type", NO_TYPE),
    (V3, "binary frame empty", NO_TYPE),
    (V3, "binary: unknown marker byte 2", NO_TYPE),
    (V3, "binary: zero length binary", NO_TYPE),
    (V3, "leading zero", NO_LENGTH),
    (V3, "leading space", NO_LENGTH),
    (V3, "plus sign", NO_LENGTH),
    (V3, "decimal", NO_LENGTH),
    (V3, "hex", NO_LENGTH),
    (V3, "exponent", NO_LENGTH),
    (V3, "binary: leading zero digits", NO_LENGTH),
    (V3, "binary: length beyond the end", "part of it is missing"),
    (
        V3,
        "code point length used for emoji (common bug)",
        "half a character is no text; the reference delivers it ahead of the error",
    ),
];

const V3: Revision = Revision::V3;
const V4: Revision = Revision::V4;
const NO_PEER: &str = "no peer encodes it";
const NO_TYPE: &str = "it has no type, and the reference ignores it";
const NO_LENGTH: &str = "JavaScript makes a number of what is no decimal";

struct Vector {
    revision: Revision,
    name: String,
    value: Value,
}

impl Vector {
    /// All vectors of a level, of both revisions.
    fn all(level: &str) -> Vec<Self> {
        let files = [
            (V3, include_str!("../vectors/v3.json")),
            (V4, include_str!("../vectors/v4.json")),
        ];
        let mut vectors = Vec::new();
        for (revision, file) in files {
            let file: Value = serde_json::from_str(file).unwrap();
            for value in file["vectors"].as_array().unwrap() {
                let known = ["packet", "payload", "stream"];
                assert!(known.contains(&value["level"].as_str().unwrap()));
                vectors.push(Self {
                    revision,
                    name: value["name"].as_str().unwrap().to_owned(),
                    value: value.clone(),
                });
            }
        }
        vectors.retain(|it| it.value["level"] == level);
        vectors
    }

    /// Those that say what an encoder writes.
    fn encoded(level: &str) -> impl Iterator<Item = Self> {
        let vectors = Self::all(level).into_iter();
        vectors.filter(|it| it.value["direction"] != "decode")
    }

    fn is_refused(&self) -> bool {
        REFUSED
            .iter()
            .any(|&(revision, name, _)| revision == self.revision && name == self.name)
    }

    /// The message on the wire; one vector has none.
    fn wire(&self) -> Option<(Content, Bytes)> {
        let wire = &self.value["wire"][0];
        let text = wire["text"]
            .as_str()
            .map(|text| (Content::Text, text.to_owned().into()));
        text.or_else(|| Some((Content::Binary, unhex(wire["hex"].as_str()?).into())))
    }

    fn format(&self) -> Format {
        let format = Format::new(self.revision);
        match self.value["options"]["supportsBinary"] == false {
            true => format.with_base64(),
            false => format,
        }
    }

    /// What the reference decodes the wire to.
    fn packets(&self) -> Vec<Described> {
        let packets = match &self.value["decoded"] {
            Value::Null => &self.value["packet"],
            decoded => decoded,
        };
        match packets {
            Value::Array(packets) => packets.iter().map(Described::read).collect(),
            packet => vec![Described::read(packet)],
        }
    }
}

/// A packet with its data owned, as vectors describe it.
#[derive(Debug, Clone, PartialEq)]
enum Described {
    Text(PacketType, String),
    Binary(Vec<u8>),
    Error,
}

impl Described {
    fn read(packet: &Value) -> Self {
        let data = &packet["data"];
        let kind = match packet["type"].as_str() {
            Some("open") => PacketType::Open,
            Some("close") => PacketType::Close,
            Some("ping") => PacketType::Ping,
            Some("pong") => PacketType::Pong,
            Some("message") => PacketType::Message,
            Some("upgrade") => PacketType::Upgrade,
            Some("noop") => PacketType::Noop,
            Some("error") | None => return Self::Error,
            Some(other) => panic!("unknown type {other}"),
        };
        if let Some(count) = data["count"].as_u64() {
            let unit = &data["$repeat"];
            return match unit["$hex"].as_str() {
                Some(hex) => Self::Binary(unhex(hex).repeat(count as usize)),
                None => Self::Text(kind, unit.as_str().unwrap().repeat(count as usize)),
            };
        }
        match data["$hex"].as_str() {
            Some(hex) if kind == PacketType::Message => Self::Binary(unhex(hex)),
            _ => Self::Text(kind, data.as_str().unwrap_or_default().to_owned()),
        }
    }

    fn packet(&self) -> Packet<'_> {
        match self {
            Self::Text(kind, data) => Packet::Text(*kind, data),
            Self::Binary(data) => Packet::Binary(data.into()),
            Self::Error => panic!("errors are not encoded"),
        }
    }

    fn prepared(&self) -> Option<Prepared> {
        match self {
            Self::Text(PacketType::Message, data) => Some(Prepared::text(data)),
            Self::Binary(data) => Some(Prepared::binary(data.clone().into())),
            _ => None,
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

/// Decodes a payload until its end or its first error, which is described last.
fn decode_payload(revision: Revision, content: Content, body: Bytes) -> Vec<Described> {
    let Ok(mut payload) = Payload::new(revision, content, body) else {
        return vec![Described::Error];
    };
    let mut packets = Vec::new();
    loop {
        match payload.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return packets,
            Err(_) => {
                packets.push(Described::Error);
                assert_eq!(
                    payload.next_packet().ok(),
                    Some(None),
                    "nothing behind an error"
                );
                return packets;
            }
        }
    }
}

fn decode_on_link(
    revision: Revision,
    content: Content,
    message: &[u8],
) -> Result<Described, DecodeError> {
    match content {
        Content::Text | Content::Form => {
            let text = str::from_utf8(message).unwrap();
            revision.decode_text(text).map(Into::into)
        }
        Content::Binary => revision.decode_binary(message).map(Into::into),
    }
}

fn encode_on_link(format: Format, packet: &Described) -> (Content, Vec<u8>) {
    let revision = format.revision;
    match packet {
        Described::Text(kind, data) => (Content::Text, revision.encode_text(*kind, data).into()),
        Described::Binary(data) if format.base64 => {
            (Content::Text, revision.encode_base64(data).into())
        }
        Described::Binary(data) => (Content::Binary, revision.encode_binary(data)),
        Described::Error => panic!("errors are not encoded"),
    }
}

#[test]
fn packets_are_decoded() {
    for vector in Vector::all("packet") {
        let (content, wire) = vector.wire().unwrap();
        let expected = match vector.is_refused() {
            true => vec![Described::Error],
            false => vector.packets(),
        };
        let name = &vector.name;
        let decoded = decode_on_link(vector.revision, content, &wire);
        assert_eq!(
            [decoded.unwrap_or(Described::Error)],
            expected[..],
            "{name}"
        );
        // In revision 4 a payload of one packet is that packet.
        if vector.revision == V4 && content == Content::Text && !wire.contains(&0x1e) {
            assert_eq!(
                decode_payload(V4, content, wire),
                expected,
                "{name} as a payload"
            );
        }
    }
}

#[test]
fn packets_are_encoded() {
    for vector in Vector::encoded("packet") {
        let [packet] = &vector.packets()[..] else {
            panic!("{}", vector.name);
        };
        let (content, wire) = vector.wire().unwrap();
        let encoded = match vector.value["transport"] == "polling" {
            true => Payload::encode(vector.format(), [packet.packet()]),
            false => encode_on_link(vector.format(), packet),
        };
        assert_eq!(encoded, (content, wire.into()), "{}", vector.name);
    }
}

#[test]
fn prepared_messages_are_the_same_packets() {
    for vector in Vector::encoded("packet") {
        let Some(prepared) = vector.packets()[0].prepared() else {
            continue;
        };
        if vector.value["transport"] != "websocket" {
            continue;
        }
        let (name, format) = (&vector.name, vector.format());
        let (content, wire) = vector.wire().unwrap();
        let packets: Vec<_> = prepared.packets(format).collect();
        let [packet] = &packets[..] else {
            panic!("{name}");
        };
        let packet = match packet {
            Message::Text(text) => (Content::Text, text.as_bytes()),
            Message::Binary(data) => (Content::Binary, &**data),
        };
        assert_eq!(packet, (content, &wire[..]), "{name}");
        let frame = prepared.frames(format).collect::<Vec<_>>().concat();
        assert!(frame.ends_with(&wire), "{name}");
        if format == Format::new(V4) {
            assert_eq!(prepared.wire_len(), frame.len(), "{name}");
        }
    }
}

#[test]
fn payloads_are_decoded() {
    for vector in Vector::all("payload") {
        let name = &vector.name;
        let Some((content, wire)) = vector.wire() else {
            assert_eq!(name, "payload of 0 packets", "has no wire form");
            continue;
        };
        let decoded = decode_payload(vector.revision, content, wire);
        if vector.is_refused() {
            assert_eq!(decoded, [Described::Error], "{name}");
        } else {
            assert_eq!(decoded, vector.packets(), "{name}");
        }
    }
}

#[test]
fn payloads_are_encoded() {
    for vector in Vector::encoded("payload") {
        let packets = vector.value["packet"].as_array().unwrap();
        let packets: Vec<_> = packets.iter().map(Described::read).collect();
        let packets = packets.iter().map(Described::packet);
        let encoded = Payload::encode(vector.format(), packets);
        let (content, wire) = vector.wire().unwrap_or((Content::Text, Bytes::new()));
        assert_eq!(encoded, (content, wire.into()), "{}", vector.name);
    }
}

/// Decodes a stream of WebTransport that arrives in these pieces.
fn decode_stream(pieces: &[Bytes], limit: usize) -> Vec<Described> {
    let mut decoder = webtransport::Decoder::new(limit);
    let mut packets = Vec::new();
    for mut piece in pieces.iter().map(|it| &it[..]) {
        loop {
            let packet = match decoder.decode(&mut piece) {
                Ok(Some(webtransport::Frame::Text(text))) => {
                    decode_on_link(V4, Content::Text, text.as_bytes())
                }
                Ok(Some(webtransport::Frame::Binary(data))) => {
                    decode_on_link(V4, Content::Binary, &data)
                }
                Ok(None) => break,
                Err(_) => {
                    packets.push(Described::Error);
                    return packets;
                }
            };
            packets.push(packet.unwrap_or(Described::Error));
        }
    }
    packets
}

#[test]
fn streams_are_decoded() {
    for vector in Vector::all("stream") {
        let wire = vector.value["wire"].as_array().unwrap();
        let pieces = wire
            .iter()
            .map(|it| it["hex"].as_str().map(|hex| unhex(hex).into()));
        let Some(pieces) = pieces.collect::<Option<Vec<_>>>() else {
            assert_eq!(
                vector.value["direction"], "encode",
                "too long to be spelled out"
            );
            continue;
        };
        let limit = vector.value["options"]["maxPayload"]
            .as_u64()
            .unwrap_or(1_000_000);
        let expected = match vector.is_refused() {
            true => vec![Described::Error],
            false => vector.packets(),
        };
        assert_eq!(
            decode_stream(&pieces, limit as usize),
            expected,
            "{}",
            vector.name
        );
    }
}

#[test]
fn streams_are_encoded() {
    for vector in Vector::encoded("stream") {
        let packet = Described::read(&vector.value["packet"]);
        let (content, packet) = encode_on_link(V4.into(), &packet);
        let header = webtransport::header(content == Content::Binary, packet.len());
        let stream = [header.as_ref(), &packet].concat();
        let wire = &vector.value["wire"][0];
        match wire["hex"].as_str() {
            Some(hex) => assert_eq!(stream, unhex(hex), "{}", vector.name),
            None => {
                assert!(stream.starts_with(&unhex(wire["hex_prefix"].as_str().unwrap())));
                assert_eq!(stream.len() as u64, wire["total_length"], "{}", vector.name);
            }
        }
    }
}

#[test]
fn every_refused_vector_exists() {
    let vectors: Vec<_> = ["packet", "payload", "stream"]
        .iter()
        .flat_map(|it| Vector::all(it))
        .collect();
    for (revision, name, reason) in REFUSED {
        let mut same = vectors.iter().filter(|it| it.revision == revision);
        assert!(same.any(|it| it.name == name), "{name}: {reason}");
    }
}
