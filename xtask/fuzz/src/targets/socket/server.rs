//! A server's connection, and a client that sends anything: what the caller is told fits together,
//! every awaited acknowledgement ends once, and after an error nothing happens any more.

use std::collections::{BTreeMap, BTreeSet};
use std::str;

use socketio_proto::{
    NamespaceId, ProtocolError, Tick,
    server::{Config, Connection, Event},
};

use super::REVISIONS;
use crate::input::Input;

pub(in crate::targets) fn server(input: &[u8]) {
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
    now: Tick,
    limit: usize,
    members: BTreeMap<usize, Member>,
    /// A membership that has ended; whatever took its place, it is not meant.
    ended: Option<NamespaceId>,
    /// Acknowledgements that are awaited.
    acks: BTreeSet<u64>,
    next_ack: u64,
    accepted: bool,
    dead: bool,
}

struct Member {
    nsp: NamespaceId,
    name: String,
    joined: bool,
}

const TEXTS: &[&str] = &[
    "0",
    "0/a,",
    "0/b,{\"token\":1}",
    "1",
    "1/a,",
    "2[\"say\"]",
    "2/a,0[\"say\",1]",
    "20[\"say\",{}]",
    "3/a,0[]",
    "30[1]",
    "31[]",
    "51-[\"b\",{\"_placeholder\":true,\"num\":0}]",
    "61-0[{\"_placeholder\":true,\"num\":0}]",
    "62-/a,1[{\"_placeholder\":true,\"num\":1}]",
    "4{\"message\":\"\"}",
];

