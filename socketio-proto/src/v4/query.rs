//! Credentials in the form of a URL's query, as revision 4 has them behind a namespace's name: read
//! as the reference server does (`URLSearchParams` since 4.8.2), written as the 2.x client does
//! (`encodeURIComponent`).

use std::fmt::Write;

use serde_json::{Map, Value};

/// Reads a query as the text of a JSON object of strings; of a repeated key the last counts.
pub(super) fn to_json(query: &str) -> String {
    let fields = query.split('&').filter(|field| !field.is_empty());
    let object: Map<String, Value> = fields
        .map(|field| {
            let (key, value) = field.split_once('=').unwrap_or((field, ""));
            (decoded(key), decoded(value).into())
        })
        .collect();
    Value::Object(object).to_string()
}

/// Writes an object as a query. Whatever is no string is spelled in JSON.
pub(super) fn from_map(fields: &Map<String, Value>) -> String {
    let mut query = String::new();
    for (key, value) in fields {
        if !query.is_empty() {
            query.push('&');
        }
        encode(&mut query, key);
        query.push('=');
        match value {
            Value::String(text) => encode(&mut query, text),
            other => encode(&mut query, &other.to_string()),
        }
    }
    query
}

/// A percent sign that begins no escape stands for itself, and what is not UTF-8 is replaced.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (first, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, behind @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
                    high << 4 | low
                }
                _ => b'%',
            },
            _ => *first,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(hex: u8) -> Option<u8> {
    char::from(hex).to_digit(16).map(|digit| digit as u8)
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Invariant: writing to a string does not fail.
            write!(out, "%{byte:02X}").expect("a string takes everything");
        }
    }
}
