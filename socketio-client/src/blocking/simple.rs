//! A client for scripts: one namespace, no handlers; events are received when they are wanted.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::client::Client;
use super::park;
use super::socket::{Events, Socket};
use crate::config::Config;
use crate::engine::blocking::clock::{after, now};
use crate::error::{AckError, ConnectError, EmitError, ReceiveError};
use crate::events::Event;
use crate::hub::Watcher;
use crate::proto::{FromArgs, Payload};

/// A client of one namespace that sends and receives in turn.
///
/// ```no_run
/// use std::time::Duration;
/// use socketio_client::blocking::SimpleClient;
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut client = SimpleClient::connect("http://localhost:3000")?;
/// client.emit("question", &("how are you?", 1))?;
/// let event = client.receive(Duration::from_secs(5))?;
/// println!("{}: {}", event.name, event.data::<String>()?);
/// client.disconnect();
/// # Ok(())
/// # }
/// ```
///
/// The connection is kept up as [configured](Config::reconnection). Events that nobody receives
/// wait: up to 256 of them, then the server is [no longer read](Socket::events). As an iterator it
/// receives until the client is disconnected for good.
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
    pub fn connect(config: impl Into<Config>) -> Result<Self, ConnectError> {
        Self::join(Client::new(config).of("/"))
    }

    /// Connects a namespace of a client that has been set up for it: with credentials, for
    /// instance, or another connector.
    ///
    /// # Errors
    /// Why it was not connected.
    pub fn join(socket: Socket) -> Result<Self, ConnectError> {
        // Before: the server may send at once.
        let events = socket.events();
        socket.connect()?;
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

    /// Sends an event. While the client reconnects, it waits until that is done.
    ///
    /// # Errors
    /// If the client has been disconnected for good, or the event cannot be encoded.
    pub fn emit(&self, event: &str, args: &(impl Payload + ?Sized)) -> Result<(), EmitError> {
        match self.until_connected(None) {
            Some(true) => Ok(self.socket.emit(event, args)?),
            _ => Err(EmitError::Disconnected),
        }
    }

    /// Sends an event and waits for the server's answer, for up to 60 s. While the client
    /// reconnects, it waits until that is done.
    ///
    /// # Errors
    /// If there is no answer, or not the one expected. An event whose answer was lost with the
    /// connection is not sent again: the server may have got it.
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<T, AckError> {
        match self.until_connected(None) {
            Some(true) => self.socket.call(event, args).wait(),
            _ => Err(AckError::Disconnected),
        }
    }

    /// [`call`](Self::call) that waits for up to so long, in all.
    ///
    /// # Errors
    /// As there.
    pub fn call_within<T: FromArgs>(
        &self,
        patience: Duration,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<T, AckError> {
        let deadline = after(patience);
        match self.until_connected(deadline) {
            Some(true) => {}
            Some(false) => return Err(AckError::Disconnected),
            None => return Err(AckError::Timeout),
        }
        let left = deadline.map(|at| at.saturating_duration_since(now()));
        let call = self.socket.call(event, args);
        call.timeout(left.unwrap_or(Duration::MAX)).wait()
    }

    /// The next event, waiting for it as long as given, or for ever. If the server asks for an
    /// acknowledgement, it gets one without arguments.
    ///
    /// # Errors
    /// If none came.
    pub fn receive(
        &mut self,
        patience: impl Into<Option<Duration>>,
    ) -> Result<Event, ReceiveError> {
        let patience = patience.into();
        let deadline = patience.and_then(after);
        let received = park::wait(deadline, |cx| self.poll_event(cx));
        let received = received.ok_or(ReceiveError::Timeout)?;
        received.ok_or(ReceiveError::Disconnected)
    }

    /// Says goodbye, and waits until that is done.
    pub fn disconnect(self) {
        self.socket.client().close();
    }

    /// Waits until the socket is connected. False if it will not be, `None` if not in time.
    fn until_connected(&self, deadline: Option<Instant>) -> Option<bool> {
        let key = self.socket.member().key();
        let watcher = Watcher::new(self.socket.member().hub());
        park::wait(deadline, |cx| {
            watcher.poll(cx, |view| match view.manager.sid(key) {
                Some(_) => Some(true),
                None => view.is_over(key).then_some(false),
            })
        })
    }

    fn poll_event(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let event = match self.events.queue().poll_next(cx) {
            Poll::Ready(event) => event,
            Poll::Pending => {
                let key = self.socket.member().key();
                let over = |view: crate::hub::View<'_>| view.is_over(key).then_some(());
                return self.watcher.poll(cx, over).map(|()| None);
            }
        };
        Poll::Ready(event.map(|mut event| {
            // No arguments can always be encoded.
            let _ = event.ack.take().send(&());
            event
        }))
    }
}

impl Iterator for SimpleClient {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.receive(None).ok()
    }
}
