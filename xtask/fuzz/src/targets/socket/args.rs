//! Arguments read as many types: whatever type is asked for, the verdict on the text is the same, it
//! is serde_json's, and what was read can be sent and read again.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned, de::IgnoredAny};
use socketio_proto::{Args, ArgsError, Binary, Body, Decoder, EncodeError, Encoder, Limits, Value};

use super::{REVISIONS, is_same};
use crate::input::{Input, as_text};

pub(in crate::targets) fn args(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&REVISIONS);
    let attachments: Vec<_> = (0..input.below(4))
        .map(|index| Bytes::from(vec![index as u8; index + 1]))
        .collect();
    let text = as_text(input.rest());
    let is_array = serde_json::from_str::<Vec<IgnoredAny>>(text).is_ok();
    let Ok(args) = Args::new(text, attachments.clone()) else {
        // Only placeholders and depth can be wrong with an array.
        assert!(!is_array || !attachments.is_empty(), "an array is refused");
        return;
    };
    assert!(is_array, "no array is taken for one");
    assert_eq!(args.attachments(), attachments);

    let count = all::<Vec<IgnoredAny>>(&args).map(|list| list.len());
    assert!(count.is_some(), "what is JSON can be skipped");
    try_types(&args);
    // Deeper than a value can be, or half a surrogate pair.
    if let Some(values) = all::<Vec<Value>>(&args) {
        assert_eq!(Some(values.len()), count);
        assert_eq!(
            args.first::<Value>().ok(),
            Some(values.first().cloned().unwrap_or_default())
        );
        for value in values {
            send_and_read(
                Encoder::new(revision, 0),
                Decoder::new(revision, generous()),
                &value,
            );
        }
    }
}

/// Types of every kind serde tells apart.
fn try_types(args: &Args<'_>) {
    try_type::<()>(args);
    try_type::<bool>(args);
    try_type::<u64>(args);
    try_type::<f64>(args);
    try_type::<String>(args);
    try_type::<Option<String>>(args);
    try_type::<Binary>(args);
    try_type::<(String, Option<Binary>, Value)>(args);
    try_type::<[u8; 3]>(args);
    try_type::<Vec<Value>>(args);
    try_type::<HashMap<String, Binary>>(args);
    try_type::<serde_json::Value>(args);
    try_type::<Flat>(args);
    try_type::<Either>(args);
    try_type::<Tagged>(args);
}

fn try_type<T: DeserializeOwned>(args: &Args<'_>) {
    for read in [args.parse::<T>(), args.first::<T>(), args.all::<T>()] {
        let malformed = matches!(read, Err(ArgsError::Malformed));
        assert!(!malformed, "the text was found to be in order");
    }
}

fn all<T: DeserializeOwned>(args: &Args<'_>) -> Option<T> {
    args.all().ok()
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "only read")]
struct Flat {
    name: Option<String>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
enum Either {
    Number(i32),
    Bytes(Binary),
    Pair(String, Binary),
    Named { data: Binary },
}

#[derive(Deserialize)]
#[serde(tag = "type", content = "data")]
#[expect(dead_code, reason = "only read")]
enum Tagged {
    Text(String),
    Bytes(Binary),
}

/// A value is the same at the other end.
fn send_and_read(encoder: Encoder, mut decoder: Decoder, value: &Value) {
    let sent = match encoder.event("/", None, "data", value) {
        Ok(sent) => sent,
        // A level is added to it.
        Err(EncodeError::TooDeep { .. }) => return,
        Err(error) => panic!("{error}"),
    };
    let packet = decoder.decode_text(sent.text());
    let Ok(packet) = packet else {
        panic!("what was sent cannot be decoded: {packet:?}");
    };
    if let Some(packet) = packet {
        return compare(&packet.body, value);
    }
    for attachment in &sent.attachments {
        match decoder.decode_binary(attachment) {
            Ok(Some(packet)) => compare(&packet.body, value),
            Ok(None) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(decoder.pending_namespace(), None);
}

fn compare(body: &Body<'_>, value: &Value) {
    let Body::Event { args, .. } = body else {
        panic!("an event becomes {body:?}");
    };
    match args.parse::<Value>() {
        Ok(again) => assert!(is_same(&again, value), "{value:?} becomes {again:?}"),
        // It stands one level deeper now.
        Err(error) => assert!(depth(value) >= 126, "{error}"),
    }
}

fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => return 0,
    };
    1 + inner.unwrap_or(0)
}

/// A single value may name an attachment many times.
fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.max_attachments = 100_000;
    limits
}
