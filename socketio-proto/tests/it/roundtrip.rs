//! decode(encode(p)) = p for packets with any data, and no input at all makes anything panic.

use std::collections::BTreeMap;

use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
    sample,
    test_runner::{Config, RngSeed},
};
use serde_json::{Map, Value};
use socketio_proto::{
    Body, Decoder, Encoded, Encoder, Limits, Packet, Revision, client, server, strategies,
};

use crate::data::{Data, Plain, Spread};

/// Draws the same cases in every run.
pub(crate) fn seeded(seed: u64) -> Config {
    Config {
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    }
}

fn data() -> impl Strategy<Value = Data> {
    strategies::value().prop_map(Data::from)
}

pub(crate) fn args() -> impl Strategy<Value = Vec<Data>> {
    vec(data(), 0..5)
}

pub(crate) fn generous() -> Limits {
    let mut limits = Limits::default();
    limits.max_attachments = 1000;
    limits
}

pub(crate) fn decode(sent: &Encoded) -> Packet<'_> {
    let mut decoder = Decoder::new(Revision::V5, generous());
    let mut packet = decoder.decode_text(sent.text()).expect("a packet");
    for attachment in &sent.attachments {
        assert_eq!(packet, None, "complete too early");
        packet = decoder.decode_binary(attachment).expect("an attachment");
    }
    packet.expect("complete")
}

fn plain(kind: u64, nsp: &str, id: Option<u64>, data: Option<Data>) -> Plain {
    Plain {
        kind,
        nsp: nsp.to_owned(),
        id,
        data,
    }
}

fn joining(revision: Revision, nsp: &str) -> client::Connection<()> {
    let mut connection = client::Connection::new(revision, &client::Config::default(), "link");
    let joined = connection.connect(nsp, None).map(drop);
    joined.expect("a fine name");
    connection
}

