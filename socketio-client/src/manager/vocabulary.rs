//! What drivers and the manager say to each other.

use std::borrow::Cow;

use super::SocketKey;
use crate::{
    ConnectError, DisconnectReason, Stage,
    proto::{Args, Encoded},
};

/// Something the driver has to do.
#[derive(Debug)]
#[must_use = "an output that is not acted on breaks the client"]
pub(crate) enum Output {
    /// Open a link: evaluate what depends on the application, such as headers, and answer with
    /// [`handle_opened`](super::Manager::handle_opened) or
    /// [`handle_open_failed`](super::Manager::handle_open_failed).
    Open,
    /// Ask the application for the credentials of a socket, and answer with
    /// [`handle_auth`](super::Manager::handle_auth). An earlier question for the same socket is of no
    /// interest any more.
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
#[expect(clippy::enum_variant_names, reason = "the words of the protocol")]
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
    pub(super) membership: u64,
}

/// An event to be sent, encoded without any lock held.
#[derive(Debug)]
pub(crate) struct Outgoing<A> {
    /// The EVENT, from [`Config::encoder`](crate::Config).
    pub(crate) message: Encoded,
    /// The acknowledgement id that the message carries, unique among those of its socket. With
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
