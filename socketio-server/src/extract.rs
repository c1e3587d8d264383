//! What handlers can ask for in their parameters.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{DisconnectReason, Rejection};
use crate::handler::BoxFuture;
use crate::io::Io;
use crate::proto::{self, ArgsError, BoxError, Data, EventName, RawArgs};
use crate::reply::{AckSender, ReplyTo};
use crate::socket::{Socket, SocketId};

/// The event that a handler is about to be run for. It borrows the client's message: copy out of it
/// what has to outlive the call.
#[derive(Debug)]
pub struct EventContext<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) name: &'a str,
    pub(crate) args: Option<&'a proto::Args<'a>>,
    pub(crate) reason: Option<DisconnectReason>,
    pub(crate) reply: ReplyTo,
    /// Somebody has asked for the arguments, and notices if they are no JSON.
    pub(crate) read: Cell<bool>,
    pub(crate) after: After,
}

impl<'a> EventContext<'a> {
    /// The socket the event came from.
    #[must_use]
    pub const fn socket(&self) -> &'a Socket {
        self.socket
    }

    /// The event's name; `connect`, `transport upgrade`, `disconnecting` and `disconnect` for the
    /// handlers of what happens to a socket.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The event's arguments.
    ///
    /// # Errors
    /// [`Rejection::Missing`] where it is no event of a client, as in connect and disconnect handlers.
    pub fn args(&self) -> Result<&'a proto::Args<'a>, Rejection> {
        self.read.set(true);
        self.args.ok_or(Rejection::Missing("argument"))
    }

    /// Does this work when the handler has ended, and only then sends its answer, or lets the client
    /// in: so an extractor can write back what the handler has changed. If the handler is not run, or
    /// panics, nothing is done; an error of the work counts as the handler's.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use socketio_server::{EventContext, FromEvent, Io, Rejection};
    ///
    /// /// A number that is stored after the handlers that have it as a parameter.
    /// struct Stored(Arc<AtomicU64>);
    ///
    /// # async fn store(_: u64) -> Result<(), socketio_server::BoxError> { Ok(()) }
    /// impl FromEvent for Stored {
    ///     fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
    ///         let number = Arc::new(AtomicU64::new(0));
    ///         let changed = Arc::clone(&number);
    ///         event.after_handler(async move { store(changed.load(Ordering::Relaxed)).await });
    ///         Ok(Self(number))
    ///     }
    /// }
    ///
    /// let io = Io::builder().build();
    /// io.on("count", async |Stored(number): Stored| number.fetch_add(1, Ordering::Relaxed));
    /// ```
    pub fn after_handler(
        &mut self,
        work: impl Future<Output = Result<(), BoxError>> + Send + 'static,
    ) {
        self.after.add(work);
    }
}

/// What extractors have left to do for when the handler has ended.
#[derive(Default)]
pub(crate) struct After(Option<BoxFuture<Result<(), BoxError>>>);

impl After {
    fn add(&mut self, work: impl Future<Output = Result<(), BoxError>> + Send + 'static) {
        self.0 = Some(match self.0.take() {
            None => Box::pin(work),
            Some(first) => Box::pin(async move {
                first.await?;
                work.await
            }),
        });
    }

    pub(crate) fn take(&mut self) -> Option<BoxFuture<Result<(), BoxError>>> {
        self.0.take()
    }
}

impl fmt::Debug for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("After").field(&self.0.is_some()).finish()
    }
}

