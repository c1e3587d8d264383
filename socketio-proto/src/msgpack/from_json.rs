//! From arguments to MessagePack, in the shortest form, as JavaScript writes it. The JSON is walked
//! through once; what stands for an attachment gives way to its bytes.

use std::error::Error;

use bytes::Bytes;

use crate::{
    Args, EncodeError,
    walk::{Container, Step, Walk},
};

use super::read::whole;

/// Collects one message.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(USUAL))
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }

    /// The head of a map, its pairs to follow.
    pub(super) fn map(&mut self, pairs: usize) {
        self.0.push(FIXMAP | pairs as u8);
    }

    /// An array of an event's name and arguments, or of arguments alone.
    pub(super) fn list(&mut self, name: Option<&str>, args: &Args<'_>) -> Result<(), EncodeError> {
        let start = self.open();
        if let Some(name) = name {
            self.text(name)?;
        }
        let len = usize::from(name.is_some()) + self.json(args.raw(), args.attachments())?;
        self.close(start, len, FIXARRAY, ARRAY16)
    }

    /// All values of a text of valid JSON; returns how many there were side by side.
    pub(super) fn json(&mut self, text: &str, attachments: &[Bytes]) -> Result<usize, EncodeError> {
        let mut containers = Vec::new();
        let mut len = 0;
        for step in Walk::new(text) {
            match step {
                Step::Open { .. } => {
                    containers.push(self.open());
                    continue;
                }
                Step::Token(token) => self.token(token)?,
                Step::Close(container) => {
                    let start = containers.pop().unwrap_or_default();
                    self.container(start, &container, attachments)?;
                }
            }
            if containers.is_empty() {
                len += 1;
            }
        }
        Ok(len)
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        match text.len() {
            len @ 0..32 => self.0.push(FIXSTR | len as u8),
            len => self.length(len, STR8)?,
        }
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub(super) fn unsigned(&mut self, number: u64) {
        if let Ok(number) = u8::try_from(number) {
            if number >= 0x80 {
                self.0.push(UINT8);
            }
            self.0.push(number);
        } else if let Ok(number) = u16::try_from(number) {
            self.0.push(UINT8 + 1);
            self.0.extend_from_slice(&number.to_be_bytes());
        } else if let Ok(number) = u32::try_from(number) {
            self.0.push(UINT8 + 2);
            self.0.extend_from_slice(&number.to_be_bytes());
        } else {
            self.0.push(UINT8 + 3);
            self.0.extend_from_slice(&number.to_be_bytes());
        }
    }

    /// A number below zero.
    fn negative(&mut self, number: i64) {
        if let Ok(number) = i8::try_from(number) {
            if number < -32 {
                self.0.push(INT8);
            }
            self.0.extend_from_slice(&number.to_be_bytes());
        } else if let Ok(number) = i16::try_from(number) {
            self.0.push(INT8 + 1);
            self.0.extend_from_slice(&number.to_be_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.0.push(INT8 + 2);
            self.0.extend_from_slice(&number.to_be_bytes());
        } else {
            self.0.push(INT8 + 3);
            self.0.extend_from_slice(&number.to_be_bytes());
        }
    }

    fn token(&mut self, token: &str) -> Result<(), EncodeError> {
        match token.as_bytes() {
            [b'"', ..] if token.contains('\\') => {
                let text: String = serde_json::from_str(token).map_err(inexpressible)?;
                self.text(&text)?;
            }
            [b'"', ..] => self.text(token.trim_matches('"'))?,
            b"null" => self.0.push(NIL),
            b"false" => self.0.push(FALSE),
            b"true" => self.0.push(TRUE),
            _ => self.number(token)?,
        }
        Ok(())
    }

    fn number(&mut self, token: &str) -> Result<(), EncodeError> {
        if let Ok(number) = token.parse() {
            self.unsigned(number);
            return Ok(());
        }
        let float = token.parse().map_err(inexpressible)?;
        match token.parse().ok().or_else(|| whole(float)) {
            Some(number) => match u64::try_from(number) {
                Ok(number) => self.unsigned(number),
                Err(_) => self.negative(number),
            },
            None => {
                self.0.push(FLOAT64);
                self.0.extend_from_slice(&float.to_be_bytes());
            }
        }
        Ok(())
    }

    fn container(
        &mut self,
        start: usize,
        container: &Container,
        attachments: &[Bytes],
    ) -> Result<(), EncodeError> {
        let attachment = container.placeholder.and_then(|num| attachments.get(num));
        match attachment {
            Some(bytes) => {
                self.0.truncate(start);
                self.length(bytes.len(), BIN8)?;
                self.0.extend_from_slice(bytes);
                Ok(())
            }
            None if container.is_object => self.close(start, container.len, FIXMAP, MAP16),
            None => self.close(start, container.len, FIXARRAY, ARRAY16),
        }
    }

    /// Begins a container, whose head is written when it is closed; says where.
    fn open(&mut self) -> usize {
        self.0.push(0);
        self.0.len() - 1
    }

    /// Writes the head of a container, and makes room for it if need be.
    fn close(&mut self, start: usize, len: usize, short: u8, long: u8) -> Result<(), EncodeError> {
        let behind = start + 1..start + 1;
        if len < 16 {
            self.0[start] = short | len as u8;
        } else if let Ok(len) = u16::try_from(len) {
            self.0[start] = long;
            self.0.splice(behind, len.to_be_bytes());
        } else {
            let len = u32::try_from(len).map_err(inexpressible)?;
            self.0[start] = long + 1;
            self.0.splice(behind, len.to_be_bytes());
        }
        Ok(())
    }

    /// The head of something with this many bytes; `shortest` is the first of its three forms.
    fn length(&mut self, len: usize, shortest: u8) -> Result<(), EncodeError> {
        if let Ok(len) = u8::try_from(len) {
            self.0.extend_from_slice(&[shortest, len]);
        } else if let Ok(len) = u16::try_from(len) {
            self.0.push(shortest + 1);
            self.0.extend_from_slice(&len.to_be_bytes());
        } else {
            let len = u32::try_from(len).map_err(inexpressible)?;
            self.0.push(shortest + 2);
            self.0.extend_from_slice(&len.to_be_bytes());
        }
        Ok(())
    }
}

/// Bytes most messages fit in.
const USUAL: usize = 128;

// Heads. Those for text, bytes and integers come in all widths one after the other.
const FIXMAP: u8 = 0x80;
const FIXARRAY: u8 = 0x90;
const FIXSTR: u8 = 0xa0;
const NIL: u8 = 0xc0;
const FALSE: u8 = 0xc2;
const TRUE: u8 = 0xc3;
const BIN8: u8 = 0xc4;
const FLOAT64: u8 = 0xcb;
const UINT8: u8 = 0xcc;
const INT8: u8 = 0xd0;
const STR8: u8 = 0xd9;
const ARRAY16: u8 = 0xdc;
const MAP16: u8 = 0xde;

/// Half of a surrogate pair, or more than four gigabytes.
fn inexpressible(error: impl Error + Send + Sync + 'static) -> EncodeError {
    EncodeError::Parser(Box::new(error))
}
