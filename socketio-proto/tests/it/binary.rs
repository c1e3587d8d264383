//! Bytes in arguments: out to the attachments, back from them, and never from anywhere else.

use std::{collections::HashMap, panic};

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use socketio_proto::{
    Args, ArgsError, Binary, Body, DecodeError, Decoder, EncodeError, Encoded, Encoder, Limits,
    Revision,
};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;

fn encoder() -> Encoder {
    Encoder::new(Revision::V5, 0)
}

fn receive(sent: &Encoded) -> Args<'static> {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    let mut packet = decoder
        .decode_text(sent.text())
        .expect("a packet")
        .map(drop);
    let mut args = None;
    for attachment in &sent.attachments {
        assert!(packet.is_none(), "complete too early");
        args = decoder.decode_binary(attachment).expect("an attachment");
        packet = args.as_ref().map(drop);
    }
    match args.expect("complete").body {
        Body::Event { args, .. } | Body::Ack(args) => args.into_owned(),
        other => panic!("no arguments in {other:?}"),
    }
}

fn binary(bytes: &[u8]) -> Binary {
    Bytes::copy_from_slice(bytes).into()
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct File {
    name: String,
    body: Binary,
    thumbnail: Option<Binary>,
    parts: Vec<Binary>,
    #[serde(flatten)]
    more: HashMap<String, Binary>,
    either: Either,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
enum Either {
    Bytes(Binary),
    Text(String),
}

#[test]
fn bytes_are_found_anywhere_in_user_types() {
    let file = File {
        name: "cat.png".to_owned(),
        body: binary(b"body"),
        thumbnail: Some(binary(b"thumbnail")),
        parts: vec![binary(b"1"), binary(b""), binary(b"1")],
        more: HashMap::from([("extra".to_owned(), binary(b"extra"))]),
        either: Either::Bytes(binary(b"either")),
    };
    let sent = encoder()
        .event("/", None, "file", &(&file, Either::Text("x".to_owned())))
        .expect("encodable");
    assert_eq!(sent.attachments.len(), 7);
    assert!(
        sent.text()
            .starts_with(r#"57-["file",{"name":"cat.png","body":{"_placeholder":true,"num":0},"#)
    );
    let (back, either): (File, Either) = receive(&sent).parse().expect("the same types");
    assert_eq!((back, either), (file, Either::Text("x".to_owned())));
}

#[test]
fn attachments_are_not_copied_on_the_way_out() {
    let bytes = Bytes::from(vec![7; 1000]);
    let sent = encoder()
        .ack("/", 0, &Binary(bytes.clone()))
        .expect("encodable");
    assert_eq!(sent.text(), format!("61-0[{PLACEHOLDER}]"));
    assert_eq!(sent.attachments[0].as_ptr(), bytes.as_ptr());
}

#[test]
fn attachments_are_not_copied_on_the_way_in() {
    let args = receive(
        &encoder()
            .event("/", None, "e", &binary(b"abc"))
            .expect("encodable"),
    );
    let Binary(first) = args.parse().expect("bytes");
    assert_eq!(first.as_ptr(), args.attachments()[0].as_ptr());
}

#[test]
fn binary_is_used_like_the_bytes_it_is() {
    let data = Binary::from(&b"static"[..]);
    assert_eq!((data.len(), &data[1..3]), (6, &b"ta"[..]));
    assert_eq!(data.as_ref(), b"static");
    let address = data.as_ptr();
    assert_eq!(Bytes::from(data).as_ptr(), address);
}

#[test]
fn any_byte_string_is_an_attachment() {
    struct Raw<'a>(&'a [u8]);

    impl Serialize for Raw<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }

    let sent = encoder()
        .event("/", None, "e", &(binary(b"a"), Raw(b"b"), [1u8]))
        .expect("encodable");
    assert_eq!(sent.attachments, ["a", "b"]);
    let (a, b, list): (Binary, Binary, Vec<u8>) = receive(&sent).parse().expect("bytes twice");
    assert_eq!((a, b, list), (binary(b"a"), binary(b"b"), vec![1]));
    let sent = encoder()
        .event("/", None, "e", &Raw(b"c"))
        .expect("encodable");
    assert_eq!(sent.text(), format!(r#"51-["e",{PLACEHOLDER}]"#));
}

#[test]
fn a_placeholder_in_text_is_plain_data() {
    let text = format!(r#"2["e",{PLACEHOLDER}]"#);
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    let packet = decoder
        .decode_text(&text)
        .expect("a packet")
        .expect("complete");
    let Body::Event { args, .. } = packet.body else {
        panic!("no event")
    };
    args.check().expect("nothing wrong with it");
    assert_eq!(
        args.parse::<Value>().expect("an object"),
        json!({"_placeholder": true, "num": 0})
    );
    assert!(matches!(
        args.parse::<Binary>(),
        Err(ArgsError::Mismatch(_))
    ));
}

/// Reads other arguments while it is being read itself.
struct Nested;

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Args::new(format!("[{PLACEHOLDER}]"), Vec::new()).expect("an array");
        assert!(
            text.parse::<Binary>().is_err(),
            "text has reached attachments of the packet around it"
        );
        Binary::deserialize(deserializer).map(|bytes| assert_eq!(bytes, binary(b"outer")))?;
        Ok(Self)
    }
}

#[test]
fn a_placeholder_in_text_does_not_reach_attachments_of_another_packet() {
    receive(
        &encoder()
            .event("/", None, "e", &binary(b"outer"))
            .expect("encodable"),
    )
    .parse::<Nested>()
    .map(drop)
    .expect("bytes");
}

#[test]
fn a_panic_while_reading_leaves_no_attachments_behind() {
    #[derive(Debug)]
    struct Panics;

    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Value::deserialize(deserializer)?;
            panic!("user code failed");
        }
    }

    let args = receive(
        &encoder()
            .event("/", None, "e", &binary(b"x"))
            .expect("encodable"),
    );
    let caught = panic::catch_unwind(panic::AssertUnwindSafe(|| args.parse::<Panics>().map(drop)));
    assert!(caught.is_err());
    assert!(serde_json::from_str::<Binary>(PLACEHOLDER).is_err());
}

