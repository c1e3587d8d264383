//! A client and a server connection back to back, with everything they may do in turn, in both
//! revisions and all forms of packets.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use serde_json::{Value, json};
use socketio_proto::{
    Args, Binary, Encoded, MsgPack, NamespaceId, Parser, Revision, client, server,
};

use crate::parser::JsonArray;

/// One message on the wire.
enum Wire {
    Text(String),
    Binary(Bytes),
}

const REVISIONS: [Revision; 2] = [Revision::V4, Revision::V5];

/// What both sides know the link by.
const LINK: &str = "link";

/// Two connections and the messages under way between them; the log has what each side was told.
struct Pair {
    client: client::Connection<String>,
    server: server::Connection<String>,
    to_client: VecDeque<Wire>,
    to_server: VecDeque<Wire>,
    log: Vec<String>,
    /// The server's names for what the client asked for, in order.
    asked: Vec<NamespaceId>,
}

fn post(queue: &mut VecDeque<Wire>, sent: &Encoded) {
    if sent.has_text() {
        queue.push_back(Wire::Text(sent.text().to_owned()));
    }
    queue.extend(sent.attachments.iter().cloned().map(Wire::Binary));
}

impl Pair {
    fn new(revision: Revision) -> Self {
        Self::speaking(revision, None)
    }

    /// One in each form there is; what happens must not depend on it.
    fn of_each_form(revision: Revision) -> impl Iterator<Item = Self> {
        let parsers: [Option<Arc<dyn Parser>>; 3] =
            [None, Some(Arc::new(MsgPack)), Some(Arc::new(JsonArray))];
        let parsers = parsers.into_iter();
        parsers.map(move |parser| Self::speaking(revision, parser))
    }

