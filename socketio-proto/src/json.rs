//! What the wire needs of JSON beside serde_json: the event name found by a byte scan, syntax
//! checked without building anything, placeholders counted. Types are built elsewhere, by
//! serde_json alone.

use std::borrow::Cow;

use serde::{Serialize, de::IgnoredAny};

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
            let end = string_end(bytes, start)?;
            let inner = text.get(start + 1..end - 1)?;
            let name = if inner.contains('\\') {
                Cow::Owned(serde_json::from_str(&text[start..end]).ok()?)
            } else if inner.bytes().any(|byte| byte < 0x20) {
                return None;
            } else {
                Cow::Borrowed(inner)
            };
            (name, end)
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

/// Walks a text that is known to be valid JSON, checks that every placeholder in it points below
/// `attachments` and counts them.
///
/// A placeholder is an object whose `_placeholder` is `true`; other keys are ignored, and of
/// duplicate keys the last counts, as in JavaScript. Its `num` has to be written as a plain
/// integer.
pub(crate) fn placeholders(text: &str, attachments: usize) -> Result<usize, Flaw> {
    let bytes = text.as_bytes();
    let mut levels: Vec<Level> = Vec::new();
    let mut found = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at += 1;
        match byte {
            b'{' | b'[' => {
                if levels.len() == MAX_DEPTH {
                    return Err(Flaw::Depth);
                }
                if let Some(level) = levels.last_mut() {
                    level.value("", attachments);
                }
                let is_object = byte == b'{';
                levels.push(Level {
                    is_object,
                    expects_key: is_object,
                    ..Level::default()
                });
            }
            b'}' | b']' => {
                if let Some(Level {
                    flagged: true,
                    in_range,
                    ..
                }) = levels.pop()
                {
                    if !in_range {
                        return Err(Flaw::Placeholder);
                    }
                    found += 1;
                }
            }
            b',' => {
                if let Some(level) = levels.last_mut() {
                    level.expects_key = level.is_object;
                }
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                at = match byte {
                    b'"' => string_end(bytes, start).ok_or(Flaw::Syntax)?,
                    _ => scalar_end(bytes, start).max(at),
                };
                if let (Some(level), Some(token)) = (levels.last_mut(), text.get(start..at)) {
                    level.token(token, attachments);
                }
            }
        }
    }
    Ok(found)
}

/// One open object or array on the way through a text.
#[derive(Default)]
struct Level {
    is_object: bool,
    expects_key: bool,
    key: Key,
    flagged: bool,
    in_range: bool,
}

#[derive(Clone, Copy, Default)]
enum Key {
    Flag,
    Num,
    #[default]
    Other,
}

impl Level {
    fn token(&mut self, token: &str, attachments: usize) {
        if !self.expects_key {
            return self.value(token, attachments);
        }
        self.expects_key = false;
        self.key = match token {
            r#""_placeholder""# => Key::Flag,
            r#""num""# => Key::Num,
            _ if !token.contains('\\') => Key::Other,
            escaped => match serde_json::from_str::<String>(escaped).as_deref() {
                Ok("_placeholder") => Key::Flag,
                Ok("num") => Key::Num,
                _ => Key::Other,
            },
        };
    }

    fn value(&mut self, token: &str, attachments: usize) {
        match self.key {
            Key::Flag => self.flagged = token == "true",
            Key::Num => self.in_range = token.parse().is_ok_and(|num: usize| num < attachments),
            Key::Other => {}
        }
    }
}

fn skip_whitespace(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.iter().skip(from);
    from + rest
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .count()
}

/// The index behind the closing quote of the string that opens at `start`.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// The index behind the number or literal that starts at `start`.
fn scalar_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes[start..].iter();
    start
        + rest
            .take_while(
                |byte| matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z'),
            )
            .count()
}
