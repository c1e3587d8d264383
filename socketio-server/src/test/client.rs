//! A client in one namespace, as a test holds it.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use engine::Transport;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::connect::Join;
use super::driver::{Command, CurrentTransport};
use super::event::{Event, Reply};
use super::server::{PATIENCE, Server};
use super::sockets::{Arrived, Ended, Joined};
use crate::error::AckError;
use crate::handler::BoxFuture;
use crate::proto::{EncodeError, Encoded, Encoder, FromArgs, NamespaceId, Payload};

/// A client that has joined a namespace.
///
/// It answers pings by itself, keeps what the server sends until the test looks, and knows nothing
/// of reconnecting. What it is told to do happens while the test awaits something: [`emit`] and the
/// like return at once.
///
/// Dropping it, and with it all clients that share its link, [cuts the link](Self::drop_link).
///
/// [`emit`]: Self::emit
pub struct Client {
    link: Link,
    namespace: String,
    id: String,
    nsp: NamespaceId,
    encoder: Encoder,
    next_id: AtomicU64,
    inbox: mpsc::UnboundedReceiver<Arrived>,
    ended: Ended,
    /// Whether the test has been told of the end, or has brought it about.
    end_is_known: AtomicBool,
}

/// A link, as its clients share it.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) server: Server,
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) transport: CurrentTransport,
}

impl Link {
    /// A link that is at its end takes no commands; its clients know.
    pub(super) fn command(&self, command: Command) {
        let _ = self.commands.send(command);
    }
}

impl Client {
    pub(super) fn new(link: Link, joined: Joined) -> Self {
        Self {
            link,
            namespace: joined.name,
            id: joined.sid,
            nsp: joined.nsp,
            encoder: joined.encoder,
            next_id: AtomicU64::new(0),
            inbox: joined.inbox,
            ended: joined.ended,
            end_is_known: AtomicBool::new(false),
        }
    }

