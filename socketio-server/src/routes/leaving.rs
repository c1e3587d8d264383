//! The two handlers of a socket that has been disconnected, as one.

use std::cell::Cell;
use std::sync::Arc;

use crate::error::{DisconnectReason, HandlerErrorKind};
use crate::extract::{After, EventContext};
use crate::handler::{BoxFuture, DISCONNECT, DISCONNECTING, Failure, Handled, Route};
use crate::reply::ReplyTo;
use crate::socket::Socket;

/// Runs the first handler while the socket remembers its rooms, and the second one afterwards.
pub(super) fn in_turn(
    disconnecting: Arc<Route<Handled>>,
    disconnect: Option<Arc<Route<Handled>>>,
) -> Route<Handled> {
    // Where to run is up to the second one, if there is one.
    let like = Arc::clone(disconnect.as_ref().unwrap_or(&disconnecting));
    Route::composed(&like, move |event| {
        let (socket, reason) = (event.socket.clone(), event.reason);
        let first = start(&disconnecting, &socket, DISCONNECTING, reason);
        let disconnect = disconnect.clone();
        let both: BoxFuture<Handled> = Box::pin(async move {
            if let Err(failure) = finish(first).await {
                failure.report(&socket, DISCONNECTING, None);
            }
            socket.personal().forget_rooms();
            match disconnect {
                Some(disconnect) => finish(start(&disconnect, &socket, DISCONNECT, reason)).await,
                None => Ok(()),
            }
        });
        Ok(both)
    })
}

type Started = Result<BoxFuture<Handled>, HandlerErrorKind>;

fn start(
    route: &Route<Handled>,
    socket: &Socket,
    name: &str,
    reason: Option<DisconnectReason>,
) -> Started {
    route.start(&mut EventContext {
        socket,
        name,
        args: None,
        reason,
        reply: ReplyTo::new(socket, None),
        read: Cell::new(false),
        after: After::default(),
    })
}

async fn finish(started: Started) -> Handled {
    match started {
        Ok(future) => future.await,
        Err(kind) => Err(Failure {
            kind,
            reply: ReplyTo::default(),
        }),
    }
}
