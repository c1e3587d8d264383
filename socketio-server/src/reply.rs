//! How what a handler returns becomes an acknowledgement.

use serde::Serialize;

use crate::error::{BoxError, ConnectError};
use crate::payload::Payload;
use crate::proto::EncodeError;
use crate::socket::Socket;
use crate::{Binary, Value};

/// Where the answer to an event goes, if the client asked for one.
#[derive(Debug)]
pub struct ReplyTo(Option<(Socket, u64)>);

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
    pub fn send(self, args: &(impl Payload + ?Sized)) -> Result<(), EncodeError> {
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

/// What an event handler can return. It answers the client, if that asked for an acknowledgement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an event handler",
    note = "wrap a value of your own in `Ack(value)` or return `Result<T, E>`"
)]
pub trait Reply {
    /// Answers with it.
    ///
    /// # Errors
    /// Goes to the error hook; the client is not answered.
    fn reply(self, to: ReplyTo) -> Result<(), BoxError>;
}

/// Answers with a value of any type: a tuple becomes several arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct Ack<T>(pub T);

impl<T: Payload> Reply for Ack<T> {
    fn reply(self, to: ReplyTo) -> Result<(), BoxError> {
        Ok(to.send(&self.0)?)
    }
}

/// An error goes to the hook, and the client is not answered.
impl<T: Payload, E: Into<BoxError>> Reply for Result<T, E> {
    fn reply(self, to: ReplyTo) -> Result<(), BoxError> {
        Ok(to.send(&self.map_err(Into::into)?)?)
    }
}

/// Passes arguments on as they came.
impl Reply for crate::RawArgs {
    fn reply(self, to: ReplyTo) -> Result<(), BoxError> {
        Ok(to.send(&self)?)
    }
}

/// Types that answer with themselves.
macro_rules! reply_as_is {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> Reply for $type {
            fn reply(self, to: ReplyTo) -> Result<(), BoxError> {
                Ok(to.send(&self)?)
            }
        }
    )*};
}

reply_as_is! {
    [] (), [] bool, [] char, [] String, [] &'static str, [] Value, [] serde_json::Value, [] Binary,
    [] i8, [] i16, [] i32, [] i64, [] isize, [] u8, [] u16, [] u32, [] u64, [] usize, [] f32, [] f64,
    [T: Serialize] Vec<T>, [T: Serialize] Option<T>,
    [A: Serialize] (A,), [A: Serialize, B: Serialize] (A, B),
    [A: Serialize, B: Serialize, C: Serialize] (A, B, C),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize] (A, B, C, D),
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
