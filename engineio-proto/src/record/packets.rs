//! Packets in the lines of the recorder: how they are written, and what a replay makes of that.

use bytes::Bytes;
use serde_json::Value;

use crate::error::DecodeError;
use crate::format::{Content, Format};
use crate::packet::{Message, Packet, PacketType};
use crate::payload::Payload;
use crate::prepared::Prepared;
use crate::revision::Revision;
use crate::{base64, jsonp};

/// How the packets of a session are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packets {
    pub(super) format: Format,
    pub(super) payloads: bool,
}

/// Stands for a packet that cannot be decoded.
const UNKNOWN: char = '?';
/// Stands for a body that is not UTF-8.
const NOT_TEXT: char = '!';

impl Packets {
    /// A text message of a link.
    pub(super) fn of_text(&self, text: &str) -> String {
        match self.format.revision.decode_text(text) {
            Ok(packet) => self.of_packet(&packet),
            Err(_) => format!("{UNKNOWN}:{}", text.len()),
        }
    }

    /// A binary message of a link.
    pub(super) fn of_binary(&self, data: &[u8]) -> String {
        match self.format.revision.decode_binary(data) {
            Ok(packet) => self.of_packet(&packet),
            Err(_) => format!("{UNKNOWN}:{}", data.len()),
        }
    }

    /// A message that was lent.
    pub(super) fn of_lent(&self, message: &Message<'_>) -> String {
        self.of_packet(&match message {
            Message::Text(text) => Packet::Text(PacketType::Message, text),
            Message::Binary(data) => Packet::Binary(data.as_ref().into()),
        })
    }

    /// A message and its attachments, which are the same in every format.
    pub(super) fn of_message(&self, message: &Prepared) -> Vec<String> {
        let packets = message.packets(Format::new(Revision::V4));
        let packets = packets.map(|packet| match packet {
            Message::Text(text) => match Revision::V4.decode_text(text) {
                Ok(packet) => self.of_packet(&packet),
                Err(_) => format!("{UNKNOWN}:{}", text.len()),
            },
            Message::Binary(data) => self.of_packet(&Packet::Binary(data)),
        });
        packets.collect()
    }

    /// The body of a POST; none for a form without a payload.
    pub(super) fn of_post(&self, content: Content, body: &Bytes) -> Option<Vec<String>> {
        match Payload::of_post(self.format, content, body.clone()) {
            Ok(None) => None,
            Ok(Some(payload)) => Some(self.of_payload(payload)),
            Err(error) => Some(vec![failed(error, body)]),
        }
    }

    /// The body of a response.
    pub(super) fn of_response(&self, content: Content, body: &Bytes) -> Vec<String> {
        match Payload::of_response(self.format, content, body.clone()) {
            Ok(payload) => self.of_payload(payload),
            Err(error) => vec![failed(error, body)],
        }
    }

    fn of_payload(&self, mut payload: Payload) -> Vec<String> {
        let mut packets = Vec::new();
        loop {
            match payload.next_packet() {
                Ok(Some(packet)) => packets.push(self.of_packet(&packet)),
                Ok(None) => return packets,
                Err(_) => {
                    packets.push(format!("{UNKNOWN}:1"));
                    return packets;
                }
            }
        }
    }

    fn of_packet(&self, packet: &Packet<'_>) -> String {
        match packet {
            Packet::Binary(data) if self.payloads => {
                let mut base64 = Vec::new();
                base64::encode(data, &mut base64);
                format!("b={}", String::from_utf8_lossy(&base64))
            }
            Packet::Binary(data) => format!("b:{}", data.len()),
            Packet::Text(PacketType::Message, text) if self.payloads => format!("4={text}"),
            Packet::Text(PacketType::Open, data) => match without_id(data) {
                Some(handshake) => format!("0{handshake}"),
                None => format!("0:{}", data.len()),
            },
            Packet::Text(PacketType::Message, text) => {
                let (bytes, units) = (text.len(), text.encode_utf16().count());
                match bytes == units {
                    true => format!("4:{bytes}"),
                    false => format!("4:{bytes}/{units}"),
                }
            }
            Packet::Text(kind, data @ ("" | "probe")) => format!("{}{data}", kind.digit() as char),
            Packet::Text(kind, data) => format!("{}:{}", kind.digit() as char, data.len()),
        }
    }
}

fn failed(error: DecodeError, body: &Bytes) -> String {
    let mark = match error {
        DecodeError::Utf8 => NOT_TEXT,
        _ => UNKNOWN,
    };
    format!("{mark}:{}", body.len())
}

/// A handshake with another id of the same length.
fn without_id(handshake: &str) -> Option<Value> {
    let mut handshake: Value = serde_json::from_str(handshake).ok()?;
    if let Some(id) = handshake.get_mut("sid") {
        let len = id.as_str().map_or(0, str::len);
        *id = "x".repeat(len).into();
    }
    handshake.is_object().then_some(handshake)
}

