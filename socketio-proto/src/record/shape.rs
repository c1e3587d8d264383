//! What a line keeps of a packet when payloads are left out: a text that has nothing to say and
//! leads a connection the same way.

use bytes::Bytes;

use crate::{
    Body, DecodeError, Limits, Packet,
    head::{Head, Kind},
    json,
    revision::Rules,
    walk::string_end,
};

/// Words of the protocol inside of payloads: a connection reads them.
const WORDS: [&str; 6] = ["_placeholder", "data", "message", "num", "pid", "sid"];

/// Digits of the number of an attachment.
const NUM_DIGITS: usize = 3;

/// A packet of the same shape: its type, namespace, ids and event name are kept, texts and numbers
/// become others of the same length.
pub(super) fn of_packet(text: &str, rules: &Rules, limits: &Limits) -> String {
    let head = match Head::parse(text, rules, limits) {
        Ok(head) => head,
        Err(error) => return failing(error),
    };
    let payload = head.payload.unwrap_or_default();
    let name = match head.kind {
        Kind::Event if payload.starts_with('[') => {
            let array = payload.trim_end_matches(json::WHITESPACE);
            json::event_name(array).map_or(0, |(_, end)| end)
        }
        _ => 0,
    };
    let (name, data) = payload.split_at(name);
    front(text, &head, rules, filler) + name + &of_json(data, head.attachments > 0)
}

/// The same without any payload: an ellipsis says that there was one.
pub(super) fn of_head(text: &str, rules: &Rules, limits: &Limits) -> String {
    let ellipsis = |_: &str| "…".to_owned();
    match Head::parse(text, rules, limits) {
        Ok(head) if head.payload.is_none() => front(text, &head, rules, ellipsis),
        Ok(head) => front(text, &head, rules, ellipsis) + "…",
        Err(error) => failing(error),
    }
}

/// What stands before the payload, with something else in place of the query.
fn front(text: &str, head: &Head<'_>, rules: &Rules, other: fn(&str) -> String) -> String {
    let front = &text[..text.len() - head.payload.map_or(0, str::len)];
    match ((rules.split_query)(head.nsp).1, front.split_once('?')) {
        (Some(query), Some((before, behind))) => {
            format!("{before}?{}{}", other(query), &behind[query.len()..])
        }
        _ => front.to_owned(),
    }
}

/// The shortest head that is refused for the same reason.
fn failing(error: DecodeError) -> String {
    match error {
        DecodeError::AttachmentCount => "5".to_owned(),
        DecodeError::Id => "2".to_owned() + &"9".repeat(17),
        DecodeError::NamespaceTooLong { len, .. } => "0/".to_owned() + &"x".repeat(len - 1),
        DecodeError::QueryTooLong { len, .. } => "0/?".to_owned() + &"x".repeat(len),
        DecodeError::TooManyAttachments { limit } => format!("5{}-", limit.saturating_add(1)),
        _ => "?".to_owned(),
    }
}

/// JSON, or what should be, of the same structure and length.
fn of_json(text: &str, placeholders: bool) -> String {
    let mut shape = String::with_capacity(text.len());
    let mut rest = text;
    let mut key = "";
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '"' => string_end(rest.as_bytes(), 0).unwrap_or(rest.len()),
            _ if is_structure(first) => first.len_utf8(),
            _ => rest.find(is_structure).unwrap_or(rest.len()),
        };
        let (token, behind) = rest.split_at(len);
        rest = behind;
        match first {
            '"' => {
                key = token.trim_matches('"');
                shape += &of_string(token, key);
            }
            _ if is_structure(first) => shape.push(first),
            _ if placeholders && key == "num" && len <= NUM_DIGITS => shape += token,
            _ => shape += &of_scalar(token),
        }
    }
    shape
}

fn is_structure(char: char) -> bool {
    matches!(char, '"' | '[' | ']' | '{' | '}' | ',' | ':') || char <= ' '
}

fn of_string(token: &str, content: &str) -> String {
    if WORDS.contains(&content) {
        return token.to_owned();
    }
    let mut shape = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => {
                shape.push(char);
                match chars.next() {
                    Some('u') => {
                        shape.push('u');
                        let digits = chars.as_str().chars().take(4);
                        let digits = digits.take_while(char::is_ascii_hexdigit).count();
                        shape += &"1".repeat(digits);
                        chars = chars.as_str()[digits..].chars();
                    }
                    Some(escaped @ ('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't')) => {
                        shape.push(escaped);
                    }
                    Some(other) => shape.push(stand_in(other)),
                    None => {}
                }
            }
            // No JSON, and that is to be seen again.
            '"' | '\0'..' ' => shape.push(char),
            other => shape.push(stand_in(other)),
        }
    }
    shape
}

/// A number, a literal, or neither.
fn of_scalar(token: &str) -> String {
    if matches!(token, "true" | "false" | "null") {
        return token.to_owned();
    }
    let leading = usize::from(token.starts_with('-'));
    let chars = token.char_indices().map(|(index, char)| match char {
        '0' if index == leading => '0',
        '0'..='9' => '1',
        '-' | '+' | '.' | 'e' | 'E' => char,
        other => stand_in(other),
    });
    chars.collect()
}

fn filler(text: &str) -> String {
    text.chars().map(stand_in).collect()
}

/// Another character of as many bytes.
pub(super) const fn stand_in(char: char) -> char {
    match char.len_utf8() {
        1 => 'x',
        2 => 'é',
        3 => '€',
        _ => '𝕏',
    }
}

/// A packet that only a parser can read, in the text form.
pub(super) fn spelled(packet: &Packet<'_>) -> (String, Vec<Bytes>) {
    let (kind, payload, attachments) = match &packet.body {
        Body::Connect(payload) => (
            Kind::Connect,
            payload.as_deref().unwrap_or("").into(),
            &[][..],
        ),
        Body::Disconnect => (Kind::Disconnect, String::new(), &[][..]),
        Body::ConnectError(payload) => (Kind::ConnectError, payload.as_ref().into(), &[][..]),
        Body::Ack(args) => (Kind::Ack, format!("[{}]", args.raw()), args.attachments()),
        Body::Event { name, args } => {
            let name = serde_json::Value::from(name.as_ref());
            let comma = if args.raw().is_empty() { "" } else { "," };
            let payload = format!("[{name}{comma}{}]", args.raw());
            (Kind::Event, payload, args.attachments())
        }
    };
    let mut text = char::from(kind.digit(!attachments.is_empty())).to_string();
    if !attachments.is_empty() {
        text += &format!("{}-", attachments.len());
    }
    if packet.nsp != "/" {
        text += &format!("{},", packet.nsp);
    }
    if let Some(id) = packet.id {
        text += &id.to_string();
    }
    (text + &payload, attachments.to_vec())
}
