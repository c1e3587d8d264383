//! The driver of a session on tokio: it moves bytes and time between the core and the byte streams
//! and decides nothing.
//!
//! ```text
//!   streams ──► bytes    ─┐                    ┌─► writes
//!   dials   ──► streams  ─┼─► Core ─► outputs ─┼─► dials, goodbyes
//!   clock   ──► timeouts ─┘     │              └─► events
//!                               ▼ lent messages
//! ```

mod streams;
mod timer;

use std::fmt;
use std::future;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use engineio_proto::client::Handshake;
use engineio_proto::{CloseReason, Message, Prepared, Revision, Tick, Transport};

use self::streams::Streams;
use self::timer::Timer;
use super::core::{Core, Input, Memory, Output};
use super::dial::{Connect, Dialer};
use super::{Config, Error, ErrorKind, Tape, random, scratch};

/// Rounds one poll may go without letting others run, however much arrives meanwhile.
const MAX_ROUNDS: usize = 32;

/// A session with an Engine.IO server.
///
/// It has no task of its own: [`recv`](Self::recv) does everything, heartbeat and sending included,
/// so somebody has to wait in it all the time. It is cancel-safe, which makes it a branch of
/// `tokio::select!`. Any runtime of tokio will do.
///
/// ```no_run
/// use socketio_client::engine::{Connection, Error, Message, Prepared};
///
/// # async fn example() -> Result<(), Error> {
/// let mut connection = Connection::open("http://localhost:3000").await?;
/// connection.send(Prepared::text("hello"));
/// while let Some(message) = connection.recv().await? {
///     match message {
///         Message::Text("bye") => connection.close().await,
///         Message::Text(text) => println!("{text}"),
///         Message::Binary(bytes) => println!("{} bytes", bytes.len()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// Dropping it closes the byte streams without a word, so that a server on polling notices by the
/// missing heartbeat only: [`close`](Self::close) first.
pub struct Connection {
    core: Core,
    dialer: Dialer,
    streams: Streams,
    /// Without a buffer while nothing is in it and nothing arrives.
    input: Input,
    timer: Timer,
    reading: bool,
    end: Option<End>,
}

/// How a session ended.
struct End {
    reason: CloseReason,
    error: Option<Error>,
}

/// What happens to a session, in order.
#[derive(Debug)]
pub(crate) enum Event<'a> {
    /// The server has opened it; once, before anything but the end.
    Opened,
    /// A message of the server.
    Message(Message<'a>),
    /// It lives on another transport now.
    Upgraded(Transport),
    /// It has ended, or never began. From here on nothing else happens, however often asked.
    Closed {
        reason: CloseReason,
        /// What went wrong; always there if the session never began, unless this side closed it.
        error: Option<&'a Error>,
    },
}

/// An [`Event`] without what it lends.
enum Step {
    Opened,
    Message,
    Upgraded(Transport),
    Closed,
}

impl Connection {
    /// Opens a session, within [`open_timeout`](Config::open_timeout).
    ///
    /// # Errors
    /// The configuration is of no use, the server cannot be reached, or it refuses.
    pub async fn open(config: impl Into<Config>) -> Result<Self, Error> {
        Self::opened(Arc::new(config.into()), None).await
    }

    /// The same over byte streams of another making, such as Unix sockets.
    ///
    /// # Errors
    /// As with [`open`](Self::open).
    pub async fn open_with(
        config: impl Into<Config>,
        connector: impl Connect,
    ) -> Result<Self, Error> {
        Self::opened(Arc::new(config.into()), Some(Arc::new(connector))).await
    }

    async fn opened(
        config: Arc<Config>,
        connector: Option<Arc<dyn Connect>>,
    ) -> Result<Self, Error> {
        let dialer = Dialer::new(config.clone(), connector);
        let mut connection = Self::start(config, dialer, Memory::default())?;
        loop {
            match connection.event().await {
                Event::Opened => return Ok(connection),
                Event::Closed { error, .. } => {
                    // Nobody but this function could have closed it, so there is an error.
                    return Err(error.cloned().unwrap_or_else(|| ErrorKind::Ended.into()));
                }
                Event::Message(_) | Event::Upgraded(_) => {}
            }
        }
    }

    /// A session about to be opened: [`Event::Opened`] tells when it is. It takes messages already.
    pub(crate) fn start(
        config: Arc<Config>,
        dialer: Dialer,
        memory: Memory,
    ) -> Result<Self, Error> {
        let timer = Timer::new();
        Ok(Self {
            core: Core::new(config, memory, random::system(), timer.now())?,
            dialer,
            streams: Streams::default(),
            input: Input::new(Vec::new()),
            timer,
            reading: true,
            end: None,
        })
    }

    /// Queues a message. It leaves while [`recv`](Self::recv) or
    /// [`close`](Self::close) is waited for. Messages for a session that has ended are dropped.
    ///
    /// The queue is not bounded: look at [`queued_bytes`](Self::queued_bytes).
    pub fn send(&mut self, message: Prepared) {
        self.core.send(message);
    }

