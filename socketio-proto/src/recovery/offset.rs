//! The position of a packet in a log, and how it is spelled.

use std::fmt;

/// The position of a packet in a [`Log`](super::Log); ordered within one log.
///
/// Spelled `o`, the log's epoch, a point, the packet's number, such as `oQ7uSEwd.1f`: both numbers
/// in base 64, so at most 24 letters, digits, dashes and underscores. Nothing in it is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset {
    pub(super) epoch: u64,
    /// Counts from 1; 0 is the position before the first packet.
    pub(super) number: u64,
}

impl Offset {
    /// Reads what [`Display`](fmt::Display) wrote; `None` for anything spelled otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.strip_prefix(MARK)?.split_once(POINT)?;
        Some(Self {
            epoch: number_of(epoch)?,
            number: number_of(number)?,
        })
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{MARK}{}{POINT}{}",
            Digits(self.epoch),
            Digits(self.number)
        )
    }
}

/// Keeps offsets apart from numbers, dates and other things that users send.
const MARK: char = 'o';

const POINT: char = '.';

const ALPHABET: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

const BITS: u32 = 6;

/// A number in base 64, without leading zeros.
struct Digits(u64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length = (u64::BITS - self.0.leading_zeros()).div_ceil(BITS).max(1);
        (0..length).rev().try_for_each(|place| {
            let digit = (self.0 >> (place * BITS)) as usize % ALPHABET.len();
            write!(f, "{}", char::from(ALPHABET[digit]))
        })
    }
}

/// The inverse of [`Digits`].
fn number_of(digits: &str) -> Option<u64> {
    if digits.is_empty() || (digits.starts_with('0') && digits != "0") {
        return None;
    }
    digits.bytes().try_fold(0_u64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        Some(number.checked_mul(1 << BITS)? | u64::from(digit))
    })
}
