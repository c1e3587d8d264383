//! What the wire needs of JSON beside serde_json: the event name found by a byte scan, syntax
//! checked without building anything, placeholders counted. Types are built elsewhere, by
//! serde_json alone.

use std::borrow::Cow;

use serde::{Serialize, de::IgnoredAny};

use crate::walk::{Container, Step, Walk, scalar_end, string_end};

/// Levels of nesting we follow: as many as serde_json does for types that keep them.
pub(crate) const MAX_DEPTH: usize = 127;

/// What JSON takes for white space.
pub(crate) const WHITESPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Why a JSON text cannot be the payload of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not JSON at all.
    Syntax,
    /// A placeholder that points at no attachment.
    Placeholder,
    /// Nested deeper than [`MAX_DEPTH`].
    Depth,
}

/// Appends the JSON text of a value that cannot fail to have one.
pub(crate) fn append<T: Serialize>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    // Invariant: callers pass strings, structs of strings and `Value`s, whose keys are all strings.
    written.expect("the value is representable in JSON");
}

pub(crate) fn is_valid(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

pub(crate) fn is_object(text: &str) -> bool {
    text.starts_with('{') && is_valid(text)
}

/// Finds the first element of the array `text`, which must be a string or a number, and says where
/// the rest begins: behind the comma, or at the closing bracket.
///
/// Nothing behind the name is looked at, so the whole may still be malformed. A name with JSON
/// escapes is unescaped, any other is borrowed; a number is reported as it is spelled.
pub(crate) fn event_name(text: &str) -> Option<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    let start = skip_whitespace(bytes, 1);
    let (name, end) = match bytes.get(start)? {
        b'"' => {
            // Most names end before anything that has to be looked at more closely.
            let inner = &bytes[start + 1..];
            let plain = inner
                .iter()
                .position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')?;
            match inner[plain] {
                b'"' => {
                    let end = start + 1 + plain;
                    (Cow::Borrowed(text.get(start + 1..end)?), end + 1)
                }
                b'\\' => {
                    let end = string_end(bytes, start)?;
                    let name = serde_json::from_str(text.get(start..end)?).ok()?;
                    (Cow::Owned(name), end)
                }
                _ => return None,
            }
        }
        b'-' | b'0'..=b'9' => {
            let end = scalar_end(bytes, start);
            let number = &text[start..end];
            is_valid(number).then_some((Cow::Borrowed(number), end))?
        }
        _ => return None,
    };
    let end = skip_whitespace(bytes, end);
    match bytes.get(end)? {
        b',' => Some((name, end + 1)),
        b']' if end + 1 == bytes.len() => Some((name, end)),
        _ => None,
    }
}

/// Checks the syntax of the payload of a packet and, unless it has no attachments, its
/// placeholders.
pub(crate) fn check(text: &str, attachments: usize) -> Result<(), Flaw> {
    if !is_valid(text) {
        return Err(Flaw::Syntax);
    }
    if attachments > 0 {
        placeholders(text, attachments)?;
    }
    Ok(())
}

/// Checks that every placeholder in a text of valid JSON points below `attachments`, and counts
/// them. What makes a placeholder, `walk` knows.
pub(crate) fn placeholders(text: &str, attachments: usize) -> Result<usize, Flaw> {
    let mut found = 0;
    for step in Walk::new(text) {
        match step {
            Step::Open { depth } if depth > MAX_DEPTH => return Err(Flaw::Depth),
            Step::Close(Container {
                placeholder: Some(num),
                ..
            }) => {
                if num >= attachments {
                    return Err(Flaw::Placeholder);
                }
                found += 1;
            }
            _ => {}
        }
    }
    Ok(found)
}

fn skip_whitespace(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.iter().skip(from);
    from + rest
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .count()
}
