//! A namespace of a client, as a program holds it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::Serialize;

use crate::ack::PendingAck;
use crate::attempt::Patience;
use crate::client::Client;
use crate::error::{ConnectError, SendError};
use crate::events::{Event, Feeder, Queue};
use crate::extract::{EventContext, FromEvent, What};
use crate::failure::{HandlerErrorKind, Rejection};
use crate::handler::{Handler, Route};
use crate::listener::{Listener, install};
use crate::manager::SocketKey;
use crate::member::Member;
use crate::methods::{socket_methods, socket_traits};
use crate::proto::{FromArgs, Payload};
use crate::provide::{Credentials, Provide};
use crate::routes::{Place, Routes, Selected, handler_methods, select};
use crate::task::{Namespace, Provider, Shared};

/// A namespace of a client: cheap to clone, usable from any thread or task; all clones are the
/// same.
///
/// It may be used before it is connected, and while it is not: what is emitted then waits, as
/// [`Config::buffer`](crate::Config::buffer) allows.
#[derive(Clone)]
pub struct Socket {
    client: Client,
    nsp: Arc<Namespace>,
}

impl Socket {
    socket_methods!(pub(crate));

    // ---- Credentials ----------------------------------------------------------------------

    /// Asks for what the server is shown, each time the namespace is asked for. An error is told
    /// as [`ConnectError::Auth`].
    pub fn auth_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<Credentials>> + Send + 'static,
    {
        self.nsp.set_auth(Provider::asked(ask));
        self
    }

    // ---- Handlers -------------------------------------------------------------------------

    handler_methods!(Handler<M>, Route::new);

    // ---- Connecting -----------------------------------------------------------------------

    /// Asks for the namespace, and waits for the outcome of the first attempt; at once if it is
    /// connected already. After it, the client reconnects by itself, as configured.
    ///
    /// Dropping the future, like a failure, leaves the namespace; no attempt follows.
    ///
    /// # Errors
    /// Why it was not connected.
    pub async fn connect(&self) -> Result<(), ConnectError> {
        let wanted = vec![self.nsp.member().key()];
        self.client.attempt(wanted, Patience::FirstAttempt).await
    }

    /// [`connect`](Self::connect) that goes on trying while the server cannot be reached, as
    /// [`Config::reconnection`](crate::Config::reconnection) says.
    ///
    /// # Errors
    /// If the server refused, or all attempts have failed.
    pub async fn connect_with_retry(&self) -> Result<(), ConnectError> {
        let wanted = vec![self.nsp.member().key()];
        self.client.attempt(wanted, Patience::AllAttempts).await
    }

    /// Asks for the namespace and waits for nothing, like `connect` in JavaScript. It is tried
    /// again as configured; handlers learn the outcome.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(&self) {
        self.client.open_sockets(&[self.nsp.member().key()]);
    }
}

socket_traits!();

/// Events of a namespace, in order; see [`Socket::events`]. It ends when another takes its place,
/// and after [`Client::close`].
#[derive(Debug)]
#[must_use = "events wait to be taken, and hold up the client"]
pub struct Events {
    socket: Socket,
    queue: Arc<Queue>,
    route: Weak<Route>,
}

impl Events {
    /// The next event; `None` once there will be no more. Dropped while it waits, nothing is lost.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        self.queue.poll_next(cx)
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll(cx)
    }
}
