//! The golden vectors: what the reference parser makes of each message, and we too, but for the
//! differences listed here.

use serde_json::Value;
use socketio_proto::{Body, DecodeError, Decoder, EncodeError, Encoded, Encoder, Limits, Revision};

use crate::data::{Data, Plain, Spread, bytes_of, from_notation};

/// A file of vectors.
struct Suite {
    key: &'static str,
    revision: Revision,
    json: &'static str,
    /// How many of its vectors are there to be decoded, and how many to be encoded.
    decoded: usize,
    encoded: usize,
}

const SUITES: [Suite; 2] = [
    Suite {
        key: "v4",
        revision: Revision::V4,
        json: include_str!("../vectors/v4.json"),
        decoded: 53,
        encoded: 23,
    },
    Suite {
        key: "v5",
        revision: Revision::V5,
        json: include_str!("../vectors/v5.json"),
        decoded: 140,
        encoded: 47,
    },
];

const V4: &[&str] = &["v4"];
const V5: &[&str] = &["v5"];
const BOTH: &[&str] = &["v4", "v5"];

/// A difference: in which files, the vector's name, the reason.
type Listed = (&'static [&'static str], &'static str, &'static str);

/// What the reference accepts and we refuse.
const REFUSED: &[Listed] = &[
    (
        BOTH,
        "empty string",
        "JavaScript reads an empty string as 0",
    ),
    (
        V5,
        "leading space is CONNECT",
        "JavaScript reads a space as 0",
    ),
    (V5, "newline is CONNECT", "JavaScript reads a newline as 0"),
    (
        V5,
        "event leading space reads as ack id 0",
        "JavaScript reads a space as 0",
    ),
    (
        V5,
        "connect error number",
        "JavaScript reads a space as part of the id; there is no payload",
    ),
    (
        V5,
        "event huge ack id",
        "the id loses precision in JavaScript",
    ),
    (
        V5,
        "event enormous ack id",
        "the id is infinite in JavaScript",
    ),
    (V5, "binary exponent count", "a count is digits"),
    (V5, "binary hex count", "a count is digits"),
    (V5, "binary space count", "a count is digits"),
    (
        V5,
        "placeholder num fractional",
        "points at no attachment; JavaScript gets undefined",
    ),
    (BOTH, "event without payload", "an event has a name"),
    (V5, "event with id and no payload", "an event has a name"),
    (V5, "namespace without comma", "an event has a name"),
    (
        V5,
        "namespace without comma and payload",
        "all of it is the namespace, and an event has a name",
    ),
    (V5, "binary event without payload", "an event has a name"),
    (
        V5,
        "connect error without payload",
        "it says nothing; the JavaScript client crashes on it",
    ),
    (
        V4,
        "connect with array",
        "a payload is an object, and ignored at that",
    ),
    (
        V4,
        "connect with null",
        "a payload is an object, and ignored at that",
    ),
    (
        V4,
        "placeholder fractional",
        "points at no attachment; JavaScript gets undefined",
    ),
];

/// What is marked as accepted by accident and we accept all the same.
const ACCEPTED: &[Listed] = &[
    (
        V4,
        "error array",
        "an application may send any data as an error",
    ),
    (
        V4,
        "error null",
        "an application may send any data as an error",
    ),
];

/// What we spell differently, and how.
const SPELLED: &[(Listed, &str)] = &[
    (
        (
            V5,
            "event numeric name",
            "names are strings; JavaScript listens to both alike",
        ),
        r#"2["1","x"]"#,
    ),
    (
        (V5, "connect recovery request", "keys are sorted"),
        r#"0{"offset":"PxXyRk1","pid":"Q8-2FfSrqEVqhzJqAAAB","token":"123"}"#,
    ),
    (
        (V5, "connect error string", "servers always send an object"),
        r#"4{"message":"oops"}"#,
    ),
];

/// What cannot be expressed in Rust, or with this crate.
const FOREIGN: &[Listed] = &[
    (V5, "binary inside toJSON", "a function"),
    (
        V4,
        "event with buffer but type 2 is not deconstructed",
        "bytes are always attached",
    ),
    (
        V4,
        "binary event without binary",
        "the type follows from the data",
    ),
    (
        V4,
        "unserializable payload",
        "nothing is sent, and the caller told",
    ),
    (V4, "error without data", "a refusal says something"),
];

#[test]
fn decodes_as_the_reference_does() {
    for suite in &SUITES {
        let mut decoded = 0;
        for vector in suite.vectors(&["both", "decode"]) {
            decoded += 1;
            let name = name(&vector);
            let outcome = decode(suite.revision, &vector);
            if suite.lists(REFUSED, name) {
                let valid = &vector["valid"];
                assert_eq!(valid, true, "{name}: the reference refuses it too");
                assert!(outcome.is_err(), "{name}: {outcome:?}");
            } else if vector["valid"] == true {
                let packets = outcome.unwrap_or_else(|(_, error)| panic!("{name}: {error}"));
                assert_eq!(packets, [expected(&vector)], "{name}");
            } else if vector["error"] == "incomplete" {
                assert_eq!(outcome, Ok(vec![]), "{name}");
            } else {
                let (frame, error) = outcome.expect_err(name);
                let failing = vector["failing_frame"].as_u64().unwrap_or(0);
                let in_time = frame as u64 <= failing;
                assert!(in_time, "{name}: {error} only at frame {frame}");
            }
        }
        assert_eq!(decoded, suite.decoded, "{}", suite.key);
    }
}