/// Something that can be taken from an event, synchronously, before the handler starts.
///
/// What an application needs again and again can be made a parameter of its handlers. An extractor
/// that has nothing to give says why, which the error hook is told, or decides what happens instead:
/// [`Rejection::reply`], [`Rejection::refuse`] and [`Rejection::disconnect`]. This way it can guard
/// handlers:
///
/// ```
/// use std::sync::Arc;
///
/// use socketio_server::{
///     Auth, ConnectError, Data, EncodeError, EventContext, FromEvent, Io, Rejection, Socket,
/// };
///
/// /// Who a client has shown to be.
/// struct User {
///     name: String,
/// }
///
/// /// A user who has logged in; with this parameter, a handler is for no others.
/// struct LoggedIn(Arc<User>);
///
/// impl FromEvent for LoggedIn {
///     fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
///         match event.socket().get::<User>() {
///             Some(user) => Ok(Self(user)),
///             // The client's callback gets `{ message: "log in first" }`.
///             None => Err(Rejection::refuse(ConnectError::new("log in first"))),
///         }
///     }
/// }
///
/// #[derive(serde::Deserialize)]
/// struct Login {
///     name: String,
///     password: String,
/// }
///
/// fn log_in(socket: Socket, Data(login): Data<Login>) -> bool {
///     let known = login.password == "1234";
///     if known {
///         socket.insert(User { name: login.name });
///     }
///     known
/// }
///
/// fn post(
///     LoggedIn(user): LoggedIn,
///     socket: Socket,
///     Data(text): Data<String>,
/// ) -> Result<(), EncodeError> {
///     socket.broadcast().emit("post", &(&user.name, text))?;
///     Ok(())
/// }
///
/// let io = Io::builder().build();
/// io.on("log in", log_in).on("post", post);
/// // Who connects to this namespace has to be logged in from the start.
/// io.of("/members").on_connect(|socket: Socket, Auth(login): Auth<Login>| {
///     let in_time = log_in(socket, Data(login));
///     in_time.then_some(()).ok_or_else(|| ConnectError::new("wrong password"))
/// });
/// ```
///
/// `Option<LoggedIn>` tells who it is without guarding.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a handler",
    label = "needs a parameter that cannot be taken from an event",
    note = "wrap data of the event in `Data<T>`, credentials in `Auth<T>`, application state in `State<T>`; parameters are taken by value"
)]
pub trait FromEvent: Sized {
    /// Takes it from the event.
    ///
    /// # Errors
    /// The handler is not run, and the error hook gets the rejection.
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection>;
}

impl<T: DeserializeOwned> FromEvent for Data<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        event.args()?.parse().map(Self).map_err(Rejection::Args)
    }
}

impl FromEvent for RawArgs {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let args = event.args()?;
        args.check().map_err(Rejection::Args)?;
        Ok(Self(args.clone().into_owned()))
    }
}

/// The credentials the client sent when it connected, in any handler; those of more than 16 KiB in
/// middlewares and connect handlers only (see [`Socket::auth`]). A client that sent none has sent `{}`.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> FromEvent for Auth<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        event.socket.auth().map(Self).map_err(Rejection::Auth)
    }
}

/// State of the application, as given to [`Builder::state`](crate::Builder::state).
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct State<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> FromEvent for State<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let state = event.socket.io().state();
        state
            .map(Self)
            .ok_or(Rejection::Missing(std::any::type_name::<T>()))
    }
}

/// State of the socket, as stored by [`Socket::insert`]. Dies with the socket.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Local<T>(pub Arc<T>);

impl<T: Send + Sync + 'static> FromEvent for Local<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let local = event.socket.get();
        local
            .map(Self)
            .ok_or(Rejection::Missing(std::any::type_name::<T>()))
    }
}

/// Both kinds of state read like what they hold.
macro_rules! deref {
    ($($shared:ident),*) => {$(
        impl<T> Deref for $shared<T> {
            type Target = T;

            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> Clone for $shared<T> {
            fn clone(&self) -> Self {
                Self(Arc::clone(&self.0))
            }
        }
    )*};
}

deref!(State, Local);

impl<T> Deref for Auth<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Auth<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl FromEvent for EventName {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(Self(event.name.to_owned()))
    }
}

impl FromEvent for Socket {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.clone())
    }
}

impl FromEvent for SocketId {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.id())
    }
}

impl FromEvent for Io {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.io().clone())
    }
}

impl FromEvent for AckSender {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(Self::new(event.reply.take()))
    }
}

/// Only in disconnect handlers.
impl FromEvent for DisconnectReason {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        event.reason.ok_or(Rejection::Missing("disconnect reason"))
    }
}

/// `None` where the extractor would be rejected, except for malformed arguments: those end the
/// connection whoever asks.
impl<T: FromEvent> FromEvent for Option<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
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
impl<T: FromEvent> FromEvent for Result<T, Rejection> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        match T::from_event(event) {
            Err(Rejection::Args(ArgsError::Malformed)) => {
                Err(Rejection::Args(ArgsError::Malformed))
            }
            taken => Ok(taken),
        }
    }
}
