//! A namespace of a blocking client, as a program holds it.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Duration;

use serde::Serialize;

use super::ack::PendingAck;
use super::client::Client;
use super::handler::{Handler, Route};
use super::listener::{Listener, install};
use super::provider::Provider;
use super::{Namespace, Shared, park};
use crate::attempt::Patience;
use crate::engine::blocking::clock::after;
use crate::error::{ConnectError, SendError};
use crate::events::{Event, Feeder, Queue};
use crate::extract::{EventContext, FromEvent, What};
use crate::failure::{HandlerErrorKind, Rejection};
use crate::manager::SocketKey;
use crate::member::Member;
use crate::methods::{socket_methods, socket_traits};
use crate::proto::{FromArgs, Payload};
use crate::provide::{Credentials, Provide};
use crate::routes::{Place, Routes, Selected, handler_methods, select};

/// A namespace of a client: cheap to clone, usable from any thread; all clones are the same.
///
/// It may be used before it is connected, and while it is not: what is emitted then waits, as
/// [`Config::buffer`](crate::Config::buffer) allows.
#[derive(Clone)]
pub struct Socket {
    client: Client,
    nsp: Arc<Namespace>,
}

impl Socket {
    socket_methods!(pub(super));

    // ---- Credentials ----------------------------------------------------------------------

    /// Asks for what the server is shown, each time the namespace is asked for, on a thread of its
    /// own. An error is told as [`ConnectError::Auth`].
    pub fn auth_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Provide<Credentials>,
    {
        self.nsp.set_auth(Provider::asked(ask));
        self
    }

    // ---- Handlers -------------------------------------------------------------------------

    handler_methods!(Handler<M>, Route::new);

    // ---- Connecting -----------------------------------------------------------------------

    /// Asks for the namespace, and waits for the outcome of the first attempt; at once if it is
    /// connected already. After it, the client reconnects by itself, as configured. A failure
    /// leaves the namespace; no attempt follows.
    ///
    /// # Errors
    /// Why it was not connected.
    pub fn connect(&self) -> Result<(), ConnectError> {
        let wanted = vec![self.nsp.member().key()];
        self.client.attempt(wanted, Patience::FirstAttempt)
    }

    /// [`connect`](Self::connect) that goes on trying while the server cannot be reached, as
    /// [`Config::reconnection`](crate::Config::reconnection) says.
    ///
    /// # Errors
    /// If the server refused, or all attempts have failed.
    pub fn connect_with_retry(&self) -> Result<(), ConnectError> {
        let wanted = vec![self.nsp.member().key()];
        self.client.attempt(wanted, Patience::AllAttempts)
    }

    /// Asks for the namespace and waits for nothing, like `connect` in JavaScript. It is tried
    /// again as configured; handlers learn the outcome.
    pub fn open(&self) {
        self.client.open_sockets(&[self.nsp.member().key()]);
    }
}

socket_traits!();

/// Events of a namespace, in order; see [`Socket::events`]. As an iterator it waits for the next
/// one, and ends when somebody else takes the events, and after [`Client::close`].
#[derive(Debug)]
#[must_use = "events wait to be taken, and hold up the client"]
pub struct Events {
    socket: Socket,
    queue: Arc<Queue>,
    route: Weak<Route>,
}

impl Events {
    /// The next event, if it comes in time.
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<Event> {
        let deadline = after(timeout);
        park::wait(deadline, |cx| self.queue.poll_next(cx)).flatten()
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        park::wait(None, |cx| self.queue.poll_next(cx)).flatten()
    }
}
