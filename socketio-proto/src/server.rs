//! The server's side of one link: who joins, who leaves, whose acknowledgement came. It decides
//! what a client may send when; what a namespace is and whether a client may join is the caller's.
//!
//! ```text
//!            CONNECT                accept
//!  (nothing) ───────► joining ─────────────────► joined
//!      ▲                 │                          │
//!      │  DISCONNECT     │ reject                   │ disconnect
//!      ◄─────────────────┤              DISCONNECT  │
//!      ◄─────────────────┼──────────────────────────┤
//!      ▲                 ▼                          ▼
//!      └──── CONNECT ── left: what was under way is ignored
//! ```
//!
//! In revision 4 the default namespace is `joining` from the start, without a CONNECT
//! ([`Connection::poll_event`]). From there on it is a namespace like any other.
//!
//! Anything a client sends against this picture ends the whole connection, as in the reference
//! (protocol section 12.4). Two things are kinder than there: an event sent ahead of the answer to
//! its CONNECT is delivered, and what was under way when the server ended a membership is ignored.

use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::Value;

use crate::{
    Args, Body, Decoder, Encoded, Encoder, Limits, NamespaceId, Packet, Parser, ProtocolError,
    Revision, Tick,
    namespaces::{Namespace, Namespaces},
};

/// What the connections of a server have in common.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// What a client may make us hold.
    pub limits: Limits,
    /// Milliseconds a client has to join its first namespace. Default 45,000.
    pub connect_timeout: u64,
    /// Bytes to leave free in front of each encoded text. Default 0.
    pub headroom: usize,
    /// How packets are spelled, if not as text. Default `None`.
    pub parser: Option<Arc<dyn Parser>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connect_timeout: 45_000,
            headroom: 0,
            parser: None,
        }
    }
}

/// What a message of the client meant.
#[non_exhaustive]
pub enum Event<'a, A> {
    /// The client wants to join a namespace; answer with [`Connection::accept`] or
    /// [`Connection::reject`], at any time.
    Connect {
        /// The membership asked for.
        nsp: NamespaceId,
        /// The namespace's name.
        name: Cow<'a, str>,
        /// A JSON object with the client's credentials, if it sent any. In revision 4 they came as
        /// a query behind the name, and the values are all strings.
        auth: Option<Cow<'a, str>>,
    },
    /// An event. If the CONNECT of its namespace is not answered yet, hold it until it is, and drop
    /// it on a refusal.
    Event {
        /// The membership it was sent under.
        nsp: NamespaceId,
        /// If present, the client wants an acknowledgement with this id.
        id: Option<u64>,
        /// The event's name.
        name: Cow<'a, str>,
        /// Its arguments.
        args: Args<'a>,
    },
    /// An acknowledgement that was awaited.
    Ack {
        /// The membership it was sent under.
        nsp: NamespaceId,
        /// What was kept for it.
        ack: A,
        /// The answer.
        args: Args<'a>,
    },
    /// The client left a namespace, or no longer wants to join it.
    Disconnect {
        /// The membership that ended.
        nsp: NamespaceId,
        /// What was kept for acknowledgements that will never come.
        acks: Vec<A>,
    },
}

/// Says what happened and where; credentials and data are left out.
impl<A> fmt::Debug for Event<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, nsp, name) = match self {
            Self::Connect { nsp, name, .. } => ("Connect", nsp, Some(name)),
            Self::Event { nsp, name, .. } => ("Event", nsp, Some(name)),
            Self::Ack { nsp, .. } => ("Ack", nsp, None),
            Self::Disconnect { nsp, .. } => ("Disconnect", nsp, None),
        };
        let mut event = f.debug_struct(kind);
        event.field("nsp", nsp).field("name", &name);
        event.finish_non_exhaustive()
    }
}

/// The namespaces a client has joined over one link. `A` is what the caller keeps for each
/// acknowledgement it awaits.
///
/// After a [`ProtocolError`] the connection is dead: it refuses all input and commands do nothing.
/// The caller then closes the link, and takes what is left with [`drain_acks`](Self::drain_acks).
#[derive(Debug)]
pub struct Connection<A> {
    revision: Revision,
    decoder: Decoder,
    encoder: Encoder,
    pub(crate) namespaces: Namespaces<A>,
    /// Names of memberships that the server ended, oldest first: as many as there may be memberships.
    left: Vec<Cow<'static, str>>,
    /// A CONNECT that no client has to send and the caller has not heard of yet.
    implicit: Option<NamespaceId>,
    /// When to give up waiting for the first join.
    connect_deadline: Option<Tick>,
    dead: bool,
}

