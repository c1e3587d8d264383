//! A client for scripts: one namespace, no handlers; events are received when they are wanted.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use tokio::time::timeout;

use crate::client::Client;
use crate::config::Config;
use crate::error::{AckError, ConnectError, EmitError, ReceiveError};
use crate::events::Event;
use crate::hub::Watcher;
use crate::proto::{FromArgs, Payload};
use crate::socket::{Events, Socket};

/// A client of one namespace that sends and receives in turn.
///
/// ```no_run
/// use std::time::Duration;
/// use socketio_client::SimpleClient;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = SimpleClient::connect("http://localhost:3000").await?;
/// client.emit("question", &("how are you?", 1)).await?;
/// let event = client.receive(Duration::from_secs(5)).await?;
/// println!("{}: {}", event.name, event.data::<String>()?);
/// client.disconnect().await;
/// # Ok(())
/// # }
/// ```
///
/// The connection is kept up as [configured](Config::reconnection); what is emitted meanwhile
/// waits. Events that nobody receives wait as well: up to 256 of them, then the server is
/// [no longer read](Socket::events).
#[derive(Debug)]
pub struct SimpleClient {
    socket: Socket,
    events: Events,
    watcher: Watcher,
}

impl SimpleClient {
    /// Connects to the default namespace of the server that the configuration, or just a URL,
    /// names.
    ///
    /// # Errors
    /// Why it was not connected.
    pub async fn connect(config: impl Into<Config>) -> Result<Self, ConnectError> {
        Self::join(Client::new(config).of("/")).await
    }

    /// Connects a namespace of a client that has been set up for it: with credentials, for
    /// instance, or another connector.
    ///
    /// # Errors
    /// Why it was not connected.
    pub async fn join(socket: Socket) -> Result<Self, ConnectError> {
        // Before: the server may send at once.
        let events = socket.events();
        socket.connect().await?;
        let watcher = Watcher::new(socket.member().hub());
        Ok(Self {
            socket,
            events,
            watcher,
        })
    }

    /// The socket, for everything else.
    #[must_use]
    pub const fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Sends an event. While the client reconnects, it waits until that is done. Dropped before,
    /// nothing was sent.
    ///
    /// # Errors
    /// If the client has been disconnected for good, or the event cannot be encoded.
    pub async fn emit(&self, event: &str, args: &(impl Payload + ?Sized)) -> Result<(), EmitError> {
        self.until_connected()
            .await
            .ok_or(EmitError::Disconnected)?;
        Ok(self.socket.emit(event, args)?)
    }

    /// Sends an event and waits for the server's answer, for up to 60 s. While the client
    /// reconnects, it waits until that is done.
    ///
    /// # Errors
    /// If there is no answer, or not the one expected. An event whose answer was lost with the
    /// connection is not sent again: the server may have got it.
    pub async fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<T, AckError> {
        self.until_connected().await.ok_or(AckError::Disconnected)?;
        self.socket.call(event, args).await
    }

    /// [`call`](Self::call) that waits for up to so long, in all.
    ///
    /// # Errors
    /// As there.
    pub async fn call_within<T: FromArgs>(
        &self,
        patience: Duration,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<T, AckError> {
        let called = timeout(patience, self.call(event, args)).await;
        called.unwrap_or(Err(AckError::Timeout))
    }

    /// The next event, waiting for it as long as given, or for ever. If the server asks for an
    /// acknowledgement, it gets one without arguments. Dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// If none came.
    pub async fn receive(
        &mut self,
        patience: impl Into<Option<Duration>>,
    ) -> Result<Event, ReceiveError> {
        let next = std::future::poll_fn(|cx| self.poll_event(cx));
        let received = match patience.into() {
            Some(patience) => timeout(patience, next)
                .await
                .map_err(|_| ReceiveError::Timeout)?,
            None => next.await,
        };
        received.ok_or(ReceiveError::Disconnected)
    }

    /// Says goodbye, and waits until that is done.
    pub async fn disconnect(self) {
        self.socket.client().close().await;
    }

    /// Waits until the socket is connected. `None` if it will not be.
    async fn until_connected(&self) -> Option<()> {
        let key = self.socket.member().key();
        let watcher = Watcher::new(self.socket.member().hub());
        let connected = watcher.until(|view| match view.manager.sid(key) {
            Some(_) => Some(Some(())),
            None if view.is_over(key) => Some(None),
            None => None,
        });
        connected.await
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let event = match self.events.poll(cx) {
            Poll::Ready(event) => event,
            Poll::Pending => {
                let key = self.socket.member().key();
                let over = self
                    .watcher
                    .poll(cx, |view| view.is_over(key).then_some(()));
                return over.map(|()| None);
            }
        };
        Poll::Ready(event.map(|mut event| {
            // No arguments can always be encoded.
            let _ = event.ack.take().send(&());
            event
        }))
    }
}

impl Stream for SimpleClient {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.poll_event(cx)
    }
}
