//! Handlers of a namespace as one type, in the blocking client.

use std::sync::Arc;

use super::handler::Route;
use super::socket::Socket;
use crate::error::{ConnectError, DisconnectReason};
use crate::events::Event;
use crate::proto::BoxError;
use crate::routes::{Place, Routes};

/// What is done with the events of a namespace, and with its connection: for those who prefer a
/// type with state to functions. Errors go to the hook.
///
/// ```
/// use socketio_client::blocking::{Listener, Socket};
/// use socketio_client::{BoxError, Event};
///
/// struct Echo;
///
/// impl Listener for Echo {
///     fn event(&self, _: Socket, event: Event) -> Result<(), BoxError> {
///         match event.name.as_str() {
///             "echo" => event.ack.send(&event.args.parse::<String>()?)?,
///             other => eprintln!("what is {other}?"),
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Listener: Send + Sync + 'static {
    /// An event that no handler is registered for by name. The acknowledgement is
    /// [`event.ack`](Event::ack)'s.
    ///
    /// # Errors
    /// Whatever the hook is to be told.
    fn event(&self, socket: Socket, event: Event) -> Result<(), BoxError>;

    /// The server has let the client in. Does nothing by default.
    ///
    /// # Errors
    /// Whatever the hook is to be told.
    fn connect(&self, socket: Socket) -> Result<(), BoxError> {
        let _ = socket;
        Ok(())
    }

    /// The client was not let in. Does nothing by default.
    ///
    /// # Errors
    /// Whatever the hook is to be told.
    fn connect_error(&self, socket: Socket, error: ConnectError) -> Result<(), BoxError> {
        let _ = (socket, error);
        Ok(())
    }

    /// The client is no longer connected. Does nothing by default.
    ///
    /// # Errors
    /// Whatever the hook is to be told.
    fn disconnect(&self, socket: Socket, reason: DisconnectReason) -> Result<(), BoxError> {
        let _ = (socket, reason);
        Ok(())
    }
}

/// Registers the methods of a listener as handlers.
pub(super) fn install(routes: &Routes<Route>, listener: impl Listener) {
    let listener = Arc::new(listener);
    let it = Arc::clone(&listener);
    let event = move |socket, event| it.event(socket, event);
    let it = Arc::clone(&listener);
    let connect = move |socket| it.connect(socket);
    let it = Arc::clone(&listener);
    let connect_error = move |socket, error| it.connect_error(socket, error);
    let disconnect = move |socket, reason| listener.disconnect(socket, reason);
    routes.put(Place::Fallback, Route::new(event));
    routes.put(Place::Connect, Route::new(connect));
    routes.put(Place::ConnectError, Route::new(connect_error));
    routes.put(Place::Disconnect, Route::new(disconnect));
}
