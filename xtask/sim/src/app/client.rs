//! The client's application: joins, leaves, sends, calls and answers, and knows what it must be
//! told.

use engineio_proto::Message;
use serde_json::json;
use socketio_proto::{
    client,
    record::{Recorded, Tape},
};

use super::{
    Membership, NAMES, Outgoing, Size, State, answer, check_answer, check_event, check_late,
    check_returned, event, outgoing, some,
};
use crate::fault::{Check, Fault, broken, check};
use crate::lane::{Lane, Parcel, What};
use crate::recovery::{Held, Memory, Recovery};
use crate::rng::Rng;
use crate::scenario::Pair;

pub(crate) struct ClientApp {
    connection: Recorded<client::Connection<u32>>,
    members: [Membership; NAMES.len()],
    default: Unasked,
    link: String,
    /// Outlives the session.
    pub(crate) memory: [Memory; NAMES.len()],
    pub(crate) outbox: Vec<Outgoing>,
    seq: u32,
    numbers: u32,
}

impl ClientApp {
    /// `link` is the id by which both sides know the link, if that matters.
    pub(crate) fn new(pair: Pair, link: &str, tape: Option<Tape>) -> Self {
        let mut config = client::Config::default();
        config.headroom = engineio_proto::Prepared::HEADROOM;
        config.parser = pair.parser();
        Self {
            connection: Recorded::client(pair.socket, &config, link, tape),
            members: Default::default(),
            default: match pair.implicit {
                true => Unasked::Expected,
                false => Unasked::Spent,
            },
            link: link.to_owned(),
            memory: Default::default(),
            outbox: Vec::new(),
            seq: 0,
            numbers: 0,
        }
    }

    pub(crate) fn link(&self) -> &str {
        &self.link
    }

    /// Asks to join a namespace, unless it is joined or an earlier attempt is still unanswered.
    pub(crate) fn join(&mut self, nsp: usize, auth: bool) -> Check {
        let member = &mut self.members[nsp];
        if member.state != State::Absent || member.unanswered > 0 {
            return Ok(());
        }
        let token = json!({ "token": "t" });
        let token = token.as_object().filter(|_| auth).cloned();
        let auth_of_all = self.memory[nsp].bookmark.auth(token);
        let asked = self.connection.connect(NAMES[nsp], auth_of_all.as_ref());
        let (id, encoded) = asked.map_err(join)?;
        member.id = Some(id);
        member.state = State::Joining;
        let default = if nsp == 0 {
            self.default
        } else {
            Unasked::Spent
        };
        match (default, encoded) {
            (Unasked::Spent, Some(encoded)) => {
                member.unanswered += 1;
                let what = What::Join { nsp, auth };
                self.outbox.push(outgoing(encoded, Vec::new(), what));
                Ok(())
            }
            (Unasked::Expected, None) => Ok(()),
            (Unasked::Open, None) => self.join_open(nsp),
            (default, encoded) => broken(
                "namespaces",
                format!("{default:?}, joining sends {encoded:?}"),
            ),
        }
    }

    /// The server has opened the namespace before anybody asked for it.
    fn join_open(&mut self, nsp: usize) -> Check {
        let granted = self.connection.poll_event();
        let member = &mut self.members[nsp];
        let fits = matches!(
            &granted,
            Some(client::Event::Connected { nsp: id, sid, .. })
                if Some(*id) == member.id && *sid == self.link
        );
        member.state = State::Joined;
        self.default = Unasked::Spent;
        check(fits, "namespaces", || {
            format!("an open namespace: {granted:?}")
        })
    }

    pub(crate) fn leave(&mut self, rng: &mut Rng) -> Check {
        let Some(nsp) = some(&self.members, &[State::Joining, State::Joined], rng) else {
            return Ok(());
        };
        let member = &mut self.members[nsp];
        let joined = member.state == State::Joined;
        let left = member.id.and_then(|id| self.connection.disconnect(id));
        let Some((encoded, acks)) = left else {
            return broken("namespaces", format!("{} cannot be left", NAMES[nsp]));
        };
        check_returned(acks, member.end(State::Absent))?;
        check(encoded.is_some() == joined, "namespaces", || {
            format!(
                "leaving {}, joined: {joined}, sends {encoded:?}",
                NAMES[nsp]
            )
        })?;
        if let Some(encoded) = encoded {
            let what = What::Leave { nsp };
            self.outbox.push(outgoing(encoded, Vec::new(), what));
        }
        Ok(())
    }

