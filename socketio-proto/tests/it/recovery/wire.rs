//! What recovery puts on the wire and reads from it: claims in credentials, offsets in events, and
//! what a client makes of both.

use serde_json::{Map, Value, json};
use socketio_proto::{
    Args, Binary, Body, Encoded, Encoder, Revision,
    recovery::{self, Bookmark, Claim, Config, Log},
    server,
};

use crate::roundtrip::decode;

fn encoder() -> Encoder {
    Encoder::new(Revision::V5, 0)
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("no object: {other}"),
    }
}

/// A client that is connected under this recovery id.
fn connected(pid: &str) -> Bookmark {
    let mut bookmark = Bookmark::default();
    assert!(!bookmark.handle_connected(Some(pid)));
    bookmark
}

/// What the client takes for the offset after an event with these arguments.
fn kept(arguments: &str) -> Option<String> {
    let mut bookmark = connected("pid");
    let args = Args::new(arguments, Vec::new()).expect("a list");
    bookmark.handle_event(None, &args);
    bookmark.offset().map(str::to_owned)
}

#[test]
fn a_claim_is_two_strings() {
    for (auth, expected) in [
        (r#"{"pid":"p","offset":"o"}"#, Some(("p", "o"))),
        (r#"{"token":[1],"offset":"o","pid":"p"}"#, Some(("p", "o"))),
        (r#"{"pid":"","offset":""}"#, Some(("", ""))),
        (r#"{"pid":"\u0070","offset":"\"\\"}"#, Some(("p", r#""\"#))),
        (r#"{"pid":"p"}"#, None),
        (r#"{"offset":"o"}"#, None),
        (r#"{"pid":"p","offset":null}"#, None),
        (r#"{"pid":1,"offset":"o"}"#, None),
        (r#"{"pid":"p","offset":{"a":"o"}}"#, None),
        (r#"{"pid":"\ud800","offset":"o"}"#, None),
        (r#"{"auth":{"pid":"p","offset":"o"}}"#, None),
        ("{}", None),
        ("{", None),
        ("", None),
    ] {
        let claim = Claim::of(Revision::V5, Some(auth));
        let parts = claim.as_ref().map(|claim| (&*claim.pid, &*claim.offset));
        assert_eq!(parts, expected, "{auth}");
    }
    assert_eq!(Claim::of(Revision::V5, None), None);
}

#[test]
fn clients_of_revision_4_claim_nothing() {
    let mut server = server::Connection::<()>::new(Revision::V4, &server::Config::default(), 0);
    let connect = server.handle_text(0, "0/admin?pid=p&offset=o");
    let Ok(Some(server::Event::Connect { auth, .. })) = connect else {
        panic!("{connect:?}");
    };
    assert_eq!(auth.as_deref(), Some(r#"{"offset":"o","pid":"p"}"#));
    assert_eq!(Claim::of(Revision::V4, auth.as_deref()), None);
}

#[test]
fn a_claim_does_not_show_its_secret() {
    let claim =
        Claim::of(Revision::V5, Some(r#"{"pid":"hush","offset":"o1.1"}"#)).expect("a claim");
    assert!(!format!("{claim:?}").contains("hush"));
    let mut bookmark = connected("hush");
    assert!(!format!("{bookmark:?}").contains("hush"));
    assert!(bookmark.handle_connected(Some("hush")));
}

#[test]
fn an_offset_becomes_the_last_argument() {
    let mut log = Log::<(), ()>::new(0, &Config::default());
    let offset = log.append(0, 0, |_| ());
    let append = |event: Result<Encoded, _>| -> Encoded {
        let mut event = event.expect("encodable");
        recovery::append_offset(&mut event, offset);
        event
    };
    let encoder = encoder();
    for (event, expected) in [
        (encoder.event("/", None, "a", &()), r#"2["a","o0.1"]"#),
        (encoder.event("/", None, "", &()), r#"2["","o0.1"]"#),
        (
            encoder.event("/n", None, "a", &(1, "]")),
            r#"2/n,["a",1,"]","o0.1"]"#,
        ),
        (
            encoder.event("/", None, "a", &([0; 0],)),
            r#"2["a",[],"o0.1"]"#,
        ),
        (
            encoder.event("/", None, "a", &Binary::from(vec![7])),
            r#"51-["a",{"_placeholder":true,"num":0},"o0.1"]"#,
        ),
    ] {
        assert_eq!(append(event).text(), expected);
    }
}

#[test]
fn an_event_with_an_offset_decodes_to_one_argument_more() {
    let mut event = encoder()
        .event("/", None, "upload", &("cat.png", Binary::from(vec![1, 2])))
        .expect("encodable");
    recovery::append_offset(&mut event, "1795169588948-0");
    let Body::Event { args, .. } = decode(&event).body else {
        panic!("no event");
    };
    let (name, bytes, offset): (String, Binary, String) = args.parse().expect("three");
    assert_eq!((name.as_str(), &bytes[..]), ("cat.png", &[1, 2][..]));
    assert_eq!(offset, "1795169588948-0");
}

#[test]
fn headroom_and_what_stands_in_it_stay() {
    let encoder = Encoder::new(Revision::V5, 4);
    let mut event = encoder.event("/", None, "a", &1).expect("encodable");
    event.start -= 1;
    event.buffer[event.start] = b'4';
    recovery::append_offset(&mut event, "o");
    assert_eq!(event.text(), r#"42["a",1,"o"]"#);
    assert!(event.start >= 3);
}

#[test]
fn offsets_of_brokers_are_escaped_if_need_be() {
    let mut event = encoder().event("/", None, "a", &()).expect("encodable");
    recovery::append_offset(&mut event, "\"\\\n");
    assert_eq!(event.text(), r#"2["a","\"\\\n"]"#);
}

#[test]
fn packets_without_a_list_to_append_to_stay_as_they_are() {
    let encoder = encoder();
    for packet in [
        encoder.connected("/", "sid", None),
        encoder.connect_error("/", "no]", None),
        encoder.disconnect("/"),
        encoder.ack("/", 7, &()),
    ] {
        let mut packet = packet.expect("encodable");
        let before = packet.clone();
        recovery::append_offset(&mut packet, "o");
        assert_eq!(packet.text(), before.text());
    }
}

#[test]
fn the_last_argument_is_the_offset_if_it_can_be_one() {
    for (arguments, expected) in [
        // Of servers there are: memory, Redis streams, MongoDB, ours.
        (r#"["Q7uSEwd"]"#, Some("Q7uSEwd")),
        (r#"[{"a":1},"Q7uSExG.0"]"#, Some("Q7uSExG.0")),
        (r#"[2,"1795169588948-0"]"#, Some("1795169588948-0")),
        (
            r#"["x","507f1f77bcf86cd799439011"]"#,
            Some("507f1f77bcf86cd799439011"),
        ),
        (r#"[[],"oQ7uSXRK.1_-"]"#, Some("oQ7uSXRK.1_-")),
        (" [ 1 , \"o1.1\" ] ", Some("o1.1")),
        (r#"["\\","o1.1"]"#, Some("o1.1")),
        (r#"["","o1.1"]"#, Some("o1.1")),
        // Not the last, not a string, or not alone.
        ("[]", None),
        ("[1]", None),
        (r#"["o1.1",1]"#, None),
        (r#"[["o1.1"]]"#, None),
        (r#"[{"a":"o1.1"}]"#, None),
        (r#"[{"o1.1":1}]"#, None),
        (r#"["say \"o1.1"]"#, None),
        (r#"["say,\"o1.1"]"#, None),
        (r#"["\"o1.1"]"#, None),
        (r#"["o1.1\""]"#, None),
        (r#"["\\\"o1.1"]"#, None),
        // No offset of anybody's.
        (r#"[""]"#, None),
        (r#"["hello world"]"#, None),
        (r#"["hello!"]"#, None),
        (r#"["héllo"]"#, None),
        (r#"["\u006f1.1"]"#, None),
    ] {
        assert_eq!(kept(arguments).as_deref(), expected, "{arguments}");
    }
}

#[test]
fn an_offset_has_at_most_64_characters() {
    for (length, is_kept) in [(1, true), (64, true), (65, false), (10_000, false)] {
        let text = "a".repeat(length);
        let expected = is_kept.then(|| text.clone());
        assert_eq!(kept(&format!(r#"["{text}"]"#)), expected, "{length}");
        assert_eq!(kept(&format!(r#"[1, "{text}"]"#)), expected, "{length}");
    }
}

#[test]
fn the_name_of_an_event_is_no_offset() {
    let event = encoder().event("/", None, "message", &()).expect("fine");
    let Body::Event { args, .. } = decode(&event).body else {
        panic!("no event");
    };
    let mut bookmark = connected("pid");
    bookmark.handle_event(None, &args);
    assert_eq!(bookmark.offset(), None);
}

#[test]
fn an_event_that_asks_for_an_acknowledgement_leaves_the_offset_alone() {
    let mut bookmark = connected("pid");
    for (id, argument) in [(None, "o1.1"), (Some(0), "o1.2")] {
        let args = Args::new(format!(r#"["{argument}"]"#), Vec::new()).expect("a list");
        bookmark.handle_event(id, &args);
    }
    assert_eq!(bookmark.offset(), Some("o1.1"));
}

#[test]
fn without_recovery_nothing_is_kept() {
    let args = Args::new(r#"["o1.1"]"#, Vec::new()).expect("a list");
    let mut bookmark = Bookmark::default();
    bookmark.handle_event(None, &args);
    assert!(!bookmark.handle_connected(None));
    bookmark.handle_event(None, &args);
    assert_eq!((bookmark.offset(), bookmark.auth(None)), (None, None));
}

#[test]
fn credentials_hold_the_claim_and_the_callers_keys_win() {
    let mut bookmark = connected("p");
    let own = || map(json!({"token": 1}));
    assert_eq!(bookmark.auth(Some(own())), Some(own()), "no offset yet");
    let args = Args::new(r#"["o1.1"]"#, Vec::new()).expect("a list");
    bookmark.handle_event(None, &args);
    for (own, expected) in [
        (None, json!({"pid": "p", "offset": "o1.1"})),
        (
            Some(json!({"token": 1})),
            json!({"token": 1, "pid": "p", "offset": "o1.1"}),
        ),
        (Some(json!({"pid": 5})), json!({"pid": 5, "offset": "o1.1"})),
    ] {
        assert_eq!(bookmark.auth(own.map(map)), Some(map(expected)));
    }
}

#[test]
fn the_same_recovery_id_means_recovered() {
    let args = Args::new(r#"["o1.1"]"#, Vec::new()).expect("a list");
    for (pid, is_recovered) in [(Some("p"), true), (Some("q"), false), (None, false)] {
        let mut bookmark = connected("p");
        bookmark.handle_event(None, &args);
        assert_eq!(bookmark.handle_connected(pid), is_recovered, "{pid:?}");
        assert_eq!(bookmark.offset(), is_recovered.then_some("o1.1"));
    }
}

/// The last string of an event, its name included, as clients of the reference take it.
fn taken_by_the_reference(event: &Encoded) -> Option<String> {
    let list = &event.text()[event.text().find('[')?..];
    match serde_json::from_str::<Vec<Value>>(list).ok()?.pop()? {
        Value::String(last) => Some(last),
        _ => None,
    }
}

#[test]
fn a_volatile_event_that_ends_in_user_data_is_refused_and_one_with_the_newest_offset_is_not() {
    for (guarded, expected) in [(false, None), (true, Some(vec!["missed"]))] {
        let mut log = Log::<&str, ()>::new(0, &Config::default());
        log.append(0, 0, |_| "got");
        let mut volatile = encoder().event("/", None, "typing", &"ann").expect("fine");
        if guarded {
            recovery::append_offset(&mut volatile, log.newest());
        }
        let shown = taken_by_the_reference(&volatile).expect("a string");
        log.save(1, "pid", ());
        log.append(2, 0, |_| "missed");
        let restored = log.restore(3, "pid", &shown);
        let missed = restored.map(|restored| restored.missed.map(|(_, text)| *text).collect());
        assert_eq!(missed, expected, "{shown}");
    }
}
