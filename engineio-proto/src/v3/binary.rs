//! Binary payloads of revision 3: `<0 text, 1 bytes><length><255><packet>`, again and again
//! (protocol.md §3). Lengths are decimal, a digit per byte, and count bytes.

use super::packet::binary_type;
use super::payload::{append_digits, beyond};
use crate::error::DecodeError;
use crate::packet::PacketType;
use crate::revision::PayloadPacket;

const TEXT: u8 = 0;
const BINARY: u8 = 1;
const END_OF_LENGTH: u8 = 255;

/// An empty payload is legal, and without a packet.
pub(super) fn decode(payload: &[u8], at: &mut usize) -> Result<Option<PayloadPacket>, DecodeError> {
    let Some((&form, rest)) = payload.get(*at..).and_then(<[u8]>::split_first) else {
        return Ok(None);
    };
    let digits = rest.iter().position(|&byte| byte == END_OF_LENGTH);
    let digits = digits.ok_or(DecodeError::Length)?;
    let start = *at + 1 + digits + 1;
    let end = start
        .checked_add(length(&rest[..digits])?)
        .filter(|&end| end <= payload.len())
        .ok_or(DecodeError::Length)?;
    *at = beyond(end, payload.len());
    packet(form, payload, start, end).map(Some)
}

fn packet(
    form: u8,
    payload: &[u8],
    start: usize,
    end: usize,
) -> Result<PayloadPacket, DecodeError> {
    let packet = &payload[start..end];
    match form {
        TEXT => {
            let text = str::from_utf8(packet).map_err(|_| DecodeError::Utf8)?;
            let kind = PacketType::of_text(text)?;
            Ok(PayloadPacket::Text(kind, start + 1..end))
        }
        BINARY => {
            let number = *packet.first().ok_or(DecodeError::Empty)?;
            Ok(match binary_type(number)? {
                PacketType::Message => PayloadPacket::Bytes(start + 1..end),
                kind => PayloadPacket::Text(kind, end..end),
            })
        }
        _ => Err(DecodeError::UnknownType),
    }
}

fn length(digits: &[u8]) -> Result<usize, DecodeError> {
    let is_plain = !digits.is_empty() && (digits.len() == 1 || digits[0] != 0);
    let length = digits.iter().try_fold(0_usize, |length, &digit| {
        let shifted = length.checked_mul(10).filter(|_| digit <= 9)?;
        shifted.checked_add(usize::from(digit))
    });
    length.filter(|_| is_plain).ok_or(DecodeError::Length)
}

/// Appends a packet in its text form.
pub(super) fn append_text(payload: &mut Vec<u8>, packet: &[u8]) {
    append(payload, TEXT, packet);
}

/// Appends a packet in its binary form, the type in front.
pub(super) fn append_binary(payload: &mut Vec<u8>, packet: &[u8]) {
    append(payload, BINARY, packet);
}

fn append(payload: &mut Vec<u8>, form: u8, packet: &[u8]) {
    payload.push(form);
    append_digits(payload, 0, packet.len());
    payload.push(END_OF_LENGTH);
    payload.extend_from_slice(packet);
}
