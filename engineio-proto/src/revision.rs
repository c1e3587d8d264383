//! Which revision of the protocol a session speaks, and all that differs between them.
//! The only place that knows there can be more than one.

use std::ops::Range;

use crate::error::DecodeError;
use crate::format::Content;
use crate::packet::{Packet, PacketType};
use crate::{base64, v3, v4};

/// A revision of the Engine.IO protocol, as in the `EIO` query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// Revision 3: `socket.io` 1 and 2 and their peers.
    V3,
    /// Revision 4: `socket.io` 3 and 4 and their peers.
    V4,
}

impl Revision {
    /// Every revision there is.
    pub const ALL: [Self; 2] = [Self::V3, Self::V4];

    /// The revision a request asks for: exactly `4` is revision 4, and everything else, even
    /// nothing, is revision 3 (protocol.md §0).
    #[must_use]
    pub fn from_query(eio: Option<&str>) -> Self {
        match eio {
            Some("4") => Self::V4,
            _ => Self::V3,
        }
    }

    /// The value of the `EIO` query parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.rules().query
    }

    /// Whether a payload may have this content. [`Content::Binary`] may it not in revision 4, where
    /// a server refuses it without reading on.
    #[must_use]
    pub const fn accepts(self, content: Content) -> bool {
        !matches!(content, Content::Binary) || self.rules().binary_payload.is_some()
    }

    /// Decodes a text message of a link, such as a websocket: one packet.
    ///
    /// # Errors
    /// The text is empty, does not begin with a packet type, or holds broken base64.
    pub fn decode_text(self, text: &str) -> Result<Packet<'_>, DecodeError> {
        (self.rules().decode_text)(text)
    }

    /// Decodes a binary message of a link, such as a websocket: one packet.
    ///
    /// # Errors
    /// In revision 3, the message is empty or does not begin with a packet type. None in revision
    /// 4, where it is the data of a `message` packet.
    pub fn decode_binary(self, data: &[u8]) -> Result<Packet<'_>, DecodeError> {
        (self.rules().decode_binary)(data)
    }

    /// Encodes a packet in its text form as a text message of a link.
    #[must_use]
    pub fn encode_text(self, kind: PacketType, data: &str) -> String {
        let mut packet = String::with_capacity(1 + data.len());
        packet.push(char::from(kind.digit()));
        packet.push_str(data);
        packet
    }

    /// Encodes bytes as a binary message of a link: as they are in revision 4, behind the type in
    /// revision 3.
    #[must_use]
    pub fn encode_binary(self, data: &[u8]) -> Vec<u8> {
        [self.rules().binary_form.head(), data].concat()
    }

    /// Encodes bytes as a text message of a link, for peers that take no others.
    #[must_use]
    pub fn encode_base64(self, data: &[u8]) -> String {
        let mut packet = self.rules().binary_form.base64_head().as_bytes().to_vec();
        base64::encode(data, &mut packet);
        // Invariant: base64 is text.
        String::from_utf8(packet).expect("text")
    }

    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::V3 => &v3::RULES,
            Self::V4 => &v4::RULES,
        }
    }
}

/// All that a revision decides. Sessions hold the table and never ask which revision it is.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The value of the `EIO` query parameter.
    pub(crate) query: &'static str,
    /// Whether a server may refuse it as outdated.
    pub(crate) is_legacy: bool,
    /// Whose pings keep the session alive.
    pub(crate) pinger: Pinger,
    /// What stands in front of bytes.
    pub(crate) binary_form: BinaryForm,
    /// Decodes one WebSocket text message.
    pub(crate) decode_text: fn(&str) -> Result<Packet<'_>, DecodeError>,
    /// Decodes one WebSocket binary message.
    pub(crate) decode_binary: fn(&[u8]) -> Result<Packet<'_>, DecodeError>,
    /// Finds the next packet of a text payload.
    pub(crate) decode_payload: DecodePayload,
    /// Appends a packet in its text form, base64 included, to a text payload.
    pub(crate) append_packet: fn(payload: &mut Vec<u8>, packet: &[u8]),
    /// A text payload without any packet; what receivers make of it is their business.
    pub(crate) empty_payload: &'static str,
    /// The form of payloads that have bytes in them, if there is one besides base64.
    pub(crate) binary_payload: Option<&'static BinaryPayload>,
}

/// The end that sends pings; the other one answers them and counts on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinger {
    Client,
    Server,
}

/// How a packet that carries bytes begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryForm {
    /// With the bytes.
    Raw,
    /// With the packet type: a number in front of bytes, a digit in front of base64.
    Typed,
}

impl BinaryForm {
    /// What stands in front of bytes.
    pub(crate) const fn head(self) -> &'static [u8] {
        match self {
            Self::Raw => &[],
            Self::Typed => &[PacketType::Message as u8],
        }
    }

    /// What stands in front of base64.
    pub(crate) const fn base64_head(self) -> &'static str {
        match self {
            Self::Raw => "b",
            Self::Typed => "b4",
        }
    }
}

/// How a payload looks that is bytes as a whole.
#[derive(Debug)]
pub(crate) struct BinaryPayload {
    /// Finds the packet at `at` and moves `at` behind it.
    pub(crate) decode:
        fn(payload: &[u8], at: &mut usize) -> Result<Option<PayloadPacket>, DecodeError>,
    /// Appends a packet in its text form.
    pub(crate) append_text: fn(payload: &mut Vec<u8>, packet: &[u8]),
    /// Appends a packet in its binary form.
    pub(crate) append_binary: fn(payload: &mut Vec<u8>, packet: &[u8]),
}

/// Finds the packet at `at` of a text payload and moves `at` behind it; base64 is decoded into the
/// scratch buffer. `at` beyond the payload: no packet left.
type DecodePayload = fn(
    payload: &str,
    at: &mut usize,
    scratch: &mut Vec<u8>,
) -> Result<Option<PayloadPacket>, DecodeError>;

/// A packet of a payload, as positions rather than borrows: it can be kept beside the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PayloadPacket {
    /// A packet in its text form and where its data lies in the payload.
    Text(PacketType, Range<usize>),
    /// A binary message and where its data lies in the payload.
    Bytes(Range<usize>),
    /// A binary message, decoded into the scratch buffer.
    Scratch,
}
