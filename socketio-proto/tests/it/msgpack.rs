//! MessagePack: the vectors of the JavaScript parser, round trips, and bytes from strangers.

use std::{collections::BTreeMap, sync::Arc};

use proptest::{collection::vec, option, prelude::*};
use serde_json::{Number, Value, json};
use socketio_proto::{
    Args, Body, DecodeError, Decoder, EncodeError, Encoder, Limits, MsgPack, Packet, Parser,
    Revision, strategies,
};

use crate::{
    data::{Data, Plain, Spread, bytes_of},
    roundtrip::{args, generous, seeded},
    vectors::{encode, expected, name, plain},
};

/// What the reference accepts and we refuse.
const REFUSED: &[(&str, DecodeError, &str)] = &[
    (
        "empty event array",
        DecodeError::Payload,
        "an event has a name",
    ),
    (
        "event name object",
        DecodeError::Payload,
        "an event has a name",
    ),
    (
        "reserved event name",
        DecodeError::ReservedEvent,
        "the JavaScript server lets handlers of its own events run for it",
    ),
    (
        "nsp without slash",
        DecodeError::Namespace,
        "there is no such namespace; the JavaScript server closes the connection, too",
    ),
    (
        "id negative",
        DecodeError::Id,
        "ids count from zero; nobody could have asked",
    ),
];

/// What we write otherwise, and why.
const SPELLED: &[(&str, &str, &str)] = &[
    (
        "connect from JS client without auth",
        "82a47479706500a36e7370a12f",
        "what is undefined is left out",
    ),
    (
        "connect ack from JS server",
        "83a47479706500a46461746181a3736964b46f534f304f70616b4d565f336a6e696c41414141a36e7370a12f",
        "what is undefined is left out",
    ),
    (
        "event from JS client",
        "83a47479706502a46461746192a568656c6c6f01a36e7370a12f",
        "options are the sender's business",
    ),
    (
        "event with ack",
        "84a47479706502a46461746191a568656c6c6fa2696400a36e7370a12f",
        "options are the sender's business",
    ),
    (
        "ack",
        "84a47479706503a46461746190a26964cd01c8a36e7370a62f61646d696e",
        "the order of an event's keys",
    ),
    (
        "ack undefined arg",
        "84a47479706503a46461746191c0a2696401a36e7370a12f",
        "the order of an event's keys; undefined is null in Rust",
    ),
    (
        "event Date",
        "83a47479706502a46461746192a161b8323032332d31312d31345432323a31333a32302e3132335aa36e7370a12f",
        "a date is text in Rust",
    ),
    (
        "event floats",
        "83a47479706502a46461746194a161cb3ff8000000000000cbbfd0000000000000cb7e37e43c8800759ca36e7370a12f",
        "1e300 is sent as it is; the JavaScript codec makes 0 of it",
    ),
    (
        "event NaN Infinity",
        "83a47479706502a46461746193a161c0c0a36e7370a12f",
        "null, as in the text form",
    ),
    (
        "event map",
        "83a47479706502a46461746192a16181a16281a1639101a36e7370a12f",
        "what is undefined is left out",
    ),
    (
        "connect error",
        "83a47479706504a46461746181a76d657373616765ae4e6f7420617574686f72697a6564a36e7370a12f",
        "what is undefined is left out",
    ),
    (
        "connect error string",
        "83a47479706504a46461746181a76d657373616765a178a36e7370a12f",
        "servers always send an object",
    ),
    (
        "numeric event name",
        "83a47479706502a46461746191a131a36e7370a12f",
        "names are strings; JavaScript listens to both alike",
    ),
];

fn vectors() -> Vec<Value> {
    let mut file: Value =
        serde_json::from_str(include_str!("../vectors/msgpack.json")).expect("JSON");
    let Value::Array(vectors) = file["vectors"].take() else {
        panic!("a list of vectors")
    };
    assert_eq!(vectors.len(), 68);
    vectors
}

fn wire(vector: &Value) -> Vec<u8> {
    bytes_of(vector["wire"][0]["hex"].as_str().expect("hex"))
}

fn encoder() -> Encoder {
    Encoder::new(Revision::V5, 11).with_parser(Some(Arc::new(MsgPack)))
}

fn decoder(limits: Limits) -> Decoder {
    Decoder::new(Revision::V5, limits).with_parser(Some(Arc::new(MsgPack)))
}

fn decode(data: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let packet = decoder(Limits::default()).decode_binary(data)?;
    Ok(packet.expect("complete"))
}

