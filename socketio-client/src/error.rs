//! What can go wrong, one type per operation, the same for the async and the blocking client.
//! Closing is not an error: it has a reason.

use std::{fmt, sync::Arc};

use serde_json::Value;
use thiserror::Error;

use crate::{
    engine,
    manager::AckFailure,
    proto::{ArgsError, EncodeError},
};

/// Why a socket is not connected.
///
/// Cheap to clone: every namespace hears of a link that could not be opened.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The server refused the namespace. The socket does not ask again by itself; the application
    /// may, with other credentials for instance.
    #[error("{message}")]
    Refused {
        /// Why, in the server's words. Empty if it only sent data.
        message: String,
        /// Whatever the server added.
        data: Option<Value>,
    },
    /// The link could not be opened.
    #[error(transparent)]
    Link(#[from] engine::Error),
    /// The link was lost, or closed by this side, before the server had answered.
    #[error("{0}")]
    Lost(DisconnectReason),
    /// The application could not say what to authenticate with.
    #[error("no credentials: {0}")]
    Auth(Arc<str>),
    /// No server can be asked for a namespace of this name: it contains a comma or, where the
    /// server speaks revision 4, a question mark.
    #[error("invalid namespace")]
    Namespace,
}

/// Why a socket is no longer connected, in the reference's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The server removed the socket from the namespace. The socket does not come back by itself.
    ServerDisconnect,
    /// This side left the namespace. The socket does not come back by itself.
    ClientDisconnect,
    /// This side closed the link with all its namespaces. Nothing comes back by itself.
    ForcedClose,
    /// The server missed a heartbeat.
    PingTimeout,
    /// The server closed the link.
    TransportClose,
    /// The link broke.
    TransportError,
    /// The server sent what is no Socket.IO, or no Engine.IO.
    ParseError,
}

impl DisconnectReason {
    /// The string that the JavaScript client reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerDisconnect => "io server disconnect",
            Self::ClientDisconnect => "io client disconnect",
            Self::ForcedClose => "forced close",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
            Self::ParseError => "parse error",
        }
    }
}

impl From<engine::CloseReason> for DisconnectReason {
    fn from(reason: engine::CloseReason) -> Self {
        match reason {
            engine::CloseReason::ForcedClose => Self::ForcedClose,
            engine::CloseReason::ParseError => Self::ParseError,
            engine::CloseReason::PingTimeout => Self::PingTimeout,
            engine::CloseReason::TransportClose => Self::TransportClose,
            _ => Self::TransportError,
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an event was not taken. Nothing was sent, and nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// It cannot be encoded.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// Too much is waiting to be sent already: see [`Buffer`](crate::Buffer).
    #[error("send buffer is full")]
    Full,
}

/// Why an awaited acknowledgement did not come.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AckError {
    /// The server did not answer in time.
    #[error("operation has timed out")]
    Timeout,
    /// The socket was disconnected after the event was sent; it is not known whether the server got
    /// it.
    #[error("socket has been disconnected")]
    Disconnected,
    /// The event was dropped before it was sent, to make room for newer ones
    /// ([`WhenFull::DropOldest`](crate::WhenFull::DropOldest)) or because it was volatile.
    #[error("event was dropped")]
    Dropped,
    /// The server answered something else than expected.
    #[error("answer does not fit: {0}")]
    Mismatch(#[source] ArgsError),
    /// The event was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<AckFailure> for AckError {
    fn from(failure: AckFailure) -> Self {
        match failure {
            AckFailure::Timeout => Self::Timeout,
            AckFailure::Disconnected => Self::Disconnected,
            AckFailure::Dropped => Self::Dropped,
        }
    }
}

impl From<EncodeError> for AckError {
    fn from(error: EncodeError) -> Self {
        Self::Send(error.into())
    }
}

/// Why nothing was received.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// No event came in time.
    #[error("operation has timed out")]
    Timeout,
    /// The client is disconnected, and will not be connected again.
    #[error("client is disconnected")]
    Disconnected,
}

/// Why nothing was sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmitError {
    /// The client is disconnected, and will not be connected again.
    #[error("client is disconnected")]
    Disconnected,
    /// The event was not taken.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<EncodeError> for EmitError {
    fn from(error: EncodeError) -> Self {
        Self::Send(error.into())
    }
}
