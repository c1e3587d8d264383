//! Bodies of polling as the other end writes and reads them, JSONP included: what the sessions make
//! of them is held against this.

use bytes::Bytes;
use engineio_proto::{
    Content, Format, Message, Packet, PacketType, Payload, Revision, server::Response,
};

use crate::input::Input;

/// Every way the two ends can talk.
pub(super) const FORMATS: [Format; 6] = [
    Format::new(Revision::V4),
    Format::new(Revision::V3),
    Format::new(Revision::V4).with_base64(),
    Format::new(Revision::V3).with_base64(),
    Format::new(Revision::V4).with_jsonp(1),
    Format::new(Revision::V3).with_jsonp(23),
];

/// A packet that has let go of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owned {
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

impl From<Message<'_>> for Owned {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::message(text),
            Message::Binary(data) => Self::Binary(data.to_vec()),
        }
    }
}

impl Owned {
    pub(super) fn message(text: &str) -> Self {
        Self::Text(PacketType::Message, text.to_owned())
    }

    pub(super) fn lend(&self) -> Packet<'_> {
        match self {
            Self::Text(kind, text) => Packet::Text(*kind, text),
            Self::Binary(data) => Packet::Binary(data.into()),
        }
    }

    pub(super) const fn is_message(&self) -> bool {
        matches!(self, Self::Text(PacketType::Message, _) | Self::Binary(_))
    }
}

/// The packets of a body up to the first that cannot be decoded, and whether that is all.
pub(super) type Read = (Vec<Owned>, bool);

/// Reads a payload to its end.
pub(super) fn read(revision: Revision, content: Content, body: &[u8]) -> Read {
    let body_len = body.len();
    let Ok(mut payload) = Payload::new(revision, content, Bytes::copy_from_slice(body)) else {
        return (Vec::new(), false);
    };
    let mut packets = Vec::new();
    loop {
        match payload.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return (packets, true),
            Err(_) => {
                let more = payload.next_packet();
                assert!(
                    !matches!(more, Ok(Some(_))),
                    "something comes behind an error"
                );
                return (packets, false);
            }
        }
        assert!(packets.len() <= body_len + 1, "a packet has a byte");
    }
}

/// A payload, as text where it is going to be in a form or a script.
fn encode(format: Format, packets: &[Owned]) -> (Content, Vec<u8>) {
    let format = match format.jsonp {
        Some(_) => format.with_base64(),
        None => format,
    };
    Payload::encode(format, packets.iter().map(Owned::lend))
}

/// What a client posts.
pub(super) fn write_post(format: Format, packets: &[Owned]) -> (Content, Vec<u8>) {
    let (content, payload) = encode(format, packets);
    if format.jsonp.is_none() {
        return (content, payload);
    }
    let text = String::from_utf8_lossy(&payload).replace("\\n", "\\\\n");
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("d", &text.replace('\n', "\\n"))
        .finish();
    (Content::Form, form.into_bytes())
}

/// The inverse, and the length of the payload.
pub(super) fn read_post(format: Format, content: Content, body: &[u8]) -> (Read, usize) {
    if format.jsonp.is_none() {
        return (read(format.revision, content, body), body.len());
    }
    let mut fields = form_urlencoded::parse(body);
    let Some((_, text)) = fields.find(|(name, _)| name == "d") else {
        return ((Vec::new(), true), 0);
    };
    let payload = line_breaks(&text);
    let read = read(format.revision, Content::Text, payload.as_bytes());
    (read, payload.len())
}

/// As the reference does it, in two passes: an `n` behind one backslash is a line break, and behind
/// two of them it loses one.
fn line_breaks(text: &str) -> String {
    let mut first = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\n") {
        let before = &rest[..at];
        first.push_str(before);
        first.push_str(if before.ends_with('\\') { "\\n" } else { "\n" });
        rest = &rest[at + 2..];
    }
    first.push_str(rest);
    first.replace("\\\\n", "\\n")
}

/// What a server answers to a GET.
pub(super) fn write_response(format: Format, packets: &[Owned]) -> (Content, Vec<u8>) {
    let (content, payload) = encode(format, packets);
    let Some(index) = format.jsonp else {
        return (content, payload);
    };
    let literal = serde_json::Value::from(String::from_utf8_lossy(&payload));
    (
        Content::Text,
        format!("___eio[{index}]({literal});").into_bytes(),
    )
}

/// The inverse.
pub(super) fn read_response(format: Format, response: &Response) -> Read {
    let header = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-type");
    let content = Content::from_header(header.map(|(_, value)| value.as_bytes()));
    if format.jsonp.is_some() {
        // JSON may have them in a string, JavaScript may not.
        let script = String::from_utf8_lossy(&response.body);
        assert!(!script.contains(['\n', '\r', '\u{2028}', '\u{2029}']));
    }
    read_body(format, content, &response.body)
}

/// As [`read_response`], of any body.
pub(super) fn read_body(format: Format, content: Content, body: &[u8]) -> Read {
    let Some(index) = format.jsonp else {
        return read(format.revision, content, body);
    };
    let head = format!("___eio[{index}](");
    let literal = body.strip_prefix(head.as_bytes());
    let literal = literal
        .and_then(|it| it.strip_suffix(b");"))
        .unwrap_or_default();
    match serde_json::from_slice::<String>(literal) {
        Ok(payload) => read(format.revision, Content::Text, payload.as_bytes()),
        Err(_) => (Vec::new(), false),
    }
}

/// A few packets, as the input wants them; some of them as `texts` has them.
pub(super) fn draw(format: Format, texts: &[&str], input: &mut Input<'_>) -> Vec<Owned> {
    let mut packets = Vec::new();
    for _ in 0..=input.below(4) {
        packets.push(match input.below(5) {
            0 => Owned::Binary(input.bytes().to_vec()),
            1 => match format.revision.decode_text(input.pick(texts)) {
                Ok(packet) => packet.into(),
                Err(_) => Owned::Text(PacketType::Noop, String::new()),
            },
            _ => Owned::message(input.text()),
        });
    }
    packets
}