/// An event `e` on `/` whose arguments, as many as `count` says, are these items.
fn event(count: u8, items: &str) -> Vec<u8> {
    let head = format!("83a47479706502a36e7370a12fa4646174619{:x}a165", count + 1);
    bytes_of(&(head + items))
}

#[track_caller]
fn decoded_args(message: &[u8]) -> Args<'_> {
    match decode(message).expect("a packet").body {
        Body::Event { args, .. } => args,
        other => panic!("{other:?}"),
    }
}

/// The JSON that is made of one argument.
#[track_caller]
fn json_of(item: &str) -> String {
    decoded_args(&event(1, item)).raw().to_owned()
}

/// The message with these arguments.
fn encode_raw(args: &Args<'_>) -> Result<Vec<u8>, EncodeError> {
    let sent = encoder().event_raw("/", None, "e", args)?;
    assert!(!sent.has_text());
    assert_eq!(sent.attachments.len(), 1);
    Ok(sent.attachments[0].to_vec())
}

/// The item that is made of one JSON argument.
#[track_caller]
fn item_of(json: &str) -> Vec<u8> {
    let args = Args::new(format!("[{json}]"), Vec::new()).expect("valid");
    let message = encode_raw(&args).expect("encodable");
    let tail = bytes_of("a36e7370a12f");
    let head = bytes_of("83a47479706502a46461746192a165");
    let rest = message.strip_prefix(&head[..]).expect("an event");
    rest.strip_suffix(&tail[..]).expect("a namespace").to_vec()
}

#[test]
fn decodes_as_the_reference_does() {
    let vectors = vectors();
    for vector in &vectors {
        let name = name(vector);
        let wire = wire(vector);
        let outcome = decode(&wire);
        if let Some((_, error, _)) = REFUSED.iter().find(|(refused, ..)| *refused == name) {
            assert_eq!(
                vector["valid"], true,
                "{name}: the reference refuses it too"
            );
            assert_eq!(outcome, Err(*error), "{name}");
        } else if vector["valid"] == true {
            let packet = outcome.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(Plain::of(&packet), expected(vector), "{name}");
        } else {
            assert!(outcome.is_err(), "{name}: {outcome:?}");
        }
    }
}

#[test]
fn encodes_as_the_reference_does() {
    let mut encoded = 0;
    for vector in vectors()
        .iter()
        .filter(|vector| vector["direction"] == "both")
    {
        encoded += 1;
        let name = name(vector);
        let mut packet = plain(&vector["packet"]);
        if packet.kind != 2 {
            strip_nulls(&mut packet.data);
        }
        if name == "event map" {
            packet = expected(vector);
        }
        let sent = encode(&encoder(), &packet).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!sent.has_text(), "{name}");
        let wire = match SPELLED.iter().find(|(spelled, ..)| *spelled == name) {
            Some((_, ours, _)) => {
                assert_ne!(wire(vector), bytes_of(ours), "{name}: no difference");
                bytes_of(ours)
            }
            None => wire(vector),
        };
        assert_eq!(sent.attachments, [wire], "{name}");
    }
    assert_eq!(encoded, 26);
}

/// What was undefined, and is no argument.
fn strip_nulls(data: &mut Option<Data>) {
    match data {
        Some(Data::Null) => *data = None,
        Some(Data::Object(fields)) => fields.retain(|_, value| *value != Data::Null),
        _ => {}
    }
}

