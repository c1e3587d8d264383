//! Packets of revision 3 outside of payloads (protocol.md §3). Bytes carry their type in front: a
//! number in binary, a digit behind the `b` of base64.

use std::borrow::Cow;

use crate::base64;
use crate::error::DecodeError;
use crate::packet::{Packet, PacketType};

/// `<type digit><data>`, or `b4<base64>`.
pub(super) fn decode_text(text: &str) -> Result<Packet<'_>, DecodeError> {
    match text.strip_prefix('b') {
        Some(base64) => {
            let mut data = Vec::new();
            decode_base64(base64, &mut data)?;
            Ok(Packet::Binary(Cow::Owned(data)))
        }
        None => Ok(Packet::Text(PacketType::of_text(text)?, &text[1..])),
    }
}

/// What follows the `b`: only messages carry bytes.
pub(super) fn decode_base64(packet: &str, data: &mut Vec<u8>) -> Result<(), DecodeError> {
    let base64 = packet.strip_prefix('4').ok_or(DecodeError::UnknownType)?;
    base64::decode(base64, data)
}

/// `<type number><data>`. Any packet may come in bytes; data of others than messages means nothing
/// then, not even `probe`.
pub(super) fn decode_binary(packet: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let (&number, data) = packet.split_first().ok_or(DecodeError::Empty)?;
    Ok(match binary_type(number)? {
        PacketType::Message => Packet::Binary(Cow::Borrowed(data)),
        kind => Packet::Text(kind, ""),
    })
}

/// The type that a number stands for, which in text would be the digit.
pub(super) fn binary_type(number: u8) -> Result<PacketType, DecodeError> {
    let digit = number.checked_add(b'0');
    digit
        .and_then(PacketType::from_digit)
        .ok_or(DecodeError::UnknownType)
}
