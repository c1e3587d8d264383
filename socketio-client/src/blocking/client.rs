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
    /// A client for the server that the configuration, or just a URL, names. Nothing happens until
    /// it is told to connect.
    pub fn new(config: impl Into<Config>) -> Self {
        Self::build(config.into(), None)
    }

    /// A client that reaches its server over sockets that somebody else opens.
    pub fn with_connector(config: impl Into<Config>, connector: impl Connect) -> Self {
        Self::build(config.into(), Some(Arc::new(connector)))
    }

    fn build(config: Config, connector: Option<Arc<dyn Connect>>) -> Self {
        let epoch = now();
        let clock = Box::new(move || now().saturating_duration_since(epoch).as_millis() as Tick);
        Self(Handle::new(config, connector, epoch, clock))
    }

    pub(super) const fn from_handle(handle: Arc<Handle>) -> Self {
        Self(handle)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.0.shared()
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.shared().config()
    }

    /// The socket of a namespace; the same for the same name. A missing slash is added.
    ///
    /// It is connected by the next [`connect`](Self::connect), or by its own.
    #[must_use]
    pub fn of(&self, name: &str) -> Socket {
        Socket::new(self.clone(), self.shared().namespace(name))
    }

    /// All namespaces together, for handlers of what the handlers of a namespace leave over.
    #[must_use]
    pub fn any_namespace(&self) -> AnyNamespace {
        AnyNamespace(self.clone())
    }

    // ---- What the application is asked for ------------------------------------------------

    /// What the server is shown when a namespace is asked for that has no
    /// [credentials of its own](Socket::auth): anything that serializes to a JSON object.
    pub fn auth(&self, credentials: impl Serialize) -> &Self {
        let provider = Provider::fixed(Credentials::new(credentials));
        self.shared().ask_for_credentials(provider);
        self
    }

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

    // ---- Hooks ----------------------------------------------------------------------------

    /// Is told of handlers that were rejected, failed or panicked, in place of an error in the
    /// log. It runs on the thread of the handlers.
    pub fn on_error(&self, hook: impl Fn(&HandlerError) + Send + Sync + 'static) -> &Self {
        self.shared().set_error_hook(Arc::new(hook));
        self
    }

    /// Is told of every stage of the link, reconnection above all: what JavaScript's `Manager`
    /// emits. It runs on the thread that talks to the server: be brief.
    pub fn on_stage(&self, hook: impl Fn(&Stage) + Send + Sync + 'static) -> &Self {
        self.shared().set_stage_hook(Arc::new(hook));
        self
    }

    // ---- Handlers and events of the default namespace -------------------------------------

    handler_methods!(Handler<M>, Route::new);

    /// [`Socket::listen`] of the default namespace.
    pub fn listen(&self, listener: impl Listener) -> &Self {
        install(self.routes(), listener);
        self
    }

    /// [`Socket::events`] of the default namespace.
    pub fn events(&self) -> Events {
        self.root().events()
    }

    fn routes(&self) -> &Routes<Route> {
        self.shared().root().routes()
    }

    fn root(&self) -> Socket {
        Socket::new(self.clone(), Arc::clone(self.shared().root()))
    }

    /// [`Socket::emit`] of the default namespace.
    ///
    /// # Errors
    /// As there.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
        self.root().emit(event, args)
    }

    /// [`Socket::emit_volatile`] of the default namespace.
    ///
    /// # Errors
    /// As there.
    pub fn emit_volatile<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<bool, SendError> {
        self.root().emit_volatile(event, args)
    }

    /// [`Socket::send`] of the default namespace.
    ///
    /// # Errors
    /// As there.
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<(), SendError> {
        self.root().send(args)
    }

    /// [`Socket::call`] of the default namespace.
    pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
        self.root().call(event, args)
    }

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

    /// Leaves all namespaces and closes the link, behind what was emitted before. Nothing is
    /// connected again until it is asked for.
    pub fn disconnect(&self) {
        self.shared().disconnect_all();
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

    /// What carries the link, while there is one.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.shared().transport()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.config().engine.url)
            .finish_non_exhaustive()
    }
}

/// All namespaces of a client: handlers here run for what no handler of the namespace itself takes.
#[derive(Debug, Clone)]
pub struct AnyNamespace(Client);

impl AnyNamespace {
    handler_methods!(Handler<M>, Route::new);

    /// Leaves everything that no other handler takes to a listener.
    pub fn listen(&self, listener: impl Listener) -> &Self {
        install(self.routes(), listener);
        self
    }

    fn routes(&self) -> &Routes<Route> {
        self.0.shared().routes()
    }
}
