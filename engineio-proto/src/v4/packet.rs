//! Packets of revision 4 outside of payloads (protocol.md §2).

use crate::error::DecodeError;
use crate::packet::{Packet, PacketType};

/// `<type digit><data>`; the `b` form belongs to payloads and is no text packet.
pub(super) fn decode_text(text: &str) -> Result<Packet<'_>, DecodeError> {
    Ok(Packet::Text(packet_type(text)?, &text[1..]))
}

/// The type of a packet; if there is one it is a single byte of ASCII, and the data starts behind.
pub(super) fn packet_type(packet: &str) -> Result<PacketType, DecodeError> {
    let first = *packet.as_bytes().first().ok_or(DecodeError::Empty)?;
    PacketType::from_digit(first).ok_or(DecodeError::UnknownType)
}

/// A binary frame is the data of a message, with nothing around it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape of the table: other revisions can fail"
)]
pub(super) fn decode_binary(data: &[u8]) -> Result<Packet<'_>, DecodeError> {
    Ok(Packet::Binary(data))
}
