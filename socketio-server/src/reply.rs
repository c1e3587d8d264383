//! Answers to events, and to those who want to connect.

use std::borrow::Cow;
use std::sync::Arc;

use engine::Prepared;
use parking_lot::Mutex;
use serde::Serialize;

use crate::error::ConnectError;
use crate::proto::{Ack, Binary, EncodeError, Payload, RawArgs, Value};
use crate::routes::raw;
use crate::socket::Socket;

/// Where the answer to an event goes, if the client asked for one.
#[derive(Debug, Default)]
pub(crate) struct ReplyTo(Option<To>);

#[derive(Debug)]
enum To {
    Client(Socket, u64),
    /// Those around the handler, whether or not the client asked.
    Middlewares(Arc<Capture>),
}

impl ReplyTo {
    pub(crate) fn new(socket: &Socket, id: Option<u64>) -> Self {
        Self(id.map(|id| To::Client(socket.clone(), id)))
    }

    /// Answers go to those around the handler.
    pub(crate) fn captured(capture: &Arc<Capture>) -> Self {
        Self(Some(To::Middlewares(Arc::clone(capture))))
    }

    /// Where those around the handler find its answer.
    pub(crate) fn capture(&self) -> Option<Arc<Capture>> {
        match &self.0 {
            Some(To::Middlewares(capture)) => Some(Arc::clone(capture)),
            Some(To::Client(..)) | None => None,
        }
    }

    /// The right to answer the client, past everybody else.
    fn past_middlewares(self) -> Self {
        match self.0 {
            Some(To::Middlewares(capture)) => capture.client(),
            _ => self,
        }
    }

    /// Takes the right to answer: an event is answered once.
    pub(crate) const fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Answers. Does nothing if the client did not ask, or is gone.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub(crate) fn send(&self, args: &(impl Payload + ?Sized)) -> Result<(), EncodeError> {
        self.write(args).map(|answer| self.deliver(answer))
    }

    /// The answer, to be [delivered](Self::deliver); `None` if nobody wants it.
    ///
    /// # Errors
    /// If the arguments cannot be encoded.
    pub(crate) fn write(
        &self,
        args: &(impl Payload + ?Sized),
    ) -> Result<Option<Written>, EncodeError> {
        Ok(match &self.0 {
            Some(To::Client(socket, id)) => {
                Some(Written::Packet(socket.acknowledgement(*id, args)?))
            }
            Some(To::Middlewares(_)) => Some(Written::Args(raw(args)?)),
            None => None,
        })
    }

    pub(crate) fn deliver(&self, answer: Option<Written>) {
        match (&self.0, answer) {
            (Some(To::Client(socket, _)), Some(Written::Packet(answer))) => {
                socket.acknowledge(answer);
            }
            (Some(To::Middlewares(capture)), Some(Written::Args(answer))) => {
                capture.0.lock().1 = Some(answer);
            }
            _ => {}
        }
    }

    /// Answers; what cannot be encoded is nobody's to handle any more.
    pub(crate) fn send_or_log(&self, args: &(impl Payload + ?Sized)) {
        if let Err(error) = self.send(args) {
            tracing::error!(target: "socketio", %error, "the answer for a failed handler");
        }
    }
}

/// An answer that is encoded.
pub(crate) enum Written {
    /// For the client.
    Packet(Prepared),
    /// For those around the handler.
    Args(RawArgs),
}

/// The answer of a handler on its way through middlewares, and the right to send it on.
#[derive(Debug)]
pub(crate) struct Capture(Mutex<(ReplyTo, Option<RawArgs>)>);

impl Capture {
    pub(crate) const fn new(client: ReplyTo) -> Self {
        Self(Mutex::new((client, None)))
    }

    /// Takes the right to answer the client.
    pub(crate) fn client(&self) -> ReplyTo {
        self.0.lock().0.take()
    }

    /// Takes what the handler has answered.
    pub(crate) fn take_answer(&self) -> Option<RawArgs> {
        self.0.lock().1.take()
    }
}

/// Answers an event by hand, for handlers that have more to do afterwards, or let others answer.
///
/// Asking for it switches off the answer by return value. Dropped unused, the client gets none.
#[derive(Debug)]
pub struct AckSender(ReplyTo);

impl AckSender {
    pub(crate) fn new(reply: ReplyTo) -> Self {
        Self(reply.past_middlewares())
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
    note = "return `()`, `bool` or `Result<(), ConnectError>`"
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

/// `false` refuses, in python-socketio's words.
impl ConnectReply for bool {
    fn admit(self) -> Result<(), ConnectError> {
        match self {
            true => Ok(()),
            false => Err(ConnectError::rejected()),
        }
    }
}

impl<E: Into<ConnectError>> ConnectReply for Result<(), E> {
    fn admit(self) -> Result<(), ConnectError> {
        self.map_err(Into::into)
    }
}

/// What an error hook can return: the answer in place of the handler that failed.
///
/// * `()` and `None`: an event is not acknowledged; who wanted to connect is refused with
///   `internal server error`.
/// * A [`ConnectError`]: an event is acknowledged with `{ message, data }`; who wanted to connect is
///   refused with it.
/// * Any other value: an event is acknowledged with it, with several by [`Ack`] and a tuple. Who
///   wanted to connect is refused with it as message, if it is a text, and else as data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an error hook",
    note = "return `()`, a value for the client (wrapped in `Ack` if it is of a type of your own), or a `ConnectError`"
)]
pub trait ErrorReply {
    /// What an event is acknowledged with.
    type Args: Payload;

    /// The arguments of the acknowledgement, if there is to be one.
    fn into_args(self) -> Option<Self::Args>;

    /// How a client that wants to connect is refused, if not as usual.
    fn into_refusal(self) -> Option<ConnectError>;
}

impl ErrorReply for () {
    type Args = ();

    fn into_args(self) -> Option<()> {
        None
    }

    fn into_refusal(self) -> Option<ConnectError> {
        None
    }
}

impl<T: ErrorReply> ErrorReply for Option<T> {
    type Args = T::Args;

    fn into_args(self) -> Option<T::Args> {
        self?.into_args()
    }

    fn into_refusal(self) -> Option<ConnectError> {
        self?.into_refusal()
    }
}

impl ErrorReply for ConnectError {
    type Args = Self;

    fn into_args(self) -> Option<Self> {
        Some(self)
    }

    fn into_refusal(self) -> Option<Self> {
        Some(self)
    }
}

impl<T: Serialize> ErrorReply for Ack<T> {
    type Args = T;

    fn into_args(self) -> Option<T> {
        Some(self.0)
    }

    fn into_refusal(self) -> Option<ConnectError> {
        Some(ConnectError::carrying(&self.0))
    }
}

/// Types that answer with themselves.
macro_rules! error_reply_as_is {
    ($($type:ty),* $(,)?) => {$(
        impl ErrorReply for $type {
            type Args = Self;

            fn into_args(self) -> Option<Self> {
                Some(self)
            }

            fn into_refusal(self) -> Option<ConnectError> {
                Some(ConnectError::carrying(&self))
            }
        }
    )*};
}

error_reply_as_is! {
    bool, char, String, &'static str, Cow<'static, str>, Value, serde_json::Value, Binary,
    i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64,
}