#[test]
fn encoding_inside_of_encoding_keeps_the_two_apart() {
    struct Encodes;

    impl Serialize for Encodes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner = encoder()
                .event("/", None, "inner", &binary(b"inner"))
                .expect("encodable");
            assert_eq!(inner.attachments, ["inner"]);
            inner.text().serialize(serializer)
        }
    }

    let sent = encoder()
        .event("/", None, "e", &(binary(b"a"), Encodes, binary(b"b")))
        .expect("encodable");
    assert_eq!(sent.attachments, ["a", "b"]);
    let (a, _, b): (Binary, String, Binary) = receive(&sent).parse().expect("two and a text");
    assert_eq!((a, b), (binary(b"a"), binary(b"b")));
}

#[test]
fn outside_of_packets_bytes_are_bytes() {
    assert_eq!(
        serde_json::to_string(&binary(b"ab")).expect("JSON"),
        "[97,98]"
    );
    assert!(serde_json::from_str::<Binary>(PLACEHOLDER).is_err());
}

#[test]
fn user_data_that_looks_like_a_placeholder_is_refused_beside_attachments() {
    let forged = json!({"num": 0, "_placeholder": true, "x": 1});
    for args in [
        (binary(b"a"), json!([{"deep": forged}])),
        (binary(b"a"), forged.clone()),
    ] {
        assert!(matches!(
            encoder().event("/", None, "e", &args),
            Err(EncodeError::Placeholder)
        ));
    }
    let harmless = json!([
        {"_placeholder": "true", "num": 0},
        {"_placeholder": false},
        "_placeholder",
        {"a": "_placeholder"},
    ]);
    let sent = encoder()
        .event("/", None, "e", &(binary(b"a"), &harmless))
        .expect("no placeholder");
    assert_eq!(
        receive(&sent).parse::<(Binary, Value)>().expect("the same"),
        (binary(b"a"), harmless)
    );
    encoder()
        .event("/", None, "e", &forged)
        .map(drop)
        .expect("plain data in a packet without attachments");
}

#[test]
fn bytes_serialised_elsewhere_than_into_the_packet_are_refused() {
    struct Elsewhere;

    impl Serialize for Elsewhere {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serde_json::to_string(&binary(b"x"))
                .expect("JSON")
                .serialize(serializer)
        }
    }

    assert!(matches!(
        encoder().event("/", None, "e", &Elsewhere),
        Err(EncodeError::Placeholder)
    ));
}

#[test]
fn illegal_placeholders_are_found_wherever_they_hide() {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    for illegal in [
        r#"{"_placeholder":true,"num":1}"#,
        r#"{"num":1,"_placeholder":true}"#,
        r#"{"\u005fplaceholder":true,"num":1}"#,
        r#"{"_placeholder":true,"\u006eum":1}"#,
        r#"{"_placeholder":false,"_placeholder":true}"#,
        r#"{"_placeholder":true,"num":0,"num":7}"#,
        r#"{"_placeholder":true,"num":[0]}"#,
        r#"{"_placeholder":true,"num":0,"num":[]}"#,
        r#"{"_placeholder":true,"num":{"num":0}}"#,
        r#"{"_placeholder":true,"num":0.0}"#,
        r#"{"_placeholder":true,"num":18446744073709551616}"#,
        r#"{"a":[{"_placeholder" : true , "num" : -1}]}"#,
    ] {
        let text = format!(r#"51-["e",{PLACEHOLDER},"\"{{",{illegal}]"#);
        assert_eq!(
            decoder.decode_text(&text),
            Err(DecodeError::Placeholder),
            "{illegal}"
        );
    }
}

#[test]
fn attachments_are_passed_on_with_their_arguments() {
    let args = receive(
        &encoder()
            .event("/", None, "e", &(1, binary(b"a"), binary(b"b")))
            .expect("encodable"),
    );
    let sent = encoder()
        .event_raw("/x", Some(2), "again", &args)
        .expect("valid");
    assert_eq!(
        sent.text(),
        r#"52-/x,2["again",1,{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#
    );
    assert_eq!(sent.attachments, ["a", "b"]);
    let rebuilt =
        Args::new(format!("[{}]", args.raw()), args.attachments().to_vec()).expect("valid");
    assert_eq!(
        rebuilt.parse::<(u8, Binary, Binary)>().expect("three"),
        (1, binary(b"a"), binary(b"b"))
    );
    assert!(
        Args::new(
            format!("[{}]", args.raw()),
            args.attachments()[..1].to_vec()
        )
        .is_err()
    );
}

#[test]
fn malformed_json_is_refused_before_its_attachments() {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    assert_eq!(
        decoder.decode_text(r#"51-["e",x]"#),
        Err(DecodeError::Payload)
    );
    assert_eq!(decoder.pending_namespace(), None);
}
