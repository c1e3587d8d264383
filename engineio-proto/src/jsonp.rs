//! Polling for browsers that can only load scripts (protocol.md §3.1): responses are function
//! calls, POST bodies are forms. The payload inside is that of any text transport.

use std::borrow::Cow;

use form_urlencoded::Serializer;
use serde_json::Value;

use crate::error::DecodeError;

/// The form's field.
const FIELD: &str = "d";

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

/// The form that posts `payload`. Browsers rewrite line breaks in forms, so they are escaped, and
/// what looks like an escape already as well.
pub(crate) fn write_post(payload: &str) -> Vec<u8> {
    let escaped = payload.replace("\\n", "\\\\n").replace('\n', "\\n");
    let form = Serializer::new(String::new())
        .append_pair(FIELD, &escaped)
        .finish();
    form.into_bytes()
}

/// The inverse of [`write_post`]; `None` for a form without the field, which means nothing.
pub(crate) fn read_post(form: &[u8]) -> Option<String> {
    let (_, escaped) = form_urlencoded::parse(form).find(|(name, _)| name == FIELD)?;
    Some(unescape(escaped))
}

/// An `n` behind one backslash is a line break; behind more, one of them only kept it from being
/// one.
fn unescape(escaped: Cow<'_, str>) -> String {
    let mut payload = String::with_capacity(escaped.len());
    let mut rest = &*escaped;
    while let Some(at) = rest.find("\\n") {
        let (before, after) = (&rest[..at], &rest[at + 2..]);
        match before.strip_suffix('\\') {
            Some(before) => {
                payload.push_str(before);
                payload.push_str("\\n");
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
