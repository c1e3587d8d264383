//! Handlers that know where they belong: classes, whose methods are the handlers of a namespace,
//! and functions that know their event.

use std::sync::Arc;

use crate::any_namespace::AnyNamespace;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::routes::{Handlers, Layers};

/// A class-based namespace: a type whose methods handle the events of a namespace.
///
/// Written with `#[namespace]`:
///
/// ```
/// # #[cfg(feature = "macros")] {
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use socketio_server::{ConnectError, Data, EncodeError, EventName, Handshake, Io, Socket, namespace};
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
/// namespaces. Those are the rules of python-socketio. Other than there, several classes of one
/// namespace add up; of two methods for the same event the one registered last wins.
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
    /// What its path leads to: a [`Namespace`], for `*` [`AnyNamespace`].
    type Place: Place;
    /// Where it belongs if nothing else is said.
    const PATH: &'static str;

    /// Its handlers, which share the one value.
    fn handlers(self: Arc<Self>) -> Handlers;
}

/// Where handlers can be registered: a [`Namespace`], or [`AnyNamespace`].
pub trait Place: Sized + sealed::Sealed {
    /// The place of this path.
    fn find(io: &Io, path: &str) -> Self;

    #[doc(hidden)]
    fn add(&self, handlers: Handlers, rank: Rank);
}

/// Who comes first when an event has several handlers.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    Function,
    Class,
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for crate::Namespace {}
    impl Sealed for crate::AnyNamespace {}
}

impl Place for Namespace {
    fn find(io: &Io, path: &str) -> Self {
        io.of(path)
    }

    fn add(&self, handlers: Handlers, rank: Rank) {
        self.change_layers(|layers| layers.merge(handlers, rank));
    }
}

impl Place for AnyNamespace {
    fn find(io: &Io, _: &str) -> Self {
        io.any_namespace()
    }

    fn add(&self, handlers: Handlers, rank: Rank) {
        self.change_layers(|layers| layers.merge(handlers, rank));
    }
}
