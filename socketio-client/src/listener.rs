//! Handlers of a namespace as one type.

use std::future::{Future, ready};
use std::sync::Arc;

use crate::error::{ConnectError, DisconnectReason};
use crate::events::Event;
use crate::handler::Route;
use crate::proto::BoxError;
use crate::routes::{Place, Routes};
use crate::socket::Socket;

/// What is done with the events of a namespace, and with its connection: for those who prefer a
/// type with state to functions.
///
/// Methods may be written as `async fn`. Errors go to the hook.
///
/// ```
/// use socketio_client::{BoxError, Event, Listener, Socket};
///
/// struct Echo;
///
/// impl Listener for Echo {
///     async fn event(&self, _: Socket, event: Event) -> Result<(), BoxError> {
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
    fn event(
        &self,
        socket: Socket,
        event: Event,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// The server has let the client in. Does nothing by default.
    fn connect(&self, socket: Socket) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = socket;
        ready(Ok(()))
    }

    /// The client was not let in. Does nothing by default.
    fn connect_error(
        &self,
        socket: Socket,
        error: ConnectError,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (socket, error);
        ready(Ok(()))
    }

    /// The client is no longer connected. Does nothing by default.
    fn disconnect(
        &self,
        socket: Socket,
        reason: DisconnectReason,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        let _ = (socket, reason);
        ready(Ok(()))
    }
}

/// Registers the methods of a listener as handlers.
pub(crate) fn install(routes: &Routes<Route>, listener: impl Listener) {
    let listener = Arc::new(listener);
    let it = Arc::clone(&listener);
    let event = move |socket, event| {
        let it = Arc::clone(&it);
        async move { it.event(socket, event).await }
    };
    let it = Arc::clone(&listener);
    let connect = move |socket| {
        let it = Arc::clone(&it);
        async move { it.connect(socket).await }
    };
    let it = Arc::clone(&listener);
    let connect_error = move |socket, error| {
        let it = Arc::clone(&it);
        async move { it.connect_error(socket, error).await }
    };
    let disconnect = move |socket, reason| {
        let listener = Arc::clone(&listener);
        async move { listener.disconnect(socket, reason).await }
    };
    routes.put(Place::Fallback, Route::new(event));
    routes.put(Place::Connect, Route::new(connect));
    routes.put(Place::ConnectError, Route::new(connect_error));
    routes.put(Place::Disconnect, Route::new(disconnect));
}
