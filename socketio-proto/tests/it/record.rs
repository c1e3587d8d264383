//! The flight recorder: what was recorded happens again, whatever the messages were, and what must
//! not be read is not in it.

use std::sync::{Arc, Mutex};

use proptest::{collection::vec, prelude::*, sample};
use serde_json::json;
use socketio_proto::{
    Binary, Encoded, MsgPack, Parser, Revision, client,
    record::{Divergence, Recorded, Tape, replay},
    server,
};

use crate::{parser::JsonArray, roundtrip::seeded};

const SID: &str = "socketIdOfTwentyChar";
const PID: &str = "recoveryIdOfTheOther";
const LINK: &str = "linkIdBelow";

/// Where the lines of a test go.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    fn tape(&self, name: &str, payloads: bool) -> Tape {
        let lines = Arc::clone(&self.0);
        let tape = Tape::new(name, move |line| lines.lock().unwrap().push(line));
        match payloads {
            true => tape.with_payloads(),
            false => tape,
        }
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn run(lines: &[String]) -> Result<usize, Divergence> {
    replay(lines.iter().map(String::as_str))
}

fn outputs(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| line.contains("\"out\":"))
        .count()
}

/// Both ends over a link, recorded in one place.
struct Pair {
    client: Recorded<client::Connection<u8>>,
    server: Recorded<server::Connection<u8>>,
    now: u64,
}

impl Pair {
    fn new(
        revision: Revision,
        parser: Option<Arc<dyn Parser>>,
        record: &Record,
        payloads: bool,
    ) -> Self {
        let mut config = client::Config::default();
        config.parser = parser.clone();
        let tape = Some(record.tape("client", payloads));
        let client = Recorded::client(revision, &config, LINK, tape);
        let mut config = server::Config::default();
        config.parser = parser;
        let tape = Some(record.tape("server", payloads));
        Self {
            client,
            server: Recorded::server(revision, &config, 0, tape),
            now: 0,
        }
    }

    fn tell_server(&mut self, sent: &Encoded) -> Option<server::Event<'static, u8>> {
        self.now += 1;
        let mut event = None;
        if sent.has_text() {
            event = self
                .server
                .handle_text(self.now, sent.text())
                .unwrap()
                .map(owned);
        }
        for data in &sent.attachments {
            event = self
                .server
                .handle_binary(self.now, data)
                .unwrap()
                .map(owned);
        }
        event
    }

    fn tell_client(&mut self, sent: &Encoded) {
        if sent.has_text() {
            self.client.handle_text(sent.text()).unwrap();
        }
        for data in &sent.attachments {
            self.client.handle_binary(data).unwrap();
        }
        while self.client.poll_event().is_some() {}
    }

    fn join(&mut self, name: &str) -> (socketio_proto::NamespaceId, socketio_proto::NamespaceId) {
        let auth = json!({ "user": "hidden credentials", "pass": 987_654 });
        let (own, sent) = self.client.connect(name, auth.as_object()).unwrap();
        let event = match sent {
            Some(sent) => self.tell_server(&sent),
            None => self.server.poll_event(),
        };
        let Some(server::Event::Connect { nsp, .. }) = event else {
            panic!("{event:?}");
        };
        (own, nsp)
    }

    /// A life with a bit of everything.
    fn live(mut self) {
        let (root, at_server) = self.join("/");
        let answer = self.server.accept(at_server, SID, Some(PID)).unwrap();
        self.tell_client(&answer);
        let (_, refused) = self.join("/refused");
        let data = json!({ "why": "hidden reason" });
        let answer = self
            .server
            .reject(refused, "hidden words", Some(&data))
            .unwrap();
        self.tell_client(&answer);
        let (_, unknown) = self.join("/unknown");
        let answer = self.server.reject_unknown(unknown).unwrap();
        self.tell_client(&answer);

        let secret = (
            "hidden text",
            424_242,
            [json!({ "hidden key": null, "num": 7 })],
        );
        let sent = self
            .client
            .encoder()
            .event("/", None, "tell", &secret)
            .unwrap();
        assert!(self.tell_server(&sent).is_some());
        self.client.register_ack(root, 3, 1).unwrap();
        assert!(self.client.register_ack(root, 3, 2).is_err());
        self.client.register_ack(root, 4, 2).unwrap();
        let bytes = (Binary::from(b"hidden bytes".to_vec()), "hidden text");
        let sent = self
            .client
            .encoder()
            .event("/", Some(3), "ask", &bytes)
            .unwrap();
        assert!(self.tell_server(&sent).is_some());
        let sent = self.server.encoder().ack("/", 3, &bytes).unwrap();
        self.tell_client(&sent);
        assert!(self.client.forget_ack(root, 3).is_none());
        self.server.register_ack(at_server, 1, 1).unwrap();
        self.server.register_ack(at_server, 2, 2).unwrap();
        assert_eq!(self.server.forget_ack(at_server, 2), Some(2));
        self.server.handle_timeout(self.now).unwrap();
        let (sent, acks) = self.server.disconnect(at_server).unwrap();
        assert_eq!(acks, [1]);
        self.tell_client(&sent);
        assert!(self.client.disconnect(root).is_none());
        assert_eq!(self.server.drain_acks().count(), 0);
        assert!(self.server.handle_text(self.now, "9 hidden text").is_err());
        assert!(self.client.handle_text("hidden text").is_err());
    }
}

