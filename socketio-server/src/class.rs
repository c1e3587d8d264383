//! Handlers that know where they belong: classes, whose methods are the handlers of a namespace,
//! and functions that know their event.

use std::sync::Arc;

use crate::any_namespace::AnyNamespace;
use crate::dynamic::DynamicNamespace;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::routes::Handlers;

/// ```
/// use socketio_server::{ConnectError, Data, DisconnectReason, HandlerError, Io, Param, Socket, namespace};
/// # #[derive(Default)]
/// struct Game {
///     // What changes is in a `Mutex` or an atomic: one value serves all clients.
/// }
///
/// #[namespace("/game/{id}")]
/// impl Game {
///     #[connect]
///     async fn join(&self, socket: Socket, Param(id): Param<u32>) -> Result<(), ConnectError> {
///         match id {
///             0 => Err(ConnectError::new("there is no such game")),
///             _ => Ok(socket.join("players")),
///         }
///     }
///
///     #[event]
///     async fn play(&self, socket: Socket, Data((from, to)): Data<(String, String)>) -> bool {
///         socket.to("players").emit("played", &(from, to)).is_ok()
///     }
///
///     #[event("chat message", ordered)]
///     async fn chat(&self, socket: Socket, Data(text): Data<String>) {}
///
///     #[disconnect]
///     fn leave(&self, reason: DisconnectReason) {}
///
///     #[error]
///     fn failed(&self, error: &HandlerError) -> &'static str {
///         "this did not work"
///     }
/// }
///
/// Io::builder().build().register(Game::default());
/// ```
///
/// What cannot be a handler does not compile, and the compiler says what to write instead:
///
/// ```compile_fail
/// # use socketio_server::{Data, namespace};
/// # struct Game;
/// #[namespace("/game")]
/// impl Game {
///     #[event]
///     async fn play(&mut self) {} // one value serves all clients at once: take `&self`
/// }
/// ```
///
/// ```compile_fail
/// # use socketio_server::{Data, namespace};
/// # struct Game;
/// #[namespace("/game")]
/// impl Game {
///     #[event]
///     async fn say(&self, text: String) {} // wrap data of the event in `Data<T>`
/// }
/// ```
///
/// ```compile_fail
/// # use socketio_server::{Data, namespace};
/// # struct Game;
/// #[namespace("/game")]
/// impl Game {
///     #[event("disconnect")] // the library keeps the name for itself: write `#[disconnect]`
///     async fn leave(&self) {}
/// }
/// ```
#[cfg(feature = "macros")]
pub use socketio_macros::namespace;

/// ```
/// use socketio_server::{Data, Io, Socket, event};
///
/// #[event]
/// async fn join(socket: Socket, Data(room): Data<String>) {
///     socket.join(room);
/// }
///
/// #[event("add up")]
/// fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
///     a + b
/// }
///
/// let io = Io::builder().build();
/// io.register(join).register(add);
/// ```
///
/// Names that the library keeps for itself do not compile:
///
/// ```compile_fail
/// # use socketio_server::event;
/// #[event]
/// async fn connect() {} // handle connections with `on_connect`
/// ```
#[cfg(feature = "macros")]
pub use socketio_macros::event;