#[test]
fn every_lenient_vector_is_refused_or_accepted_for_a_reason() {
    for suite in &SUITES {
        for vector in suite.vectors(&["both", "decode"]) {
            let name = name(&vector);
            let listed = suite.lists(REFUSED, name) || suite.lists(ACCEPTED, name);
            assert!(vector["lenient"] != true || listed, "{}: {name}", suite.key);
        }
    }
}

#[test]
fn encodes_as_the_reference_does() {
    for suite in &SUITES {
        let mut encoded = 0;
        for vector in suite.vectors(&["both", "encode"]) {
            encoded += 1;
            let name = name(&vector);
            if suite.lists(FOREIGN, name) {
                continue;
            }
            let encoder = Encoder::new(suite.revision, 0);
            let sent = encode(&encoder, &plain(&vector["packet"]));
            let sent = sent.unwrap_or_else(|error| panic!("{name}: {error}"));
            let wire = vector["wire"].as_array().expect("frames");
            let spelled = SPELLED
                .iter()
                .find(|(listed, _)| suite.lists(&[*listed], name));
            let text = match spelled {
                Some((_, ours)) => ours,
                None => wire[0]["text"].as_str().expect("text first"),
            };
            assert_eq!(sent.text(), text, "{name}");
            let attachments: Vec<_> = wire[1..]
                .iter()
                .map(|frame| bytes_of(frame["hex"].as_str().expect("hex")))
                .collect();
            assert_eq!(sent.attachments, attachments, "{name}");
        }
        assert_eq!(encoded, suite.encoded, "{}", suite.key);
    }
}

#[test]
fn the_lists_of_differences_name_vectors() {
    let spelled: Vec<_> = SPELLED.iter().map(|(listed, _)| *listed).collect();
    for (files, name, _) in [REFUSED, ACCEPTED, &spelled, FOREIGN].concat() {
        for suite in SUITES.iter().filter(|suite| files.contains(&suite.key)) {
            let vectors = suite.vectors(&["both", "encode", "decode"]);
            let named = vectors.iter().any(|vector| self::name(vector) == name);
            assert!(named, "{}: {name}", suite.key);
        }
    }
}

impl Suite {
    /// The vectors of these directions.
    fn vectors(&self, directions: &[&str]) -> Vec<Value> {
        let mut file: Value = serde_json::from_str(self.json).expect("JSON");
        let Value::Array(mut vectors) = file["vectors"].take() else {
            panic!("a list of vectors")
        };
        vectors.retain(|vector| {
            let direction = vector["direction"].as_str().expect("a direction");
            directions.contains(&direction)
        });
        vectors
    }

    fn lists(&self, list: &[Listed], name: &str) -> bool {
        let mut names = list.iter().filter(|(files, ..)| files.contains(&self.key));
        names.any(|(_, listed, _)| *listed == name)
    }
}

pub(crate) fn name(vector: &Value) -> &str {
    vector["name"].as_str().expect("a name")
}

fn decode(revision: Revision, vector: &Value) -> Result<Vec<Plain>, (usize, DecodeError)> {
    let mut limits = Limits::default();
    if let Some(max) = vector["options"]["maxAttachments"].as_u64() {
        limits.max_attachments = max as usize;
    }
    let mut decoder = Decoder::new(revision, limits);
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

/// The reference reports numbers as names, leaves out the data of an ACK or ERROR without any and,
/// in revision 4, tells packets with attachments from those without.
pub(crate) fn expected(vector: &Value) -> Plain {
    let packet = vector.get("decoded").unwrap_or_else(|| &vector["packet"]);
    let mut plain = plain(packet);
    plain.kind = match plain.kind {
        5 => 2,
        6 => 3,
        kind => kind,
    };
    match (plain.kind, &mut plain.data) {
        (2, Some(Data::Array(items))) => {
            if let Data::Number(number) = &items[0] {
                items[0] = Data::String(number.to_string());
            }
        }
        (3, data @ None) => *data = Some(Data::Array(Vec::new())),
        (4, data @ None) => *data = Some(Data::Null),
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
        2 | 5 => {
            let items = items(&packet.data);
            let name = match &items[0] {
                Data::String(name) => name.clone(),
                Data::Number(number) => number.to_string(),
                _ => panic!("a name"),
            };
            encoder.event(nsp, packet.id, &name, &Spread(&items[1..]))
        }
        3 | 6 => encoder.ack(
            nsp,
            packet.id.expect("an id"),
            &Spread(&items(&packet.data)),
        ),
        _ => {
            let json = serde_json::to_value(&packet.data).expect("JSON");
            match &json["message"] {
                Value::String(message) => encoder.connect_error(nsp, message, json.get("data")),
                // A message alone, or data alone.
                _ => match &json {
                    Value::String(message) => encoder.connect_error(nsp, message, None),
                    data => encoder.connect_error(nsp, "", Some(data)),
                },
            }
        }
    }
}
