//! The client's side of one link, mirrored from [`server`](crate::server): which namespaces were
//! asked for, which were granted, whose acknowledgement came. Reconnecting and buffering are the
//! caller's.
//!
//! ```text
//!            connect                 CONNECT
//!  (nothing) ───────► joining ─────────────────► joined
//!      ▲                 │                          │
//!      │   disconnect    │ CONNECT_ERROR            │ disconnect
//!      │   DISCONNECT    │                          │ DISCONNECT
//!      └─────────────────┴──────────────────────────┘
//! ```
//!
//! What a server sends for other namespaces is ignored, as in the reference: it was under way when
//! the client left. So is a DISCONNECT while joining: a server ends what it has not granted with
//! CONNECT_ERROR.
//!
//! A namespace that was left before the CONNECT was answered may be asked for again at once; the
//! second CONNECT is kept back until the answer to the first. (The reference sends it, and servers
//! end the link.)
//!
//! In revision 4 the server opens the default namespace unasked, once per link. Asking for it sends
//! nothing then: the CONNECT is under way, or was here already. Whoever does not ask for it is not
//! told of it. Once left or refused, it is a namespace like any other.

mod event;

use std::{borrow::Cow, collections::VecDeque, fmt, sync::Arc};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    Args, Body, DecodeError, Decoder, Encoded, Encoder, Limits, NamespaceId, Packet, Parser,
    ProtocolError, Revision, encode,
    given_up::GivenUp,
    implicit::{Implicit, Standing},
    namespaces::{Namespace, Namespaces},
    revision::{Answer, Refusal, Rules},
};

pub use event::Event;

/// How a client connects.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Config {
    /// What the server may make us hold.
    pub limits: Limits,
    /// Bytes to leave free in front of each encoded text. Default 0.
    pub headroom: usize,
    /// How packets are spelled, if not as text. Default `None`.
    pub parser: Option<Arc<dyn Parser>>,
}

/// A namespace cannot be asked for.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The name does not start with a slash or contains a comma or, in revision 4, a query: that
    /// is for credentials, and the answer would come without it.
    #[error("invalid namespace")]
    Namespace,
    /// It is joined, or being joined, already.
    #[error("namespace joined already")]
    AlreadyJoined,
    /// The connection is dead since an earlier error.
    #[error("connection is dead")]
    Dead,
}

/// The namespaces joined over one link to a server. `A` is what the caller keeps for each
/// acknowledgement it awaits.
///
/// After a [`ProtocolError`] the connection is dead: it refuses all input and commands do nothing.
/// The caller then closes the link, and takes what is left with [`drain_acks`](Self::drain_acks).
/// There is nothing here that depends on time.
#[derive(Debug)]
pub struct Connection<A> {
    revision: Revision,
    decoder: Decoder,
    encoder: Encoder,
    pub(crate) namespaces: Namespaces<A>,
    link: LinkId,
    implicit: Implicit,
    given_up: GivenUp,
    /// Events beyond the one that a message yields.
    events: VecDeque<Event<'static, A>>,
    dead: bool,
}

/// Whoever knows it can take over the link: not for logs.
struct LinkId(Box<str>);

impl fmt::Debug for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkId(..)")
    }
}

impl<A> Connection<A> {
    /// A connection without namespaces. `link` is the id by which both sides know the link: in
    /// revision 4 the ids of sockets are derived from it, in revision 5 it means nothing.
    pub fn new(revision: Revision, config: &Config, link: &str) -> Self {
        Self {
            revision,
            decoder: Decoder::new(revision, config.limits).with_parser(config.parser.clone()),
            encoder: Encoder::new(revision, config.headroom).with_parser(config.parser.clone()),
            namespaces: Namespaces::new(),
            link: LinkId(link.into()),
            implicit: Implicit::new(revision),
            given_up: GivenUp::default(),
            events: VecDeque::new(),
            dead: false,
        }
    }

    /// Takes an event that no message has yielded, or that a message has yielded beside another.
    /// To be asked until it is `None`, after each message and each [`connect`](Self::connect).
    /// In revision 5 there is only [`Event::Postponed`].
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static, A>> {
        if self.dead {
            return None;
        }
        self.events.pop_front()
    }