fn owned(event: server::Event<'_, u8>) -> server::Event<'static, u8> {
    match event {
        server::Event::Connect { nsp, .. } => server::Event::Connect {
            nsp,
            name: "".into(),
            auth: None,
        },
        server::Event::Event { nsp, id, args, .. } => server::Event::Event {
            nsp,
            id,
            name: "".into(),
            args: args.into_owned(),
        },
        other => panic!("{other:?}"),
    }
}

fn lines_of_a_life(
    revision: Revision,
    parser: Option<Arc<dyn Parser>>,
    payloads: bool,
) -> Vec<String> {
    let record = Record::default();
    Pair::new(revision, parser, &record, payloads).live();
    record.lines()
}

fn parsers() -> [Option<Arc<dyn Parser>>; 2] {
    [None, Some(Arc::new(MsgPack))]
}

#[test]
fn both_ends_do_the_same_again_in_every_form() {
    for revision in Revision::ALL {
        for parser in parsers() {
            for payloads in [false, true] {
                let lines = lines_of_a_life(revision, parser.clone(), payloads);
                assert!(outputs(&lines) > 20);
                assert_eq!(run(&lines), Ok(outputs(&lines)), "{revision:?} {parser:?}");
            }
        }
    }
}

#[test]
fn secrets_and_payloads_appear_only_when_asked_for() {
    for revision in Revision::ALL {
        for parser in parsers() {
            let text = lines_of_a_life(revision, parser.clone(), false).concat();
            for secret in ["hidden", "4242", "987", SID, PID, LINK, "user", "why"] {
                assert!(!text.contains(secret), "{revision:?} {parser:?}: {secret}");
            }
            assert!(text.contains("tell") && text.contains("/refused"));
            let text = lines_of_a_life(revision, parser, true).concat();
            assert!(text.contains("hidden text") && text.contains("424242"));
            assert!(!text.contains(LINK), "the id of the link below");
        }
    }
}

#[test]
fn a_packet_keeps_its_shape() {
    let shape = |text: &str| {
        let record = Record::default();
        let tape = Some(record.tape("s", false));
        let mut server = Recorded::<server::Connection<()>>::server(
            Revision::V5,
            &server::Config::default(),
            0,
            tape,
        );
        let _ = server.handle_text(0, text);
        let line: serde_json::Value = serde_json::from_str(&record.lines()[1]).unwrap();
        line["packet"].as_str().unwrap().to_owned()
    };
    for (text, expected) in [
        (
            r#"2["a b", {"k":[0,-12.50e3,true,null,"\n\"é😀"]}]"#,
            r#"2["a b", {"x":[0,-11.11e1,true,null,"\n\"é𝕏"]}]"#,
        ),
        (r#"2/n,12["e","\u00e9"]"#, r#"2/n,12["e","\u1111"]"#),
        (
            r#"53-3["e",{"_placeholder":true,"num":2},{"num":1234}]"#,
            r#"53-3["e",{"_placeholder":true,"num":2},{"num":1111}]"#,
        ),
        (
            r#"0{"pid":"abc","offset":7}"#,
            r#"0{"pid":"xxx","xxxxxx":1}"#,
        ),
        (r#"2["e",tru, 007x]"#, r#"2["e",xxx, 011x]"#),
        ("what is this", "?"),
        ("2/n", "2/n"),
    ] {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn what_a_record_says_is_checked() {
    let original = lines_of_a_life(Revision::V5, None, false);
    for (from, to) in [
        (r#""out":"connect""#, r#""out":"disconnect""#),
        (r#""name":"tell""#, r#""name":"told""#),
        (r#""acks":1"#, r#""acks":2"#),
        (r#""awaited":[4]"#, r#""awaited":[3]"#),
        (r#""error":"unknown packet type""#, r#""error":"other""#),
    ] {
        let mut lines = original.clone();
        let place = |line: &String| line.contains("\"out\"") && line.contains(from);
        let index = lines.iter().position(place).unwrap();
        lines[index] = lines[index].replace(from, to);
        let divergence = run(&lines).unwrap_err();
        assert_eq!(divergence.line, index + 1, "{from}");
        assert_eq!(divergence.replayed, original[index]);
    }
}

#[test]
fn what_is_no_record_is_refused_with_its_line() {
    let original = lines_of_a_life(Revision::V5, None, false);
    let mut cut = original.clone();
    let last = cut.pop().unwrap();
    cut.push(last[..last.len() / 2].to_owned());
    let divergence = run(&cut).unwrap_err();
    assert_eq!(divergence.line, original.len());
    assert!(divergence.replayed.contains("cut off"), "{divergence}");

    let mut newer = original.clone();
    newer[0] = newer[0].replace(r#""record":1"#, r#""record":2"#);
    let divergence = run(&newer).unwrap_err();
    assert_eq!(divergence.line, 1);
    assert!(divergence.replayed.contains("version 2"), "{divergence}");

    for wrong in [
        r#"{"in":"dance","of":"server"}"#,
        r#"{"in":"accept","of":"server"}"#,
        r#"{"in":"text","of":"server"}"#,
        "garbage",
    ] {
        let mut lines = original.clone();
        lines.insert(4, wrong.to_owned());
        assert_eq!(run(&lines).unwrap_err().line, 5, "{wrong}");
    }
}

#[test]
fn lines_of_others_are_skipped() {
    let mut lines = lines_of_a_life(Revision::V5, None, false);
    let outputs = outputs(&lines);
    for other in [
        r#"{"record":1,"layer":"engineio","of":"below"}"#,
        r#"{"at":1,"in":"get","of":"below","request":1}"#,
        r#"{"out":"reply","of":"below"}"#,
        r#"{"at":1,"of":"server","note":"raining"}"#,
    ] {
        lines.insert(lines.len() / 2, other.to_owned());
    }
    assert_eq!(run(&lines), Ok(outputs));
}

/// What messages, right and wrong, are made of.
const PARTS: [&str; 40] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "1-",
    "2-",
    "99-",
    "/",
    "/a",
    "?t=1&é",
    "?",
    ",",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\"e\"",
    "\"connect\"",
    "\"_placeholder\"",
    "\"num\"",
    "\"sid\"",
    ":",
    "true",
    "null",
    "nul",
    "-",
    ".5",
    "0",
    "12345678901234567",
    "\\u00e9",
    "\\",
    " ",
    "\u{1}",
    "é😀",
    "\"message\"",
];

/// Messages that are right.
const PACKETS: [&str; 12] = [
    "0",
    "0/a,",
    "1",
    "1/a,",
    r#"0/a?t=1,{"k":"v"}"#,
    r#"2["e",1.50,"x\ty"]"#,
    r#"2/a,7[12,{"a":{}}]"#,
    r#"51-["e",{"_placeholder":true,"num":0}]"#,
    r#"51-["e",{"_placeholder":true,"num":1}]"#,
    r#"61-3[{"num":0,"_placeholder":true}]"#,
    r#"0{"sid":"s"}"#,
    r#"4{"message":"no","data":{"a":1,"b":2}}"#,
];

fn message() -> impl Strategy<Value = String> {
    let parts = vec(sample::select(&PARTS[..]), 0..12);
    prop_oneof![
        3 => sample::select(&PACKETS[..]).prop_map(str::to_owned),
        2 => parts.prop_map(|parts| parts.concat()),
        1 => ".{0,20}",
    ]
}

proptest! {
    #![proptest_config(seeded(7))]

    #[test]
    fn whatever_comes_comes_again(
        revision in socketio_proto::strategies::revision(),
        payloads: bool,
        small: bool,
        messages in vec((message(), 0..4usize), 1..8),
    ) {
        let record = Record::default();
        let mut config = server::Config::default();
        let mut other = client::Config::default();
        if small {
            config.limits.max_namespaces = 1;
            config.limits.max_attachment_bytes = 2;
            config.limits.max_namespace_len = 3;
            other.limits = config.limits;
        }
        for (message, attachment) in messages {
            let mut server = Recorded::<server::Connection<()>>::server(
                revision, &config, 0, Some(record.tape("server", payloads)));
            let mut client = Recorded::<client::Connection<()>>::client(
                revision, &other, "link", Some(record.tape("client", payloads)));
            let _ = server.poll_event();
            let _ = server.handle_text(0, "0/a");
            let _ = client.connect("/", None);
            let _ = client.connect("/a", None);
            let _ = (server.handle_text(1, &message), client.handle_text(&message));
            let data = [7; 3];
            let data = &data[..attachment];
            let _ = (server.handle_binary(2, data), client.handle_binary(data));
            let _ = (server.handle_text(3, &message), client.handle_text(&message));
        }
        let lines = record.lines();
        prop_assert_eq!(run(&lines), Ok(outputs(&lines)));
    }

    #[test]
    fn whatever_a_parser_reads_comes_again(messages in vec(message(), 1..8), number: u64) {
        let record = Record::default();
        let mut config = server::Config::default();
        config.parser = Some(Arc::new(JsonArray));
        for message in messages {
            let mut server = Recorded::<server::Connection<()>>::server(
                Revision::V5, &config, 0, Some(record.tape("server", false)));
            let joined = server.handle_text(0, r#"[0,"/a",null,{"token":"t"},[]]"#);
            let joined = matches!(joined, Ok(Some(server::Event::Connect { .. })));
            prop_assert!(joined);
            let args = json!([message, { "_placeholder": true, "num": number % 2 }]);
            let nsp = if number.is_multiple_of(3) { "/never" } else { "/a" };
            let event = json!([2, nsp, 7, [message, args], [[1, 2, 3]]]).to_string();
            let _ = server.handle_text(0, &event);
            let _ = server.handle_text(0, &message);
        }
        let lines = record.lines();
        prop_assert_eq!(run(&lines), Ok(outputs(&lines)));
    }
}
