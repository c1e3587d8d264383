//! Polling payloads: several packets in one HTTP body. How they are joined is the business of the
//! revision; who may send one, and when, that of the sessions.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use crate::error::DecodeError;
use crate::format::{Content, Format};
use crate::jsonp;
use crate::packet::{Message, Packet, PacketType};
use crate::revision::{PayloadPacket, Revision, Rules};

/// A received payload, given out packet by packet.
///
/// ```
/// use engineio_proto::{Content, Packet, PacketType, Payload, Revision};
///
/// # fn main() -> Result<(), engineio_proto::DecodeError> {
/// let body = "4hello\u{1e}bAQIDBA==".into();
/// let mut payload = Payload::new(Revision::V4, Content::Text, body)?;
/// assert_eq!(payload.next_packet()?, Some(Packet::Text(PacketType::Message, "hello")));
/// assert_eq!(payload.next_packet()?, Some(Packet::Binary([1, 2, 3, 4][..].into())));
/// assert_eq!(payload.next_packet()?, None);
/// # Ok(())
/// # }
/// ```
pub struct Payload {
    rules: &'static Rules,
    body: Body,
    at: usize,
    current: PayloadPacket,
    scratch: Vec<u8>,
}

enum Body {
    Text(String),
    Binary(Vec<u8>),
}

impl Body {
    const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

impl Payload {
    /// A payload none of whose packets have been taken.
    ///
    /// # Errors
    /// [`DecodeError::Utf8`] for text that is none, [`DecodeError::Content`] for bytes in revision
    /// 4.
    pub fn new(revision: Revision, content: Content, body: Bytes) -> Result<Self, DecodeError> {
        if !revision.accepts(content) {
            return Err(DecodeError::Content);
        }
        let body = match content {
            Content::Binary => Body::Binary(body.into()),
            Content::Text | Content::Form => {
                Body::Text(String::from_utf8(body.into()).map_err(|_| DecodeError::Utf8)?)
            }
        };
        Ok(Self::of(revision, body))
    }

    /// The body of a POST. A form that has no payload in it means nothing, which is `None`.
    pub(crate) fn of_post(
        format: Format,
        content: Content,
        body: Bytes,
    ) -> Result<Option<Self>, DecodeError> {
        if format.jsonp.is_none() || !format.revision.accepts(content) {
            return Self::new(format.revision, content, body).map(Some);
        }
        let form = str::from_utf8(&body).map_err(|_| DecodeError::Utf8)?;
        let text = jsonp::read_post(form);
        Ok(text.map(|text| Self::of(format.revision, Body::Text(text))))
    }

    /// The body of a response to a GET.
    pub(crate) fn of_response(
        format: Format,
        content: Content,
        body: Bytes,
    ) -> Result<Self, DecodeError> {
        let Some(index) = format.jsonp else {
            return Self::new(format.revision, content, body);
        };
        let script = str::from_utf8(&body).map_err(|_| DecodeError::Utf8)?;
        let text = jsonp::read_response(index, script)?;
        Ok(Self::of(format.revision, Body::Text(text)))
    }

    const fn of(revision: Revision, body: Body) -> Self {
        Self {
            rules: revision.rules(),
            body,
            at: 0,
            current: PayloadPacket::Scratch,
            scratch: Vec::new(),
        }
    }

    /// Lends the next packet; `None` at the end.
    ///
    /// # Errors
    /// The rest of the payload cannot be decoded, and nothing more comes out of it. A text payload
    /// without any packet is an error as well.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, DecodeError> {
        let moved = self.advance()?;
        Ok(moved.map(|_| self.packet()))
    }

