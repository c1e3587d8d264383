//! The blocking client as a program holds it: one server, any number of namespaces over one link.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;

use super::ack::PendingAck;
use super::handler::{Handler, Route};
use super::listener::{Listener, install};
use super::provider::Provider;
use super::socket::{Events, Socket};
use super::{Handle, Shared, driver, park};
use crate::attempt::Patience;
use crate::config::Config;
use crate::engine::Transport;
use crate::engine::blocking::Connect;
use crate::engine::blocking::clock::{after, now};
use crate::error::{ConnectError, SendError};
use crate::failure::HandlerError;
use crate::hub::{View, Watcher};
use crate::manager::SocketKey;
use crate::methods::{client_methods, client_traits};
use crate::proto::{FromArgs, Payload, Tick};
use crate::provide::{Credentials, Provide};
use crate::routes::{Routes, handler_methods};
use crate::stage::{Stage, Status};

/// A client of one server: cheap to clone, all clones are the same client.
///
/// What concerns a namespace can be said here as well and means the default one, `/`.
///
/// The client lives as long as somebody holds it, or one of its [`Socket`]s, [`PendingAck`]s or
/// [`Events`]: when the last is dropped it says goodbye to the server. A handler that holds one
/// makes the client hold itself, until [`close`](Self::close); handlers are better off with the
/// [`Socket`] of their parameters.
#[derive(Clone)]
pub struct Client(Arc<Handle>);

impl Client {
    client_methods!(pub(super));

    fn build(config: Config, connector: Option<Arc<dyn Connect>>) -> Self {
        let epoch = now();
        let clock = Box::new(move || now().saturating_duration_since(epoch).as_millis() as Tick);
        Self(Handle::new(config, connector, epoch, clock))
    }

    // ---- What the application is asked for ------------------------------------------------

    /// Asks for what the server is shown, each time such a namespace is asked for, on a thread of
    /// its own.
    ///
    /// ```no_run
    /// # fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// use serde_json::json;
    ///
    /// let client = socketio_client::blocking::Client::new("http://localhost:3000");
    /// client.auth_with(|| fetch_token().map(|token| json!({ "token": token })));
    /// ```
    pub fn auth_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Provide<Credentials>,
    {
        self.shared().ask_for_credentials(Provider::asked(ask));
        self
    }

    /// Asks for the URL before every attempt, in place of that of the configuration.
    pub fn url_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Provide<String>,
    {
        self.shared().ask_for_url(Provider::asked(ask));
        self
    }

    /// Asks for headers before every attempt: they go with all requests of the link, and replace
    /// those of the same name in the configuration.
    pub fn headers_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Provide<HeaderMap>,
    {
        self.shared().ask_for_headers(Provider::asked(ask));
        self
    }

    // ---- Handlers of the default namespace ------------------------------------------------

    handler_methods!(Handler<M>, Route::new);

    // ---- Connecting -----------------------------------------------------------------------

    /// Connects all namespaces that were spoken of so far, `/` if there are none, and waits for the
    /// outcome of the first attempt. After it, the client reconnects by itself, as
    /// [configured](Config::reconnection). A failure leaves the namespaces it was to connect; no
    /// attempt follows.
    ///
    /// In JavaScript a client whose first attempt fails goes on trying:
    /// [`connect_with_retry`](Self::connect_with_retry) and [`open`](Self::open) do so here.
    ///
    /// # Errors
    /// Why one of them was not connected, with the server's message and data if it refused.
    pub fn connect(&self) -> Result<(), ConnectError> {
        self.attempt(self.shared().all_namespaces(), Patience::FirstAttempt)
    }

    /// [`connect`](Self::connect) that goes on trying while the server cannot be reached, as
    /// [configured](Config::reconnection).
    ///
    /// # Errors
    /// If the server refused, or all attempts have failed.
    pub fn connect_with_retry(&self) -> Result<(), ConnectError> {
        self.attempt(self.shared().all_namespaces(), Patience::AllAttempts)
    }

    /// Connects all namespaces that were spoken of so far, `/` if there are none, and waits for
    /// nothing, like JavaScript. What fails is tried again as configured; handlers and
    /// [`status`](Self::status) tell the outcome.
    ///
    /// Also the way to reconnect by hand: at once if the client waits for the next attempt, and
    /// after it has given up.
    pub fn open(&self) {
        self.open_sockets(&self.shared().all_namespaces());
    }

    /// [`disconnect`](Self::disconnect)s for good: waits until the link is closed and handlers
    /// under way have come to their ends, and forgets all handlers.
    ///
    /// Called from a handler, it would wait for itself.
    pub fn close(&self) {
        self.disconnect();
        self.until(|view| (!view.driven).then_some(()));
        self.shared().forget_handlers();
    }

    /// Waits until the client is closed and no attempt will follow: it was disconnected, by either
    /// side, or has given up.
    pub fn wait(&self) {
        self.until(|view| (view.manager.status() == Status::Closed).then_some(()));
    }

    /// [`wait`](Self::wait) for so long. Says whether the client is closed.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let deadline = after(timeout);
        let watcher = Watcher::new(self.shared().hub());
        let closed = |view: View<'_>| (view.manager.status() == Status::Closed).then_some(());
        park::wait(deadline, |cx| watcher.poll(cx, closed)).is_some()
    }

    pub(super) fn until<R>(&self, look: impl Fn(View<'_>) -> Option<R>) -> Option<R> {
        let watcher = Watcher::new(self.shared().hub());
        park::wait(None, |cx| watcher.poll(cx, &look))
    }

    pub(super) fn attempt(
        &self,
        wanted: Vec<SocketKey>,
        patience: Patience,
    ) -> Result<(), ConnectError> {
        let mut attempt = self.shared().attempt(wanted.clone(), patience);
        self.open_sockets(&wanted);
        attempt.begin();
        let outcome = park::wait(None, |cx| Pin::new(&mut attempt).poll(cx));
        outcome.unwrap_or(Ok(()))
    }

    pub(super) fn open_sockets(&self, wanted: &[SocketKey]) {
        driver::open(self.shared(), wanted);
    }

    // ---- State ----------------------------------------------------------------------------

    /// How the link stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared().hub().ask(|manager| manager.status())
    }

    /// Whether the link to the server is open. For a namespace see [`Socket::is_connected`].
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status() == Status::Open
    }
}

client_traits!();
