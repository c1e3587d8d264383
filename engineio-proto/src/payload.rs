//! Polling payloads: several packets in one HTTP body. How they are joined is the business of the
//! revision; who may send one, and when, that of the sessions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::DecodeError;
use crate::packet::{Message, Packet, PacketType};
use crate::revision::{PayloadPacket, Revision};

/// A received payload, given out packet by packet.
///
/// ```
/// use engineio_proto::{Packet, PacketType, Payload, Revision};
///
/// # fn main() -> Result<(), engineio_proto::DecodeError> {
/// let mut payload = Payload::new(Revision::V4, "4hello\u{1e}bAQIDBA==".to_owned());
/// assert_eq!(payload.next_packet()?, Some(Packet::Text(PacketType::Message, "hello")));
/// assert_eq!(payload.next_packet()?, Some(Packet::Binary(&[1, 2, 3, 4])));
/// assert_eq!(payload.next_packet()?, None);
/// # Ok(())
/// # }
/// ```
pub struct Payload {
    revision: Revision,
    body: String,
    at: usize,
    current: PayloadPacket,
    scratch: Vec<u8>,
}

impl Payload {
    /// A payload none of whose packets have been taken.
    #[must_use]
    pub const fn new(revision: Revision, body: String) -> Self {
        Self {
            revision,
            body,
            at: 0,
            current: PayloadPacket::Scratch,
            scratch: Vec::new(),
        }
    }

    /// Lends the next packet; `None` at the end.
    ///
    /// # Errors
    /// The rest of the payload cannot be decoded, and nothing more comes out of it. A payload
    /// without any packet is an error as well.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, DecodeError> {
        let moved = self.advance()?;
        Ok(moved.map(|_| self.packet()))
    }

    /// Whether the last packet has been taken.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.at > self.body.len()
    }

    /// Joins packets into one payload. Without packets it is empty, which no peer accepts.
    ///
    /// Revision 4 separates packets with U+001E and knows no escape: text that contains it arrives
    /// as more packets than were sent.
    #[must_use]
    pub fn encode<'a>(
        revision: Revision,
        packets: impl IntoIterator<Item = Packet<'a>>,
    ) -> Vec<u8> {
        let rules = revision.rules();
        let mut payload = Vec::new();
        for packet in packets {
            match packet {
                Packet::Text(kind, data) => {
                    let packet = revision.encode_text(kind, data);
                    (rules.append_text)(&mut payload, packet.as_bytes());
                }
                Packet::Binary(data) => {
                    (rules.append_base64)(&mut payload, STANDARD.encode(data).as_bytes());
                }
            }
        }
        payload
    }

    /// Moves to the next packet and tells its type; `None` at the end.
    pub(crate) fn advance(&mut self) -> Result<Option<PacketType>, DecodeError> {
        let decode = self.revision.rules().decode_payload;
        match decode(&self.body, &mut self.at, &mut self.scratch) {
            Ok(Some(packet)) => {
                let kind = match packet {
                    PayloadPacket::Text(kind, _) => kind,
                    PayloadPacket::Scratch => PacketType::Message,
                };
                self.current = packet;
                Ok(Some(kind))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.at = usize::MAX;
                Err(error)
            }
        }
    }

    /// The packet that [`advance`](Self::advance) moved to.
    pub(crate) fn packet(&self) -> Packet<'_> {
        match &self.current {
            PayloadPacket::Text(kind, data) => Packet::Text(*kind, &self.body[data.clone()]),
            PayloadPacket::Scratch => Packet::Binary(&self.scratch),
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
impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Payload")
            .field("len", &self.body.len())
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