    /// Whether the last packet has been taken.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.at > self.body.len()
    }

    /// Joins packets into one payload, and tells of which kind: bytes only if a packet carries
    /// some, the revision has such payloads and the format allows them.
    ///
    /// Without packets it is one that no peer accepts. Revision 4 separates packets with U+001E and
    /// knows no escape: text that contains it arrives as more packets than were sent. JSONP is not
    /// put around it.
    #[must_use]
    pub fn encode<'a>(
        format: impl Into<Format>,
        packets: impl IntoIterator<Item = Packet<'a>, IntoIter: Clone>,
    ) -> (Content, Vec<u8>) {
        let (format, packets) = (format.into(), packets.into_iter());
        let has_bytes = packets.clone().any(|it| matches!(it, Packet::Binary(_)));
        let mut payload = Writer::new(format, has_bytes);
        for packet in packets {
            match packet {
                Packet::Text(kind, data) => {
                    payload.push_text(format.revision.encode_text(kind, data).as_bytes());
                }
                Packet::Binary(data) if payload.is_binary() => {
                    payload.push_binary(&format.revision.encode_binary(&data));
                }
                Packet::Binary(data) => {
                    payload.push_text(format.revision.encode_base64(&data).as_bytes());
                }
            }
        }
        if payload.bytes.is_empty() {
            payload.bytes.extend(payload.rules.empty_payload.bytes());
        }
        (payload.content(), payload.bytes)
    }

    /// Moves to the next packet and tells its type; `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<PacketType>, DecodeError> {
        let decoded = match (&self.body, self.rules.binary_payload) {
            (Body::Text(text), _) => {
                (self.rules.decode_payload)(text, &mut self.at, &mut self.scratch)
            }
            (Body::Binary(bytes), Some(form)) => (form.decode)(bytes, &mut self.at),
            // There is no such payload without a form for it.
            (Body::Binary(_), None) => Err(DecodeError::Content),
        };
        let Ok(Some(packet)) = decoded else {
            self.at = usize::MAX;
            return decoded.map(|_| None);
        };
        let kind = match packet {
            PayloadPacket::Text(kind, _) => kind,
            PayloadPacket::Bytes(_) | PayloadPacket::Scratch => PacketType::Message,
        };
        self.current = packet;
        Ok(Some(kind))
    }

    /// The packet that [`advance`](Self::advance) moved to.
    pub(crate) fn packet(&self) -> Packet<'_> {
        match (&self.current, &self.body) {
            (PayloadPacket::Text(kind, data), Body::Text(text)) => {
                Packet::Text(*kind, &text[data.clone()])
            }
            (PayloadPacket::Text(kind, data), Body::Binary(bytes)) => {
                // Invariant: found to be text when the payload moved to it.
                let text = str::from_utf8(&bytes[data.clone()]).expect("text");
                Packet::Text(*kind, text)
            }
            (PayloadPacket::Bytes(data), Body::Binary(bytes)) => {
                Packet::Binary(Cow::Borrowed(&bytes[data.clone()]))
            }
            (PayloadPacket::Scratch | PayloadPacket::Bytes(_), _) => {
                Packet::Binary(Cow::Borrowed(&self.scratch))
            }
        }
    }

    /// The data of the packet that [`advance`](Self::advance) moved to.
    pub(crate) fn message(&self) -> Message<'_> {
        match self.packet() {
            Packet::Text(_, text) => Message::Text(text),
            Packet::Binary(data) => Message::Binary(data),
        }
    }
}

/// Shows sizes, never the data.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.body.len())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// A payload in the making. It must be known beforehand whether it is going to be bytes as a whole.
#[derive(Debug)]
pub(crate) struct Writer {
    rules: &'static Rules,
    jsonp: Option<u32>,
    binary: bool,
    bytes: Vec<u8>,
}

impl Writer {
    /// A payload for packets of which some, or none, carry bytes.
    pub(crate) fn new(format: Format, has_bytes: bool) -> Self {
        let rules = format.revision.rules();
        let takes_bytes = !format.base64 && format.jsonp.is_none();
        Self {
            rules,
            jsonp: format.jsonp,
            binary: has_bytes && takes_bytes && rules.binary_payload.is_some(),
            bytes: Vec::new(),
        }
    }

    /// Whether bytes stay bytes; else they are given as base64.
    pub(crate) const fn is_binary(&self) -> bool {
        self.binary
    }

    pub(crate) const fn content(&self) -> Content {
        match self.binary {
            true => Content::Binary,
            false => Content::Text,
        }
    }

    /// Bytes so far, without what JSONP puts around them.
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that everything behind the first `from` takes in a POST.
    pub(crate) fn posted_len(&self, from: usize) -> usize {
        match self.jsonp {
            None => self.len() - from,
            Some(_) => jsonp::posted_len(&self.bytes, from),
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Takes back everything behind the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// Appends a packet in its text form, which base64 is as well.
    pub(crate) fn push_text(&mut self, packet: &[u8]) {
        match self.rules.binary_payload {
            Some(form) if self.binary => (form.append_text)(&mut self.bytes, packet),
            _ => (self.rules.append_packet)(&mut self.bytes, packet),
        }
    }

    /// Appends a packet in its binary form; only if the payload [is binary](Self::is_binary).
    pub(crate) fn push_binary(&mut self, packet: &[u8]) {
        if let Some(form) = self.rules.binary_payload {
            (form.append_binary)(&mut self.bytes, packet);
        }
    }

    /// The body of a response.
    pub(crate) fn into_response(self) -> (Content, Vec<u8>) {
        match self.jsonp {
            None => (self.content(), self.bytes),
            Some(index) => (Content::Text, jsonp::write_response(index, self.text())),
        }
    }

    /// The body of a POST.
    pub(crate) fn into_post(self) -> (Content, Vec<u8>) {
        match self.jsonp {
            None => (self.content(), self.bytes),
            Some(_) => (Content::Form, jsonp::write_post(self.text())),
        }
    }

    fn text(&self) -> &str {
        // Invariant: JSONP takes no bytes, and without them all packets are text.
        str::from_utf8(&self.bytes).expect("text")
    }
}
