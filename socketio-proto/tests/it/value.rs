//! Data of unknown shape: nothing of it is lost, bytes least of all, and nothing is made up.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use serde::{
    Deserialize,
    de::value::{BytesDeserializer, Error},
};
use serde_json::json;
use socketio_proto::{
    Args, ArgsError, Binary, Body, EncodeError, Encoded, Encoder, Revision, Value,
};

use crate::{data::Spread, roundtrip};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

fn encode(args: &impl serde::Serialize) -> Result<Encoded, EncodeError> {
    Encoder::new(Revision::V5, 0).ack("/", 0, args)
}

fn args(array: &str, attachments: Vec<Bytes>) -> Args<'_> {
    Args::new(array, attachments).expect("valid arguments")
}

fn binary(bytes: &'static [u8]) -> Value {
    Bytes::from_static(bytes).into()
}

proptest! {
    #![proptest_config(roundtrip::seeded(5))]

    #[test]
    fn what_is_read_is_sent_back_the_same(data in roundtrip::args()) {
        let sent = encode(&Spread(&data)).expect("encodable");
        let Body::Ack(args) = roundtrip::decode(&sent).body else { panic!("no ack") };
        let values: Vec<Value> = args.all().expect("anything fits");

        let whole = encode(&(Value::from(values.clone()),)).expect("encodable");
        prop_assert_eq!(&whole.attachments, &sent.attachments);
        let Body::Ack(args) = roundtrip::decode(&whole).body else { panic!("no ack") };
        let list = sent.text().split_once('[').expect("a list").1;
        prop_assert_eq!(format!("{}]", args.raw()), format!("[{list}]"));
        prop_assert_eq!(args.parse::<Value>().expect("anything fits"), Value::Array(values));
    }
}