    /// Takes a text message. `None` if it means nothing to the caller: attachments are outstanding,
    /// or nobody waits for it any more.
    ///
    /// # Errors
    /// If the server broke the protocol; the connection is dead then.
    pub fn handle_text<'a>(
        &mut self,
        text: &'a str,
    ) -> Result<Option<Event<'a, A>>, ProtocolError> {
        self.guard(|connection| match connection.decoder.decode_text(text)? {
            Some(packet) => connection.receive(packet),
            None => Ok(None),
        })
    }

    /// Takes a binary message. `None` as for [`handle_text`](Self::handle_text).
    ///
    /// # Errors
    /// If the server broke the protocol; the connection is dead then.
    pub fn handle_binary<'a>(
        &mut self,
        data: &'a [u8],
    ) -> Result<Option<Event<'a, A>>, ProtocolError> {
        self.guard(|connection| match connection.decoder.decode_binary(data)? {
            Some(packet) => connection.receive(packet),
            None => Ok(None),
        })
    }

    /// Whether credentials would reach the server if the namespace were asked for now. Not for one
    /// that the server opens by itself: ask for that at once, since its events are lost until then.
    #[must_use]
    pub fn takes_auth(&self, name: &str) -> bool {
        self.implicit.standing(name) == Standing::Spent
    }

    /// Asks to join a namespace. The server answers with [`Event::Connected`] or
    /// [`Event::ConnectError`].
    ///
    /// There is nothing to send for the default namespace in revision 4, unless it was left or
    /// refused before, nor can credentials reach it. If the server has opened it already,
    /// [`poll_event`](Self::poll_event) has the answer.
    ///
    /// Nor is there anything to send yet if the same namespace was left before its last CONNECT was
    /// answered: [`Event::Postponed`] will have it.
    ///
    /// # Errors
    /// If the namespace cannot be asked for. Nothing has changed then.
    pub fn connect(
        &mut self,
        name: &str,
        auth: Option<&Map<String, Value>>,
    ) -> Result<(NamespaceId, Option<Encoded>), JoinError> {
        if self.dead {
            return Err(JoinError::Dead);
        }
        encode::check_namespace(name).map_err(|_| JoinError::Namespace)?;
        if (self.rules().split_query)(name).1.is_some() {
            return Err(JoinError::Namespace);
        }
        if self.namespaces.find(name).is_some() {
            return Err(JoinError::AlreadyJoined);
        }
        let nsp = self.namespaces.insert(name);
        let request = match self.implicit.standing(name) {
            Standing::Expected => None,
            Standing::Open => {
                self.implicit.spend(name);
                let granted = self.connected(nsp, None);
                self.events.extend(granted);
                None
            }
            Standing::Spent => {
                let request = self.encoder.join(name, auth);
                self.given_up.keep_back(name, request)
            }
        };
        Ok((nsp, request))
    }

    /// Leaves a namespace, and gives back what was kept for acknowledgements that will never come.
    ///
    /// There is nothing to send while the CONNECT is unanswered, since servers take a DISCONNECT
    /// for a violation then; should the answer come and be positive, [`Event::Unwanted`] has what
    /// to send. `None` if the namespace has been left already.
    pub fn disconnect(&mut self, nsp: NamespaceId) -> Option<(Option<Encoded>, Vec<A>)> {
        if self.dead {
            return None;
        }
        let namespace = self.namespaces.remove(nsp)?;
        let mut asked = self.implicit.standing(&namespace.name) == Standing::Spent;
        self.events.retain(|event| match event {
            Event::Connected { nsp: due, .. } => *due != nsp,
            Event::Postponed { nsp: due, .. } => {
                asked &= *due != nsp;
                *due != nsp
            }
            _ => true,
        });
        if !namespace.joined {
            self.given_up.add(&namespace.name, asked);
        }
        let leave = namespace
            .joined
            .then(|| self.encoder.leave(&namespace.name));
        Some((leave, namespace.into_acks()))
    }

    /// Awaits the acknowledgement of an event that is being sent with this id.
    ///
    /// # Errors
    /// Hands `ack` back if the namespace is not joined (any more) or the id is awaited already.
    pub fn register_ack(&mut self, nsp: NamespaceId, id: u64, ack: A) -> Result<(), A> {
        match self.namespaces.get_mut(nsp) {
            Some(namespace) if namespace.joined && !self.dead => namespace.register_ack(id, ack),
            _ => Err(ack),
        }
    }

    /// No longer awaits an acknowledgement; should it come, it is ignored.
    pub fn forget_ack(&mut self, nsp: NamespaceId, id: u64) -> Option<A> {
        self.namespaces.get_mut(nsp)?.take_ack(id)
    }

    /// Takes everything kept for acknowledgements, when the link has closed.
    pub fn drain_acks(&mut self) -> impl Iterator<Item = A> {
        self.namespaces.drain_acks()
    }

    /// The name of a namespace that is joined or being joined.
    pub fn namespace(&self, nsp: NamespaceId) -> Option<&str> {
        self.namespaces
            .get(nsp)
            .map(|namespace| namespace.name.as_ref())
    }

    /// An encoder for what is sent over this connection.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    fn guard<T>(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<T, ProtocolError>,
    ) -> Result<T, ProtocolError> {
        if self.dead {
            return Err(ProtocolError::Dead);
        }
        let result = step(self);
        if result.is_err() {
            self.dead = true;
            self.decoder.reset();
        }
        result
    }

    fn is_joined(&self, nsp: NamespaceId) -> bool {
        self.namespaces.get(nsp).is_some_and(|it| it.joined)
    }

    fn rules(&self) -> &'static Rules {
        self.revision.rules()
    }

    fn receive<'a>(&mut self, packet: Packet<'a>) -> Result<Option<Event<'a, A>>, ProtocolError> {
        let Packet {
            nsp: namespace,
            id,
            body,
        } = packet;
        let wanted = self.namespaces.find(&namespace);
        let Some(nsp) = wanted.filter(|_| !self.given_up.contains(&namespace)) else {
            if matches!(body, Body::Connect(_) | Body::ConnectError(_)) {
                let request = self.given_up.answered(&namespace);
                let postponed = wanted.zip(request);
                self.events
                    .extend(postponed.map(|(nsp, request)| Event::Postponed { nsp, request }));
            }
            return Ok(self.receive_unasked(&namespace, body));
        };
        if matches!(body, Body::Disconnect) && !self.is_joined(nsp) {
            // Nothing to be ended yet: the server ended an earlier membership, which the client has
            // left and asked for again meanwhile.
            return Ok(None);
        }
        if !matches!(body, Body::Event { .. } | Body::Ack(_)) {
            self.implicit.spend(&namespace);
        }
        match body {
            Body::Connect(payload) => Ok(self.connected(nsp, payload)),
            Body::ConnectError(payload) => self.refused(nsp, &payload),
            Body::Event { name, args } => Ok(Some(Event::Event {
                nsp,
                id,
                name,
                args,
            })),
            Body::Ack(args) => {
                let ack = id.and_then(|id| self.forget_ack(nsp, id));
                Ok(ack.map(|ack| Event::Ack { nsp, ack, args }))
            }
            Body::Disconnect => {
                let ended = self.namespaces.remove(nsp);
                let acks = ended.map(Namespace::into_acks).unwrap_or_default();
                Ok(Some(Event::Disconnected { nsp, acks }))
            }
        }
    }

    /// A packet for a namespace that nobody has asked for, or that was left meanwhile.
    fn receive_unasked<'a>(&mut self, name: &str, body: Body<'_>) -> Option<Event<'a, A>> {
        match (body, self.implicit.standing(name)) {
            (Body::Connect(_), Standing::Spent) => Some(Event::Unwanted {
                leave: self.encoder.leave(name),
            }),
            (Body::Connect(_), Standing::Expected | Standing::Open) => {
                self.implicit.open();
                None
            }
            (Body::ConnectError(payload), Standing::Expected) => {
                self.implicit.spend(name);
                self.refuse_joining(&payload)
            }
            (Body::Disconnect, Standing::Open) => {
                self.implicit.spend(name);
                None
            }
            _ => None,
        }
    }

    fn connected<'a>(
        &mut self,
        nsp: NamespaceId,
        payload: Option<Cow<'a, str>>,
    ) -> Option<Event<'a, A>> {
        let namespace = self.namespaces.get_mut(nsp)?;
        let link = &self.link.0;
        let answer = self.revision.read_answer(payload, &namespace.name, link);
        if let Some(Answer { sid, pid }) = answer {
            namespace.joined = true;
            return Some(Event::Connected { nsp, sid, pid });
        }
        if namespace.joined {
            return None;
        }
        self.namespaces.remove(nsp);
        Some(Event::ConnectError {
            nsp,
            message: NO_SID.to_owned(),
            data: None,
        })
    }

    /// A CONNECT_ERROR for a namespace that is joined or being joined.
    fn refused<'a>(
        &mut self,
        nsp: NamespaceId,
        payload: &str,
    ) -> Result<Option<Event<'a, A>>, ProtocolError> {
        let rules = self.rules();
        let Some(namespace) = self.namespaces.get(nsp) else {
            return Ok(None);
        };
        if namespace.joined {
            let name = rules.error_event;
            let name = name.ok_or(ProtocolError::UnexpectedConnectError)?;
            let args = Args::new(format!("[{payload}]"), Vec::new());
            return Ok(Some(Event::Event {
                nsp,
                id: None,
                name: name.into(),
                args: args.map_err(|_| DecodeError::Payload)?,
            }));
        }
        Ok(if self.implicit.is(&namespace.name) {
            self.refuse_joining(payload)
        } else {
            self.refuse(vec![nsp], payload)
        })
    }

    /// The server refused the namespace that it opens unasked: it answers no other.
    fn refuse_joining<'a>(&mut self, payload: &str) -> Option<Event<'a, A>> {
        self.given_up.clear();
        self.refuse(self.namespaces.joining(), payload)
    }

    /// Ends memberships, with an event for each.
    fn refuse<'a>(&mut self, refused: Vec<NamespaceId>, payload: &str) -> Option<Event<'a, A>> {
        for nsp in &refused {
            self.namespaces.remove(*nsp);
        }
        let Refusal { message, data } = (self.rules().read_refusal)(payload);
        let mut refusals = refused.into_iter().map(|nsp| Event::ConnectError {
            nsp,
            message: message.clone(),
            data: data.clone(),
        });
        let first = refusals.next();
        self.events.extend(refusals);
        first
    }
}

/// Servers of the 2.x line answer a CONNECT without a session id.
const NO_SID: &str =
    "the server granted no session id: it speaks an older revision of Socket.IO than this client";