impl Caller {
    fn new(input: &mut Input<'_>) -> Self {
        let mut config = Config::default();
        config.limits.max_namespaces = input.pick(&[64, 1, 3]);
        config.limits.max_attachment_bytes = input.pick(&[1_000_000, 3]);
        let revision = input.pick(&REVISIONS);
        let mut caller = Self {
            connection: Connection::new(revision, &config, 0),
            now: 0,
            limit: config.limits.max_namespaces,
            members: BTreeMap::new(),
            ended: None,
            acks: BTreeSet::new(),
            next_ack: 0,
            accepted: false,
            dead: false,
        };
        // What the client does not have to ask for.
        let event = caller.connection.poll_event();
        let told = told(&Ok(event));
        caller.note(told);
        caller
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0..6 => {
                let text = input.pick(TEXTS);
                self.receive_text(text);
            }
            6 => {
                let text = input.text();
                self.receive_text(text);
            }
            7 => {
                let result = self.connection.handle_binary(self.now, input.bytes());
                let told = told(&result);
                self.note(told);
            }
            8 => self.now += input.pick(&[1, 1000, 44_998, 45_000]),
            9 => {
                let result = self.connection.handle_timeout(self.now);
                self.dead |= result.is_err();
            }
            10 => {
                if let Some(index) = self.choose(input, |member| !member.joined) {
                    let sent = self
                        .connection
                        .accept(self.members[&index].nsp, "sid", None);
                    assert_eq!(sent.is_some(), !self.dead);
                    if let Some(member) = self.members.get_mut(&index) {
                        member.joined |= !self.dead;
                    }
                    self.accepted |= !self.dead;
                }
            }
            11 => {
                if let Some(index) = self.choose(input, |member| !member.joined) {
                    let sent = self.connection.reject(self.members[&index].nsp, "no", None);
                    assert_eq!(sent.is_some(), !self.dead);
                    self.leave(index);
                }
            }
            12 => {
                if let Some(index) = self.choose(input, |member| member.joined) {
                    let ended = self.connection.disconnect(self.members[&index].nsp);
                    assert_eq!(ended.is_some(), !self.dead);
                    self.leave(index);
                    self.end(ended.map(|(_, acks)| acks).unwrap_or_default());
                }
            }
            13 | 14 => {
                if let Some(index) = self.choose(input, |_| true) {
                    let member = &self.members[&index];
                    // Few ids, so that they meet the client's.
                    let (id, ack) = (input.below(3) as u64, self.next_ack);
                    self.next_ack += 1;
                    if self.connection.register_ack(member.nsp, id, ack).is_ok() {
                        assert!(member.joined && !self.dead);
                        self.acks.insert(ack);
                    }
                }
            }
            _ => {
                if let Some(index) = self.choose(input, |_| true) {
                    let id = input.below(3) as u64;
                    let ack = self.connection.forget_ack(self.members[&index].nsp, id);
                    self.end(ack);
                }
            }
        }
    }

    fn receive_text(&mut self, text: &str) {
        let result = self.connection.handle_text(self.now, text);
        let told = told(&result);
        self.note(told);
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
            Ok(Some(Told::Connect { nsp, name })) => {
                assert!(
                    self.members.values().all(|it| it.name != name),
                    "joined twice"
                );
                let joined = false;
                let member = Member { nsp, name, joined };
                assert!(self.members.insert(nsp.index(), member).is_none());
                assert!(self.members.len() <= self.limit);
            }
            Ok(Some(Told::Event { nsp })) => assert!(self.is_member(nsp)),
            Ok(Some(Told::Ack { nsp, ack })) => {
                assert!(self.is_member(nsp));
                self.end([ack]);
            }
            Ok(Some(Told::Disconnect { nsp, acks })) => {
                assert!(self.is_member(nsp));
                self.members.remove(&nsp.index());
                self.ended = Some(nsp);
                self.end(acks);
            }
            Ok(None) | Err(_) => {}
        }
    }

    fn is_member(&self, nsp: NamespaceId) -> bool {
        self.members
            .get(&nsp.index())
            .is_some_and(|member| member.nsp == nsp)
    }

    fn leave(&mut self, index: usize) {
        if !self.dead {
            self.ended = self.members.remove(&index).map(|it| it.nsp);
        }
    }

    fn end(&mut self, acks: impl IntoIterator<Item = u64>) {
        for ack in acks {
            assert!(self.acks.remove(&ack), "an acknowledgement ends twice");
        }
    }

    fn choose(&self, input: &mut Input<'_>, fits: impl Fn(&Member) -> bool) -> Option<usize> {
        let mut fitting = self.members.iter().filter(|(_, member)| fits(member));
        let count = fitting.clone().count();
        fitting
            .nth(input.below(count.clamp(1, 256)))
            .map(|(index, _)| *index)
    }

    fn check(&mut self) {
        for member in self.members.values() {
            assert_eq!(
                self.connection.namespace(member.nsp),
                Some(member.name.as_str())
            );
            assert_eq!(self.connection.is_joined(member.nsp), member.joined);
        }
        if let Some(nsp) = self.ended {
            assert_eq!(self.connection.namespace(nsp), None);
            assert!(self.connection.accept(nsp, "sid", None).is_none());
            assert!(self.connection.reject(nsp, "no", None).is_none());
            assert!(self.connection.disconnect(nsp).is_none());
            assert_eq!(self.connection.register_ack(nsp, 0, 0), Err(0));
            assert_eq!(self.connection.forget_ack(nsp, 0), None);
        }
        assert_eq!(
            self.connection.poll_timeout().is_some(),
            !self.accepted && !self.dead
        );
    }

    /// The link closes.
    fn finish(mut self) {
        if let Some(at) = self.connection.poll_timeout() {
            self.now = self.now.max(at);
            let late = self.connection.handle_timeout(self.now);
            assert_eq!(late, Err(ProtocolError::ConnectTimeout));
            assert_eq!(self.connection.poll_timeout(), None);
        }
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
    Connect { nsp: NamespaceId, name: String },
    Event { nsp: NamespaceId },
    Ack { nsp: NamespaceId, ack: u64 },
    Disconnect { nsp: NamespaceId, acks: Vec<u64> },
}

fn told(
    result: &Result<Option<Event<'_, u64>>, ProtocolError>,
) -> Result<Option<Told>, ProtocolError> {
    let event = result.as_ref().map_err(|error| *error)?;
    Ok(event.as_ref().map(|event| match event {
        Event::Connect { nsp, name, .. } => Told::Connect {
            nsp: *nsp,
            name: name.to_string(),
        },
        Event::Event { nsp, .. } => Told::Event { nsp: *nsp },
        Event::Ack { nsp, ack, .. } => Told::Ack {
            nsp: *nsp,
            ack: *ack,
        },
        Event::Disconnect { nsp, acks } => Told::Disconnect {
            nsp: *nsp,
            acks: acks.clone(),
        },
        other => panic!("{other:?}"),
    }))
}
