//! From MessagePack to arguments: JSON text, as JavaScript would write it, and attachments.

use bytes::Bytes;

use crate::{DecodeError, Limits, binary::Placeholder, json};

use super::{
    date,
    read::{Item, Reader, utf8},
};

/// Collects the JSON and the attachments of one packet.
pub(super) struct Transcoder {
    json: Vec<u8>,
    attachments: Vec<Bytes>,
    max_attachments: usize,
    depth: usize,
}

impl Transcoder {
    pub(super) const fn new(limits: &Limits) -> Self {
        Self {
            json: Vec::new(),
            attachments: Vec::new(),
            max_attachments: limits.max_attachments,
            depth: 0,
        }
    }

    pub(super) fn finish(self) -> (String, Vec<Bytes>) {
        // Invariant: what is put in is text.
        let json = String::from_utf8(self.json).expect("JSON is text");
        (json, self.attachments)
    }

    /// The next value; `undefined` is null.
    pub(super) fn value(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        let item = reader.item()?;
        self.put(item, reader)
    }

    /// An array of the next `len` values.
    pub(super) fn array(&mut self, reader: &mut Reader<'_>, len: usize) -> Result<(), DecodeError> {
        self.open(b'[')?;
        for index in 0..len {
            if index > 0 {
                self.json.push(b',');
            }
            self.value(reader)?;
        }
        self.close(b']');
        Ok(())
    }

    fn put(&mut self, item: Item<'_>, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        match item {
            Item::Nil | Item::Undefined => self.json.extend_from_slice(b"null"),
            Item::Bool(flag) => json::append(&mut self.json, &flag),
            Item::Unsigned(_) | Item::Signed(_) | Item::Float(_) => {
                append_number(&mut self.json, item);
            }
            Item::Text(text) => json::append(&mut self.json, &utf8(text)?),
            Item::Date(milliseconds) => json::append(&mut self.json, &date::iso(milliseconds)),
            Item::Bytes(bytes) => self.attach(bytes)?,
            Item::Array(len) => self.array(reader, len)?,
            Item::Map(len) => self.map(reader, len)?,
            Item::Extension(kind, bytes) => {
                self.open(b'[')?;
                json::append(&mut self.json, &kind);
                self.json.push(b',');
                self.attach(bytes)?;
                self.close(b']');
            }
        }
        Ok(())
    }

    fn map(&mut self, reader: &mut Reader<'_>, len: usize) -> Result<(), DecodeError> {
        self.open(b'{')?;
        let first = self.json.len();
        for _ in 0..len {
            let start = self.json.len();
            if start > first {
                self.json.push(b',');
            }
            self.key(reader.item()?)?;
            match reader.item()? {
                // A member that JavaScript does not write.
                Item::Undefined => self.json.truncate(start),
                value => {
                    self.json.push(b':');
                    self.put(value, reader)?;
                }
            }
        }
        self.close(b'}');
        Ok(())
    }

    /// Keys are text in JSON; what is a plain value becomes that, as in JavaScript.
    fn key(&mut self, key: Item<'_>) -> Result<(), DecodeError> {
        match key {
            Item::Text(text) => json::append(&mut self.json, &utf8(text)?),
            Item::Nil => json::append(&mut self.json, &"null"),
            Item::Bool(flag) => json::append(&mut self.json, &flag.to_string()),
            Item::Unsigned(_) | Item::Signed(_) | Item::Float(_) => {
                json::append(&mut self.json, &number(key));
            }
            _ => return Err(DecodeError::Syntax),
        }
        Ok(())
    }

    fn attach(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let num = self.attachments.len();
        if num == self.max_attachments {
            let limit = self.max_attachments;
            return Err(DecodeError::TooManyAttachments { limit });
        }
        self.attachments.push(Bytes::copy_from_slice(bytes));
        let placeholder = Placeholder(num).to_string();
        self.json.extend_from_slice(placeholder.as_bytes());
        Ok(())
    }

    fn open(&mut self, bracket: u8) -> Result<(), DecodeError> {
        if self.depth == json::MAX_DEPTH {
            let limit = json::MAX_DEPTH;
            return Err(DecodeError::TooDeep { limit });
        }
        self.depth += 1;
        self.json.push(bracket);
        Ok(())
    }

    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.json.push(bracket);
    }
}

/// A number as JSON spells it.
pub(super) fn number(item: Item<'_>) -> String {
    let mut json = Vec::new();
    append_number(&mut json, item);
    // Invariant: digits are text.
    String::from_utf8(json).expect("JSON is text")
}

fn append_number(json: &mut Vec<u8>, item: Item<'_>) {
    match (item.integer(), item) {
        (Some(Ok(number)), _) => json::append(json, &number),
        (Some(Err(number)), _) => json::append(json, &number),
        // Null if it is none, or infinite.
        (None, Item::Float(number)) => json::append(json, &number),
        (None, _) => json::append(json, &()),
    }
}
