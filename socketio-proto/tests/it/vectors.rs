//! The golden vectors: what the reference parser makes of each message, and we too, but for the
//! differences listed here.

use serde_json::{Map, Value};
use socketio_proto::{Body, DecodeError, Decoder, EncodeError, Encoded, Encoder, Limits, Revision};

use crate::data::{Data, Plain, Spread, bytes_of, from_notation};

/// What the reference accepts and we refuse.
const REFUSED: &[(&str, &str)] = &[
    ("empty string", "JavaScript reads an empty string as 0"),
    ("leading space is CONNECT", "JavaScript reads a space as 0"),
    ("newline is CONNECT", "JavaScript reads a newline as 0"),
    (
        "event leading space reads as ack id 0",
        "JavaScript reads a space as 0",
    ),
    (
        "connect error number",
        "JavaScript reads a space as part of the id; there is no payload",
    ),
    ("event huge ack id", "the id loses precision in JavaScript"),
    ("event enormous ack id", "the id is infinite in JavaScript"),
    ("binary exponent count", "a count is digits"),
    ("binary hex count", "a count is digits"),
    ("binary space count", "a count is digits"),
    (
        "placeholder num fractional",
        "points at no attachment; JavaScript gets undefined",
    ),
    ("event without payload", "an event has a name"),
    ("event with id and no payload", "an event has a name"),
    ("namespace without comma", "an event has a name"),
    (
        "namespace without comma and payload",
        "all of it is the namespace, and an event has a name",
    ),
    ("binary event without payload", "an event has a name"),
    (
        "connect error without payload",
        "it says nothing; the JavaScript client crashes on it",
    ),
];

/// What we spell differently, and how.
const SPELLED: &[(&str, &str, &str)] = &[
    (
        "event numeric name",
        r#"2["1","x"]"#,
        "names are strings; JavaScript listens to both alike",
    ),
    (
        "connect recovery request",
        r#"0{"offset":"PxXyRk1","pid":"Q8-2FfSrqEVqhzJqAAAB","token":"123"}"#,
        "keys are sorted",
    ),
    (
        "connect error string",
        r#"4{"message":"oops"}"#,
        "servers always send an object",
    ),
];

/// What cannot be expressed in Rust.
const FOREIGN: &[(&str, &str)] = &[("binary inside toJSON", "a function")];

#[test]
fn decodes_as_the_reference_does() {
    let mut decoded = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector["direction"] != "encode")
    {
        decoded += 1;
        let name = name(vector);
        let outcome = decode(vector);
        if REFUSED.iter().any(|(refused, _)| *refused == name) {
            assert_eq!(
                vector["valid"], true,
                "{name}: the reference refuses it too"
            );
            assert!(outcome.is_err(), "{name}: {outcome:?}");
        } else if vector["valid"] == true {
            assert_eq!(
                outcome.unwrap_or_else(|(_, error)| panic!("{name}: {error}")),
                [expected(vector)],
                "{name}"
            );
        } else if vector["error"] == "incomplete" {
            assert_eq!(outcome, Ok(vec![]), "{name}");
        } else {
            let (frame, error) = outcome.expect_err(name);
            let failing = vector["failing_frame"].as_u64().expect("an index");
            assert!(
                frame as u64 <= failing,
                "{name}: {error} only at frame {frame}"
            );
        }
    }
    assert_eq!(decoded, 140);
}

#[test]
fn every_lenient_vector_is_refused() {
    for vector in vectors().iter().filter(|vector| vector["lenient"] == true) {
        assert!(
            REFUSED.iter().any(|(refused, _)| *refused == name(vector)),
            "{}",
            name(vector)
        );
    }
}

#[test]
fn encodes_as_the_reference_does() {
    let mut encoded = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector["direction"] != "decode")
    {
        encoded += 1;
        let name = name(vector);
        if FOREIGN.iter().any(|(foreign, _)| *foreign == name) {
            continue;
        }
        let sent = encode(&Encoder::new(Revision::V5, 0), &plain(&vector["packet"]))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let wire = vector["wire"].as_array().expect("frames");
        let text = match SPELLED.iter().find(|(spelled, ..)| *spelled == name) {
            Some((_, ours, _)) => ours,
            None => wire[0]["text"].as_str().expect("text first"),
        };
        assert_eq!(sent.text(), text, "{name}");
        let attachments: Vec<_> = wire[1..]
            .iter()
            .map(|frame| bytes_of(frame["hex"].as_str().expect("hex")))
            .collect();
        assert_eq!(sent.attachments, attachments, "{name}");
    }
    assert_eq!(encoded, 47);
}

