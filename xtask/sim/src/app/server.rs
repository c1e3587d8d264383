//! The server's application for one session: lets in, expels, sends, calls and answers, and knows
//! what it must be told.

use std::borrow::Cow;

use engineio_proto::{CloseReason, Message, Tick};
use socketio_proto::{
    NamespaceId, ProtocolError,
    record::{Recorded, Tape},
    server,
};

use super::{
    Membership, NAMES, Outgoing, SECRET, Size, State, answer, check_answer, check_event,
    check_late, check_returned, event, outgoing, some,
};
use crate::fault::{Check, broken, check};
use crate::lane::{Lane, Parcel, What};
use crate::recovery::{self, Recovery};
use crate::rng::Rng;
use crate::scenario::Pair;

pub(crate) struct ServerApp {
    connection: Recorded<server::Connection<u32>>,
    members: [Membership; NAMES.len()],
    /// Whether the default namespace is asked for by itself.
    implicit: bool,
    link: String,
    pub(crate) outbox: Vec<Outgoing>,
    numbers: u32,
    /// When the client must have joined something; `None` once it has.
    deadline: Option<Tick>,
    dead: bool,
}

/// What a message led to, as far as the driver is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Served {
    Nothing,
    /// A CONNECT waits for [`ServerApp::decide`].
    Asked(usize, NamespaceId),
    /// The client has joined nothing in time: the session is to be closed.
    TooLate,
}

impl ServerApp {
    /// `link` is the id by which both sides know the link.
    pub(crate) fn new(
        pair: Pair,
        config: &server::Config,
        link: &str,
        now: Tick,
        tape: Option<Tape>,
    ) -> Self {
        Self {
            connection: Recorded::server(pair.socket, config, now, tape),
            members: Default::default(),
            implicit: pair.implicit,
            link: link.to_owned(),
            outbox: Vec::new(),
            numbers: 0,
            deadline: Some(now + config.connect_timeout),
            dead: false,
        }
    }

