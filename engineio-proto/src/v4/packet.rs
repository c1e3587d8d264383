//! Packets of revision 4 outside of payloads (protocol.md §2).

use std::borrow::Cow;

use crate::base64;
use crate::error::DecodeError;
use crate::packet::{Packet, PacketType};

/// `<type digit><data>`, or `b<base64>`.
pub(super) fn decode_text(text: &str) -> Result<Packet<'_>, DecodeError> {
    match text.strip_prefix('b') {
        Some(base64) => {
            let mut data = Vec::new();
            base64::decode(base64, &mut data)?;
            Ok(Packet::Binary(Cow::Owned(data)))
        }
        None => Ok(Packet::Text(PacketType::of_text(text)?, &text[1..])),
    }
}

/// A binary frame is the data of a message, with nothing around it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape of the table: other revisions can fail"
)]
pub(super) fn decode_binary(data: &[u8]) -> Result<Packet<'_>, DecodeError> {
    Ok(Packet::Binary(Cow::Borrowed(data)))
}
