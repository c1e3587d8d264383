//! A client's connection, and a server that sends anything: what the caller is told fits together,
//! every awaited acknowledgement ends once, and after an error nothing happens any more.

use std::collections::{BTreeMap, BTreeSet};

use socketio_proto::{
    Limits, NamespaceId, ProtocolError,
    client::{Config, Connection, Event},
};

use super::REVISIONS;
use crate::input::Input;

pub(in crate::targets) fn client(input: &[u8]) {
    let mut input = Input::new(input);
    let mut caller = Caller::new(&mut input);
    while !input.is_empty() {
        caller.act(&mut input);
        caller.check();
    }
    caller.finish();
}

/// A connection, and what its caller knows.
struct Caller {
    connection: Connection<u64>,
    members: BTreeMap<usize, Member>,
    /// A membership that has ended; whatever took its place, it is not meant.
    ended: Option<NamespaceId>,
    /// Acknowledgements that are awaited.
    acks: BTreeSet<u64>,
    next_ack: u64,
    dead: bool,
}

struct Member {
    nsp: NamespaceId,
    name: &'static str,
    joined: bool,
}

const NAMES: &[&str] = &["/", "/a", "/b", "", "no slash", "/a,b"];

const TEXTS: &[&str] = &[
    "0{\"sid\":\"x\"}",
    "0/a,{\"sid\":\"x\",\"pid\":\"y\"}",
    "0/b,{\"sid\":\"\"}",
    "0",
    "1",
    "1/a,",
    "2[\"say\"]",
    "2/a,0[\"say\",1]",
    "3/a,0[]",
    "30[1]",
    "31[]",
    "51-[\"b\",{\"_placeholder\":true,\"num\":0}]",
    "61-0[{\"_placeholder\":true,\"num\":0}]",
    "4{\"message\":\"no\"}",
    "4/a,\"no\"",
    "4/b,{}",
];

impl Caller {
    fn new(input: &mut Input<'_>) -> Self {
        let mut config = Config::default();
        config.limits = Limits::default();
        config.limits.max_attachment_bytes = input.pick(&[1_000_000, 3]);
        let revision = input.pick(&REVISIONS);
        Self {
            connection: Connection::new(revision, &config, "link"),
            members: BTreeMap::new(),
            ended: None,
            acks: BTreeSet::new(),
            next_ack: 0,
            dead: false,
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..6 => {
                let result = self.connection.handle_text(input.pick(TEXTS));
                let told = told(&result);
                self.note(told);
                self.poll();
            }
            6 => {
                let result = self.connection.handle_text(input.text());
                let told = told(&result);
                self.note(told);
                self.poll();
            }
            7 => {
                let result = self.connection.handle_binary(input.bytes());
                let told = told(&result);
                self.note(told);
            }
            8..11 => self.connect(input.pick(NAMES)),
            11 | 12 => {
                if let Some(index) = self.choose(input) {
                    let member = &self.members[&index];
                    let ended = self.connection.disconnect(member.nsp);
                    assert_eq!(ended.is_some(), !self.dead);
                    if let Some((sent, acks)) = ended {
                        assert_eq!(sent.is_some(), member.joined);
                        self.ended = self.members.remove(&index).map(|it| it.nsp);
                        self.end(acks);
                    }
                }
            }
            13 | 14 => {
                if let Some(index) = self.choose(input) {
                    let member = &self.members[&index];
                    // Few ids, so that they meet the server's.
                    let (id, ack) = (input.below(3) as u64, self.next_ack);
                    self.next_ack += 1;
                    if self.connection.register_ack(member.nsp, id, ack).is_ok() {
                        assert!(member.joined && !self.dead);
                        self.acks.insert(ack);
                    }
                }
            }
            _ => {
                if let Some(index) = self.choose(input) {
                    let id = input.below(3) as u64;
                    let ack = self.connection.forget_ack(self.members[&index].nsp, id);
                    self.end(ack);
                }
            }
        }
    }

    fn connect(&mut self, name: &'static str) {
        let known = self.members.values().any(|member| member.name == name);
        let fine = name.starts_with('/') && !name.contains(',');
        let asked = self.connection.connect(name, None);
        assert_eq!(asked.is_ok(), fine && !known && !self.dead);
        if let Ok((nsp, _)) = asked {
            let joined = false;
            let member = Member { nsp, name, joined };
            assert!(self.members.insert(nsp.index(), member).is_none());
        }
        self.poll();
    }

