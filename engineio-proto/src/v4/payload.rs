//! Polling payloads of revision 4: packets joined with U+001E, bytes as `b` + base64
//! (protocol.md §2).

use crate::base64;
use crate::error::DecodeError;
use crate::packet::PacketType;
use crate::revision::PayloadPacket;

const SEPARATOR: char = '\u{1e}';

pub(super) fn decode(
    payload: &str,
    at: &mut usize,
    scratch: &mut Vec<u8>,
) -> Result<Option<PayloadPacket>, DecodeError> {
    let start = *at;
    let Some(rest) = payload.get(start..) else {
        return Ok(None);
    };
    let packet = rest.split(SEPARATOR).next().unwrap_or(rest);
    let end = start + packet.len();
    *at = end + SEPARATOR.len_utf8();
    if let Some(base64) = packet.strip_prefix('b') {
        scratch.clear();
        base64::decode(base64, scratch)?;
        return Ok(Some(PayloadPacket::Scratch));
    }
    let kind = PacketType::of_text(packet)?;
    Ok(Some(PayloadPacket::Text(kind, start + 1..end)))
}

/// Appends a packet in its text form.
pub(super) fn append(payload: &mut Vec<u8>, packet: &[u8]) {
    if !payload.is_empty() {
        payload.push(SEPARATOR as u8);
    }
    payload.extend_from_slice(packet);
}