    /// Sends an event; with a call only where it is let in.
    pub(crate) fn emit(&mut self, size: &Size, call: bool, rng: &mut Rng) -> Check {
        let states = [State::Joined, State::Joining];
        let states = if call { &states[..1] } else { &states };
        let Some(nsp) = some(&self.members, states, rng) else {
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
        self.seq += 1;
        let encoder = self.connection.encoder();
        let (encoded, attachments) = event(encoder, nsp, call, self.seq, size)?;
        let what = What::Event {
            nsp,
            seq: self.seq,
            call,
            socket: None,
        };
        self.outbox.push(outgoing(encoded, attachments, what));
        Ok(())
    }

    /// Answers a call of the server.
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
            self.connection.forget_ack(former, 0).is_some(),
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
        recovery: &Recovery,
    ) -> Check {
        let parcel = lane.receive(&message)?;
        let event = match &message {
            Message::Text(text) => self.connection.handle_text(text),
            Message::Binary(data) => self.connection.handle_binary(data),
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => return broken("protocol", format!("client: {error}, {parcel:?}")),
        };
        match (parcel, event) {
            (None, None) => Ok(()),
            (None, Some(event)) => broken("attachments", format!("{event:?} came too early")),
            (Some(parcel), event) => {
                let called = self.judge(&parcel, event, recovery)?;
                match called && rng.chance(500) {
                    true => self.answer(rng),
                    false => Ok(()),
                }
            }
        }
    }

    /// All that was logged for the sockets of this session has arrived.
    pub(crate) fn check_complete(&self, recovery: &Recovery) -> Check {
        let members = self.members.iter().zip(&self.memory);
        let mut joined = members.filter(|(member, _)| member.state == State::Joined);
        joined.try_for_each(|(_, memory)| memory.check_complete(recovery))
    }

    /// The link is gone.
    pub(crate) fn end(&mut self) -> Check {
        let open = self.members.iter_mut().flat_map(|it| it.end(State::Absent));
        let open = open.collect();
        check_returned(self.connection.drain_acks().collect(), open)
    }

    /// What a packet must lead to, by the state of its namespace. Returns whether it was a call.
    fn judge(
        &mut self,
        parcel: &Parcel,
        event: Option<client::Event<'_, u32>>,
        recovery: &Recovery,
    ) -> Check<bool> {
        use State::{Absent, Joined, Joining};
        use client::Event;

        let nsp = parcel.what.nsp();
        let member = &mut self.members[nsp];
        let default = if nsp == 0 {
            self.default
        } else {
            Unasked::Spent
        };
        let derived = match nsp {
            0 => self.link.clone(),
            _ => format!("{}#{}", NAMES[nsp], self.link),
        };
        let own = |id| Some(id) == member.id;
        match (parcel.what, member.state, event) {
            (What::Grant { .. }, Joining, Some(Event::Connected { nsp: id, sid, pid }))
                if own(id) && (parcel.says(&sid) || sid == derived) =>
            {
                let held = std::mem::take(&mut member.held);
                self.memory[nsp].handle_connected(pid.as_deref(), held, recovery)?;
                if default == Unasked::Spent {
                    member.answered()?;
                }
                member.state = Joined;
                if nsp == 0 {
                    self.default = Unasked::Spent;
                }
            }
            (What::Grant { .. }, Absent, None) if default == Unasked::Expected => {
                self.default = Unasked::Open;
            }
            (What::Grant { .. }, Absent, Some(Event::Unwanted { leave })) => {
                member.answered()?;
                let what = What::Leave { nsp };
                self.outbox.push(outgoing(leave, Vec::new(), what));
            }
            (
                What::Refuse { .. },
                Joining,
                Some(Event::ConnectError {
                    nsp: id, message, ..
                }),
            ) if own(id) && parcel.says(&message) => {
                member.answered()?;
                member.end(Absent);
            }
            (What::Refuse { .. }, Absent, None) => member.answered()?,
            (What::Leave { .. }, Joined, Some(Event::Disconnected { nsp: id, acks }))
                if own(id) =>
            {
                check_returned(acks, member.end(Absent))?;
            }
            (What::Leave { .. }, Absent, None) => {
                if nsp == 0 {
                    self.default = Unasked::Spent;
                }
            }
            // It ended an earlier membership, which the client had left before.
            (What::Leave { .. }, Joining, None) => {}
            (What::Event { .. }, Absent, None) => {}
            (
                What::Event {
                    call, socket, seq, ..
                },
                Joining | Joined,
                Some(Event::Event {
                    nsp: of,
                    id,
                    name,
                    args,
                }),
            ) if own(of) => {
                check_event(parcel, id, &name, &args)?;
                if member.state == Joined {
                    self.memory[nsp].handle_event(socket, seq, (id, &args), recovery)?;
                    member.owed.extend(call);
                    return Ok(call.is_some());
                }
                // It is one of those that were missed, or belongs to a membership before this one.
                member.held.push(Held {
                    socket,
                    number: seq,
                    id,
                    args: args.into_owned(),
                });
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
                let what = format!("client, {state:?}: {what:?} led to {event:?}");
                return broken("events", what);
            }
        }
        Ok(false)
    }
}

/// The default namespace where the server opens it unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unasked {
    /// The server will.
    Expected,
    /// It has, and nobody has asked.
    Open,
    /// It is a namespace like any other.
    Spent,
}

fn join(error: client::JoinError) -> Fault {
    Fault {
        rule: "namespaces",
        what: error.to_string(),
    }
}