/// Every object of the data as auth, without the bytes that it cannot carry.
fn json(data: &BTreeMap<String, Data>) -> Map<String, Value> {
    match serde_json::to_value(data) {
        Ok(Value::Object(map)) => map,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(seeded(45))]

    #[test]
    fn events(
        nsp in strategies::namespace(),
        id in option::of(strategies::ack_id()),
        name in strategies::event_name(),
        args in args(),
        headroom in 0..20usize,
    ) {
        let encoder = Encoder::new(Revision::V5, headroom);
        let sent = encoder.event(&nsp, id, &name, &Spread(&args)).expect("encodable");
        prop_assert!(sent.start >= headroom);
        let packet = decode(&sent);
        let mut data = vec![Data::String(name)];
        data.extend(args);
        prop_assert_eq!(Plain::of(&packet), plain(2, &nsp, id, Some(Data::Array(data))));
    }

    #[test]
    fn acks(nsp in strategies::namespace(), id in strategies::ack_id(), args in args()) {
        let sent = Encoder::new(Revision::V5, 0).ack(&nsp, id, &Spread(&args)).expect("encodable");
        let expected = plain(3, &nsp, Some(id), Some(Data::Array(args)));
        prop_assert_eq!(Plain::of(&decode(&sent)), expected);
    }

    #[test]
    fn single_arguments_are_the_first(value in data()) {
        let sent = Encoder::new(Revision::V5, 0).ack("/", 0, &(&value,)).expect("encodable");
        let Body::Ack(args) = decode(&sent).body else { panic!("no ack") };
        prop_assert_eq!(args.first::<Data>().expect("one"), value);
    }

    #[test]
    fn raw_arguments(nsp in strategies::namespace(), name in strategies::event_name(), args in args()) {
        let encoder = Encoder::new(Revision::V5, 0);
        let sent = encoder.event(&nsp, None, &name, &Spread(&args)).expect("encodable");
        let Body::Event { args, .. } = decode(&sent).body else { panic!("no event") };
        for args in [args.clone(), args.into_owned()] {
            let again = encoder.event_raw(&nsp, None, &name, &args).expect("valid");
            prop_assert_eq!(again.text(), sent.text());
            prop_assert_eq!(&again.attachments, &sent.attachments);
        }
    }

    #[test]
    fn connects(nsp in strategies::namespace(), auth in btree_map(any::<String>(), data(), 0..4)) {
        let auth = json(&auth);
        let sent = Encoder::new(Revision::V5, 0).connect(&nsp, Some(&auth)).expect("encodable");
        let packet = decode(&sent);
        prop_assert_eq!(packet.nsp.as_ref(), &nsp);
        let Body::Connect(Some(text)) = packet.body else { panic!("no connect") };
        let received: Map<String, Value> = serde_json::from_str(&text).expect("an object");
        prop_assert_eq!(received, auth);
    }

    #[test]
    fn credentials_in_a_query(
        nsp in "/[^,?]{1,20}",
        auth in btree_map(any::<String>(), any::<String>(), 0..6),
    ) {
        let mut client =
            client::Connection::<()>::new(Revision::V4, &client::Config::default(), "link");
        let mut server = server::Connection::<()>::new(Revision::V4, &server::Config::default(), 0);
        let auth: Map<String, Value> =
            auth.into_iter().map(|(key, value)| (key, value.into())).collect();
        let (_, sent) = client.connect(&nsp, Some(&auth)).expect("a fine name");
        let sent = sent.expect("a CONNECT");
        let Ok(Some(server::Event::Connect { name, auth: got, .. })) = server.handle_text(0, sent.text())
        else {
            panic!("no CONNECT: {}", sent.text())
        };
        prop_assert_eq!(name, nsp);
        let got = got.map_or_else(Map::new, |json| serde_json::from_str(&json).expect("an object"));
        prop_assert_eq!(got, auth);
    }

    #[test]
    fn answers(
        nsp in strategies::namespace(),
        sid in ".+",
        pid in option::of(".*"),
        message in any::<String>(),
    ) {
        let encoder = Encoder::new(Revision::V5, 0);
        let mut connection = joining(Revision::V5, &nsp);
        let sent = encoder.connected(&nsp, &sid, pid.as_deref()).expect("encodable");
        match connection.handle_text(sent.text()) {
            Ok(Some(client::Event::Connected { sid: got, pid: secret, .. })) => {
                prop_assert_eq!(got.as_ref(), &sid);
                prop_assert_eq!(secret.as_deref(), pid.as_deref());
            }
            other => panic!("{other:?}"),
        }
        let mut connection = joining(Revision::V5, &nsp);
        let data = Value::from(sid);
        let sent = encoder.connect_error(&nsp, &message, Some(&data)).expect("encodable");
        match connection.handle_text(sent.text()) {
            Ok(Some(client::Event::ConnectError { message: got, data: added, .. })) => {
                prop_assert_eq!(got, message);
                prop_assert_eq!(added, Some(data));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arbitrary_messages_never_panic(messages in vec(message(), 0..8)) {
        for revision in [Revision::V4, Revision::V5] {
            let mut decoder = Decoder::new(revision, Limits::default());
            let mut server = server::Connection::<()>::new(revision, &server::Config::default(), 0);
            let mut client = joining(revision, "/");
            for message in &messages {
                match message {
                    Ok(text) => {
                        if let Ok(Some(packet)) = decoder.decode_text(text) {
                            inspect(packet);
                        }
                        let _ = server.handle_text(1, text);
                        let _ = client.handle_text(text);
                    }
                    Err(bytes) => {
                        if let Ok(Some(packet)) = decoder.decode_binary(bytes) {
                            inspect(packet);
                        }
                        let _ = server.handle_binary(1, bytes);
                        let _ = client.handle_binary(bytes);
                    }
                }
            }
        }
    }
}

/// Text (arbitrary, or made of pieces that mean something) or bytes.
fn message() -> impl Strategy<Value = Result<String, Vec<u8>>> {
    let pieces = sample::select(vec![
        "0",
        "1",
        "2",
        "3",
        "4",
        "51-",
        "62-",
        "/",
        "/a,",
        "/a?",
        "7",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "\"e\"",
        ",",
        ":",
        "\\",
        "\\u00e9",
        "\"_placeholder\"",
        "true",
        "\"num\"",
        "{\"_placeholder\":true,\"num\":0}",
        "-1.5e3",
        "null",
        " ",
        "é",
        "\0",
    ]);
    prop_oneof![
        2 => any::<String>().prop_map(Ok),
        6 => vec(pieces, 0..12).prop_map(|pieces| Ok(pieces.concat())),
        1 => vec(any::<u8>(), 0..8).prop_map(Err),
    ]
}

fn inspect(packet: Packet<'_>) {
    let encoder = Encoder::new(Revision::V5, 0);
    if let Body::Event { args, .. } | Body::Ack(args) = packet.body {
        let valid = args.check().is_ok();
        assert_eq!(args.parse::<()>().is_ok(), valid);
        assert_eq!(encoder.ack_raw("/", 0, &args).is_ok(), valid);
        let _ = (
            args.parse::<Data>(),
            args.all::<Vec<Data>>(),
            args.parse::<(Data, String)>(),
        );
    }
}
