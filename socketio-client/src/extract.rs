//! What handlers can ask for in their parameters, in either client.

use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::cell::Cell;

use crate::error::{ConnectError, DisconnectReason};
use crate::events::{AckSender, Event};
use crate::failure::Rejection;
use crate::manager::ReplyTo;
use crate::proto::{Args, ArgsError, Data, EventName, RawArgs};

/// What a handler is run for, borrowed from the message it came in.
#[derive(Debug)]
pub(crate) enum What<'a> {
    Connect,
    ConnectError(ConnectError),
    Disconnect(DisconnectReason),
    Event {
        name: Cow<'a, str>,
        reply: Option<ReplyTo>,
        args: Args<'a>,
    },
}

impl What<'_> {
    /// The event's name, or that of the occasion.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Connect => "connect",
            Self::ConnectError(_) => "connect_error",
            Self::Disconnect(_) => "disconnect",
            Self::Event { name, .. } => name,
        }
    }

    pub(crate) const fn args(&self) -> Option<&Args<'_>> {
        match self {
            Self::Event { args, .. } => Some(args),
            _ => None,
        }
    }

    /// Where the server wants to be answered.
    pub(crate) const fn reply(&self) -> Option<ReplyTo> {
        match self {
            Self::Event { reply, .. } => *reply,
            _ => None,
        }
    }

    /// Bytes it keeps while it waits.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Event { name, args, .. } => {
                let attachments = args.attachments().iter().map(bytes::Bytes::len);
                name.len() + args.raw().len() + attachments.sum::<usize>()
            }
            _ => 0,
        }
    }

    /// Detached from the message.
    pub(crate) fn to_owned(&self) -> What<'static> {
        match self {
            Self::Connect => What::Connect,
            Self::ConnectError(error) => What::ConnectError(error.clone()),
            Self::Disconnect(reason) => What::Disconnect(*reason),
            Self::Event { name, reply, args } => What::Event {
                name: name.clone().into_owned().into(),
                reply: *reply,
                args: args.clone().into_owned(),
            },
        }
    }
}

/// The event a handler is about to be run for. It borrows the server's message: take from it what
/// must outlive the call.
///
/// `S` is the socket of the client in use, async or blocking.
#[derive(Debug)]
pub struct EventContext<'a, S> {
    pub(crate) socket: &'a S,
    pub(crate) what: &'a What<'a>,
    pub(crate) ack: AckSender,
    /// Somebody has asked for the arguments, and notices if they are no JSON.
    pub(crate) read: Cell<bool>,
}

impl<'a, S> EventContext<'a, S> {
    /// The socket the event came to.
    #[must_use]
    pub const fn socket(&self) -> &'a S {
        self.socket
    }

    /// The event's name; `connect`, `connect_error` and `disconnect` for the handlers of these
    /// occasions.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.what.name()
    }

    /// The event's arguments.
    ///
    /// # Errors
    /// [`Rejection::Missing`] in handlers of connections.
    pub fn args(&self) -> Result<&'a Args<'a>, Rejection> {
        self.read.set(true);
        self.what.args().ok_or(Rejection::Missing("argument"))
    }
}

/// Something that can be taken from an event, synchronously, before the handler starts. `S` is the
/// type of the socket; what does not care for it is implemented for all `S`.
///
/// ```
/// use socketio_client::{EventContext, FromEvent, Rejection};
///
/// /// How many bytes of JSON the arguments are.
/// struct Size(usize);
///
/// impl<S> FromEvent<S> for Size {
///     fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
///         Ok(Self(event.args()?.raw().len()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler",
    note = "wrap data of the event in `Data<T>`"
)]
pub trait FromEvent<S>: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// The handler is not run, and the error hook gets the rejection.
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection>;
}

impl<S, T: DeserializeOwned> FromEvent<S> for Data<T> {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        event.args()?.parse().map(Self).map_err(Rejection::Args)
    }
}

impl<S> FromEvent<S> for RawArgs {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        let args = event.args()?;
        args.check().map_err(Rejection::Args)?;
        Ok(Self(args.clone().into_owned()))
    }
}

impl<S> FromEvent<S> for EventName {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        Ok(Self(event.name().to_owned()))
    }
}

impl<S> FromEvent<S> for AckSender {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        Ok(event.ack.take())
    }
}

/// The whole event, with the right to acknowledge it.
impl<S> FromEvent<S> for Event {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        let RawArgs(args) = RawArgs::from_event(event)?;
        Ok(Self {
            name: event.name().to_owned(),
            args,
            ack: event.ack.take(),
        })
    }
}

/// Only in handlers of `on_disconnect`.
impl<S> FromEvent<S> for DisconnectReason {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        match event.what {
            What::Disconnect(reason) => Ok(*reason),
            _ => Err(Rejection::Missing("disconnect reason")),
        }
    }
}

/// Only in handlers of `on_connect_error`.
impl<S> FromEvent<S> for ConnectError {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        match event.what {
            What::ConnectError(error) => Ok(error.clone()),
            _ => Err(Rejection::Missing("connect error")),
        }
    }
}

/// `None` where the extractor would be rejected, except for malformed arguments: those end the
/// connection whoever asks.
impl<S, T: FromEvent<S>> FromEvent<S> for Option<T> {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        match T::from_event(event) {
            Ok(it) => Ok(Some(it)),
            Err(Rejection::Args(ArgsError::Malformed)) => {
                Err(Rejection::Args(ArgsError::Malformed))
            }
            Err(_) => Ok(None),
        }
    }
}

/// The rejection instead of what was asked for, except for malformed arguments: those end the
/// connection whoever asks.
impl<S, T: FromEvent<S>> FromEvent<S> for Result<T, Rejection> {
    fn from_event(event: &mut EventContext<'_, S>) -> Result<Self, Rejection> {
        match T::from_event(event) {
            Err(Rejection::Args(ArgsError::Malformed)) => {
                Err(Rejection::Args(ArgsError::Malformed))
            }
            taken => Ok(taken),
        }
    }
}

/// Hands a macro the parameters of a handler, for each number of them.
macro_rules! for_each_arity {
    ($implement:ident) => {
        $implement!();
        $implement!(A);
        $implement!(A, B);
        $implement!(A, B, C);
        $implement!(A, B, C, D);
        $implement!(A, B, C, D, E);
        $implement!(A, B, C, D, E, G);
        $implement!(A, B, C, D, E, G, H);
        $implement!(A, B, C, D, E, G, H, I);
    };
}
pub(crate) use for_each_arity;