/// A text of so many bytes of UTF-8 and units of UTF-16.
fn filler(bytes: usize, units: usize) -> Option<String> {
    let more = bytes.checked_sub(units)?;
    let (three, two) = (more / 2, more % 2);
    let one = units.checked_sub(three + two)?;
    Some("€".repeat(three) + &"é".repeat(two) + &"x".repeat(one))
}

/// A packet as a line has it, with data of the same length.
#[derive(Debug)]
pub(super) enum Filled {
    Text(PacketType, String),
    Binary(Vec<u8>),
    Unknown(usize),
    NotText,
}

impl Filled {
    pub(super) fn read(packet: &str) -> Option<Self> {
        let mut chars = packet.chars();
        let first = chars.next()?;
        let rest = chars.as_str();
        let lens = rest.strip_prefix(':');
        let (bytes, units) = match lens.map(|lens| lens.split_once('/').unwrap_or((lens, lens))) {
            Some((bytes, units)) => (bytes.parse().ok(), units.parse().ok()),
            None => (None, None),
        };
        let len: Option<usize> = bytes;
        let data = rest.strip_prefix('=');
        Some(match (first, len, data) {
            (UNKNOWN, len, _) => Self::Unknown(len?),
            (NOT_TEXT, ..) => Self::NotText,
            ('b', Some(len), _) => Self::Binary(vec![b'x'; len]),
            ('b', _, data) => {
                let mut bytes = Vec::new();
                base64::decode(data?, &mut bytes).ok()?;
                Self::Binary(bytes)
            }
            (digit, len, data) => {
                let kind = PacketType::from_digit(u8::try_from(digit).ok()?)?;
                let text = match (len, data) {
                    (Some(len), _) => filler(len, units?)?,
                    (None, Some(data)) => data.to_owned(),
                    (None, None) => rest.to_owned(),
                };
                Self::Text(kind, text)
            }
        })
    }

    /// As a text message of a link.
    pub(super) fn into_text(self, revision: Revision) -> String {
        match self {
            Self::Text(kind, data) => revision.encode_text(kind, &data),
            Self::Binary(data) => revision.encode_base64(&data),
            Self::Unknown(len) => UNKNOWN.to_string().repeat(len),
            Self::NotText => String::new(),
        }
    }

    /// As a binary message of a link.
    pub(super) fn into_binary(self, revision: Revision) -> Vec<u8> {
        match self {
            Self::Text(kind, data) => [&[kind as u8], data.as_bytes()].concat(),
            Self::Binary(data) => revision.encode_binary(&data),
            Self::Unknown(len) => vec![0xff; len],
            Self::NotText => Vec::new(),
        }
    }

    /// As a message to be sent.
    pub(super) fn into_message(packets: Vec<Self>) -> Prepared {
        let mut text = None;
        let mut attachments = Vec::new();
        for packet in packets {
            match packet {
                Self::Text(_, data) => text = Some(data),
                Self::Binary(data) => attachments.push(Bytes::from(data)),
                Self::Unknown(_) | Self::NotText => {}
            }
        }
        match (text, attachments.pop()) {
            (Some(text), last) => {
                attachments.extend(last);
                Prepared::from_parts(text.into_bytes(), 0, attachments)
            }
            (None, data) => Prepared::binary(data.unwrap_or_default()),
        }
    }

    /// As a body, with the content it has as such.
    pub(super) fn into_body(packets: &[Self], format: Format) -> (Content, Vec<u8>) {
        let known = packets.iter().filter_map(|packet| match packet {
            Self::Text(kind, data) => Some(Packet::Text(*kind, data)),
            Self::Binary(data) => Some(Packet::Binary(data.into())),
            Self::Unknown(_) | Self::NotText => None,
        });
        let (content, mut body) = match known.clone().next() {
            Some(_) => Payload::encode(format, known.collect::<Vec<_>>()),
            None => (Content::Text, Vec::new()),
        };
        match packets.last() {
            // No packet in either revision, behind whatever separates packets in one of them.
            Some(Self::Unknown(_)) => body.extend("\u{1e}?".bytes()),
            Some(Self::NotText) => body = vec![0xff],
            _ => {}
        }
        (content, body)
    }
}

/// A body of the client as JSONP has it.
pub(super) fn post(format: Format, (content, body): (Content, Vec<u8>)) -> (Content, Vec<u8>) {
    match (format.jsonp, String::from_utf8(body)) {
        (Some(_), Ok(payload)) => (Content::Form, jsonp::write_post(&payload)),
        (_, Ok(payload)) => (content, payload.into_bytes()),
        (_, Err(error)) => (content, error.into_bytes()),
    }
}

/// A body of the server as JSONP has it.
pub(super) fn response(format: Format, (content, body): (Content, Vec<u8>)) -> (Content, Vec<u8>) {
    match (format.jsonp, String::from_utf8(body)) {
        (Some(index), Ok(payload)) => (Content::Text, jsonp::write_response(index, &payload)),
        (_, Ok(payload)) => (content, payload.into_bytes()),
        (_, Err(error)) => (content, error.into_bytes()),
    }
}
