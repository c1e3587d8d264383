//! The async client as a program holds it: one server, any number of namespaces over one link.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use serde::Serialize;

use crate::ack::PendingAck;
use crate::attempt::Patience;
use crate::config::Config;
use crate::engine::{Connect, Transport};
use crate::error::{ConnectError, SendError};
use crate::failure::HandlerError;
use crate::handler::{Handler, Route};
use crate::hub::Watcher;
use crate::listener::{Listener, install};
use crate::manager::SocketKey;
use crate::methods::{client_methods, client_traits};
use crate::proto::{FromArgs, Payload, Tick};
use crate::provide::{Credentials, Provide};
use crate::routes::{Routes, handler_methods};
use crate::socket::{Events, Socket};
use crate::stage::{Stage, Status};
use crate::task::{self, Handle, Provider, Shared};
use tokio::time::Instant;

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
    client_methods!(pub(crate));

    fn build(config: Config, connector: Option<Arc<dyn Connect>>) -> Self {
        let epoch = Instant::now();
        let clock = Box::new(move || epoch.elapsed().as_millis() as Tick);
        Self(Handle::new(config, connector, epoch, clock))
    }

    // ---- What the application is asked for ------------------------------------------------

    /// Asks for what the server is shown, each time such a namespace is asked for.
    ///
    /// ```no_run
    /// # async fn fetch_token() -> Result<String, std::io::Error> { Ok(String::new()) }
    /// use serde_json::json;
    ///
    /// let client = socketio_client::Client::new("http://localhost:3000");
    /// client.auth_with(async || fetch_token().await.map(|token| json!({ "token": token })));
    /// ```
    pub fn auth_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<Credentials>> + Send + 'static,
    {
        self.shared().ask_for_credentials(Provider::asked(ask));
        self
    }

    /// Asks for the URL before every attempt, in place of that of the configuration.
    pub fn url_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<String>> + Send + 'static,
    {
        self.shared().ask_for_url(Provider::asked(ask));
        self
    }

    /// Asks for headers before every attempt: they go with all requests of the link, and replace
    /// those of the same name in the configuration.
    pub fn headers_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<HeaderMap>> + Send + 'static,
    {
        self.shared().ask_for_headers(Provider::asked(ask));
        self
    }

    // ---- Handlers of the default namespace ------------------------------------------------

    handler_methods!(Handler<M>, Route::new);

    // ---- Connecting -----------------------------------------------------------------------

    /// Connects all namespaces that were spoken of so far, `/` if there are none, and waits for the
    /// outcome of the first attempt. After it, the client reconnects by itself, as
    /// [configured](Config::reconnection).
    ///
    /// In JavaScript a client whose first attempt fails goes on trying:
    /// [`connect_with_retry`](Self::connect_with_retry) and [`open`](Self::open) do so here.
    ///
    /// Dropping the future, like a failure, leaves the namespaces it was to connect; no attempt
    /// follows.
    ///
    /// # Errors
    /// Why one of them was not connected, with the server's message and data if it refused.
    pub async fn connect(&self) -> Result<(), ConnectError> {
        let wanted = self.shared().all_namespaces();
        self.attempt(wanted, Patience::FirstAttempt).await
    }

    /// [`connect`](Self::connect) that goes on trying while the server cannot be reached, as
    /// [configured](Config::reconnection).
    ///
    /// # Errors
    /// If the server refused, or all attempts have failed.
    pub async fn connect_with_retry(&self) -> Result<(), ConnectError> {
        let wanted = self.shared().all_namespaces();
        self.attempt(wanted, Patience::AllAttempts).await
    }

    /// Connects all namespaces that were spoken of so far, `/` if there are none, and waits for
    /// nothing, like JavaScript. What fails is tried again as configured; handlers and
    /// [`status`](Self::status) tell the outcome.
    ///
    /// Also the way to reconnect by hand: at once if the client waits for the next attempt, and
    /// after it has given up.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(&self) {
        self.open_sockets(&self.shared().all_namespaces());
    }

    /// [`disconnect`](Self::disconnect)s for good: waits until the link is closed and handlers
    /// under way have come to their ends, and forgets all handlers.
    ///
    /// Called from a handler, it would wait for itself.
    pub async fn close(&self) {
        self.disconnect();
        let watcher = Watcher::new(self.shared().hub());
        watcher.until(|view| (!view.driven).then_some(())).await;
        self.shared().forget_handlers();
    }

    /// Waits until the client is closed and no attempt will follow: it was disconnected, by either
    /// side, or has given up. Dropped before, nothing has happened.
    pub async fn wait(&self) {
        let watcher = Watcher::new(self.shared().hub());
        let is_over = |status| matches!(status, Status::Closed).then_some(());
        watcher.until(|view| is_over(view.manager.status())).await;
    }

    pub(crate) async fn attempt(
        &self,
        wanted: Vec<SocketKey>,
        patience: Patience,
    ) -> Result<(), ConnectError> {
        let attempt = self.shared().attempt(wanted.clone(), patience);
        self.open_sockets(&wanted);
        attempt.begin();
        attempt.await
    }

    pub(crate) fn open_sockets(&self, wanted: &[SocketKey]) {
        task::open(self.shared(), wanted);
    }

    // ---- State ----------------------------------------------------------------------------

    /// How the link stands, now and from now on.
    #[must_use]
    pub fn status(&self) -> StatusWatch {
        let watcher = Watcher::new(self.shared().hub());
        StatusWatch {
            seen: self.shared().hub().ask(|manager| manager.status()),
            watcher,
        }
    }

    /// Whether the link to the server is open. For a namespace see [`Socket::is_connected`].
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.status().get() == Status::Open
    }
}

client_traits!();

/// Sees how the link stands. It does not keep the client alive.
#[derive(Debug)]
pub struct StatusWatch {
    watcher: Watcher,
    seen: Status,
}

impl StatusWatch {
    /// How it stands now.
    #[must_use]
    pub fn get(&self) -> Status {
        self.watcher.ask(|view| view.manager.status())
    }

    /// Waits until it stands otherwise than this watch has told last, and tells. States that follow
    /// one another quickly may be missed, the last one never. `None` once nobody holds the client
    /// and its link is closed. Dropped while it waits, nothing is lost.
    pub async fn changed(&mut self) -> Option<Status> {
        let seen = self.seen;
        let changed = self.watcher.until(|view| {
            let status = view.manager.status();
            let is_over = view.abandoned && !view.driven;
            (status != seen || is_over).then_some((status != seen).then_some(status))
        });
        let changed = changed.await;
        self.seen = changed.unwrap_or(seen);
        changed
    }
}
