//! The client without I/O: which namespaces are wanted, credentials, acknowledgements, the send
//! buffer, retries, reconnection and recovery. What JavaScript splits into `Manager` and `Socket`,
//! over one [`client::Connection`](crate::proto::client::Connection) per link.
//!
//! ```text
//!            connect, open             handle_opened
//!  (closed) ───────────────► (opening) ─────────────► (open)
//!      ▲                      │      ▲                  │
//!      │    handle_open_failed│      │timeout, open     │handle_closed, parse error
//!      │                      ▼      │                  │
//!      └──────────────────── (waiting) ◄────────────────┘
//!        close, attempts exhausted; from all other states too
//! ```
//!
//! # The loop of a driver
//!
//! After each call, [`poll_event`](Manager::poll_event) until it is `None`, then
//! [`poll_output`](Manager::poll_output) until it is `None`; [`handle_timeout`](Manager::handle_timeout)
//! is due when [`poll_timeout`](Manager::poll_timeout) says. Times are milliseconds since any
//! instant ([`Tick`]). A driver has one link at a time: between [`Output::Open`] and
//! [`Output::Close`], `handle_closed` or `handle_open_failed`. What happens on a link after
//! [`Output::Close`] is not to be reported.
//!
//! Handle what the link has to say, its heartbeat above all, before taking outputs: what was
//! emitted on a link that turns out to be dead and not taken yet is then kept for the next. That is
//! why there is no look at the heartbeat's deadline when something is emitted, as in the reference.

use crate::{
    ConnectError, DisconnectReason, Stage, Status, engine,
    proto::{Args, Encoded, Revision, Tick},
};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// One namespace of one manager. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SocketKey(u32);

/// Something the driver has to do.
#[derive(Debug)]
#[must_use = "an output that is not acted on breaks the client"]
pub(crate) enum Output {
    /// Open a link: evaluate what depends on the application, such as headers, and answer with
    /// [`Manager::handle_opened`] or [`Manager::handle_open_failed`].
    Open,
    /// Ask the application for the credentials of a socket, and answer with
    /// [`Manager::handle_auth`]. An earlier question for the same socket is of no interest any more.
    Auth {
        /// The socket.
        socket: SocketKey,
        /// Which question it is; belongs to the answer.
        ticket: u32,
    },
    /// Send on the link, text and attachments with nothing in between.
    Send(Encoded),
    /// Close the link in good order, behind what has been sent, or stop opening it. It is not to be
    /// reported when that is done.
    Close,
}

/// Something the application is told.
#[derive(Debug)]
pub(crate) enum Event<'a, A> {
    /// The server granted the namespace. Events that came ahead have been told, and what was
    /// buffered has been put out to be sent.
    Connected {
        /// The socket.
        socket: SocketKey,
        /// Whether it is the same socket as before to the server, which has sent what was missed.
        recovered: bool,
    },
    /// The namespace is not connected.
    ConnectError {
        /// The socket.
        socket: SocketKey,
        /// Why.
        error: ConnectError,
        /// Whether it will be tried again without being asked.
        will_retry: bool,
    },
    /// An event of the server's.
    Event {
        /// The socket.
        socket: SocketKey,
        /// The server wants to be answered, here.
        reply: Option<ReplyTo>,
        /// The event's name.
        name: Cow<'a, str>,
        /// Its arguments.
        args: Args<'a>,
    },
    /// The end of waiting for an acknowledgement.
    Ack {
        /// The socket.
        socket: SocketKey,
        /// What was kept.
        ack: A,
        /// The answer, or why there is none.
        result: Result<Args<'a>, AckFailure>,
    },
    /// A connected socket is no longer connected.
    Disconnected {
        /// The socket.
        socket: SocketKey,
        /// Why.
        reason: DisconnectReason,
        /// Whether it will be connected again without being asked.
        will_reconnect: bool,
    },
    /// How the link is doing.
    Stage(Stage),
}

/// Why an acknowledgement did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AckFailure {
    /// Not in time.
    Timeout,
    /// The socket was disconnected.
    Disconnected,
    /// The event made room for newer ones.
    Dropped,
}

/// Which event of the server's an answer belongs to, and over which membership it came: an answer
/// over another would be a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo {
    /// The id to encode the answer with.
    pub(crate) id: u64,
    membership: u64,
}

/// An event to be sent, encoded without any lock held.
#[derive(Debug)]
pub(crate) struct Outgoing<A> {
    /// The EVENT, from [`Config::encoder`](crate::Config).
    pub(crate) message: Encoded,
    /// The acknowledgement id that the message carries: greater than all before of its socket. With
    /// [`retries`](crate::Config::retries) every event needs one unless it is volatile.
    pub(crate) id: Option<u64>,
    /// What to keep until the acknowledgement comes. Needs an id.
    pub(crate) ack: Option<A>,
    /// Milliseconds to wait for it, per try; [`Config::ack_timeout`](crate::Config::ack_timeout) if
    /// `None`.
    pub(crate) timeout: Option<u64>,
    /// Whether to drop it unless it can be sent at once.
    pub(crate) volatile: bool,
}

/// What became of an event.
#[derive(Debug)]
#[must_use = "what has not been taken should be told"]
pub(crate) enum Sent<A> {
    /// It is on its way.
    Queued,
    /// It waits until the socket is connected, or its turn comes.
    Buffered,
    /// It was volatile, and could not be sent at once.
    Dropped(Outgoing<A>),
    /// There is no room.
    Refused(Outgoing<A>),
}

/// How the link takes what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Nothing is under way.
    Ready,
    /// Something is, but more is welcome. Volatile events are dropped.
    Busy,
    /// Enough is. No [`Output::Send`] comes, unless the link is to be closed behind it.
    Full,
}

