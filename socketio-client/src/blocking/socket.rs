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
use crate::events::{Event, Queue};
use crate::extract::{EventContext, FromEvent, What};
use crate::failure::{HandlerErrorKind, Rejection};
use crate::manager::SocketKey;
use crate::member::Member;
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
    pub(super) const fn new(client: Client, nsp: Arc<Namespace>) -> Self {
        Self { client, nsp }
    }

    /// The socket of a namespace, while anybody holds the client.
    pub(super) fn find(shared: &Shared, key: SocketKey) -> Option<Self> {
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
        self.nsp
            .set_auth(Provider::fixed(Credentials::new(credentials)));
        self
    }

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

    /// Leaves everything that no handler is registered for by name to a listener.
    pub fn listen(&self, listener: impl Listener) -> &Self {
        install(self.routes(), listener);
        self
    }

    /// The events that no handler is registered for by name, one by one. It takes the place of
    /// [`on_fallback`](Self::on_fallback) and of anybody who took events before, for whom they end.
    ///
    /// Up to 256 events wait to be taken. After that **the link is not read**: whoever does not
    /// take events holds up everything the server sends, in all namespaces of the client,
    /// acknowledgements and heartbeats included. A server whose heartbeat is not answered closes
    /// the link, by default after 20 s to 45 s; the client then connects again once there is room.
    pub fn events(&self) -> Events {
        let queue = Queue::new(self.nsp.member());
        let feeder = Feeder(Arc::clone(&queue));
        let route = Route::silent(move |event| {
            feeder.0.push(Event::from_event(event)?);
            Ok(())
        });
        Events {
            route: self.routes().put(Place::Fallback, route),
            socket: self.clone(),
            queue,
        }
    }

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

    /// Sends an event for the server to acknowledge: [`wait`](PendingAck::wait) for the answer, up
    /// to 60 s unless another [timeout](PendingAck::timeout) is set. Other events may be sent
    /// meanwhile.
    ///
    /// `T` is what the server answers with: a tuple for several arguments, any other type for the
    /// first one.
    pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
        PendingAck::call(self, event, args)
    }

    // ---- For the crate --------------------------------------------------------------------

    pub(super) fn member(&self) -> &Arc<Member> {
        self.nsp.member()
    }

    fn routes(&self) -> &Routes<Route> {
        self.nsp.routes()
    }

    /// Who is to be run.
    pub(super) fn select(&self, what: &What<'_>) -> Selected<Route> {
        select(self.routes(), self.client.shared().routes(), what)
    }

    /// Hands a failed handler to the error hook.
    pub(super) fn report(&self, event: &str, kind: HandlerErrorKind) {
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

/// Events of a namespace, in order; see [`Socket::events`]. As an iterator it waits for the next
/// one, and ends when somebody else takes the events, and after [`Client::close`].
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

impl Drop for Events {
    fn drop(&mut self) {
        self.queue.abandon();
        self.socket.routes().clear_fallback(&self.route);
    }
}