    fn speaking(revision: Revision, parser: Option<Arc<dyn Parser>>) -> Self {
        let mut client = client::Config::default();
        client.parser = parser.clone();
        let mut server = server::Config::default();
        server.parser = parser;
        Self {
            client: client::Connection::new(revision, &client, LINK),
            server: server::Connection::new(revision, &server, 0),
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            log: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn join(&mut self, name: &str) -> NamespaceId {
        let (nsp, sent) = self.client.connect(name, None).expect("a fine name");
        if let Some(sent) = sent {
            post(&mut self.to_server, &sent);
        }
        nsp
    }

    fn emit(
        &mut self,
        nsp: NamespaceId,
        id: Option<u64>,
        name: &str,
        args: &impl serde::Serialize,
    ) {
        if let Some(id) = id {
            self.client
                .register_ack(nsp, id, format!("{name} {id}"))
                .expect("joined");
        }
        let namespace = self.client.namespace(nsp).expect("known").to_owned();
        let sent = self
            .client
            .encoder()
            .event(&namespace, id, name, args)
            .expect("encodable");
        post(&mut self.to_server, &sent);
    }

    /// Delivers until nothing is under way. The server grants everything but `/secret`, echoes each
    /// event, and answers.
    fn settle(&mut self) {
        loop {
            if let Some(event) = self.server.poll_event() {
                self.serve(event);
            } else if let Some(event) = self.client.poll_event() {
                self.log.push(told(&event));
            } else if let Some(wire) = self.to_server.pop_front() {
                let event = match &wire {
                    Wire::Text(text) => self.server.handle_text(1, text).expect("legal"),
                    Wire::Binary(bytes) => self.server.handle_binary(1, bytes).expect("legal"),
                };
                if let Some(event) = event {
                    self.serve(event);
                }
            } else if let Some(wire) = self.to_client.pop_front() {
                let event = match &wire {
                    Wire::Text(text) => self.client.handle_text(text).expect("legal"),
                    Wire::Binary(bytes) => self.client.handle_binary(bytes).expect("legal"),
                };
                match event {
                    Some(client::Event::Unwanted { leave }) => {
                        self.log.push("client: unwanted".to_owned());
                        post(&mut self.to_server, &leave);
                    }
                    Some(event) => self.log.push(told(&event)),
                    None => {}
                }
            } else {
                return;
            }
        }
    }

    fn serve(&mut self, event: server::Event<'_, String>) {
        match event {
            server::Event::Connect { nsp, name, .. } => {
                self.log.push(format!("server: connect {name}"));
                let answer = if name == "/secret" {
                    self.server.reject(nsp, "not for you", None)
                } else {
                    let sid = self.server.socket_id(nsp, LINK);
                    let sid = sid.unwrap_or_else(|| format!("sid-{name}"));
                    self.server.accept(nsp, &sid, None)
                };
                post(&mut self.to_client, &answer.expect("joining"));
                self.asked.push(nsp);
            }
            server::Event::Event {
                nsp,
                id,
                name,
                args,
            } => {
                self.log
                    .push(format!("server: event {name} {}", show(&args)));
                let namespace = self.server.namespace(nsp).expect("known").to_owned();
                let echo = self
                    .server
                    .encoder()
                    .event_raw(&namespace, None, &name, &args)
                    .expect("valid");
                post(&mut self.to_client, &echo);
                if let Some(id) = id {
                    post(
                        &mut self.to_client,
                        &self
                            .server
                            .encoder()
                            .ack_raw(&namespace, id, &args)
                            .expect("valid"),
                    );
                }
            }
            server::Event::Ack { ack, args, .. } => {
                self.log.push(format!("server: ack {ack} {}", show(&args)))
            }
            server::Event::Disconnect { acks, .. } => {
                self.log.push(format!("server: disconnect {acks:?}"))
            }
            other => panic!("{other:?}"),
        }
    }

    fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }
}

fn told(event: &client::Event<'_, String>) -> String {
    match event {
        client::Event::Connected { sid, .. } => format!("client: connected {sid}"),
        client::Event::ConnectError { message, .. } => format!("client: refused {message}"),
        client::Event::Event { name, args, .. } => format!("client: event {name} {}", show(args)),
        client::Event::Ack { ack, args, .. } => format!("client: ack {ack} {}", show(args)),
        client::Event::Disconnected { acks, .. } => format!("client: disconnected {acks:?}"),
        other => panic!("{other:?}"),
    }
}

fn show(args: &Args<'_>) -> String {
    args.attachments()
        .iter()
        .fold(args.raw().to_owned(), |text, bytes| {
            format!("{text} + {bytes:?}")
        })
}

#[test]
fn a_life_of_two_namespaces() {
    for (revision, [root_id, chat_id]) in [
        (Revision::V4, ["link", "/chat#link"]),
        (Revision::V5, ["sid-/", "sid-/chat"]),
    ] {
        for mut pair in Pair::of_each_form(revision) {
            let root = pair.join("/");
            let chat = pair.join("/chat");
            pair.join("/secret");
            pair.settle();
            assert_eq!(
                pair.log(),
                [
                    "server: connect /",
                    "server: connect /chat",
                    "server: connect /secret",
                    &format!("client: connected {root_id}"),
                    &format!("client: connected {chat_id}"),
                    "client: refused not for you",
                ]
            );
            pair.emit(root, None, "hello", &());
            pair.emit(chat, Some(0), "say", &("a", json!({"b": 1})));
            pair.settle();
            assert_eq!(
                pair.log(),
                [
                    "server: event hello ",
                    r#"server: event say "a",{"b":1}"#,
                    "client: event hello ",
                    r#"client: event say "a",{"b":1}"#,
                    r#"client: ack say 0 "a",{"b":1}"#,
                ]
            );
            for (nsp, name, id) in [(chat, "/chat", chat_id), (root, "/", root_id)] {
                let (leave, _) = pair.client.disconnect(nsp).expect("joined");
                post(&mut pair.to_server, &leave.expect("joined"));
                pair.settle();
                let again = pair.join(name);
                pair.settle();
                assert_eq!(
                    pair.log(),
                    [
                        "server: disconnect []",
                        &format!("server: connect {name}"),
                        &format!("client: connected {id}"),
                    ]
                );
                assert_eq!(pair.client.namespace(again), Some(name));
            }
        }
    }
}

#[test]
fn attachments_survive_the_way_there_and_back() {
    for revision in REVISIONS {
        for mut pair in Pair::of_each_form(revision) {
            let root = pair.join("/");
            pair.settle();
            pair.log();
            pair.emit(
                root,
                Some(3),
                "file",
                &(
                    "name",
                    Binary::from(b"one".to_vec()),
                    vec![Binary::from(b"two".to_vec())],
                ),
            );
            pair.settle();
            let args = r#""name",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}] + b"one" + b"two""#;
            assert_eq!(
                pair.log(),
                [
                    format!("server: event file {args}"),
                    format!("client: event file {args}"),
                    format!("client: ack file 3 {args}")
                ]
            );
        }
    }
}

#[test]
fn the_server_asks_too() {
    for revision in REVISIONS {
        let mut pair = Pair::new(revision);
        pair.join("/");
        pair.settle();
        pair.log();
        pair.server
            .register_ack(pair.asked[0], 9, "question".to_owned())
            .expect("joined");
        let sent = pair
            .server
            .encoder()
            .event("/", Some(9), "ask", &1)
            .expect("encodable");
        match pair.client.handle_text(sent.text()) {
            Ok(Some(client::Event::Event { id, args, .. })) => {
                let number: u8 = args.parse().expect("a number");
                let sent = pair
                    .client
                    .encoder()
                    .ack("/", id.expect("an id"), &(number + 1))
                    .expect("encodable");
                post(&mut pair.to_server, &sent);
            }
            other => panic!("{other:?}"),
        }
        pair.settle();
        assert_eq!(pair.log(), ["server: ack question 2"]);
    }
}

#[test]
fn a_client_that_pipelines_loses_nothing() {
    for (revision, id) in [(Revision::V4, "link"), (Revision::V5, "sid-/")] {
        for mut pair in Pair::of_each_form(revision) {
            let root = pair.join("/");
            pair.emit(root, None, "early", &1);
            pair.settle();
            assert_eq!(
                pair.log(),
                [
                    "server: connect /",
                    "server: event early 1",
                    &format!("client: connected {id}"),
                    "client: event early 1"
                ]
            );
        }
    }
}

#[test]
fn both_sides_may_leave_at_once() {
    for revision in REVISIONS {
        for mut pair in Pair::of_each_form(revision) {
            let root = pair.join("/");
            let chat = pair.join("/chat");
            pair.settle();
            let (from_server, _) = pair.server.disconnect(pair.asked[1]).expect("joined");
            let (from_client, _) = pair.client.disconnect(chat).expect("joined");
            post(&mut pair.to_client, &from_server);
            post(&mut pair.to_server, &from_client.expect("joined"));
            pair.log();
            pair.settle();
            assert_eq!(pair.log(), [""; 0], "each ignores what was under way");
            pair.emit(root, None, "alive", &Value::Bool(true));
            pair.settle();
            assert_eq!(
                pair.log(),
                ["server: event alive true", "client: event alive true"]
            );
        }
    }
}

#[test]
fn a_farewell_does_not_end_the_membership_that_is_asked_for_next() {
    for (revision, id) in [(Revision::V4, "/chat#link"), (Revision::V5, "sid-/chat")] {
        let mut pair = Pair::new(revision);
        let chat = pair.join("/chat");
        pair.settle();
        let asked = *pair.asked.last().expect("asked for");
        let (from_server, _) = pair.server.disconnect(asked).expect("joined");
        let (from_client, _) = pair.client.disconnect(chat).expect("joined");
        post(&mut pair.to_client, &from_server);
        post(&mut pair.to_server, &from_client.expect("joined"));
        let chat = pair.join("/chat");
        pair.log();
        pair.settle();
        let joined = format!("client: connected {id}");
        assert_eq!(pair.log(), ["server: connect /chat", &joined]);
        pair.emit(chat, None, "hello", &());
        pair.settle();
        assert_eq!(pair.log(), ["server: event hello ", "client: event hello "]);
    }
}

#[test]
fn a_join_given_up_early_leaves_nothing_behind() {
    for revision in REVISIONS {
        for mut pair in Pair::of_each_form(revision) {
            pair.settle();
            pair.log();
            let chat = pair.join("/chat");
            assert!(matches!(pair.client.disconnect(chat), Some((None, _))));
            pair.settle();
            assert_eq!(
                pair.log(),
                [
                    "server: connect /chat",
                    "client: unwanted",
                    "server: disconnect []"
                ]
            );
        }
    }
}

#[test]
fn a_client_that_asks_late_for_what_opened_itself_is_told_at_once() {
    let mut pair = Pair::new(Revision::V4);
    pair.settle();
    assert_eq!(pair.log(), ["server: connect /"], "the client is not told");
    let root = pair.join("/");
    pair.settle();
    assert_eq!(pair.log(), ["client: connected link"], "nor is the server");
    pair.emit(root, None, "hello", &());
    pair.settle();
    assert_eq!(pair.log(), ["server: event hello ", "client: event hello "]);
}

#[test]
fn a_client_that_loses_interest_in_what_opens_itself_may_come_back() {
    let mut pair = Pair::new(Revision::V4);
    let root = pair.join("/");
    assert!(matches!(pair.client.disconnect(root), Some((None, _))));
    pair.settle();
    assert_eq!(pair.log(), ["server: connect /"]);
    pair.join("/");
    pair.settle();
    assert_eq!(pair.log(), ["client: connected link"]);
}