impl<A> Connection<A> {
    /// A connection on a link that opens now. In revision 4 [`poll_event`](Self::poll_event) has
    /// its first event.
    pub fn new(revision: Revision, config: &Config, now: Tick) -> Self {
        let mut namespaces = Namespaces::new();
        let implicit = revision.rules().implicit;
        let implicit = implicit.map(|name| namespaces.insert(name));
        Self {
            revision,
            decoder: Decoder::new(revision, config.limits).with_parser(config.parser.clone()),
            encoder: Encoder::new(revision, config.headroom).with_parser(config.parser.clone()),
            namespaces,
            left: Vec::new(),
            implicit,
            connect_deadline: Some(now.saturating_add(config.connect_timeout)),
            dead: false,
        }
    }

    /// Whether [`poll_event`](Self::poll_event) still has something.
    #[must_use]
    pub const fn has_event(&self) -> bool {
        self.implicit.is_some()
    }

    /// Takes the CONNECT for the default namespace that clients of revision 4 do not have to send;
    /// answer it like any other. To be asked for once, ahead of the first message. `None` in
    /// revision 5.
    #[must_use]
    pub fn poll_event(&mut self) -> Option<Event<'static, A>> {
        let nsp = self.implicit.take()?;
        let name = self.member(nsp, false)?.name.clone();
        Some(Event::Connect {
            nsp,
            name,
            auth: None,
        })
    }

    /// Takes a text message. `None` if it means nothing to the caller: attachments are outstanding,
    /// or it came too late.
    ///
    /// # Errors
    /// If the client broke the protocol; the connection is dead then.
    pub fn handle_text<'a>(
        &mut self,
        now: Tick,
        text: &'a str,
    ) -> Result<Option<Event<'a, A>>, ProtocolError> {
        self.guard(|connection| {
            connection.check_deadline(now)?;
            match connection.decoder.decode_text(text)? {
                Some(packet) => connection.receive(packet),
                None => connection.await_attachments(),
            }
        })
    }

    /// Takes a binary message. `None` as for [`handle_text`](Self::handle_text).
    ///
    /// # Errors
    /// If the client broke the protocol; the connection is dead then.
    pub fn handle_binary<'a>(
        &mut self,
        now: Tick,
        data: &'a [u8],
    ) -> Result<Option<Event<'a, A>>, ProtocolError> {
        self.guard(|connection| {
            connection.check_deadline(now)?;
            match connection.decoder.decode_binary(data)? {
                Some(packet) => connection.receive(packet),
                None => Ok(None),
            }
        })
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called: until the first namespace
    /// is joined.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        self.connect_deadline
    }

    /// Lets time pass. Calling it early does no harm.
    ///
    /// # Errors
    /// [`ProtocolError::ConnectTimeout`] if no namespace was joined in time; refused ones do not
    /// count.
    pub fn handle_timeout(&mut self, now: Tick) -> Result<(), ProtocolError> {
        self.guard(|connection| connection.check_deadline(now))
    }

    /// The id that the revision prescribes for a socket, given the id by which both sides know the
    /// link: in revision 4 `<link>` for the default namespace and `<namespace>#<link>` for others.
    ///
    /// `None` in revision 5, where the caller picks a random one, and for a membership that has
    /// ended.
    pub fn socket_id(&self, nsp: NamespaceId, link: &str) -> Option<String> {
        (self.revision.rules().socket_id)(self.namespace(nsp)?, link)
    }

    /// Grants a CONNECT. `sid` is the socket's public id, `pid` its secret recovery id. A client of
    /// revision 4 is told neither: it has no use for the second and knows the
    /// [first](Self::socket_id).
    ///
    /// `None` if the client has given up meanwhile or was answered already.
    pub fn accept(&mut self, nsp: NamespaceId, sid: &str, pid: Option<&str>) -> Option<Encoded> {
        self.member(nsp, false)?.joined = true;
        self.connect_deadline = None;
        Some(self.encoder.grant(self.namespace(nsp)?, sid, pid))
    }

    /// Refuses a CONNECT. The client may try again.
    ///
    /// A client of revision 4 is told either the data, if it is a string, an array or an object, or
    /// else the message.
    ///
    /// `None` if the client has given up meanwhile or was answered already.
    pub fn reject(
        &mut self,
        nsp: NamespaceId,
        message: &str,
        data: Option<&Value>,
    ) -> Option<Encoded> {
        self.member(nsp, false)?;
        let namespace = self.end(nsp)?;
        Some(self.encoder.refuse(&namespace.name, message, data))
    }

    /// Refuses a CONNECT to a namespace that is none, in the reference's words, which are the same
    /// in both revisions. The client may try again.
    ///
    /// `None` if the client has given up meanwhile or was answered already.
    pub fn reject_unknown(&mut self, nsp: NamespaceId) -> Option<Encoded> {
        self.member(nsp, false)?;
        let namespace = self.end(nsp)?;
        Some(self.encoder.unknown(&namespace.name))
    }

    /// Ends a membership, and gives back what was kept for acknowledgements that will never come.
    ///
    /// `None` if the client is not joined (any more).
    pub fn disconnect(&mut self, nsp: NamespaceId) -> Option<(Encoded, Vec<A>)> {
        self.member(nsp, true)?;
        let namespace = self.end(nsp)?;
        Some((self.encoder.leave(&namespace.name), namespace.into_acks()))
    }

    /// Awaits the acknowledgement of an event that is being sent with this id.
    ///
    /// # Errors
    /// Hands `ack` back if the namespace is not joined (any more) or the id is awaited already.
    pub fn register_ack(&mut self, nsp: NamespaceId, id: u64, ack: A) -> Result<(), A> {
        match self.member(nsp, true) {
            Some(namespace) => namespace.register_ack(id, ack),
            None => Err(ack),
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

    /// Whether the client is in a namespace: from its [`accept`](Self::accept) until either side
    /// ends the membership.
    pub fn is_joined(&self, nsp: NamespaceId) -> bool {
        self.namespaces
            .get(nsp)
            .is_some_and(|namespace| namespace.joined)
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
            self.connect_deadline = None;
            self.decoder.reset();
        }
        result
    }

    /// Messages are checked against the deadline too, so that the outcome does not depend on which
    /// the driver sees first.
    fn check_deadline(&self, now: Tick) -> Result<(), ProtocolError> {
        match self.connect_deadline {
            Some(deadline) if deadline <= now => Err(ProtocolError::ConnectTimeout),
            _ => Ok(()),
        }
    }

    fn receive<'a>(&mut self, packet: Packet<'a>) -> Result<Option<Event<'a, A>>, ProtocolError> {
        let Packet {
            nsp: namespace,
            id,
            body,
        } = packet;
        let rules = self.revision.rules();
        let (name, query) = (rules.split_query)(&namespace);
        match body {
            Body::Connect(payload) => {
                let nsp = self.begin(name)?;
                let auth = (rules.read_request)(query, payload);
                let len = name.len();
                Ok(Some(Event::Connect {
                    nsp,
                    name: shortened(namespace, len),
                    auth,
                }))
            }
            Body::ConnectError(_) => Err(ProtocolError::UnexpectedConnectError),
            Body::Event { name: event, args } => {
                let nsp = self.membership(name)?;
                Ok(nsp.map(|nsp| Event::Event {
                    nsp,
                    id,
                    name: event,
                    args,
                }))
            }
            Body::Ack(args) => {
                let Some(nsp) = self.membership(name)? else {
                    return Ok(None);
                };
                let ack = id.and_then(|id| self.forget_ack(nsp, id));
                Ok(ack.map(|ack| Event::Ack { nsp, ack, args }))
            }
            Body::Disconnect => {
                let Some(nsp) = self.membership(name)? else {
                    return Ok(None);
                };
                let ended = self.namespaces.remove(nsp);
                let acks = ended.map(Namespace::into_acks).unwrap_or_default();
                Ok(Some(Event::Disconnect { nsp, acks }))
            }
        }
    }

    /// Nothing is held for a namespace the client has no business with.
    fn await_attachments<'a>(&self) -> Result<Option<Event<'a, A>>, ProtocolError> {
        if let Some(namespace) = self.decoder.pending_namespace() {
            let (name, _) = (self.revision.rules().split_query)(namespace);
            self.membership(name)?;
        }
        Ok(None)
    }

    /// The membership a packet was sent under; `None` if it came too late.
    fn membership(&self, name: &str) -> Result<Option<NamespaceId>, ProtocolError> {
        match self.namespaces.find(name) {
            None if !self.left.iter().any(|left| left == name) => Err(ProtocolError::NotJoined),
            found => Ok(found),
        }
    }

    fn begin(&mut self, name: &str) -> Result<NamespaceId, ProtocolError> {
        let limit = self.decoder.limits().max_namespaces;
        if self.namespaces.find(name).is_some() {
            return Err(ProtocolError::AlreadyJoined);
        }
        if self.namespaces.count() >= limit {
            return Err(ProtocolError::TooManyNamespaces { limit });
        }
        self.left.retain(|left| left != name);
        Ok(self.namespaces.insert(name))
    }

    fn end(&mut self, nsp: NamespaceId) -> Option<Namespace<A>> {
        let namespace = self.namespaces.remove(nsp)?;
        self.left.push(namespace.name.clone());
        // A client that has just left all it may have joined at once may still speak in each.
        if self.left.len() > self.decoder.limits().max_namespaces {
            self.left.remove(0);
        }
        Some(namespace)
    }

    /// A membership in the given state, unless the connection is dead.
    fn member(&mut self, nsp: NamespaceId, joined: bool) -> Option<&mut Namespace<A>> {
        let namespace = self.namespaces.get_mut(nsp)?;
        (!self.dead && namespace.joined == joined).then_some(namespace)
    }
}

/// What is left of a text when it is cut behind `len` bytes.
fn shortened(text: Cow<'_, str>, len: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..len]),
        Cow::Owned(mut text) => {
            text.truncate(len);
            Cow::Owned(text)
        }
    }
}
