//! Events whose names and arguments the compiler knows.

mod arguments;

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ack::{Acks, PendingAck};
use crate::broadcast::{Broadcast, Report};
use crate::dynamic::DynamicNamespace;
use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::io::Io;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, FromArgs};
use crate::socket::Socket;
use crate::unicast::Unicast;
use arguments::Arguments;

/// See the [trait](trait@Event).
#[cfg(feature = "macros")]
pub use socketio_macros::Event;

/// An event with a name and arguments of fixed types: a struct with `#[derive(Event)]`.
///
/// Its fields are the arguments. Without names they travel one after the other, as JavaScript's
/// `emit("move", 3, 4)`; with names as one object, as `emit("chat message", { room, text })`; a unit
/// struct is an event without arguments. How each field is written is up to `serde`: the event is
/// [sent](Socket::emit_event) if it is `Serialize`, and a parameter of handlers, as it is, if it is
/// `Deserialize`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use socketio_server::{EncodeError, Event, Io, Socket};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("chat message")]
/// struct ChatMessage {
///     room: String,
///     text: String,
/// }
///
/// #[derive(Event, Deserialize)]
/// #[event("legal", ack = bool)]
/// struct IsLegal(u8, u8);
///
/// let io = Io::builder().build();
/// io.on_event(async |message: ChatMessage, socket: Socket| {
///     socket.to(&*message.room).emit_event(&message).map(drop)
/// });
/// io.on_event(|IsLegal(from, to): IsLegal| from != to);
/// ```
///
/// What is sent with [`call_event`](Socket::call_event) is answered with the type that belongs to
/// it:
///
/// ```
/// # use serde::Serialize;
/// # use socketio_server::{AckError, Event, Socket};
/// #[derive(Event, Serialize)]
/// #[event("your turn", ack = (u8, u8))]
/// struct YourTurn;
///
/// async fn ask(player: &Socket) -> Result<(), AckError> {
///     let (from, to) = player.call_event(&YourTurn).await?;
///     # let _: (u8, u8) = (from, to);
///     # Ok(())
/// }
/// ```
///
/// Names as strings keep working beside it, at either end: on the wire a typed event is like any other.
///
/// A name that is reserved does not compile, and neither does an answer of another type than
/// [`Ack`](Self::Ack):
///
/// ```compile_fail
/// # use socketio_server::Event;
/// #[derive(Event)]
/// #[event("disconnect")] // a name that the library keeps for itself
/// struct Disconnect;
/// ```
///
/// ```compile_fail
/// # use serde::Deserialize;
/// # use socketio_server::{Event, Io};
/// #[derive(Event, Deserialize)]
/// #[event("legal", ack = bool)]
/// struct IsLegal(u8, u8);
///
/// Io::builder().build().on_event(|_: IsLegal| "yes"); // expected `bool`, found `&str`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "add `#[derive(Event)]` and `#[event(\"…\")]`, its name, to the struct"
)]
pub trait Event {
    /// The event's name.
    const NAME: &'static str;
    /// What answers the event: what handlers return, and callers get. `()` is nothing.
    type Ack;
}

/// A typed event taken from the one that has come; for types that implement [`Event`] by hand.
/// With the derive the event is a parameter itself.
///
/// ```
/// use serde::Deserialize;
/// use socketio_server::{Event, Io, Typed};
///
/// #[derive(Deserialize)]
/// struct Move(u8, u8);
///
/// impl Event for Move {
///     const NAME: &'static str = "move";
///     type Ack = ();
/// }
///
/// let io = Io::builder().build();
/// io.on_event(async |Typed(Move(from, to)): Typed<Move>| println!("{from} to {to}"));
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Typed<E>(pub E);

impl<E: Event> Event for Typed<E> {
    const NAME: &'static str = E::NAME;
    type Ack = E::Ack;
}

/// Rejected if the arguments do not fit. The event's name is not looked at.
impl<E: Event + DeserializeOwned> FromEvent for Typed<E> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let parsed = event.args()?.parse();
        parsed
            .map(|Arguments(it)| Self(it))
            .map_err(Rejection::Args)
    }
}

impl<E> Deref for Typed<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.0
    }
}

impl<E> DerefMut for Typed<E> {
    fn deref_mut(&mut self) -> &mut E {
        &mut self.0
    }
}

/// What tells handlers apart whose first parameter is an event: see [`Handler`](crate::Handler).
#[diagnostic::on_unimplemented(
    message = "the first parameter of this handler is not an event",
    label = "with `on_event` the first parameter says which event is handled",
    note = "its type has `#[derive(Event)]`, or is `Typed<E>`; by names events are handled with `on`"
)]
pub trait HandlesEvent {
    /// The event.
    type Event: Event;
}

macro_rules! handles_event {
    ($($param:ident),*) => {
        impl<E: Event, $($param),*> HandlesEvent for (E, $($param,)*) {
            type Event = E;
        }

        impl<E: Event, $($param),*> HandlesEvent for fn(E, $($param),*) {
            type Event = E;
        }
    };
}

handles_event!();
handles_event!(A);
handles_event!(A, B);
handles_event!(A, B, C);
handles_event!(A, B, C, D);
handles_event!(A, B, C, D, F);
handles_event!(A, B, C, D, F, G);
handles_event!(A, B, C, D, F, G, H);

/// The methods that send typed events, in front of those that take strings.
macro_rules! typed_sending {
    ($($sender:ty, $to:literal, $answer:ty, $errors:literal;)*) => {$(
        impl $sender {
            #[doc = concat!("Sends a typed event to ", $to, "; see [`emit`](Self::emit).")]
            ///
            /// # Errors
            /// If the arguments cannot be encoded; nothing was sent.
            pub fn emit_event<E: Event + Serialize>(&self, event: &E) -> Result<Report, EncodeError> {
                self.emit(E::NAME, &Arguments(event))
            }

            #[doc = concat!("Sends a typed event to ", $to, " and waits for what answers it; see")]
            /// [`call`](Self::call).
            #[doc = $errors]
            pub fn call_event<E>(&self, event: &E) -> $answer
            where
                E: Event<Ack: FromArgs> + Serialize,
            {
                self.call(E::NAME, &Arguments(event))
            }
        }
    )*};
}

typed_sending! {
    Socket, "the client", PendingAck<E::Ack>, "";
    Unicast<'_>, "the client", PendingAck<E::Ack>, "";
    Broadcast, "the sockets", Result<Acks<E::Ack>, EncodeError>,
        "\n# Errors\nIf the arguments cannot be encoded; nothing was sent.";
    Namespace, "everyone in the namespace", Result<Acks<E::Ack>, EncodeError>,
        "\n# Errors\nIf the arguments cannot be encoded; nothing was sent.";
    Io, "everyone in the default namespace", Result<Acks<E::Ack>, EncodeError>,
        "\n# Errors\nIf the arguments cannot be encoded; nothing was sent.";
}

impl DynamicNamespace {
    /// Sends a typed event to everyone in all of them; see [`emit`](Self::emit).
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub fn emit_event<E: Event + Serialize>(&self, event: &E) -> Result<Report, EncodeError> {
        self.emit(E::NAME, &Arguments(event))
    }
}