    /// The id of the socket at the server.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The transport of the link now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        *self.link.transport.lock()
    }

    /// Whether the client is in its namespace, as far as it knows.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.ended.get().is_none()
    }

    /// Joins one more namespace over the same link. A missing slash is added.
    pub fn join(&self, namespace: &str) -> Join {
        Join::new(self.link.clone(), namespace)
    }

    // ---- Sending ---------------------------------------------------------------------------

    /// Sends an event, with arguments as for [`Socket::emit`](crate::Socket::emit).
    ///
    /// # Panics
    /// If it cannot be encoded, or the client is not connected.
    #[track_caller]
    pub fn emit(&self, event: &str, args: &(impl Payload + ?Sized)) {
        match self.encode(event, None, args) {
            Ok(message) => self.link.command(Command::Send(message)),
            Err(error) => panic!("`{event}` cannot be sent: {error}"),
        }
    }

    /// Sends an event, now, and waits for the server's acknowledgement: what its handler returns.
    ///
    /// # Errors
    /// [`AckError`], with the server in the role of who answers: after 120 s without an answer, if
    /// the client is disconnected before one, or if it has another shape.
    ///
    /// # Panics
    /// If the event cannot be encoded, or the client is not connected.
    #[track_caller]
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> BoxFuture<Result<T, AckError>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (ticket, answer) = oneshot::channel();
        match self.encode(event, Some(id), args) {
            Ok(message) => self
                .link
                .command(Command::Call(self.nsp, id, ticket, message)),
            Err(error) => panic!("`{event}` cannot be sent: {error}"),
        }
        Box::pin(async move {
            match timeout(PATIENCE, answer).await {
                Ok(Ok(args)) => T::from_args(args).map_err(AckError::Mismatch),
                Ok(Err(_)) => Err(AckError::Disconnected),
                Err(_) => Err(AckError::Timeout),
            }
        })
    }

    #[track_caller]
    fn encode(
        &self,
        event: &str,
        id: Option<u64>,
        args: &(impl Payload + ?Sized),
    ) -> Result<Encoded, EncodeError> {
        if let Some(reason) = self.ended.get() {
            panic!("`{event}` cannot be sent: the client is disconnected: {reason}");
        }
        args.event(&self.encoder, &self.namespace, id, event)
    }

    // ---- Receiving -------------------------------------------------------------------------

    /// Takes the next event, which must be this one, and its arguments: a tuple takes several, any
    /// other type the first one, `()` none. Waits for it up to 120 s.
    ///
    /// # Panics
    /// If something else comes, or nothing.
    #[track_caller]
    pub fn expect<T: FromArgs>(&mut self, event: &str) -> impl Future<Output = T> + Send {
        let caller = Location::caller();
        let event = event.to_owned();
        async move { self.next_named(&event, caller).await.data() }
    }

    /// Takes the next event, which must be this one, as a whole: to [answer](Event::ack) it.
    ///
    /// # Panics
    /// If something else comes, or nothing.
    #[track_caller]
    pub fn expect_event(&mut self, event: &str) -> impl Future<Output = Event> + Send {
        let caller = Location::caller();
        let event = event.to_owned();
        async move { self.next_named(&event, caller).await }
    }

    /// Takes the next event, whichever it is. Waits for it up to 120 s.
    ///
    /// # Panics
    /// If none comes.
    #[track_caller]
    pub fn receive(&mut self) -> impl Future<Output = Event> + Send {
        let caller = Location::caller();
        async move {
            match self.next().await {
                Next::Event(event) => event,
                other => panic!("expected an event at {caller}, but {other}"),
            }
        }
    }

    /// Takes all events that have arrived when everything [has come to rest](Server::settle).
    pub async fn received(&mut self) -> Vec<Event> {
        self.link.server.settle().await;
        self.rest()
    }

    /// Nothing has arrived when everything [has come to rest](Server::settle). The end of the
    /// connection is not nothing, unless the test knows of it.
    ///
    /// # Panics
    /// If there is something.
    #[track_caller]
    pub fn expect_nothing(&mut self) -> impl Future<Output = ()> + Send {
        let caller = Location::caller();
        async move {
            let events = self.received().await;
            let end = self.ended.get();
            let news = end.filter(|_| !self.end_is_known.swap(true, Ordering::Relaxed));
            assert!(
                events.is_empty() && news.is_none(),
                "expected nothing at {caller}, but got {events:?}{}",
                news.map_or(String::new(), |reason| format!(" and the end: {reason}")),
            );
        }
    }

    /// The server sends no event any more, but ends the connection. Tells why, in the words of
    /// JavaScript's client: `io server disconnect` if the server has sent the client away from
    /// the namespace, `transport close` if the link is gone, or on polling `transport error`,
    /// `ping timeout` if the server has fallen silent, `io client disconnect` if this side has
    /// left. Waits for it up to 120 s.
    ///
    /// # Panics
    /// If an event comes, or nothing.
    #[track_caller]
    pub fn expect_disconnect(&mut self) -> impl Future<Output = &'static str> + Send {
        let caller = Location::caller();
        async move {
            match self.next().await {
                Next::End(reason) => reason,
                other => panic!(
                    "expected the end at {caller}, but {other}{}",
                    Behind(self.rest())
                ),
            }
        }
    }

    async fn next_named(&mut self, name: &str, caller: &Location<'_>) -> Event {
        match self.next().await {
            Next::Event(event) if event.name == name => event,
            other => panic!(
                "expected `{name}` at {caller}, but {other}{}",
                Behind(self.rest())
            ),
        }
    }

    async fn next(&mut self) -> Next {
        match timeout(PATIENCE, self.inbox.recv()).await {
            Ok(Some(arrived)) => Next::Event(self.event(arrived)),
            Ok(None) => {
                self.end_is_known.store(true, Ordering::Relaxed);
                Next::End(self.ended.get().copied().unwrap_or_default())
            }
            Err(_) => Next::Nothing,
        }
    }

    /// What has arrived and has not been looked at.
    fn rest(&mut self) -> Vec<Event> {
        let arrived = std::iter::from_fn(|| self.inbox.try_recv().ok());
        let arrived: Vec<_> = arrived.collect();
        arrived.into_iter().map(|it| self.event(it)).collect()
    }

    fn event(&self, arrived: Arrived) -> Event {
        let reply = arrived.id.map(|id| Reply {
            id,
            namespace: self.namespace.clone(),
            encoder: self.encoder.clone(),
            commands: self.link.commands.downgrade(),
        });
        Event {
            name: arrived.name,
            args: arrived.args,
            reply,
        }
    }

    // ---- The end, and other troubles -------------------------------------------------------

    /// Leaves the namespace. The disconnect handler sees `client namespace disconnect`. The link
    /// stays open.
    pub fn disconnect(&self) {
        self.end_is_known.store(true, Ordering::Relaxed);
        self.link.command(Command::Leave(self.nsp));
    }

    /// Closes the link in good order, and with it all namespaces on it, once everything that was
    /// sent has left. Disconnect handlers see `transport close`.
    pub fn close_link(&self) {
        self.end_is_known.store(true, Ordering::Relaxed);
        self.link.command(Command::Close);
    }

    /// Cuts the link, and with it all namespaces on it, as when a browser is closed: what has not
    /// been sent or received by now never is. Disconnect handlers see `transport close`, or on polling
    /// `transport error`.
    pub fn drop_link(&self) {
        self.end_is_known.store(true, Ordering::Relaxed);
        self.link.command(Command::Cut);
    }

    /// The client is gone without a trace, as when a phone loses its network: the link stays open,
    /// but nobody is there. Only the heartbeat tells the server, after 45 s of silence unless it
    /// was [configured](crate::Builder::heartbeat); disconnect handlers then see `ping timeout`.
    ///
    /// From now on the client, and all that share its link, get nothing and send nothing.
    pub fn vanish(&self) {
        self.link.command(Command::Vanish);
    }

    /// Stops to read what the server sends, or goes on. What does not fit the
    /// [buffer](super::Connect::buffer) waits at the server, whose limits then apply
    /// ([`OutboxLimits`](crate::OutboxLimits)); pings are not answered meanwhile.
    pub fn set_reading(&self, reading: bool) {
        self.link.command(Command::SetReading(reading));
    }
}

/// What comes next.
enum Next {
    Event(Event),
    End(&'static str),
    Nothing,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => write!(f, "got `{event}`"),
            Self::End(reason) => write!(f, "the client is disconnected: {reason}"),
            Self::Nothing => write!(f, "nothing came within {PATIENCE:?}"),
        }
    }
}

/// What followed an unexpected event.
struct Behind(Vec<Event>);

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lead = ", and behind it ";
        for event in &self.0 {
            f.write_str(std::mem::replace(&mut lead, ", "))?;
            write!(f, "`{event}`")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("namespace", &self.namespace)
            .field("id", &self.id)
            .field("ended", &self.ended.get())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