    /// The next message of the server, or `None` once the session has ended in good order: one of
    /// the two sides wanted it.
    ///
    /// Cancel-safe: a call that is dropped before it is ready has not taken a message.
    ///
    /// # Errors
    /// The session broke: the network failed, the heartbeat was missing, or the server said what it
    /// must not. Later calls return `None`.
    pub async fn recv(&mut self) -> Result<Option<Message<'_>>, Error> {
        loop {
            match future::poll_fn(|cx| self.poll_step(cx)).await {
                Step::Message => return Ok(Some(self.core.message(&self.input))),
                Step::Closed => {
                    let error = self.end.as_mut().and_then(|end| end.error.take());
                    return error.map_or(Ok(None), Err);
                }
                Step::Opened | Step::Upgraded(_) => {}
            }
        }
    }

    /// Closes the session in good order, within [`close_timeout`](Config::close_timeout): what is
    /// queued leaves first. Messages that still arrive are dropped. A call that is dropped may be
    /// repeated.
    pub async fn close(&mut self) {
        self.start_close();
        while !matches!(self.event().await, Event::Closed { .. }) {}
    }

    /// Begins to close the session in good order; [`Event::Closed`] tells when it is done.
    pub(crate) fn start_close(&mut self) {
        self.core.close(self.timer.now());
    }

    /// Tells whether messages are wanted. While they are not, the server has to wait with its own.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        if self.reading != reading {
            self.reading = reading;
            self.core.set_reading(self.timer.now(), reading);
        }
    }

    /// The next event. Cancel-safe: a call that is dropped before it is ready has taken none.
    pub(crate) async fn event(&mut self) -> Event<'_> {
        let step = future::poll_fn(|cx| self.poll_step(cx)).await;
        self.lend(step)
    }

    /// The same for futures written by hand.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Event<'_>> {
        let step = ready!(self.poll_step(cx));
        Poll::Ready(self.lend(step))
    }

    fn lend(&self, step: Step) -> Event<'_> {
        match step {
            Step::Opened => Event::Opened,
            Step::Message => Event::Message(self.core.message(&self.input)),
            Step::Upgraded(to) => Event::Upgraded(to),
            Step::Closed => Event::Closed {
                reason: self.close_reason().unwrap_or(CloseReason::ForcedClose),
                error: self.end.as_ref().and_then(|end| end.error.as_ref()),
            },
        }
    }

    /// What the server said when it opened the session: its id and its heartbeat.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.core.handshake()
    }

    /// Where it is recorded, if it is.
    pub(crate) const fn tape(&self) -> Option<&Tape> {
        self.core.tape()
    }

    /// What carries the session now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.core.transport()
    }

    /// The revision of the protocol that is spoken.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.core.revision()
    }

    /// Whether a message sent now would leave at once: nothing is queued, and the transport is
    /// ready.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.core.is_writable()
    }

    /// Bytes of messages that have not been handed to the network yet.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.core.queued_bytes()
    }

    /// Why the session has ended, if it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.end.as_ref().map(|end| end.reason)
    }

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        if self.end.is_some() {
            return Poll::Ready(Step::Closed);
        }
        for _ in 0..MAX_ROUNDS {
            let now = self.timer.now();
            if self.reading && self.core.advance(now, &mut self.input) {
                return Poll::Ready(Step::Message);
            }
            if let Some(step) = self.handle_outputs(cx) {
                return Poll::Ready(step);
            }
            let written = self.streams.poll_write(cx, now, &mut self.core);
            let read = self.poll_read(cx, now);
            if written || read {
                continue;
            }
            // Only now: what had arrived in time counts, however late it is looked at.
            if self.timer.arm(cx, self.core.poll_timeout()) {
                self.core.handle_timeout(self.timer.now());
                continue;
            }
            self.release();
            return Poll::Pending;
        }
        // There is more to do, but others wait as well.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Acts on what the core asks for, up to what somebody is to be told.
    fn handle_outputs(&mut self, cx: &mut Context<'_>) -> Option<Step> {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Dial { stream, target } => self.streams.dial(stream, &self.dialer, target),
                Output::Hangup { stream } => self.streams.hang_up(stream),
                Output::Opened => return Some(Step::Opened),
                Output::Upgraded { to } => return Some(Step::Upgraded(to)),
                Output::Closed { reason, error } => {
                    let silent = reason == CloseReason::PingTimeout;
                    let silence = silent.then(|| Error::on(self.transport(), ErrorKind::Timeout));
                    let error = error.or(silence);
                    self.end = Some(End { reason, error });
                    self.streams.close(cx);
                    self.release();
                    return Some(Step::Closed);
                }
            }
        }
        None
    }

    /// True if there is something new for the core.
    fn poll_read(&mut self, cx: &mut Context<'_>, now: Tick) -> bool {
        if !self.reading || !self.input.is_empty() {
            return false;
        }
        if !self.input.has_buffer() {
            self.input = Input::new(scratch::take());
        }
        self.streams
            .poll_read(cx, now, &mut self.core, &mut self.input)
    }

    /// Gives the buffer back, unless something is in it.
    fn release(&mut self) {
        if self.input.is_empty() && self.input.has_buffer() {
            let input = mem::replace(&mut self.input, Input::new(Vec::new()));
            scratch::put(input.into_buffer());
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("transport", &self.transport())
            .field("queued_bytes", &self.queued_bytes())
            .field("close_reason", &self.close_reason())
            .finish_non_exhaustive()
    }
}
