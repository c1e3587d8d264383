//! Answers to events, and to those who want to connect.

use crate::error::ConnectError;
use crate::proto::{EncodeError, Payload};
use crate::socket::Socket;

/// Where the answer to an event goes, if the client asked for one.
#[derive(Debug)]
pub(crate) struct ReplyTo(Option<(Socket, u64)>);

impl ReplyTo {
    pub(crate) fn new(socket: &Socket, id: Option<u64>) -> Self {
        Self(id.map(|id| (socket.clone(), id)))
    }

    /// Takes the right to answer: an event is answered once.
    pub(crate) const fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Answers. Does nothing if the client did not ask, or is gone.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub(crate) fn send(self, args: &(impl Payload + ?Sized)) -> Result<(), EncodeError> {
        match self.0 {
            Some((socket, id)) => socket.acknowledge(id, args),
            None => Ok(()),
        }
    }
}

/// Answers an event by hand, for handlers that have more to do afterwards, or let others answer.
///
/// Asking for it switches off the answer by return value. Dropped unused, the client gets none.
#[derive(Debug)]
pub struct AckSender(ReplyTo);

impl AckSender {
    pub(crate) const fn new(reply: ReplyTo) -> Self {
        Self(reply)
    }

    /// Whether the client asked for an answer.
    #[must_use]
    pub const fn is_expected(&self) -> bool {
        self.0.0.is_some()
    }

    /// Answers.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub fn send(self, args: &(impl Payload + ?Sized)) -> Result<(), EncodeError> {
        self.0.send(args)
    }
}

/// What a connect handler can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a connect handler",
    note = "return `()` or `Result<(), ConnectError>`"
)]
pub trait ConnectReply {
    /// Whether the client is let in.
    ///
    /// # Errors
    /// The refusal the client gets to see.
    fn admit(self) -> Result<(), ConnectError>;
}

impl ConnectReply for () {
    fn admit(self) -> Result<(), ConnectError> {
        Ok(())
    }
}

impl<E: Into<ConnectError>> ConnectReply for Result<(), E> {
    fn admit(self) -> Result<(), ConnectError> {
        self.map_err(Into::into)
    }
}