    /// What there is to decide before the first message.
    pub(crate) fn begin(&mut self) -> Check<Served> {
        match (self.connection.poll_event(), self.implicit) {
            (None, false) => Ok(Served::Nothing),
            (Some(server::Event::Connect { nsp, name, auth }), true)
                if name == NAMES[0] && auth.is_none() =>
            {
                self.members[0].state = State::Joining;
                self.members[0].id = Some(nsp);
                Ok(Served::Asked(0, nsp))
            }
            (event, _) => broken("namespaces", format!("begins with {event:?}")),
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        self.connection.poll_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Check<Served> {
        match self.connection.handle_timeout(now) {
            Ok(()) => Ok(Served::Nothing),
            Err(error) => self.fail(error, now),
        }
    }

    /// Answers a CONNECT, unless its client has given up meanwhile.
    pub(crate) fn decide(
        &mut self,
        nsp: usize,
        id: NamespaceId,
        now: Tick,
        recovery: &mut Recovery,
    ) -> Check {
        if self.dead {
            return Ok(());
        }
        let member = &mut self.members[nsp];
        let waits = member.state == State::Joining && member.id == Some(id);
        let (answer, what) = if NAMES[nsp] == SECRET {
            let answer = self.connection.reject(id, "not you", None);
            (answer, What::Refuse { nsp })
        } else {
            let restored = match waits {
                true => recovery.restore(now, nsp, &member.auth)?,
                false => None,
            };
            let (socket, missed) = restored.unwrap_or_else(|| (recovery.open(), Vec::new()));
            member.socket = waits.then_some(socket);
            self.outbox.extend(missed);
            let sid = self.connection.socket_id(id, &self.link);
            let sid = sid.unwrap_or_else(|| recovery::sid(socket));
            let pid = recovery.on.then(|| recovery::pid(socket));
            let answer = self.connection.accept(id, &sid, pid.as_deref());
            (answer, What::Grant { nsp })
        };
        check(answer.is_some() == waits, "namespaces", || {
            format!(
                "{}, waiting: {waits}, is answered by {answer:?}",
                NAMES[nsp]
            )
        })?;
        let Some(encoded) = answer else {
            return Ok(());
        };
        self.outbox.push(outgoing(encoded, Vec::new(), what));
        let member = &mut self.members[nsp];
        match what {
            What::Grant { .. } => {
                member.state = State::Joined;
                self.deadline = None;
            }
            _ => {
                member.end(State::Left);
            }
        }
        Ok(())
    }

    /// Expels the client from a namespace.
    pub(crate) fn expel(&mut self, rng: &mut Rng) -> Check {
        let Some(nsp) = some(&self.members, &[State::Joined], rng) else {
            return Ok(());
        };
        let member = &mut self.members[nsp];
        let expelled = member.id.and_then(|id| self.connection.disconnect(id));
        let Some((encoded, acks)) = expelled else {
            return broken(
                "namespaces",
                format!("nobody is expelled from {}", NAMES[nsp]),
            );
        };
        check_returned(acks, member.end(State::Left))?;
        let what = What::Leave { nsp };
        self.outbox.push(outgoing(encoded, Vec::new(), what));
        Ok(())
    }

    pub(crate) fn emit(
        &mut self,
        size: &Size,
        call: bool,
        rng: &mut Rng,
        now: Tick,
        recovery: &mut Recovery,
    ) -> Check {
        let Some(nsp) = some(&self.members, &[State::Joined], rng) else {
            return Ok(());
        };
        let member = &mut self.members[nsp];
        let call = call.then(|| {
            self.numbers += 1;
            member.calls.open(self.numbers)
        });
        if let (Some(call), Some(id)) = (call, member.id) {
            let registered = self.connection.register_ack(id, call.id, call.number);
            check(registered.is_ok(), "acks", || {
                format!("{call:?} is refused")
            })?;
        }
        let seq = recovery.number();
        let encoder = self.connection.encoder();
        let (encoded, attachments) = event(encoder, nsp, call, seq, size)?;
        self.outbox.push(match (call, member.socket) {
            (None, Some(socket)) if recovery.on => {
                recovery.log(now, nsp, socket, seq, encoded, attachments)
            }
            _ => {
                let what = What::Event {
                    nsp,
                    seq,
                    call,
                    socket: None,
                };
                outgoing(encoded, attachments, what)
            }
        });
        Ok(())
    }

    /// Answers a call of the client.
    pub(crate) fn answer(&mut self, rng: &mut Rng) -> Check {
        let Some(nsp) = some(&self.members, &[State::Joined], rng) else {
            return Ok(());
        };
        if let Some(call) = self.members[nsp].owed.pop() {
            let encoder = self.connection.encoder();
            self.outbox.push(answer(encoder, nsp, call)?);
        }
        Ok(())
    }

    /// Commands for a membership that has ended.
    pub(crate) fn act_late(&mut self, rng: &mut Rng) -> Check {
        let nsp = rng.index(NAMES.len());
        let Some(former) = self.members[nsp].former else {
            return Ok(());
        };
        check_late([
            self.connection.register_ack(former, 1000, 0).is_ok(),
            self.connection.accept(former, "late", None).is_some(),
            self.connection.disconnect(former).is_some(),
        ])
    }

    /// No longer awaits an answer.
    pub(crate) fn forget(&mut self, rng: &mut Rng) -> Check {
        let Some(nsp) = some(&self.members, &[State::Joined], rng) else {
            return Ok(());
        };
        let member = &mut self.members[nsp];
        if let (Some(call), Some(id)) = (member.calls.forget(), member.id) {
            let kept = self.connection.forget_ack(id, call.id);
            check(kept == Some(call.number), "acks", || {
                format!("forgetting {call:?} gave back {kept:?}")
            })?;
        }
        Ok(())
    }

    /// Takes a message and checks what it leads to.
    pub(crate) fn receive(
        &mut self,
        lane: &mut Lane,
        message: Message<'_>,
        rng: &mut Rng,
        now: Tick,
    ) -> Check<Served> {
        let parcel = lane.receive(&message)?;
        let event = match &message {
            Message::Text(text) => self.connection.handle_text(now, text),
            Message::Binary(data) => self.connection.handle_binary(now, data),
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => return self.fail(error, now),
        };
        match (parcel, event) {
            (None, None) => Ok(Served::Nothing),
            (None, Some(event)) => broken("attachments", format!("{event:?} came too early")),
            (Some(parcel), event) => {
                let called = self.judge(&parcel, event)?;
                if called && rng.chance(500) {
                    self.answer(rng)?;
                }
                let member = &self.members[parcel.what.nsp()];
                Ok(match (parcel.what, member.id) {
                    (What::Join { nsp, .. }, Some(id)) => Served::Asked(nsp, id),
                    _ => Served::Nothing,
                })
            }
        }
    }

    /// The link is gone: sockets may come back.
    pub(crate) fn end(&mut self, now: Tick, reason: CloseReason, recovery: &mut Recovery) -> Check {
        for (nsp, member) in self.members.iter().enumerate() {
            if let (State::Joined, Some(socket)) = (member.state, member.socket) {
                recovery.save(now, nsp, socket, reason);
            }
        }
        let open = self.members.iter_mut().flat_map(|it| it.end(State::Absent));
        let open = open.collect();
        check_returned(self.connection.drain_acks().collect(), open)
    }

    /// Clients here keep the rules, though they may be late.
    fn fail(&mut self, error: ProtocolError, now: Tick) -> Check<Served> {
        match error {
            ProtocolError::ConnectTimeout if self.deadline.is_some_and(|at| at <= now) => {
                self.dead = true;
                Ok(Served::TooLate)
            }
            ProtocolError::Dead if self.dead => Ok(Served::Nothing),
            error => broken("protocol", format!("server: {error}")),
        }
    }

    /// What a packet must lead to, by the state of its namespace. Returns whether it was a call.
    fn judge(&mut self, parcel: &Parcel, event: Option<server::Event<'_, u32>>) -> Check<bool> {
        use State::{Absent, Joined, Joining, Left};
        use server::Event;

        let nsp = parcel.what.nsp();
        let member = &mut self.members[nsp];
        let own = |id| Some(id) == member.id;
        match (parcel.what, member.state, event) {
            (
                What::Join { auth, .. },
                Absent | Left,
                Some(Event::Connect {
                    nsp: id,
                    name,
                    auth: told,
                }),
            ) if name == NAMES[nsp]
                && told.as_ref().is_some_and(|told| told.contains("token")) == auth =>
            {
                member.auth = told.map(Cow::into_owned).unwrap_or_default();
                member.state = Joining;
                member.id = Some(id);
            }
            (What::Leave { .. }, Joining | Joined, Some(Event::Disconnect { nsp: id, acks }))
                if own(id) =>
            {
                check_returned(acks, member.end(Absent))?;
            }
            (What::Leave { .. } | What::Event { .. }, Left, None) => {}
            (
                What::Event { call, .. },
                Joining | Joined,
                Some(Event::Event {
                    nsp: of,
                    id,
                    name,
                    args,
                }),
            ) if own(of) => {
                check_event(parcel, id, &name, &args)?;
                member.owed.extend(call);
                return Ok(call.is_some() && member.state == Joined);
            }
            (What::Ack { call, .. }, _, Some(Event::Ack { nsp: id, ack, args })) if own(id) => {
                let open = member.calls.close(call);
                check(open, "acks", || format!("{call:?} was answered twice"))?;
                check_answer(parcel, call, ack, &args)?;
            }
            (What::Ack { call, .. }, _, None) => {
                let open = member.calls.close(call);
                check(!open, "acks", || {
                    format!("the answer to {call:?} was ignored")
                })?;
            }
            (what, state, event) => {
                let what = format!("server, {state:?}: {what:?} led to {event:?}");
                return broken("events", what);
            }
        }
        Ok(false)
    }
}
