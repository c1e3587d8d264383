//! Handlers before there is a server.

use super::Layer;
use super::methods::handler_methods;

/// Handlers that belong to no namespace yet: described wherever they are written, and
/// [added](crate::Namespace::add) to any number of namespaces once there is a server.
///
/// ```
/// use socketio_server::{Data, Handlers, Io, Socket};
///
/// fn chat() -> Handlers {
///     Handlers::new()
///         .on("join", async |socket: Socket, Data(room): Data<String>| socket.join(room))
///         .on("leave", async |socket: Socket, Data(room): Data<String>| socket.leave(room))
/// }
///
/// let io = Io::builder().build();
/// io.of("/chat").add(chat());
/// ```
#[derive(Debug, Default, Clone)]
#[must_use = "handlers do nothing until they are added to a namespace"]
pub struct Handlers(Layer);

impl Handlers {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    handler_methods!(self: Self => Self);

    fn change_functions<T>(mut self, change: impl FnOnce(&mut Layer) -> T) -> Self {
        drop(change(&mut self.0));
        self
    }

    pub(crate) fn into_layer(self) -> Layer {
        self.0
    }
}