/// A class-based namespace: a type whose methods handle the events of a namespace.
///
/// Written with `#[namespace]`:
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use socketio_server::{ConnectError, Data, EncodeError, EventName, Io, Socket, namespace};
///
/// #[derive(Default)]
/// struct Chat {
///     messages: AtomicU64,
/// }
///
/// #[namespace("/chat")]
/// impl Chat {
///     #[connect]
///     async fn join(&self, socket: Socket) -> Result<(), ConnectError> {
///         socket.join("everyone");
///         Ok(())
///     }
///
///     #[event]
///     async fn say(&self, socket: Socket, Data(text): Data<String>) -> Result<u64, EncodeError> {
///         socket.to("everyone").emit("said", &text)?;
///         Ok(self.messages.fetch_add(1, Ordering::Relaxed) + 1)
///     }
///
///     #[event("messages so far")]
///     fn count(&self) -> u64 {
///         self.messages.load(Ordering::Relaxed)
///     }
///
///     #[fallback]
///     fn unknown(&self, EventName(name): EventName) -> String {
///         format!("there is no {name} here")
///     }
/// }
///
/// let io = Io::builder().build();
/// let chat = io.register(Chat::default());
/// assert_eq!(chat.name(), "/chat");
/// # }
/// ```
///
/// One value serves all clients, so methods take `&self`, or `self: Arc<Self>`. What a method takes
/// of the event, such as the [`Socket`](crate::Socket) or the [`Namespace`], is of this namespace,
/// and so is all that is done with it: emitting, rooms, disconnecting.
///
/// A handler that is registered on its own wins over a method, whichever came first: by name, as a
/// fallback, or for all namespaces. A class of a namespace leaves nothing to a class of all
/// namespaces. Those are the rules of python-socketio. Unlike there, several classes of one
/// namespace add up; of two methods for the same event the one registered last wins.
///
/// Failures of its methods go to its `#[error]` method; if it has none, they are failures of the
/// namespace. An event that no method handles is left unanswered, unless there is a
/// `#[fallback]`.
///
/// | python-socketio, Flask-SocketIO | here |
/// |---|---|
/// | `class Chat(Namespace)` | `#[namespace("/chat")] impl Chat` |
/// | `register_namespace(Chat("/chat"))`, `on_namespace(…)` | [`io.register(Chat)`](Io::register), `io.of("/other").register(Chat)` |
/// | `def on_say(self, sid, text)` | `#[event] fn say(&self, socket: Socket, Data(text): Data<String>)` |
/// | `on_connect`, `on_disconnect` | `#[connect]`, `#[disconnect]` |
/// | `trigger_event`, overridden | `#[fallback]` |
/// | `error(self, exception)` | `#[error] fn failed(&self, error: &HandlerError)` |
/// | `self.emit(…)`, `self.emit(…, to=sid)` | methods of the parameters [`Namespace`] and [`Socket`](crate::Socket) |
///
/// Without the attribute it is:
///
/// ```
/// # use std::sync::Arc;
/// # use std::sync::atomic::{AtomicU64, Ordering};
/// # use socketio_server::{Handlers, Io, Namespace, NamespaceClass};
/// struct Counter(AtomicU64);
///
/// impl NamespaceClass for Counter {
///     type Place = Namespace;
///     const PATH: &'static str = "/counter";
///
///     fn handlers(self: Arc<Self>) -> Handlers {
///         Handlers::new().on("count", move || self.0.fetch_add(1, Ordering::Relaxed))
///     }
/// }
///
/// Io::builder().build().register(Counter(AtomicU64::new(0)));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a class-based namespace",
    note = "put `#[namespace(\"/…\")]` on the impl block with its handlers"
)]
pub trait NamespaceClass: Send + Sync + 'static {
    /// What its path leads to: a [`Namespace`], with parameters a
    /// [`DynamicNamespace`], for `*` [`AnyNamespace`].
    type Place: Place;
    /// Where it belongs if nothing else is said.
    const PATH: &'static str;

    /// Its handlers, which share the one value.
    fn handlers(self: Arc<Self>) -> Handlers;
}

/// Where handlers can be registered: a [`Namespace`], a [`DynamicNamespace`], or [`AnyNamespace`]
/// for all of them.
pub trait Place: Sized + sealed::Sealed {
    /// The place a path leads to. It is made if there is none.
    fn find(io: &Io, path: &str) -> Self;

    /// Adds handlers that stand on their own. They replace those of the same events.
    fn add_functions(&self, handlers: Handlers);

    /// Adds the handlers of a class, for events that no handler on its own is registered for.
    fn add_class(&self, handlers: Handlers);
}

mod sealed {
    /// Only what is registered with here knows how.
    #[expect(unnameable_types, reason = "so that nobody else implements it")]
    pub trait Sealed {}
}

