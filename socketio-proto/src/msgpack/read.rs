//! What there is in MessagePack, item by item: values that are no container, and the heads of those
//! that are one. Lengths are believed only as far as there are bytes.

use crate::DecodeError;

/// Reads the items of what is left of a message.
#[derive(Clone)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

/// A value; of a container, how much is in it.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    /// What has to be UTF-8.
    Text(&'a [u8]),
    Bytes(&'a [u8]),
    Array(usize),
    /// How many pairs.
    Map(usize),
    /// JavaScript's `undefined`.
    Undefined,
    /// JavaScript's `Date`, in milliseconds since 1970.
    Date(i64),
    /// Any other extension.
    Extension(i8, &'a [u8]),
}

/// The type of all extensions JavaScript makes.
const JAVASCRIPT: i8 = 0;

impl<'a> Reader<'a> {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next item.
    pub(super) fn item(&mut self) -> Result<Item<'a>, DecodeError> {
        let [first] = self.fixed()?;
        Ok(match first {
            0x00..=0x7f => Item::Unsigned(first.into()),
            0x80..=0x8f => Item::Map(usize::from(first & 0x0f)),
            0x90..=0x9f => Item::Array(usize::from(first & 0x0f)),
            0xa0..=0xbf => Item::Text(self.take(usize::from(first & 0x1f))?),
            0xc0 => Item::Nil,
            0xc1 => return Err(DecodeError::Syntax),
            0xc2 => Item::Bool(false),
            0xc3 => Item::Bool(true),
            0xc4..=0xc6 => {
                let len = self.length(first - 0xc4)?;
                Item::Bytes(self.take(len)?)
            }
            0xc7..=0xc9 => {
                let len = self.length(first - 0xc7)?;
                match self.extension(len)? {
                    (JAVASCRIPT, array_buffer) => Item::Bytes(array_buffer),
                    (kind, data) => Item::Extension(kind, data),
                }
            }
            0xca => Item::Float(f32::from_be_bytes(self.fixed()?).into()),
            0xcb => Item::Float(f64::from_be_bytes(self.fixed()?)),
            0xcc..=0xcf => Item::Unsigned(self.unsigned(first - 0xcc)?),
            0xd0 => signed(i8::from_be_bytes(self.fixed()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.fixed()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.fixed()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.fixed()?)),
            0xd4..=0xd8 => {
                let (kind, data) = self.extension(1 << (first - 0xd4))?;
                fixed_extension(kind, data)
            }
            0xd9..=0xdb => {
                let len = self.length(first - 0xd9)?;
                Item::Text(self.take(len)?)
            }
            0xdc..=0xdd => Item::Array(self.length(first - 0xdb)?),
            0xde..=0xdf => Item::Map(self.length(first - 0xdd)?),
            0xe0..=0xff => Item::Signed(i8::from_be_bytes([first]).into()),
        })
    }

    /// The next value with all that is in it; whether its text is text remains to be seen.
    pub(super) fn value(&mut self) -> Result<Self, DecodeError> {
        let start = self.0;
        // A count and no recursion, whatever the nesting.
        let mut due = 1u64;
        while due > 0 {
            due -= 1;
            due = due.saturating_add(match self.item()? {
                Item::Array(len) => len as u64,
                Item::Map(len) => 2 * len as u64,
                _ => 0,
            });
        }
        Ok(Self(&start[..start.len() - self.0.len()]))
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(DecodeError::Syntax)?;
        self.0 = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::Syntax)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// An integer of 1, 2, 4 or 8 bytes.
    fn unsigned(&mut self, width: u8) -> Result<u64, DecodeError> {
        Ok(match width {
            0 => u8::from_be_bytes(self.fixed()?).into(),
            1 => u16::from_be_bytes(self.fixed()?).into(),
            2 => u32::from_be_bytes(self.fixed()?).into(),
            _ => u64::from_be_bytes(self.fixed()?),
        })
    }

    /// What does not fit can have no bytes behind it either.
    fn length(&mut self, width: u8) -> Result<usize, DecodeError> {
        usize::try_from(self.unsigned(width)?).map_err(|_| DecodeError::Syntax)
    }

    fn extension(&mut self, len: usize) -> Result<(i8, &'a [u8]), DecodeError> {
        let kind = i8::from_be_bytes(self.fixed()?);
        Ok((kind, self.take(len)?))
    }
}

impl Item<'_> {
    /// The number, if it is an integer, whatever its width; below zero as an error.
    pub(super) fn integer(self) -> Option<Result<u64, i64>> {
        match self {
            Item::Unsigned(number) => Some(Ok(number)),
            Item::Signed(number) => Some(Err(number)),
            Item::Float(number) => whole(number).map(|number| match u64::try_from(number) {
                Ok(number) => Ok(number),
                Err(_) => Err(number),
            }),
            _ => None,
        }
    }
}

/// A float without a fraction that JavaScript could count to; for JavaScript, it is an integer.
pub(super) fn whole(number: f64) -> Option<i64> {
    const LIMIT: f64 = (1u64 << 53) as f64;
    (number.fract() == 0.0 && number.abs() <= LIMIT).then_some(number as i64)
}

pub(super) fn utf8(text: &[u8]) -> Result<&str, DecodeError> {
    str::from_utf8(text).map_err(|_| DecodeError::Syntax)
}

fn signed(number: i64) -> Item<'static> {
    match u64::try_from(number) {
        Ok(number) => Item::Unsigned(number),
        Err(_) => Item::Signed(number),
    }
}

/// Extensions of 1, 2, 4, 8 or 16 bytes.
fn fixed_extension(kind: i8, data: &[u8]) -> Item<'_> {
    match (kind, data.len(), data.try_into()) {
        (JAVASCRIPT, 1, _) => Item::Undefined,
        (JAVASCRIPT, _, Ok(milliseconds)) => Item::Date(i64::from_be_bytes(milliseconds)),
        _ => Item::Extension(kind, data),
    }
}
