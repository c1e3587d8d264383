//! Which revision of the protocol a session speaks, and all that differs between them.
//! The only place that knows there can be more than one.

use std::ops::Range;

use crate::error::DecodeError;
use crate::packet::{Packet, PacketType};
use crate::v4;

/// A revision of the Engine.IO protocol, as in the `EIO` query parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// Revision 4: `socket.io` 3 and 4 and their peers.
    V4,
}

impl Revision {
    /// The revision a request asks for: exactly `4` is revision 4 (protocol.md §0).
    ///
    /// `None` is a revision that is not spoken here.
    #[must_use]
    pub fn from_query(eio: Option<&str>) -> Option<Self> {
        (eio == Some(Self::V4.as_str())).then_some(Self::V4)
    }

    /// The value of the `EIO` query parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "4",
        }
    }

    /// Decodes a text message of a link, such as a websocket: one packet.
    ///
    /// # Errors
    /// The text is empty or does not begin with a packet type.
    pub fn decode_text(self, text: &str) -> Result<Packet<'_>, DecodeError> {
        (self.rules().decode_text)(text)
    }

    /// Decodes a binary message of a link, such as a websocket: one packet.
    ///
    /// # Errors
    /// None in revision 4, where such a message is the data of a `message` packet.
    pub fn decode_binary(self, data: &[u8]) -> Result<Packet<'_>, DecodeError> {
        (self.rules().decode_binary)(data)
    }

    /// Encodes a packet in its text form as a text message of a link.
    ///
    /// Bytes need no encoding in revision 4: a binary message is the data itself.
    #[must_use]
    pub fn encode_text(self, kind: PacketType, data: &str) -> String {
        let mut packet = String::with_capacity(1 + data.len());
        packet.push(char::from(kind.digit()));
        packet.push_str(data);
        packet
    }

    pub(crate) const fn rules(self) -> &'static Rules {
        match self {
            Self::V4 => &v4::RULES,
        }
    }
}

/// All that a revision decides. Sessions hold the table and never ask which revision it is.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Decodes the text form of a packet, as in one WebSocket text message.
    pub(crate) decode_text: fn(&str) -> Result<Packet<'_>, DecodeError>,
    /// Decodes one WebSocket binary message.
    pub(crate) decode_binary: fn(&[u8]) -> Result<Packet<'_>, DecodeError>,
    /// Finds the next packet of a polling payload.
    pub(crate) decode_payload: DecodePayload,
    /// Appends a packet that is already in its text form to a polling payload.
    pub(crate) append_text: fn(payload: &mut Vec<u8>, packet: &[u8]),
    /// Appends a binary message, given as base64, to a polling payload.
    pub(crate) append_base64: fn(payload: &mut Vec<u8>, base64: &[u8]),
}

/// Finds the packet at `at` of a polling payload and moves `at` behind it; bytes of a binary packet
/// are decoded into the scratch buffer. `at` beyond the payload: no packet left.
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
    /// A binary message, decoded into the scratch buffer.
    Scratch,
}