#[test]
fn the_lists_of_differences_name_vectors() {
    let vectors = vectors();
    let names: Vec<_> = vectors.iter().map(name).collect();
    let listed = REFUSED
        .iter()
        .map(|(name, _)| name)
        .chain(SPELLED.iter().map(|(name, ..)| name));
    for name in listed.chain(FOREIGN.iter().map(|(name, _)| name)) {
        assert!(names.contains(name), "{name}");
    }
}

fn vectors() -> Vec<Value> {
    let mut file: Value = serde_json::from_str(include_str!("../vectors/v5.json")).expect("JSON");
    let Value::Array(vectors) = file["vectors"].take() else {
        panic!("a list of vectors")
    };
    assert_eq!(vectors.len(), 146);
    vectors
}

pub(crate) fn name(vector: &Value) -> &str {
    vector["name"].as_str().expect("a name")
}

fn decode(vector: &Value) -> Result<Vec<Plain>, (usize, DecodeError)> {
    let mut limits = Limits::default();
    if let Some(max) = vector["options"]["maxAttachments"].as_u64() {
        limits.max_attachments = max as usize;
    }
    let mut decoder = Decoder::new(Revision::V5, limits);
    let mut packets = Vec::new();
    for (index, frame) in vector["wire"]
        .as_array()
        .expect("frames")
        .iter()
        .enumerate()
    {
        match frame["text"].as_str() {
            Some(text) => {
                let packet = decoder.decode_text(text).map_err(|error| (index, error))?;
                // Arguments of text are only read on demand; a reader finds out then.
                if let Some(Body::Event { args, .. } | Body::Ack(args)) =
                    packet.as_ref().map(|packet| &packet.body)
                {
                    args.check().map_err(|_| (index, DecodeError::Payload))?;
                }
                packets.extend(packet.as_ref().map(Plain::of));
            }
            None => {
                let bytes = bytes_of(frame["hex"].as_str().expect("text or hex"));
                let packet = decoder
                    .decode_binary(&bytes)
                    .map_err(|error| (index, error))?;
                packets.extend(packet.as_ref().map(Plain::of));
            }
        }
    }
    Ok(packets)
}

/// The reference reports numbers as names and leaves out the data of an ACK without any.
pub(crate) fn expected(vector: &Value) -> Plain {
    let packet = vector.get("decoded").unwrap_or_else(|| &vector["packet"]);
    let mut plain = plain(packet);
    match (plain.kind, &mut plain.data) {
        (2, Some(Data::Array(items))) => {
            if let Data::Number(number) = &items[0] {
                items[0] = Data::String(number.to_string());
            }
        }
        (3, data @ None) => *data = Some(Data::Array(Vec::new())),
        _ => {}
    }
    plain
}

pub(crate) fn plain(packet: &Value) -> Plain {
    Plain {
        kind: packet["type"].as_u64().expect("a type"),
        nsp: packet["nsp"].as_str().expect("a namespace").to_owned(),
        id: packet["id"].as_u64(),
        data: packet.get("data").map(from_notation),
    }
}

pub(crate) fn encode(encoder: &Encoder, packet: &Plain) -> Result<Encoded, EncodeError> {
    let nsp = &packet.nsp;
    let items = |data: &Option<Data>| match data {
        Some(Data::Array(items)) => items.clone(),
        _ => panic!("a list"),
    };
    match packet.kind {
        0 => {
            let json = serde_json::to_value(&packet.data).expect("JSON");
            match json.get("sid") {
                Some(sid) => encoder.connected(
                    nsp,
                    sid.as_str().expect("text"),
                    json.get("pid").and_then(Value::as_str),
                ),
                None => encoder.connect(nsp, json.as_object()),
            }
        }
        1 => encoder.disconnect(nsp),
        2 => {
            let items = items(&packet.data);
            let name = match &items[0] {
                Data::String(name) => name.clone(),
                Data::Number(number) => number.to_string(),
                _ => panic!("a name"),
            };
            encoder.event(nsp, packet.id, &name, &Spread(&items[1..]))
        }
        3 => encoder.ack(
            nsp,
            packet.id.expect("an id"),
            &Spread(&items(&packet.data)),
        ),
        _ => {
            let json = serde_json::to_value(&packet.data).expect("JSON");
            let empty = Map::new();
            let fields = json.as_object().unwrap_or(&empty);
            let message = fields
                .get("message")
                .or(Some(&json))
                .and_then(Value::as_str)
                .expect("a message");
            encoder.connect_error(nsp, message, fields.get("data"))
        }
    }
}