    /// What no message has told, or more than one message tells at once.
    fn poll(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            assert!(!self.dead);
            let told = told(&Ok(Some(event)));
            self.note(told);
        }
    }

    /// What the caller was told.
    fn note(&mut self, told: Result<Option<Told>, ProtocolError>) {
        let was_dead = self.dead;
        self.dead |= told.is_err();
        if was_dead {
            assert_eq!(told.map(drop), Err(ProtocolError::Dead));
            return;
        }
        match told {
            Ok(Some(Told::Connected { nsp })) => {
                assert!(self.is_member(nsp));
                if let Some(member) = self.members.get_mut(&nsp.index()) {
                    member.joined = true;
                }
            }
            Ok(Some(Told::Refused { nsp })) => {
                assert!(self.is_member(nsp) && !self.members[&nsp.index()].joined);
                self.members.remove(&nsp.index());
                self.ended = Some(nsp);
            }
            Ok(Some(Told::Event { nsp })) => assert!(self.is_member(nsp)),
            Ok(Some(Told::Ack { nsp, ack })) => {
                assert!(self.is_member(nsp));
                self.end([ack]);
            }
            Ok(Some(Told::Disconnected { nsp, acks })) => {
                assert!(self.is_member(nsp));
                self.members.remove(&nsp.index());
                self.ended = Some(nsp);
                self.end(acks);
            }
            Ok(Some(Told::Postponed { nsp })) => {
                assert!(self.is_member(nsp) && !self.members[&nsp.index()].joined);
            }
            Ok(Some(Told::Unwanted) | None) | Err(_) => {}
        }
    }

    fn is_member(&self, nsp: NamespaceId) -> bool {
        self.members
            .get(&nsp.index())
            .is_some_and(|member| member.nsp == nsp)
    }

    fn end(&mut self, acks: impl IntoIterator<Item = u64>) {
        for ack in acks {
            assert!(self.acks.remove(&ack), "an acknowledgement ends twice");
        }
    }

    fn choose(&self, input: &mut Input<'_>) -> Option<usize> {
        let index = input.below(self.members.len().clamp(1, 256));
        self.members.keys().nth(index).copied()
    }

    fn check(&mut self) {
        for member in self.members.values() {
            assert_eq!(self.connection.namespace(member.nsp), Some(member.name));
        }
        if let Some(nsp) = self.ended {
            assert_eq!(self.connection.namespace(nsp), None);
            assert!(self.connection.disconnect(nsp).is_none());
            assert_eq!(self.connection.register_ack(nsp, 0, 0), Err(0));
            assert_eq!(self.connection.forget_ack(nsp, 0), None);
        }
    }

    /// The link closes.
    fn finish(mut self) {
        let left: Vec<_> = self.connection.drain_acks().collect();
        self.end(left);
        assert!(
            self.acks.is_empty(),
            "an acknowledgement is awaited for ever"
        );
    }
}

/// An event without what it borrows.
enum Told {
    Connected { nsp: NamespaceId },
    Refused { nsp: NamespaceId },
    Event { nsp: NamespaceId },
    Ack { nsp: NamespaceId, ack: u64 },
    Disconnected { nsp: NamespaceId, acks: Vec<u64> },
    Unwanted,
    Postponed { nsp: NamespaceId },
}

fn told(
    result: &Result<Option<Event<'_, u64>>, ProtocolError>,
) -> Result<Option<Told>, ProtocolError> {
    let event = result.as_ref().map_err(|error| *error)?;
    Ok(event.as_ref().map(|event| match event {
        Event::Connected { nsp, .. } => Told::Connected { nsp: *nsp },
        Event::ConnectError { nsp, .. } => Told::Refused { nsp: *nsp },
        Event::Event { nsp, .. } => Told::Event { nsp: *nsp },
        Event::Ack { nsp, ack, .. } => Told::Ack {
            nsp: *nsp,
            ack: *ack,
        },
        Event::Disconnected { nsp, acks } => Told::Disconnected {
            nsp: *nsp,
            acks: acks.clone(),
        },
        Event::Unwanted { .. } => Told::Unwanted,
        Event::Postponed { nsp, .. } => Told::Postponed { nsp: *nsp },
        other => panic!("{other:?}"),
    }))
}
