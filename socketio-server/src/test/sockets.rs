//! The Socket.IO half of a link: the namespaces its client has joined, and where their events go.

use std::sync::{Arc, OnceLock};

use engineio_proto::Message;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

use super::connect::Refusal;
use crate::proto::client::{Config, Connection, Event};
use crate::proto::{Args, Encoded, Encoder, NamespaceId, ProtocolError, Revision};

/// What a client asks for when it joins a namespace.
pub(super) struct Join {
    pub(super) name: String,
    pub(super) auth: Option<Map<String, Value>>,
    pub(super) answer: Answer,
}

type Answer = oneshot::Sender<Result<Joined, Refusal>>;

/// A namespace that the server has granted.
pub(super) struct Joined {
    pub(super) nsp: NamespaceId,
    pub(super) name: String,
    pub(super) sid: String,
    pub(super) encoder: Encoder,
    /// Ends with the membership.
    pub(super) inbox: mpsc::UnboundedReceiver<Arrived>,
    pub(super) ended: Ended,
}

/// Why a membership is over, as soon as it is.
pub(super) type Ended = Arc<OnceLock<&'static str>>;

/// An event as it came.
pub(super) struct Arrived {
    pub(super) name: String,
    pub(super) args: Args<'static>,
    pub(super) id: Option<u64>,
}

/// Where the answer to a call goes.
pub(super) type Ticket = oneshot::Sender<Args<'static>>;

/// The namespaces of a link.
pub(super) struct Sockets {
    revision: Revision,
    config: Config,
    /// Exists once the link is open.
    connection: Option<Connection<Ticket>>,
    /// What is asked for before that.
    early: Vec<Join>,
    members: Vec<Member>,
}

struct Member {
    nsp: NamespaceId,
    name: String,
    inbox: mpsc::UnboundedSender<Arrived>,
    ended: Ended,
    /// While the server has not answered.
    joining: Option<(Answer, mpsc::UnboundedReceiver<Arrived>)>,
}

impl Sockets {
    pub(super) const fn new(revision: Revision, config: Config) -> Self {
        Self {
            revision,
            config,
            connection: None,
            early: Vec::new(),
            members: Vec::new(),
        }
    }

    /// The link is open, under this id. Returns what is to be sent.
    pub(super) fn open(&mut self, link: &str) -> Vec<Encoded> {
        self.connection = Some(Connection::new(self.revision, &self.config, link));
        let early = std::mem::take(&mut self.early);
        early.into_iter().flat_map(|join| self.join(join)).collect()
    }

    /// Asks for a namespace. Returns what is to be sent.
    pub(super) fn join(&mut self, join: Join) -> Vec<Encoded> {
        let Some(connection) = &mut self.connection else {
            self.early.push(join);
            return Vec::new();
        };
        let Join { name, auth, answer } = join;
        let (nsp, request) = match connection.connect(&name, auth.as_ref()) {
            Ok(asked) => asked,
            Err(error) => {
                let _ = answer.send(Err(Refusal::Impossible(error)));
                return Vec::new();
            }
        };
        let (inbox, events) = mpsc::unbounded_channel();
        self.members.push(Member {
            nsp,
            name,
            inbox,
            ended: Ended::default(),
            joining: Some((answer, events)),
        });
        let mut sent = Vec::from_iter(request);
        sent.append(&mut self.poll_events());
        sent
    }

    /// Leaves a namespace. Returns what is to be sent.
    pub(super) fn leave(&mut self, nsp: NamespaceId) -> Option<Encoded> {
        let (leave, _) = self.connection.as_mut()?.disconnect(nsp)?;
        self.end(nsp, "io client disconnect");
        leave
    }

    /// Awaits the answer to a call that is being sent. Without a membership the ticket is dropped,
    /// which tells the caller.
    pub(super) fn await_answer(&mut self, nsp: NamespaceId, id: u64, ticket: Ticket) {
        if let Some(connection) = &mut self.connection {
            let _ = connection.register_ack(nsp, id, ticket);
        }
    }

    /// Takes a message of the server. Returns what is to be sent.
    pub(super) fn handle_message(
        &mut self,
        message: &Message<'_>,
    ) -> Result<Vec<Encoded>, ProtocolError> {
        let Some(connection) = &mut self.connection else {
            return Ok(Vec::new());
        };
        let event = match message {
            Message::Text(text) => connection.handle_text(text)?,
            Message::Binary(data) => connection.handle_binary(data)?,
        };
        let mut sent = Vec::from_iter(event.and_then(|event| self.handle_event(event)));
        sent.append(&mut self.poll_events());
        Ok(sent)
    }

    /// What happens without a message. Returns what is to be sent.
    fn poll_events(&mut self) -> Vec<Encoded> {
        let mut sent = Vec::new();
        while let Some(event) = self.connection.as_mut().and_then(Connection::poll_event) {
            sent.extend(self.handle_event(event));
        }
        sent
    }

    fn handle_event(&mut self, event: Event<'_, Ticket>) -> Option<Encoded> {
        match event {
            Event::Connected { nsp, sid, .. } => self.grant(nsp, &sid),
            Event::ConnectError { nsp, message, data } => {
                let refused = self.take(nsp)?;
                let (answer, _) = refused.joining?;
                let _ = answer.send(Err(Refusal::Namespace { message, data }));
            }
            Event::Event {
                nsp,
                id,
                name,
                args,
            } => {
                let arrived = Arrived {
                    name: name.into_owned(),
                    args: args.into_owned(),
                    id,
                };
                let member = self.members.iter().find(|it| it.nsp == nsp)?;
                // A test that has seen enough may have dropped its end.
                let _ = member.inbox.send(arrived);
            }
            Event::Ack { ack, args, .. } => {
                let _ = ack.send(args.into_owned());
            }
            Event::Disconnected { nsp, .. } => self.end(nsp, "io server disconnect"),
            Event::Unwanted { leave } => return Some(leave),
            Event::Postponed { request, .. } => return Some(request),
            _ => {}
        }
        None
    }

    fn grant(&mut self, nsp: NamespaceId, sid: &str) {
        let connection = self.connection.as_ref();
        let member = self.members.iter_mut().find(|it| it.nsp == nsp);
        let (Some(connection), Some(member)) = (connection, member) else {
            return;
        };
        if let Some((answer, inbox)) = member.joining.take() {
            let _ = answer.send(Ok(Joined {
                nsp,
                name: member.name.clone(),
                sid: sid.to_owned(),
                encoder: connection.encoder().clone(),
                inbox,
                ended: member.ended.clone(),
            }));
        }
    }

    /// The link is at its end, and with it everything on it.
    pub(super) fn end_all(&mut self, why: &Refusal, reason: &'static str) {
        for join in self.early.drain(..) {
            let _ = join.answer.send(Err(why.clone()));
        }
        for member in self.members.drain(..) {
            member.end(why, reason);
        }
    }

    fn end(&mut self, nsp: NamespaceId, reason: &'static str) {
        if let Some(member) = self.take(nsp) {
            member.end(&Refusal::Link(reason), reason);
        }
    }

    fn take(&mut self, nsp: NamespaceId) -> Option<Member> {
        let index = self.members.iter().position(|it| it.nsp == nsp)?;
        Some(self.members.swap_remove(index))
    }
}

impl Member {
    fn end(self, why: &Refusal, reason: &'static str) {
        // First, for the end of the inbox is seen by whoever reads it.
        let _ = self.ended.set(reason);
        if let Some((answer, _)) = self.joining {
            let _ = answer.send(Err(why.clone()));
        }
    }
}