macro_rules! place {
    ($place:ident, $io:ident, $path:ident => $found:expr) => {
        impl sealed::Sealed for $place {}

        impl Place for $place {
            fn find($io: &Io, $path: &str) -> Self {
                $found
            }

            fn add_functions(&self, handlers: Handlers) {
                self.add(handlers);
            }

            fn add_class(&self, handlers: Handlers) {
                self.change_layers(|layers| {
                    let class = layers.class.get_or_insert_default();
                    class.merge(handlers.into_layer().of_class())
                });
            }
        }

        impl $place {
            /// Registers what [`Io::register`] does, but here, wherever it says it belongs.
            pub fn register<M, R: Register<M>>(&self, registered: R) -> &Self {
                registered.add_to(self);
                self
            }
        }
    };
}

place!(Namespace, io, path => io.of(path));
place!(DynamicNamespace, io, path => io.dynamic(path));
place!(AnyNamespace, io, _path => io.any_namespace());

/// What can be [registered](Io::register) and knows for what: a class, by itself or in an [`Arc`]
/// of which one is kept; and a function with `#[event]`.
///
/// `M` only tells the two apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not know what to be registered for",
    note = "a class has `#[namespace(\"/…\")]` on its impl block, a function has `#[event]`",
    note = "other handlers are registered with `on`, which takes the name of the event"
)]
pub trait Register<M> {
    /// Where it belongs.
    type Place: Place;
    /// The path to there.
    const PATH: &'static str;

    /// Adds its handlers.
    fn add_to(self, place: &impl Place);
}

impl<C: NamespaceClass> Register<(C,)> for C {
    type Place = C::Place;
    const PATH: &'static str = C::PATH;

    fn add_to(self, place: &impl Place) {
        Arc::new(self).add_to(place);
    }
}

impl<C: NamespaceClass> Register<Self> for Arc<C> {
    type Place = C::Place;
    const PATH: &'static str = C::PATH;

    fn add_to(self, place: &impl Place) {
        place.add_class(self.handlers());
    }
}

/// What `#[event]` makes of a function. It belongs to the default namespace.
impl<F: FnOnce() -> Handlers> Register<fn() -> Handlers> for F {
    type Place = Namespace;
    const PATH: &'static str = "/";

    fn add_to(self, place: &impl Place) {
        place.add_functions(self());
    }
}

impl Io {
    /// Registers a class with the namespace it says it belongs to, which is made if there is none,
    /// and a function with the default namespace. Returns where that is.
    ///
    /// ```
    /// # #[cfg(feature = "macros")] {
    /// use socketio_server::{Data, Io, event, namespace};
    ///
    /// struct Echo;
    ///
    /// #[namespace("/echo")]
    /// impl Echo {
    ///     #[event]
    ///     fn say(&self, Data(text): Data<String>) -> String {
    ///         text
    ///     }
    /// }
    ///
    /// #[event]
    /// async fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
    ///     a + b
    /// }
    ///
    /// let io = Io::builder().build();
    /// let echo = io.register(Echo);
    /// assert_eq!(echo.name(), "/echo");
    /// // Like `io.on("add", add)`, had it no attribute.
    /// io.register(add);
    /// // And elsewhere.
    /// echo.register(add);
    /// # }
    /// ```
    pub fn register<M, R: Register<M>>(&self, registered: R) -> R::Place {
        let place = R::Place::find(self, R::PATH);
        registered.add_to(&place);
        place
    }
}

/// What the attributes write to let the compiler judge types where they stand.
#[doc(hidden)]
pub mod check {
    use crate::extract::FromEvent;
    use crate::proto::Reply;
    use crate::reply::ConnectReply;
    use crate::typed::Event;

    pub use serde::Deserialize;

    pub const fn parameter<T: FromEvent>() {}

    pub const fn reply<T: Reply>() {}

    pub const fn connect_reply<T: ConnectReply>() {}

    pub const fn typed_reply<E: Event, T: Reply<Args = E::Ack>>() {}
}
