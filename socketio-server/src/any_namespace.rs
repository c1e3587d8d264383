//! Handlers of all namespaces at once.

use std::fmt;

use crate::io::Io;
use crate::routes::{Handlers, Layer, Layers, handler_methods};

/// The handlers of all namespaces: python-socketio's namespace `*`. A handler of a namespace's own
/// comes first, be it for the event's name or a [fallback](crate::Namespace::on_fallback).
///
/// It makes no namespace joinable that is not.
///
/// ```
/// use socketio_server::{Io, Socket};
///
/// let io = Io::builder().build();
/// io.of("/chat");
/// io.of("/news");
/// io.any_namespace()
///     .on("where", async |socket: Socket| socket.namespace().name().to_owned());
/// ```
#[derive(Clone)]
pub struct AnyNamespace(Io);

impl AnyNamespace {
    pub(crate) const fn new(io: Io) -> Self {
        Self(io)
    }

    handler_methods!(self: &Self => &Self);

    /// Registers handlers that were described elsewhere.
    pub fn add(&self, handlers: Handlers) -> &Self {
        self.change_functions(|layer| layer.merge(handlers.into_layer()))
    }

    fn change_functions<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> &Self {
        self.change_layers(|layers| change(&mut layers.functions))
    }

    /// Changes the handlers, of functions and of a class.
    pub(crate) fn change_layers<T>(&self, change: impl FnOnce(&mut Layers) -> T) -> &Self {
        self.0.change_all(change);
        self
    }
}

impl fmt::Debug for AnyNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyNamespace")
    }
}