/// The client's decisions. `A` is what the driver keeps for each awaited acknowledgement; none is
/// ever dropped in here, each comes back in an [`Event::Ack`] or from a call.
#[derive(Debug)]
pub(crate) struct Manager<A> {
    acks: std::marker::PhantomData<A>,
}

impl<A> Manager<A> {
    /// A client that has not been asked for anything. `seed` decides about the delays between
    /// attempts, and should differ from client to client.
    pub(crate) fn new(_config: &crate::Config, _seed: u64) -> Self {
        todo!()
    }

    /// The socket of a namespace; the same for the same name. A missing slash is put in front.
    pub(crate) fn socket(&mut self, _nsp: &str) -> SocketKey {
        todo!()
    }

    /// Disconnects a socket and forgets it, with all that waits to be sent.
    pub(crate) fn remove(&mut self, _now: Tick, _socket: SocketKey) {
        todo!()
    }

    /// The socket is wanted: opens the link if there is none, and connects by itself from now on. In
    /// the wait for the next attempt that one is awaited, as in the reference; [`open`](Self::open)
    /// would not.
    pub(crate) fn connect(&mut self, _now: Tick, _socket: SocketKey) {
        todo!()
    }

    /// The socket is not wanted any more. If it was the last, the link is closed.
    pub(crate) fn disconnect(&mut self, _now: Tick, _socket: SocketKey) {
        todo!()
    }

    /// Opens the link for all sockets that are wanted, without waiting for the end of a delay.
    pub(crate) fn open(&mut self, _now: Tick) {
        todo!()
    }

    /// Closes the link, and ends the attempts to open it. The sockets that were wanted still are,
    /// and are asked for at the next [`open`](Self::open).
    pub(crate) fn close(&mut self, _now: Tick) {
        todo!()
    }

    /// Sends an event, or keeps it until the socket is connected, whether that is wanted or not.
    pub(crate) fn emit(&mut self, _now: Tick, _socket: SocketKey, _event: Outgoing<A>) -> Sent<A> {
        todo!()
    }

    /// Sends the answer to an event of the server's: an ACK with the id of `to`. Whether there is
    /// still somebody to take it: not if the membership it belongs to has ended.
    pub(crate) fn reply(&mut self, _socket: SocketKey, _to: ReplyTo, _answer: Encoded) -> bool {
        todo!()
    }

    /// No longer awaits an acknowledgement. An event that has not been sent yet is not sent then,
    /// unless it has its place among [`retries`](crate::Config::retries).
    pub(crate) fn forget_ack(&mut self, _socket: SocketKey, _id: u64) -> Option<A> {
        todo!()
    }

    /// The link is open. `revision` is that of Socket.IO, `link` the id of the session below.
    pub(crate) fn handle_opened(&mut self, _now: Tick, _revision: Revision, _link: &str) {
        todo!()
    }

    /// The link could not be opened.
    pub(crate) fn handle_open_failed(&mut self, _now: Tick, _error: engine::Error) {
        todo!()
    }

    /// The link has closed.
    pub(crate) fn handle_closed(
        &mut self,
        _now: Tick,
        _reason: engine::CloseReason,
        _error: Option<engine::Error>,
    ) {
        todo!()
    }

    /// The answer to [`Output::Auth`]. Ignored unless it answers the last question for this socket.
    pub(crate) fn handle_auth(
        &mut self,
        _now: Tick,
        _socket: SocketKey,
        _ticket: u32,
        _auth: Result<Option<Map<String, Value>>, String>,
    ) {
        todo!()
    }

    /// How the link takes what is sent; [`Flow::Ready`] when it opens.
    pub(crate) fn set_flow(&mut self, _flow: Flow) {
        todo!()
    }

    /// Takes a text message of the link. Further events come from [`poll_event`](Self::poll_event),
    /// also if this one is `None`.
    pub(crate) fn handle_text<'a>(&mut self, _now: Tick, _text: &'a str) -> Option<Event<'a, A>> {
        todo!()
    }

    /// Takes a binary message of the link, as [`handle_text`](Self::handle_text) does.
    pub(crate) fn handle_binary<'a>(
        &mut self,
        _now: Tick,
        _data: &'a [u8],
    ) -> Option<Event<'a, A>> {
        todo!()
    }

    /// The arguments of an event or an answer turned out to be no JSON: the link is closed with
    /// [`DisconnectReason::ParseError`], and opened again.
    pub(crate) fn handle_malformed(&mut self, _now: Tick) {
        todo!()
    }

    /// Something to tell the application.
    #[must_use]
    pub(crate) fn poll_event(&mut self) -> Option<Event<'static, A>> {
        todo!()
    }

    /// Something for the driver to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        todo!()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, _now: Tick) {
        todo!()
    }

    /// How the link stands.
    pub(crate) fn status(&self) -> Status {
        todo!()
    }

    /// A namespace's name.
    pub(crate) fn namespace(&self, _socket: SocketKey) -> Option<&str> {
        todo!()
    }

    /// The id by which the server knows a connected socket.
    pub(crate) fn sid(&self, _socket: SocketKey) -> Option<&str> {
        todo!()
    }

    /// Whether the socket was recovered when it was last connected.
    pub(crate) fn is_recovered(&self, _socket: SocketKey) -> bool {
        todo!()
    }

    /// Whether the socket is wanted: connected, or going to be when there is a link.
    pub(crate) fn is_active(&self, _socket: SocketKey) -> bool {
        todo!()
    }

    /// Bytes that wait to be sent, as they count for [`Buffer::max_bytes`](crate::Buffer::max_bytes).
    pub(crate) fn buffered_bytes(&self) -> usize {
        todo!()
    }
}
