//! A namespace of a client, as a program holds it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::Serialize;

use crate::ack::Ack;
use crate::attempt::Patience;
use crate::client::Client;
use crate::error::{ConnectError, SendError};
use crate::events::{Event, Queue};
use crate::extract::{EventContext, FromEvent, What};
use crate::failure::{HandlerErrorKind, Rejection};
use crate::handler::{Handler, Route};
use crate::listener::{Listener, install};
use crate::manager::SocketKey;
use crate::member::Member;
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
    pub(crate) const fn new(client: Client, nsp: Arc<Namespace>) -> Self {
        Self { client, nsp }
    }

    /// The socket of a namespace, while anybody holds the client.
    pub(crate) fn find(shared: &Shared, key: SocketKey) -> Option<Self> {
        let (handle, nsp) = shared.socket(key)?;
        Some(Self::new(Client::from_handle(handle), nsp))
    }

    /// The namespace's name, with its slash.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.nsp.member().name()
    }

    /// The client.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The id by which the server knows this socket, while it is connected. Another one after each
    /// reconnection, unless the socket was [recovered](Self::recovered).
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.nsp.member().id()
    }

    /// Whether the server has let the client in, and neither side has left since.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.nsp.member().is_connected()
    }

    /// Whether it is connected, or will be without being asked: not before it was asked for, after
    /// either side has left, or after the server has refused.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.nsp.member().is_active()
    }

    /// Whether the last time it was connected it went on where it was: the server has kept its
    /// socket, and sent what was missed.
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.nsp.member().recovered()
    }

    // ---- Credentials ----------------------------------------------------------------------

    /// What the server is shown when the namespace is asked for: anything that serializes to a
    /// JSON object. For the next time on.
    pub fn auth(&self, credentials: impl Serialize) -> &Self {
        self.provide(Provider::fixed(Credentials::new(credentials)))
    }

    /// Asks for what the server is shown, each time the namespace is asked for. An error is told
    /// as [`ConnectError::Auth`].
    pub fn auth_with<F, R>(&self, ask: F) -> &Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<Credentials>> + Send + 'static,
    {
        self.provide(Provider::asked(ask))
    }

    fn provide(&self, provider: Provider<Credentials>) -> &Self {
        self.nsp.set_auth(provider);
        self
    }

    // ---- Handlers -------------------------------------------------------------------------

    handler_methods!(Handler<M>, Route::new);

    /// Leaves everything that no handler is registered for by name to a listener.
    pub fn listen(&self, listener: impl Listener) -> &Self {
        install(self.nsp.routes(), listener);
        self
    }

    /// The events that no handler is registered for by name, as a stream. It takes the place of
    /// [`on_fallback`](Self::on_fallback) and of any stream before, which ends.
    ///
    /// Up to 256 events wait to be taken. After that **the link is not read**: whoever does not
    /// take events holds up everything the server sends, in all namespaces of the client,
    /// acknowledgements and heartbeats included. A server whose heartbeat is not answered closes
    /// the link, by default after 20 s to 45 s; the client then connects again once there is room.
    pub fn events(&self) -> Events {
        let queue = Queue::new(self.nsp.member());
        let feeder = Feeder(Arc::clone(&queue));
        let route = Route::at_once(move |event| {
            feeder.0.push(Event::from_event(event)?);
            Ok(())
        });
        Events {
            route: self.nsp.routes().put(Place::Fallback, route),
            socket: self.clone(),
            queue,
        }
    }

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

    /// Leaves the namespace, behind what was emitted before. It is not connected again until it is
    /// asked for. With the last namespace the link is closed.
    pub fn disconnect(&self) {
        self.nsp.member().disconnect();
    }

    /// [`disconnect`](Self::disconnect)s and forgets the namespace, with its handlers and all that
    /// waits to be sent: for clients that see many namespaces in their life. What is left of its
    /// sockets sends nothing any more; [`Client::of`] makes a new one. The default namespace is
    /// only left.
    pub fn forget(&self) {
        self.client.shared().forget(self.nsp.member().key());
    }

    // ---- Sending --------------------------------------------------------------------------

    /// Sends an event; see [`Payload`] for what can be sent.
    ///
    /// Returns as soon as the event is queued. Events of one socket leave in the order in which
    /// `emit` returned, those that were emitted before it was connected first of all.
    ///
    /// # Errors
    /// If name or arguments cannot be encoded, or too much is waiting already. Nothing was sent.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
        self.nsp.member().emit(event, args)
    }

    /// Sends an event only if it can leave at once: the socket is connected, and its transport is
    /// ready. Otherwise it is dropped. Says which.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_volatile<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<bool, SendError> {
        self.nsp.member().emit_volatile(event, args)
    }

    /// Sends an event of the name `message`.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<(), SendError> {
        self.emit("message", args)
    }

    /// Sends an event and waits for the server's acknowledgement, as a future; 60 s unless another
    /// [timeout](Ack::timeout) is set. The event is sent now, not when the future is first polled.
    ///
    /// `T` is what the server answers with: a tuple for several arguments, any other type for the
    /// first one.
    pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> Ack<T> {
        Ack::call(self, event, args)
    }

    // ---- For the crate --------------------------------------------------------------------

    pub(crate) fn member(&self) -> &Arc<Member> {
        self.nsp.member()
    }

    fn routes(&self) -> &Routes<Route> {
        self.nsp.routes()
    }

    /// Who is to be run.
    pub(crate) fn select(&self, what: &What<'_>) -> Selected<Route> {
        select(self.nsp.routes(), self.client.shared().routes(), what)
    }

    /// Hands a failed handler to the error hook.
    pub(crate) fn report(&self, event: &str, kind: HandlerErrorKind) {
        self.client.shared().report(self.namespace(), event, kind);
    }
}

impl FromEvent<Self> for Socket {
    fn from_event(event: &mut EventContext<'_, Self>) -> Result<Self, Rejection> {
        Ok(event.socket.clone())
    }
}

impl FromEvent<Socket> for Client {
    fn from_event(event: &mut EventContext<'_, Socket>) -> Result<Self, Rejection> {
        Ok(event.socket.client.clone())
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.nsp, &other.nsp)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("namespace", &self.namespace())
            .finish_non_exhaustive()
    }
}

/// Events of a namespace, in order; see [`Socket::events`]. It ends when another takes its place,
/// and after [`Client::close`].
#[derive(Debug)]
#[must_use = "events wait to be taken, and hold up the client"]
pub struct Events {
    socket: Socket,
    queue: Arc<Queue>,
    route: Weak<Route>,
}

/// Fills a queue, until its route is dropped.
struct Feeder(Arc<Queue>);

impl Drop for Feeder {
    fn drop(&mut self) {
        self.0.close();
    }
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

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.abandon();
        self.socket.nsp.routes().clear_fallback(&self.route);
    }
}
