//! Polling for browsers that can only load scripts (protocol.md §3.1): responses are function
//! calls, POST bodies are forms. The payload inside is that of any text transport.

use form_urlencoded::{Serializer, byte_serialize};
use serde_json::Value;

use crate::error::DecodeError;

/// The form's field.
const FIELD: &str = "d";

/// A line break in a form, and the same two characters where they are meant.
const ESCAPE: &str = "\\n";
const ESCAPED: &str = "\\\\n";

/// A response: the script that hands `payload` to the function of this index.
pub(crate) fn write_response(index: u32, payload: &str) -> Vec<u8> {
    // These two end a line in JavaScript, not in JSON.
    let literal = Value::from(payload)
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    format!("___eio[{index}]({literal});").into_bytes()
}

/// The inverse of [`write_response`].
pub(crate) fn read_response(index: u32, script: &str) -> Result<String, DecodeError> {
    let literal = script
        .strip_prefix(&format!("___eio[{index}]("))
        .and_then(|rest| rest.strip_suffix(");"))
        .ok_or(DecodeError::Jsonp)?;
    serde_json::from_str(literal).map_err(|_| DecodeError::Jsonp)
}

/// The form that posts `payload`. Browsers rewrite line breaks in forms, so the reference's client
/// writes them as `\n`, and `\n` with one more backslash. Here they stay what they are, which reads
/// the same: behind a backslash of the payload the former would be taken for the latter.
pub(crate) fn write_post(payload: &str) -> Vec<u8> {
    let form = Serializer::new(String::new())
        .append_pair(FIELD, &payload.replace(ESCAPE, ESCAPED))
        .finish();
    form.into_bytes()
}

/// Bytes that a payload has more in its form because of everything behind its first `from` bytes.
pub(crate) fn posted_len(payload: &[u8], from: usize) -> usize {
    let name = if from == 0 { FIELD.len() + 1 } else { 0 };
    let added = &payload[from..];
    let escapes = added.windows(ESCAPE.len());
    let escapes = escapes.filter(|it| *it == ESCAPE.as_bytes()).count();
    let backslashes = escapes * byte_serialized_len(b"\\");
    name + byte_serialized_len(added) + backslashes
}

fn byte_serialized_len(bytes: &[u8]) -> usize {
    byte_serialize(bytes).map(str::len).sum()
}

/// The payload of a form as [`write_post`] or a browser makes it; `None` for a form without the
/// field, which means nothing.
pub(crate) fn read_post(form: &str) -> Option<String> {
    let (_, escaped) = form_urlencoded::parse(form.as_bytes()).find(|(name, _)| name == FIELD)?;
    Some(match escaped.contains(ESCAPE) {
        true => unescape(&escaped),
        false => escaped.into_owned(),
    })
}

/// An `n` behind one backslash is a line break; behind more, one of them only kept it from being
/// one.
fn unescape(escaped: &str) -> String {
    let mut payload = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find(ESCAPE) {
        let (before, after) = (&rest[..at], &rest[at + ESCAPE.len()..]);
        match before.strip_suffix('\\') {
            Some(before) => {
                payload.push_str(before);
                payload.push_str(ESCAPE);
            }
            None => {
                payload.push_str(before);
                payload.push('\n');
            }
        }
        rest = after;
    }
    payload.push_str(rest);
    payload
}
