//! What an extractor decides about an event instead of letting its handler run.

use std::fmt;

use serde::Serialize;

use crate::error::{ConnectError, Rejection};
use crate::reply::ReplyTo;
use crate::socket::Socket;

/// What an extractor has decided; made by [`Rejection::reply`], [`Rejection::refuse`] and
/// [`Rejection::disconnect`].
#[derive(Debug)]
pub struct Verdict(Kind);

enum Kind {
    Reply(Box<dyn Answer>),
    Refuse(Box<ConnectError>),
    Disconnect,
}

/// A value without its type.
trait Answer: Send + Sync {
    fn send(&self, to: &ReplyTo);
    fn refusal(&self) -> ConnectError;
}

impl<T: Serialize + Send + Sync> Answer for T {
    fn send(&self, to: &ReplyTo) {
        to.send_or_log(self);
    }

    fn refusal(&self) -> ConnectError {
        ConnectError::carrying(self)
    }
}

/// Decisions. The handler is not run, and the error hook hears nothing: nothing has failed.
impl Rejection {
    /// Acknowledges the event with a value, if the client has asked for that: a tuple is several
    /// arguments. A client that wants to connect is refused, with the value as message if it is a
    /// text, and else as data.
    pub fn reply(value: impl Serialize + Send + Sync + 'static) -> Self {
        Self::Decided(Verdict(Kind::Reply(Box::new(value))))
    }

    /// Refuses a client that wants to connect, and acknowledges any other event with
    /// `{ message, data }`.
    #[must_use]
    pub fn refuse(error: ConnectError) -> Self {
        Self::Decided(Verdict(Kind::Refuse(Box::new(error))))
    }

    /// Sends the client away, as [`Socket::disconnect`] does. One that wants to connect is refused
    /// with `Connection rejected by server`.
    #[must_use]
    pub const fn disconnect() -> Self {
        Self::Decided(Verdict(Kind::Disconnect))
    }
}

impl Verdict {
    /// Does what was decided about an event.
    pub(crate) fn carry_out(&self, socket: &Socket, reply: &ReplyTo) {
        match &self.0 {
            Kind::Reply(answer) => answer.send(reply),
            Kind::Refuse(error) => reply.send_or_log(error),
            Kind::Disconnect => socket.disconnect(),
        }
    }

    /// What was decided about a client that wants to connect.
    pub(crate) fn refusal(&self) -> ConnectError {
        match &self.0 {
            Kind::Reply(answer) => answer.refusal(),
            Kind::Refuse(error) => ConnectError::clone(error),
            Kind::Disconnect => ConnectError::rejected(),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Reply(_) => f.write_str("answered by an extractor"),
            Kind::Refuse(error) => write!(f, "refused by an extractor: {error}"),
            Kind::Disconnect => f.write_str("sent away by an extractor"),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reply(_) => "Reply",
            Self::Refuse(_) => "Refuse",
            Self::Disconnect => "Disconnect",
        })
    }
}
