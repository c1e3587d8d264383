//! Polling payloads of revision 4: packets joined with U+001E, bytes as `b` + base64
//! (protocol.md §2).

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::packet::packet_type;
use crate::error::DecodeError;
use crate::revision::PayloadPacket;

const SEPARATOR: char = '\u{1e}';

/// Padding may be missing, as the reference allows; everything else must be right.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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
        BASE64
            .decode_vec(base64, scratch)
            .map_err(|_| DecodeError::Base64)?;
        return Ok(Some(PayloadPacket::Scratch));
    }
    let kind = packet_type(packet)?;
    Ok(Some(PayloadPacket::Text(kind, start + 1..end)))
}

pub(super) fn append_text(payload: &mut Vec<u8>, packet: &[u8]) {
    separate(payload);
    payload.extend_from_slice(packet);
}

pub(super) fn append_base64(payload: &mut Vec<u8>, base64: &[u8]) {
    separate(payload);
    payload.push(b'b');
    payload.extend_from_slice(base64);
}

fn separate(payload: &mut Vec<u8>) {
    if !payload.is_empty() {
        payload.push(SEPARATOR as u8);
    }
}
