//! Text payloads of revision 3: `<length>:<packet>`, again and again (protocol.md §3). Lengths
//! count what JavaScript counts in strings, units of UTF-16.

use super::packet::decode_base64;
use crate::error::DecodeError;
use crate::packet::PacketType;
use crate::revision::PayloadPacket;

pub(super) fn decode(
    payload: &str,
    at: &mut usize,
    scratch: &mut Vec<u8>,
) -> Result<Option<PayloadPacket>, DecodeError> {
    if payload.is_empty() && *at == 0 {
        return Err(DecodeError::Empty);
    }
    loop {
        let Some(rest) = payload.get(*at..).filter(|rest| !rest.is_empty()) else {
            return Ok(None);
        };
        let (digits, rest) = rest.split_once(':').ok_or(DecodeError::Length)?;
        let units = length(digits)?;
        let start = *at + digits.len() + 1;
        let end = start + bytes_of_units(rest, units).ok_or(DecodeError::Length)?;
        *at = beyond(end, payload.len());
        // Nothing is no packet, though it may be sent.
        if units > 0 {
            return packet(payload, start, end, scratch).map(Some);
        }
    }
}

/// Where the next packet starts; behind the last one it is beyond the payload.
pub(super) const fn beyond(end: usize, len: usize) -> usize {
    if end == len { len + 1 } else { end }
}

fn packet(
    payload: &str,
    start: usize,
    end: usize,
    scratch: &mut Vec<u8>,
) -> Result<PayloadPacket, DecodeError> {
    let packet = &payload[start..end];
    if let Some(base64) = packet.strip_prefix('b') {
        scratch.clear();
        decode_base64(base64, scratch)?;
        return Ok(PayloadPacket::Scratch);
    }
    let kind = PacketType::of_text(packet)?;
    Ok(PayloadPacket::Text(kind, start + 1..end))
}

/// Plain decimals only: no sign, no leading zero, nothing that JavaScript would make a number of.
fn length(digits: &str) -> Result<usize, DecodeError> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    let length = is_plain.then(|| digits.parse().ok()).flatten();
    length.ok_or(DecodeError::Length)
}

/// Bytes of the first `units` units of UTF-16 in a text; `None` if it is shorter, or the last of
/// them is half a character.
fn bytes_of_units(text: &str, units: usize) -> Option<usize> {
    // No further than the packet can reach: others follow, and each would look at all of them.
    if text.as_bytes().get(..units)?.is_ascii() {
        return Some(units);
    }
    let mut left = units;
    for (at, char) in text.char_indices() {
        if left == 0 {
            return Some(at);
        }
        left = left.checked_sub(char.len_utf16())?;
    }
    (left == 0).then_some(text.len())
}

/// Appends a packet in its text form.
pub(super) fn append(payload: &mut Vec<u8>, packet: &[u8]) {
    append_digits(payload, b'0', units_of_bytes(packet));
    payload.push(b':');
    payload.extend_from_slice(packet);
}

/// Appends the decimal digits of a number, each counted from `zero`.
pub(super) fn append_digits(payload: &mut Vec<u8>, zero: u8, number: usize) {
    if number >= 10 {
        append_digits(payload, zero, number / 10);
    }
    payload.push(zero + (number % 10) as u8);
}

/// The length of a UTF-8 text in units of UTF-16: one per character, but two for those that take
/// four bytes here.
fn units_of_bytes(text: &[u8]) -> usize {
    let units = |&byte: &u8| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0);
    text.iter().map(units).sum()
}