#[test]
fn a_value_is_always_one_argument() {
    for (value, list) in [
        (Value::Null, "null"),
        (true.into(), "true"),
        ("text".into(), r#""text""#),
        (Value::Array(Vec::new()), "[]"),
        (vec![1, 2].into(), "[1,2]"),
        (vec![Value::Null].into(), "[null]"),
        (Value::Object(BTreeMap::new()), "{}"),
    ] {
        let sent = encode(&value).expect("encodable");
        assert_eq!(sent.text(), format!("30[{list}]"));
        let Body::Ack(args) = roundtrip::decode(&sent).body else {
            panic!("no ack")
        };
        assert_eq!(args.parse::<Value>().expect("the same"), value);
    }
}

#[test]
fn a_tuple_of_values_is_an_argument_each() {
    let sent = encode(&(Value::Null, binary(b"a"), Value::from(vec![1]))).expect("encodable");
    assert_eq!(sent.text(), format!("61-0[null,{PLACEHOLDER},[1]]"));
    let Body::Ack(args) = roundtrip::decode(&sent).body else {
        panic!("no ack")
    };
    let (null, bytes, list, missing): (Value, Value, Value, Value) = args.parse().expect("four");
    assert_eq!((null, missing), (Value::Null, Value::Null));
    assert_eq!((bytes, list), (binary(b"a"), vec![1].into()));
}

#[test]
fn attachments_are_taken_without_copying() {
    let attachment = Bytes::from(vec![7; 1000]);
    let array = format!(r#"[{{"deep":[{PLACEHOLDER}]}}]"#);
    let value: Value = args(&array, vec![attachment.clone()])
        .parse()
        .expect("anything fits");
    let bytes = value["deep"][0].as_binary().expect("bytes");
    assert_eq!(bytes.as_ptr(), attachment.as_ptr());
}

#[test]
fn placeholders_are_recognised_as_the_decoder_does() {
    for (object, expected) in [
        (r#"{"num":1,"x":[{}],"_placeholder":true}"#, binary(b"b")),
        (r#"{"_placeholder":true,"num":0,"num":1}"#, binary(b"b")),
        (r#"{"\u005fplaceholder":true,"num":0}"#, binary(b"a")),
        (
            r#"{"_placeholder":true,"_placeholder":false,"num":0}"#,
            Value::from_iter([("_placeholder", false.into()), ("num", Value::from(0))]),
        ),
        (
            r#"{"_placeholder":"true","num":0}"#,
            Value::from_iter([("_placeholder", "true".into()), ("num", Value::from(0))]),
        ),
        (r#"{"num":0}"#, Value::from_iter([("num", 0)])),
    ] {
        let array = format!("[{object}]");
        let args = args(&array, vec!["a".into(), "b".into()]);
        assert_eq!(args.parse::<Value>().expect("fits"), expected, "{object}");
    }
}

#[test]
fn without_attachments_a_placeholder_remains_an_object() {
    let object = Value::from_iter([("_placeholder", true.into()), ("num", Value::from(0))]);
    let array = format!("[{PLACEHOLDER}]");
    assert_eq!(
        args(&array, Vec::new()).parse::<Value>().expect("fits"),
        object
    );
    assert_eq!(
        serde_json::from_str::<Value>(PLACEHOLDER).expect("fits"),
        object
    );
    assert_eq!(Value::from(json!({"_placeholder": true, "num": 0})), object);

    assert_eq!(
        encode(&object).expect("text only").text(),
        format!("30[{PLACEHOLDER}]")
    );
    assert!(matches!(
        encode(&(object, binary(b"a"))),
        Err(EncodeError::Placeholder)
    ));
}

#[test]
fn outside_of_packets_bytes_are_bytes() {
    assert_eq!(
        serde_json::to_value(binary(b"ab")).expect("JSON"),
        json!([97, 98])
    );
    let bytes = BytesDeserializer::<Error>::new(b"ab");
    assert_eq!(Value::deserialize(bytes), Ok(binary(b"ab")));
}

#[test]
fn deep_nesting_is_refused() {
    let array = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        args(&array, Vec::new()).parse::<Value>(),
        Err(ArgsError::Mismatch(_))
    ));
}

#[test]
fn plain_json_converts_as_it_is_read() {
    let json = json!({
        "list": [null, true, -1, u64::MAX, 1.5, "text"],
        "object": {"": {}},
    });
    let read: Value = serde_json::from_value(json.clone()).expect("fits");
    assert_eq!(Value::from(json.clone()), read);
    assert_eq!(serde_json::to_value(&read).expect("JSON"), json);
}

#[test]
fn accessors_answer_for_their_kind_alone() {
    let kinds = [
        Value::default(),
        true.into(),
        (-1i64).into(),
        u64::MAX.into(),
        1.5.into(),
        "text".into(),
        binary(b"bytes"),
        vec!["item"].into(),
        Value::from_iter([("key", "value")]),
    ];
    let answers = kinds.each_ref().map(|value| {
        [
            value.is_null(),
            value.as_bool() == Some(true),
            value.as_i64() == Some(-1),
            value.as_u64() == Some(u64::MAX),
            value.as_f64() == Some(1.5),
            value.as_str() == Some("text"),
            value.as_binary() == Some(&Binary::from(&b"bytes"[..])),
            value.as_array() == Some(&["item".into()]),
            value.get("key") == Some(&"value".into()),
        ]
    });
    for (row, answers) in answers.iter().enumerate() {
        let expected: [bool; 9] = std::array::from_fn(|column| column == row);
        assert_eq!(*answers, expected, "{:?}", kinds[row]);
    }
    assert_eq!(kinds[2].as_f64(), Some(-1.0));
}

#[test]
fn missing_keys_and_items_are_null() {
    let value = Value::from_iter([("list", vec![1, 2])]);
    assert_eq!(value["list"][1], 2.into());
    for missing in [
        &value["list"][2],
        &value["none"]["deeper"],
        &value[0],
        &value["list"]["key"],
    ] {
        assert_eq!(*missing, Value::Null);
    }
    assert_eq!(value.get("none"), None);
}

#[test]
fn floats_are_read_to_the_last_digit() {
    // What JavaScript writes for these is read as a neighbour by less careful parsers.
    for text in [
        "985.6906946328695",
        "212.91890726713459",
        "5e-324",
        "1.7976931348623157e308",
    ] {
        let exact: f64 = text.parse().expect("a float");
        let array = format!("[{text}]");
        let value: Value = args(&array, Vec::new()).parse().expect("fits");
        assert_eq!(
            value.as_f64().map(f64::to_bits),
            Some(exact.to_bits()),
            "{text}"
        );
        let plain: f64 = args(&array, Vec::new()).parse().expect("fits");
        assert_eq!(plain.to_bits(), exact.to_bits(), "{text}");
    }
}

#[test]
fn what_javascript_cannot_send_becomes_null() {
    assert_eq!(Value::from(f64::NAN), Value::Null);
    assert_eq!(Value::from(f64::NEG_INFINITY), Value::Null);
    assert_eq!(Value::from(None::<u32>), Value::Null);
}
