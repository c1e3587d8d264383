//! Base64 as the reference's codecs write it, and what of it is read.

use ::base64::Engine;
use ::base64::alphabet::STANDARD;
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::DecodeError;

/// Padding is written and may be missing, as the reference allows; everything else must be right.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Appends the bytes that `text` stands for.
pub(crate) fn decode(text: &str, data: &mut Vec<u8>) -> Result<(), DecodeError> {
    BASE64
        .decode_vec(text, data)
        .map_err(|_| DecodeError::Base64)
}

/// Appends the text that stands for `data`.
pub(crate) fn encode(data: &[u8], text: &mut Vec<u8>) {
    let start = text.len();
    text.resize(start + encoded_len(data.len()), 0);
    // Invariant: that is how long it is, padding included.
    BASE64.encode_slice(data, &mut text[start..]).expect("room");
}

/// Characters that stand for `len` bytes, padding included.
pub(crate) const fn encoded_len(len: usize) -> usize {
    len.div_ceil(3) * 4
}
