//! What a recording says, in the terms of these tests.

use serde_json::Value;

use crate::wire::Received;

/// Held against a recorded close code, where 1005 stands for none.
pub(super) fn assert_closed(received: &Received, code: u64) {
    let expected = match code {
        1005 => Received::Close(None),
        code => Received::Close(Some(code as u16)),
    };
    assert_eq!(*received, expected);
}

/// A recorded body: text, or bytes in hex.
pub(super) fn bytes(body: &Value) -> Vec<u8> {
    if let Some(hex) = body["hex"].as_str() {
        let digits = hex.as_bytes().chunks(2);
        return digits
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
    }
    body["text"]
        .as_str()
        .unwrap_or_default()
        .as_bytes()
        .to_vec()
}

/// The members of a recorded object whose values are strings.
pub(super) fn members(object: &Value) -> impl Iterator<Item = (&str, &str)> {
    let members = object.as_object().into_iter().flatten();
    members.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// A cookie but for the id.
pub(super) fn without_value(cookie: &str) -> String {
    let (name, rest) = cookie.split_once('=').unwrap();
    format!("{name}=<sid>{}", &rest[20..])
}

/// Handshakes differ in nothing but the id.
pub(super) fn without_sid(text: &str) -> String {
    // JSONP puts a backslash in front of each quote.
    let Some((_, from)) = text
        .split_once(r#""sid":""#)
        .or_else(|| text.split_once(r#""sid\":\""#))
    else {
        return text.to_owned();
    };
    text.replace(&from[..20], "<sid>")
}