#[test]
fn the_lists_of_differences_name_vectors() {
    let vectors = vectors();
    let names: Vec<_> = vectors.iter().map(name).collect();
    let spelled = SPELLED.iter().map(|(name, ..)| name);
    for name in spelled.chain(REFUSED.iter().map(|(name, ..)| name)) {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn numbers_of_any_width_are_exact() {
    for (item, json) in [
        ("cf000000000000002a", "42"),
        ("ce0000002a", "42"),
        ("d3000000000000002a", "42"),
        ("cfffffffffffffffff", "18446744073709551615"),
        ("d38000000000000000", "-9223372036854775808"),
        ("d0ff", "-1"),
        ("ca3fc00000", "1.5"),
        ("cb4010000000000000", "4"),
        ("cb8000000000000000", "0"),
        ("cb4340000000000000", "9007199254740992"),
        ("cb4350000000000000", "1.8014398509481984e+16"),
        ("ca7f800000", "null"),
    ] {
        assert_eq!(json_of(item), json, "{item}");
    }
    for (json, item) in [
        ("18446744073709551615", "cfffffffffffffffff"),
        ("-9223372036854775808", "d38000000000000000"),
        ("4.0", "04"),
        ("4e0", "04"),
        ("-4.0", "fc"),
        ("-0", "00"),
        ("9007199254740992.0", "cf0020000000000000"),
        ("1.8014398509481984e16", "cb4350000000000000"),
        ("18446744073709551616", "cb43f0000000000000"),
    ] {
        assert_eq!(item_of(json), bytes_of(item), "{json}");
    }
}

#[test]
fn lengths_take_the_shortest_form() {
    for (len, head) in [
        (0, "90"),
        (15, "9f"),
        (16, "dc0010"),
        (65_535, "dcffff"),
        (65_536, "dd00010000"),
    ] {
        let array = serde_json::to_string(&vec![0; len]).expect("JSON");
        assert_eq!(item_of(&array), [bytes_of(head), vec![0; len]].concat());
    }
    let map: BTreeMap<_, _> = (0..16).map(|key| (format!("{key:x}"), 0)).collect();
    let item = item_of(&serde_json::to_string(&map).expect("JSON"));
    assert!(item.starts_with(&bytes_of("de0010a13000")));
    for (len, head) in [
        (31, "bf"),
        (32, "d920"),
        (255, "d9ff"),
        (256, "da0100"),
        (65_536, "db00010000"),
    ] {
        let item = item_of(&format!("{:?}", "x".repeat(len)));
        assert_eq!(item, [bytes_of(head), vec![b'x'; len]].concat());
    }
    for (len, head) in [
        (0, "c400"),
        (255, "c4ff"),
        (256, "c50100"),
        (65_536, "c600010000"),
    ] {
        let placeholder = r#"[{"_placeholder":true,"num":0}]"#;
        let args = Args::new(placeholder, vec![vec![7; len].into()]).expect("valid");
        let message = encode_raw(&args).expect("encodable");
        let item = [bytes_of(head), vec![7; len]].concat();
        assert_eq!(message[15..message.len() - 6], item);
    }
}

#[test]
fn lengths_are_read_in_any_form() {
    let bytes = r#"{"_placeholder":true,"num":0}"#;
    for (item, json) in [
        ("d90161", r#""a""#),
        ("da000161", r#""a""#),
        ("db0000000161", r#""a""#),
        ("dc0001c0", "[null]"),
        ("dd00000001c0", "[null]"),
        ("de0001a161c0", r#"{"a":null}"#),
        ("df00000001a161c0", r#"{"a":null}"#),
        ("c50001ff", bytes),
        ("c600000001ff", bytes),
        ("c8000100ff", bytes),
        ("c90000000100ff", bytes),
    ] {
        assert_eq!(json_of(item), json, "{item}");
    }
}

#[test]
fn what_json_does_not_have_is_what_javascript_makes_of_it() {
    for (item, json) in [
        ("d40000", "null"),
        ("82a161d40000a16201", r#"{"b":1}"#),
        ("82a16201a161d40000", r#"{"b":1}"#),
        ("92d4000001", "[null,1]"),
        ("d7000000018bcfe5687b", r#""2023-11-14T22:13:20.123Z""#),
        ("d7007fffffffffffffff", "null"),
        ("c40107", r#"{"_placeholder":true,"num":0}"#),
        ("c7010007", r#"{"_placeholder":true,"num":0}"#),
        ("d40507", r#"[5,{"_placeholder":true,"num":0}]"#),
        ("d5000707", r#"[0,{"_placeholder":true,"num":0}]"#),
        ("c700ff", r#"[-1,{"_placeholder":true,"num":0}]"#),
        (
            "8401a0c0a0c2a0cb3ff8000000000000a0",
            r#"{"1":"","null":"","false":"","1.5":""}"#,
        ),
    ] {
        assert_eq!(json_of(item), json, "{item}");
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    for (item, error) in [
        ("a1ff", DecodeError::Syntax),
        ("81a1ffc0", DecodeError::Syntax),
        ("8190c0", DecodeError::Syntax),
        ("81c40100c0", DecodeError::Syntax),
        ("c1", DecodeError::Syntax),
        ("c6ffffffff", DecodeError::Syntax),
        ("c9ffffffff00", DecodeError::Syntax),
        ("dbffffffff", DecodeError::Syntax),
        ("ddffffffff", DecodeError::Syntax),
        ("dfffffffff", DecodeError::Syntax),
        ("", DecodeError::Syntax),
        ("c0c0", DecodeError::Syntax),
    ] {
        assert_eq!(decode(&event(1, item)), Err(error), "{item}");
    }
    let bytes_in_auth = bytes_of("83a47479706500a36e7370a12fa46461746181a161c40107");
    assert_eq!(decode(&bytes_in_auth), Err(DecodeError::Payload));
    let no_number_as_name = bytes_of("83a47479706502a36e7370a12fa46461746191cb7ff8000000000000");
    assert_eq!(decode(&no_number_as_name), Err(DecodeError::Payload));
    let mut decoder = decoder(Limits::default());
    assert_eq!(decoder.decode_text("0"), Err(DecodeError::UnexpectedText));
}

#[test]
fn data_that_looks_like_a_placeholder_is_not_taken_for_one() {
    // {_placeholder: true, num: 0}
    let fake = "82ac5f706c616365686f6c646572c3a36e756d00";
    let message = event(1, fake);
    let args = decoded_args(&message);
    let json = json!({ "_placeholder": true, "num": 0 });
    assert_eq!(args.parse::<Value>().expect("an object"), json);
    assert_eq!(
        args.parse::<socketio_proto::Value>().expect("an object"),
        json.into()
    );
    assert_eq!(
        decoded_args(&encode_raw(&args).expect("encodable")).raw(),
        args.raw()
    );

    let message = event(2, &format!("c40107{fake}"));
    assert_eq!(decode(&message), Err(DecodeError::Placeholder));
    let value = json!({ "_placeholder": true, "num": 0 });
    let bytes = socketio_proto::Binary::from(vec![7]);
    let refused = encoder().event("/", None, "e", &(bytes, value));
    assert!(
        matches!(refused, Err(EncodeError::Placeholder)),
        "{refused:?}"
    );
}

#[test]
fn limits_hold_here_too() {
    let limited = |message: &[u8]| {
        let mut limits = Limits::default();
        limits.max_attachments = 2;
        limits.max_attachment_bytes = 3;
        decoder(limits)
            .decode_binary(message)
            .map(|packet| packet.is_some())
    };
    assert_eq!(limited(&event(2, "c401ffc402ffff")), Ok(true));
    assert_eq!(
        limited(&event(3, "c400c400c400")),
        Err(DecodeError::TooManyAttachments { limit: 2 })
    );
    assert_eq!(
        limited(&event(2, "c402ffffc402ffff")),
        Err(DecodeError::AttachmentsTooLarge { bytes: 4, limit: 3 })
    );

    // The list of arguments is the first level.
    let nested = |levels: usize, core: &str| event(1, &("91".repeat(levels - 1) + core));
    let limit = 127;
    assert!(decode(&nested(limit, "c0")).is_ok());
    assert_eq!(
        decode(&nested(limit + 1, "c0")),
        Err(DecodeError::TooDeep { limit })
    );
    // What stands for bytes in JSON is a level more.
    assert!(decode(&nested(limit - 1, "c400")).is_ok());
    assert_eq!(
        decode(&nested(limit, "c400")),
        Err(DecodeError::TooDeep { limit })
    );
    // Nothing is made of what is not looked at, however deep.
    let ignored = ["84a178".to_owned(), "91".repeat(100_000), "c0".to_owned()].concat();
    let message = bytes_of(&(ignored + "a47479706502a36e7370a12fa46461746191a165"));
    assert!(decode(&message).is_ok());
}

/// Bytes allocated at most at once while a message is decoded, per byte of it; control characters,
/// which take six in JSON, in a buffer that grows.
const MULTIPLE: usize = 20;

/// Bytes that even the smallest message may take: as many attachments as there may be.
const FLAT: usize = 4096;

fn assert_modest(message: &[u8]) {
    let measured = allocation_counter::measure(|| drop(decode(message)));
    let limit = MULTIPLE * message.len() + FLAT;
    assert!(
        measured.bytes_max <= limit as u64,
        "{measured:?} of {limit}"
    );
}

#[test]
fn memory_grows_with_the_message_and_not_with_what_it_claims() {
    for item in [
        "c6ffffffff",
        "dbffffffff",
        "ddffffffff",
        "dfffffffff",
        "c9ffffffff00",
    ] {
        assert_modest(&event(1, item));
    }
    for filler in [
        "c0",
        "c2",
        "90",
        "80",
        "ca00000001",
        "c400",
        "a101",
        "d7000000000000000000",
    ] {
        let items = filler.repeat(10_000);
        let message = event(1, &format!("dc2710{items}"));
        let refused = decode(&message).is_err();
        assert_eq!(refused, filler == "c400", "{filler}");
        assert_modest(&message);
    }
    let controls = [event(1, "da2710"), vec![1; 10_000]].concat();
    assert!(decode(&controls).is_ok());
    assert_modest(&controls);
}

#[test]
fn half_a_surrogate_pair_is_refused_and_not_replaced() {
    let args = Args::new(r#"["\ud800"]"#, Vec::new()).expect("JSON, as far as its grammar goes");
    assert!(matches!(encode_raw(&args), Err(EncodeError::Parser(_))));
    assert_eq!(item_of(r#""\ud83d\ude00""#), bytes_of("a4f09f9880"));
}

/// JavaScript knows no difference between 1 and 1.0, and the wire neither.
fn as_integers(data: Data) -> Data {
    let whole = |number: &Number| number.as_f64().filter(|float| float.fract() == 0.0);
    match data {
        Data::Number(number) if number.is_f64() => match whole(&number) {
            Some(float) => Data::Number((float as i64).into()),
            None => Data::Number(number),
        },
        Data::Array(items) => Data::Array(items.into_iter().map(as_integers).collect()),
        Data::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(key, value)| (key, as_integers(value)));
            Data::Object(fields.collect())
        }
        other => other,
    }
}

proptest! {
    #![proptest_config(seeded(3))]

    #[test]
    fn events(
        nsp in strategies::namespace(),
        id in option::of(strategies::ack_id()),
        name in strategies::event_name(),
        args in args(),
    ) {
        let sent = encoder().event(&nsp, id, &name, &Spread(&args)).expect("encodable");
        let packet = decoder(generous()).decode_binary(&sent.attachments[0]);
        let packet = packet.expect("a packet").expect("complete");
        let mut data = vec![Data::String(name)];
        data.extend(args.into_iter().map(as_integers));
        let expected = Plain { kind: 2, nsp, id, data: Some(Data::Array(data)) };
        prop_assert_eq!(Plain::of(&packet), expected);
    }

    #[test]
    fn acks_of_others_are_passed_on(id in strategies::ack_id(), args in args()) {
        let sent = encoder().ack("/", id, &Spread(&args)).expect("encodable");
        let packet = decoder(generous()).decode_binary(&sent.attachments[0]);
        let Body::Ack(received) = packet.expect("a packet").expect("complete").body else {
            panic!("no ack")
        };
        received.check().expect("valid");
        let again = encoder().ack_raw("/", id, &received).expect("encodable");
        prop_assert_eq!(again.attachments, sent.attachments);
    }

    #[test]
    fn arbitrary_bytes_never_panic(items in vec(item(), 0..12), count in 0..15u8) {
        let items = items.concat();
        let message = [event(count, ""), items.clone()].concat();
        for message in [items, message] {
            assert_modest(&message);
            let packet = MsgPack.decode_binary(&message, &Limits::default());
            if let Ok(Packet { body: Body::Event { args, .. } | Body::Ack(args), .. }) = packet {
                args.check().expect("what is decoded is valid");
                let again = encode_raw(&args).expect("and can be encoded");
                let again = decoded_args(&again);
                prop_assert_eq!(again.raw(), args.raw());
            }
        }
    }
}

/// Arbitrary bytes, or items that mean something.
fn item() -> impl Strategy<Value = Vec<u8>> {
    let hex = prop::sample::select(vec![
        "83",
        "84",
        "92",
        "de0002",
        "dc0001",
        "dd00000001",
        "a47479706500",
        "a47479706502",
        "a36e7370a12f",
        "a2696401",
        "a464617461",
        "91a161",
        "c0",
        "c2",
        "c3",
        "c40107",
        "c50001",
        "d40000",
        "d7000000018bcfe5687b",
        "c7010007",
        "d6ff00000000",
        "cb3ff8000000000000",
        "cb7ff0000000000000",
        "ca3fc00000",
        "cfffffffffffffffff",
        "d0ff",
        "a161",
        "d90161",
        "da0001",
        "a1ff",
        "ac5f706c616365686f6c646572c3",
        "a36e756d00",
        "c1",
        "e0",
        "7f",
    ]);
    prop_oneof![
        4 => hex.prop_map(bytes_of),
        1 => vec(any::<u8>(), 0..8),
    ]
}
