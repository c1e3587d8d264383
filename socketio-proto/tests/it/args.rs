//! Arguments: how types spread over them on both ways, and whose fault it is when they do not fit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeTuple};
use serde_json::{Value, json};
use socketio_proto::{
    Args, ArgsError, Binary, Body, DecodeError, Decoder, EncodeError, Encoder, Limits, Packet,
    Revision,
};

const MAX_ID: u64 = (1 << 53) - 1;

fn decode(text: &str) -> Packet<'_> {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    decoder
        .decode_text(text)
        .expect("a packet")
        .expect("no attachments")
}

fn args(text: &str) -> Args<'_> {
    match decode(text).body {
        Body::Event { args, .. } | Body::Ack(args) => args,
        other => panic!("no arguments in {other:?}"),
    }
}

fn sent<T: Serialize + ?Sized>(args: &T) -> String {
    let encoder = Encoder::new(Revision::V5, 0);
    let event = encoder.event("/", None, "e", args).expect("encodable");
    let ack = encoder.ack("/", 0, args).expect("encodable");
    let list = event
        .text()
        .strip_prefix(r#"2["e""#)
        .expect("the name first")
        .trim_start_matches(',');
    assert_eq!(
        ack.text(),
        format!("30[{list}"),
        "event and acknowledgement differ"
    );
    list.strip_suffix(']').expect("a bracket").to_owned()
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Pair(u8, u8);

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Wrapped((u8, u8));

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Choice {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { x: u8 },
}

#[test]
fn shapes_are_written_as_they_are_read() {
    #[track_caller]
    fn check<T>(value: T, list: &str)
    where
        T: Serialize + for<'de> Deserialize<'de> + PartialEq + std::fmt::Debug,
    {
        assert_eq!(sent(&value), list);
        assert_eq!(
            args(&format!(r#"2["e",{list}]"#).replace(",]", "]"))
                .parse::<T>()
                .expect("the same shape"),
            value
        );
        assert_eq!(
            args(&format!("30[{list}]"))
                .parse::<T>()
                .expect("the same shape"),
            value
        );
    }
    check((), "");
    check(true, "true");
    check(-1i8, "-1");
    check(300u16, "300");
    check(i64::MIN, "-9223372036854775808");
    check(u64::MAX, "18446744073709551615");
    check(1.5f64, "1.5");
    check('x', r#""x""#);
    check("text".to_owned(), r#""text""#);
    check(None::<u8>, "null");
    check(Some(1u8), "1");
    check((1u8,), "1");
    check((1u8, "b".to_owned(), None::<u8>), r#"1,"b",null"#);
    check([1u8, 2], "1,2");
    check(vec![1u8, 2], "[1,2]");
    check((vec![1u8, 2],), "[1,2]");
    check(((1u8, 2u8),), "[1,2]");
    check(Point { x: 1, y: 2 }, r#"{"x":1,"y":2}"#);
    check(Pair(1, 2), "[1,2]");
    check(Wrapped((1, 2)), "[1,2]");
    check(HashMap::from([("k".to_owned(), 1u8)]), r#"{"k":1}"#);
    check(Choice::Unit, r#""Unit""#);
    check(Choice::Newtype(1), r#"{"Newtype":1}"#);
    check(Choice::Tuple(1, 2), r#"{"Tuple":[1,2]}"#);
    check(Choice::Struct { x: 1 }, r#"{"Struct":{"x":1}}"#);
    check(json!({"a": [1, null]}), r#"{"a":[1,null]}"#);
}

#[test]
fn values_json_lacks_become_null_as_in_javascript() {
    assert_eq!(
        sent(&(f64::NAN, f64::INFINITY, f32::NEG_INFINITY)),
        "null,null,null"
    );
}

#[test]
fn unsized_and_borrowed_arguments_are_sent() {
    assert_eq!(sent("text"), r#""text""#);
    assert_eq!(sent(&[1, 2][..]), "[1,2]");
    assert_eq!(sent(&("text", &1)), r#""text",1"#);
}

#[test]
fn an_empty_array_is_no_argument() {
    /// Announces an element that it does not have.
    struct Lies;

    impl Serialize for Lies {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_tuple(1)?.end()
        }
    }

    assert_eq!(sent::<[u8; 0]>(&[]), "");
    assert_eq!(sent(&Lies), "");
    assert_eq!(args("30[1]").parse::<[u8; 0]>().expect("nothing"), [0u8; 0]);
}

#[test]
fn missing_arguments_are_null() {
    let one = args(r#"2["e",1]"#);
    assert_eq!(
        one.parse::<(u8, Option<u8>, Value)>().expect("padded"),
        (1, None, Value::Null)
    );
    assert!(matches!(
        one.parse::<(u8, u8)>(),
        Err(ArgsError::Mismatch(_))
    ));
    let none = args(r#"2["e"]"#);
    assert_eq!(none.parse::<Option<u8>>().expect("padded"), None);
    assert_eq!(none.first::<Value>().expect("padded"), Value::Null);
    assert_eq!(none.all::<Vec<u8>>().expect("empty"), Vec::<u8>::new());
    assert!(matches!(none.parse::<u8>(), Err(ArgsError::Mismatch(_))));
}

#[test]
fn an_acknowledgement_without_payload_has_no_arguments() {
    assert_eq!(args("35").parse::<Option<u8>>().expect("padded"), None);
    assert_eq!(args("35").raw(), "");
}

#[test]
fn surplus_arguments_are_ignored_but_must_be_json() {
    assert_eq!(
        args(r#"2["e",1,{"x":[]}]"#)
            .parse::<u8>()
            .expect("the first"),
        1
    );
    assert_eq!(
        args(r#"2["e",1,2,3]"#).parse::<(u8, u8)>().expect("two"),
        (1, 2)
    );
    args(r#"2["e",1,2]"#).parse::<()>().expect("none");
    for malformed in [
        r#"2["e",1,x]"#,
        r#"2["e",1,]"#,
        r#"2["e",1]]"#,
        r#"2["e",1 2]"#,
        r#"2["e",1,{]"#,
    ] {
        let args = args(malformed);
        assert!(
            matches!(args.parse::<u8>(), Err(ArgsError::Malformed)),
            "{malformed}"
        );
        assert!(
            matches!(args.parse::<(u8,)>(), Err(ArgsError::Malformed)),
            "{malformed}"
        );
        assert!(
            matches!(args.parse::<()>(), Err(ArgsError::Malformed)),
            "{malformed}"
        );
        assert!(
            matches!(args.all::<Vec<Value>>(), Err(ArgsError::Malformed)),
            "{malformed}"
        );
        assert!(
            matches!(args.check(), Err(ArgsError::Malformed)),
            "{malformed}"
        );
    }
}

#[test]
fn an_argument_is_read_once_whatever_follows_it() {
    thread_local! {
        static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    #[derive(Deserialize)]
    #[serde(from = "u8")]
    struct Counting;
    impl From<u8> for Counting {
        fn from(_: u8) -> Self {
            READ.set(READ.get() + 1);
            Self
        }
    }
    for list in ["[1]", "[1 ]", "[1,2]", r#"[1, {"a":[]}, null]"#] {
        READ.set(0);
        let args = Args::new(list, Vec::new()).unwrap();
        args.first::<Counting>().unwrap();
        assert_eq!(READ.get(), 1, "{list}");
    }
}

#[test]
fn first_and_all_do_not_ask_the_type() {
    let args = args(r#"2["e",[1,2],[3,4]]"#);
    assert_eq!(args.first::<(u8, u8)>().expect("a pair"), (1, 2));
    assert_eq!(
        args.parse::<([u8; 2], Pair)>().expect("two pairs"),
        ([1, 2], Pair(3, 4))
    );
    assert_eq!(
        args.all::<Vec<Pair>>().expect("all"),
        [Pair(1, 2), Pair(3, 4)]
    );
    assert_eq!(args.all::<Value>().expect("all"), json!([[1, 2], [3, 4]]));
    assert_eq!(args.parse::<Value>().expect("the first"), json!([1, 2]));
}

#[test]
fn types_may_borrow_from_the_message() {
    let args = args(r#"2["e","a","b"]"#);
    assert_eq!(
        args.parse::<(&str, &str)>().expect("plain text"),
        ("a", "b")
    );
}

#[test]
fn blame_is_the_types_if_the_json_is_fine() {
    // Half a surrogate pair is legal JSON and nothing a Rust string can hold.
    for (text, reason) in [
        (r#"2["e","x"]"#, "no number"),
        (r#"2["e","\ud83d"]"#, "no text"),
        (r#"2["e",-1]"#, "negative"),
    ] {
        assert!(
            matches!(args(text).parse::<u8>(), Err(ArgsError::Mismatch(_))),
            "{reason}"
        );
    }
    assert!(matches!(
        args(r#"2["e","\ud83d"]"#).parse::<String>(),
        Err(ArgsError::Mismatch(_))
    ));
}

#[test]
fn deep_nesting_fits_no_type() {
    let text = format!(r#"2["e",{}{}]"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        args(&text).parse::<Value>(),
        Err(ArgsError::Mismatch(_))
    ));
    args(&text)
        .parse::<()>()
        .expect("skipped without recursion");
}

#[test]
fn errors_do_not_quote_the_data() {
    let error = args(r#"2["e","secret"]"#)
        .parse::<u8>()
        .expect_err("text is no number");
    assert_eq!(error.to_string(), "arguments do not fit the type");
    assert!(!format!("{:?}", args(r#"2["e","secret"]"#)).contains("secret"));
}

#[test]
fn raw_arguments_are_passed_on_unchanged() {
    let encoder = Encoder::new(Revision::V5, 0);
    for list in ["", "1", r#"1.0,1e+21,"\ud83d",{"a" : [ ]}"#] {
        let text = format!(r#"2["e",{list}]"#).replace(",]", "]");
        let args = args(&text);
        assert_eq!(args.raw(), list);
        assert_eq!(
            encoder
                .event_raw("/", None, "e", &args)
                .expect("valid")
                .text(),
            text
        );
        assert_eq!(
            encoder.ack_raw("/", 3, &args).expect("valid").text(),
            format!("33[{list}]")
        );
    }
}

#[test]
fn malformed_arguments_are_not_passed_on() {
    let encoder = Encoder::new(Revision::V5, 0);
    let args = args(r#"2["e",x]"#);
    assert!(matches!(
        encoder.event_raw("/", None, "e", &args),
        Err(EncodeError::Malformed)
    ));
    assert!(matches!(
        encoder.ack_raw("/", 0, &args),
        Err(EncodeError::Malformed)
    ));
}

#[test]
fn arguments_from_elsewhere_are_checked() {
    assert_eq!(
        Args::new(" [1, 2] ", Vec::new()).expect("an array").raw(),
        "1, 2"
    );
    for text in ["", "[", "{}", "1", "[1", "[1]]", "[x]"] {
        assert!(
            matches!(Args::new(text, Vec::new()), Err(ArgsError::Malformed)),
            "{text}"
        );
    }
}

#[test]
fn owned_arguments_read_the_same() {
    let owned = args(r#"2["e",1,"b"]"#).into_owned();
    assert_eq!(
        owned.parse::<(u8, String)>().expect("the same"),
        (1, "b".to_owned())
    );
    assert_eq!(owned.raw(), r#"1,"b""#);
}

#[test]
fn names_are_unescaped_or_borrowed() {
    for (text, expected) in [
        (r#"2["plain"]"#, "plain"),
        (r#"2[ "a" ]"#, "a"),
        (r#"2["\u00e9\n\"\\"]"#, "é\n\"\\"),
        (r#"2[""]"#, ""),
        ("2[-1.5e3]", "-1.5e3"),
    ] {
        let packet = decode(text);
        let Body::Event { name, args } = packet.body else {
            panic!("no event: {text}")
        };
        assert_eq!(name, expected);
        assert_eq!(args.raw(), "");
    }
}

#[test]
fn malformed_names_are_refused_at_once() {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    for text in [
        "2[1..2]",
        "2[-]",
        "2[01]",
        "2[NaN]",
        "2[\"a\u{1}\"]",
        r#"2["\x"]"#,
        r#"2["\ud83d"]"#,
        r#"2["a]"#,
        r#"2["a\"]"#,
        r#"2["a"]]"#,
        r#"2["a" 1]"#,
        r#"2["\u0063onnect"x]"#,
    ] {
        assert_eq!(
            decoder.decode_text(text),
            Err(DecodeError::Payload),
            "{text}"
        );
    }
    let escaped = decoder.decode_text(r#"2["\u0063onnect"]"#);
    assert_eq!(escaped, Err(DecodeError::ReservedEvent));
}

#[test]
fn names_are_escaped_when_sent() {
    let encoder = Encoder::new(Revision::V5, 0);
    let text = encoder
        .event("/", None, "\"é\\\n\u{1}", &1)
        .expect("any name")
        .text()
        .to_owned();
    assert_eq!(text, r#"2["\"é\\\n\u0001",1]"#);
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let encoder = Encoder::new(Revision::V5, 0);
    for name in [
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ] {
        assert!(
            matches!(
                encoder.event("/", None, name, &()),
                Err(EncodeError::ReservedEvent)
            ),
            "{name}"
        );
    }
    for nsp in ["", "admin", "/a,b"] {
        assert!(
            matches!(
                encoder.event(nsp, None, "e", &()),
                Err(EncodeError::Namespace)
            ),
            "{nsp}"
        );
        assert!(
            matches!(encoder.disconnect(nsp), Err(EncodeError::Namespace)),
            "{nsp}"
        );
    }
    assert!(matches!(
        encoder.ack("/", MAX_ID + 1, &()),
        Err(EncodeError::Id)
    ));
    encoder
        .ack("/", MAX_ID, &())
        .map(drop)
        .expect("the largest id");
    let map = HashMap::from([((1, 2), 3)]);
    assert!(matches!(
        encoder.event("/", None, "e", &map),
        Err(EncodeError::Json(_))
    ));
}

#[test]
fn headroom_is_left_free() {
    for headroom in [0, 1, 14] {
        let encoder = Encoder::new(Revision::V5, headroom);
        for packet in [
            encoder.event("/admin", Some(MAX_ID), "\"", &1),
            encoder.ack("/admin", MAX_ID, &()),
            encoder.ack("/admin", MAX_ID, &(Binary::default(), Binary::default())),
            encoder.connect("/admin", None),
            encoder.connected("/admin", "sid", None),
            encoder.connect_error("/admin", "no", None),
            encoder.disconnect("/admin"),
        ] {
            assert!(packet.expect("encodable").start >= headroom);
        }
    }
}

#[test]
fn a_small_event_fits_its_first_allocation() {
    let encoder = Encoder::new(Revision::V5, 14);
    let capacity = |args: &str| {
        let sent = encoder.event("/admin", Some(MAX_ID), "event", args);
        sent.expect("encodable").buffer.capacity()
    };
    assert_eq!(capacity(""), capacity(&"x".repeat(120)));
    assert!(capacity(&"x".repeat(200)) > capacity(""));
}
