//! What can go wrong, sorted by whose doing it is.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use crate::proto::{ArgsError, BoxError, EncodeError, RawArgs};
use crate::socket::{Socket, SocketId};
use crate::verdict::Verdict;

/// A name that no event of a client can have, as it means something to the library at either end; see
/// [`Io::try_on`](crate::Io::try_on).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no event can be called {name:?}, use {instead}")]
#[non_exhaustive]
pub struct ReservedName {
    /// The name.
    pub name: &'static str,
    /// The method that is probably meant.
    pub instead: &'static str,
}

/// Refuses a connection: what a connect handler returns as its error.
///
/// The client sees a `connect_error` with `message` and, if there is one, `data`. Its link stays
/// open, and it may ask again.
///
/// Elsewhere it is data like any other: `{ message, data }`.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize)]
#[error("{message}")]
pub struct ConnectError {
    pub(crate) message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
}

impl ConnectError {
    /// A refusal with a message for the client.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            data: None,
        }
    }

    /// Adds details for the client. Data that cannot be expressed as JSON is left out.
    #[must_use]
    pub fn with_data(mut self, data: impl Serialize) -> Self {
        self.data = serde_json::to_value(data).ok();
        self
    }

    /// What a client sees when it could not be decided about.
    pub(crate) const fn internal() -> Self {
        Self {
            message: Cow::Borrowed("internal server error"),
            data: None,
        }
    }

    /// What a client sees when nobody gives a reason; the words are python-socketio's.
    pub(crate) const fn rejected() -> Self {
        Self {
            message: Cow::Borrowed("Connection rejected by server"),
            data: None,
        }
    }

    /// Refuses with a text as message, or with other data.
    pub(crate) fn carrying(value: &impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::String(message)) => Self::new(message),
            Ok(data) => Self::internal().with_data(data),
            Err(_) => Self::internal(),
        }
    }
}

/// Why a socket is no longer connected, in the reference's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The client left the namespace.
    ClientNamespaceDisconnect,
    /// The server removed the socket from the namespace.
    ServerNamespaceDisconnect,
    /// The server is shutting down.
    ServerShuttingDown,
    /// The client missed a heartbeat.
    PingTimeout,
    /// The client is gone.
    TransportClose,
    /// The transport failed, was misused, or the client took nothing for too long.
    TransportError,
    /// The client sent something that is not Engine.IO.
    ParseError,
    /// The client broke the rules of Socket.IO, and its link was closed; or a [`Parser`](crate::parser::Parser),
    /// or whatever else runs in its task, has panicked.
    ForcedClose,
    /// A client on polling sent something out of turn while none of its polls was waiting, and its
    /// link was closed.
    ForcedServerClose,
}

impl DisconnectReason {
    /// The string that servers of other languages report.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientNamespaceDisconnect => "client namespace disconnect",
            Self::ServerNamespaceDisconnect => "server namespace disconnect",
            Self::ServerShuttingDown => "server shutting down",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
            Self::ForcedClose => "forced close",
            Self::ForcedServerClose => "forced server close",
        }
    }
}

impl From<engine::CloseReason> for DisconnectReason {
    fn from(reason: engine::CloseReason) -> Self {
        match reason {
            engine::CloseReason::ParseError => Self::ParseError,
            engine::CloseReason::PingTimeout => Self::PingTimeout,
            engine::CloseReason::TransportClose => Self::TransportClose,
            engine::CloseReason::TransportError => Self::TransportError,
            _ => Self::ForcedClose,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an awaited acknowledgement did not come.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AckError {
    /// The client did not answer in time.
    #[error("operation has timed out")]
    Timeout,
    /// The socket was disconnected, before or after the event was sent.
    #[error("socket has been disconnected")]
    Disconnected,
    /// The event was dropped and the client has not seen it: it was volatile, and the client could
    /// not take it at once.
    #[error("event was dropped")]
    Dropped,
    /// The answer does not fit the type that was expected.
    #[error("answer does not fit: {0}")]
    Mismatch(ArgsError),
    /// The thread runs asynchronous code, which waiting here would hold up:
    /// [`Socket::call_blocking`](crate::Socket::call_blocking) is for others.
    #[error("waiting here would block asynchronous code: await the answer instead")]
    WouldBlock,
    /// The event could not be encoded; nothing was sent.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

/// Why a handler was not run: something it asks for could not be taken from the event.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The arguments do not fit the handler's types.
    #[error("arguments do not fit: {0}")]
    Args(#[source] ArgsError),
    /// The credentials do not fit the handler's type.
    #[error("credentials do not fit: {0}")]
    Auth(#[source] serde_json::Error),
    /// The handler asks for something that this kind of event does not have, or that nobody has
    /// stored.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An extractor of the application's own has failed.
    #[error(transparent)]
    Other(BoxError),
    /// An extractor of the application's own has decided what happens instead; made by
    /// [`reply`](Self::reply), [`refuse`](Self::refuse) and [`disconnect`](Self::disconnect).
    #[error("{0}")]
    Decided(Verdict),
}

/// What the error hook gets: which handler failed for whom, and how.
#[derive(Debug, Error)]
#[error("handler of {event:?} in {nsp} failed for {sid}: {kind}")]
#[non_exhaustive]
pub struct HandlerError {
    /// The namespace.
    pub nsp: String,
    /// The id of the socket whose event it was.
    pub sid: SocketId,
    /// The socket. While it connects, what is emitted to it leaves only if it is let in.
    pub socket: Socket,
    /// The event; `connect`, `transport upgrade`, `disconnecting` and `disconnect` for the handlers of
    /// what happens to a socket.
    pub event: String,
    /// The event's arguments; `None` in handlers of connections, which have none.
    pub args: Option<RawArgs>,
    /// What happened.
    #[source]
    pub kind: HandlerErrorKind,
}

/// How a handler failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HandlerErrorKind {
    /// It was not run: what it asks for was not there.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It returned an error.
    #[error(transparent)]
    Failed(BoxError),
    /// It panicked, with this message.
    #[error("panicked: {0}")]
    Panicked(String),
}

impl HandlerErrorKind {
    /// A handler has returned this error. Passing on a rejection it was given is being rejected.
    pub(crate) fn returned(error: BoxError) -> Self {
        match error.downcast() {
            Ok(rejection) => Self::Rejected(*rejection),
            Err(error) => Self::Failed(error),
        }
    }
}
