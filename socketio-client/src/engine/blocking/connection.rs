//! The driver of a session on the caller's thread: it moves bytes and time between the core and the
//! byte streams and decides nothing. The twin of the one on tokio.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engineio_proto::client::Handshake;
use engineio_proto::{CloseReason, Message, Prepared, Revision, Tick, Transport};
use parking_lot::Mutex;

use super::clock::{after, now};
use super::reactor::Reactor;
use super::streams::Streams;
use super::{Connect, Dialer};
use crate::engine::core::{Core, Input, Memory, Output};
use crate::engine::{Config, Error, ErrorKind, random};

/// Bytes one read can bring.
const BUFFER: usize = 64 * 1024;

/// A session with an Engine.IO server, without a runtime.
///
/// It has no thread of its own, except to look up names and connect: [`recv`](Self::recv) does
/// everything, heartbeat and sending included, so some thread has to wait in it all the time. Others
/// send by a [`Sender`].
///
/// ```no_run
/// use socketio_client::engine::{Error, Message, Prepared, blocking::Connection};
///
/// # fn example() -> Result<(), Error> {
/// let mut connection = Connection::open("http://localhost:3000")?;
/// connection.send(Prepared::text("hello"));
/// while let Some(message) = connection.recv()? {
///     match message {
///         Message::Text("bye") => connection.close(),
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
    session: Session,
    reactor: Reactor,
    outbox: Arc<Outbox>,
}

/// Sends on a [`Connection`] from any thread. Cheap to clone.
#[derive(Clone)]
pub struct Sender(Arc<Outbox>);

struct Outbox {
    messages: Mutex<Vec<Prepared>>,
    waker: std::task::Waker,
}

impl Connection {
    /// Opens a session, within [`open_timeout`](Config::open_timeout).
    ///
    /// # Errors
    /// The configuration is of no use, the server cannot be reached, or it refuses.
    pub fn open(config: impl Into<Config>) -> Result<Self, Error> {
        Self::opened(Arc::new(config.into()), None)
    }

    /// The same over sockets that somebody else opens, such as those of Unix.
    ///
    /// # Errors
    /// As with [`open`](Self::open).
    pub fn open_with(config: impl Into<Config>, connector: impl Connect) -> Result<Self, Error> {
        Self::opened(Arc::new(config.into()), Some(Arc::new(connector)))
    }

    fn opened(config: Arc<Config>, connector: Option<Arc<dyn Connect>>) -> Result<Self, Error> {
        let dialer = Dialer::new(Arc::clone(&config), connector);
        let reactor = Reactor::new().map_err(ErrorKind::Dial)?;
        let outbox = Outbox {
            messages: Mutex::default(),
            waker: reactor.waker().clone(),
        };
        let mut connection = Self {
            session: Session::start(config, dialer, Memory::default(), now())?,
            reactor,
            outbox: Arc::new(outbox),
        };
        loop {
            match connection.wait(None) {
                Some(Step::Opened) => return Ok(connection),
                Some(Step::Closed) => {
                    // Nobody but this function could have closed it, so there is an error.
                    let error = connection.session.take_error();
                    return Err(error.unwrap_or_else(|| ErrorKind::Ended.into()));
                }
                Some(Step::Message | Step::Upgraded(_)) | None => {}
            }
        }
    }

    /// Queues a message. It leaves while [`recv`](Self::recv) or [`close`](Self::close) waits.
    /// Messages for a session that has ended are dropped.
    ///
    /// The queue is not bounded: look at [`queued_bytes`](Self::queued_bytes).
    pub fn send(&mut self, message: Prepared) {
        self.take_outbox();
        self.session.send(message);
    }

    /// For other threads.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender(Arc::clone(&self.outbox))
    }

    /// Waits for the next message of the server. `None` once the session has ended in good order:
    /// one of the two sides wanted it.
    ///
    /// # Errors
    /// The session broke: the network failed, the heartbeat was missing, or the server said what it
    /// must not. Later calls return `None`.
    pub fn recv(&mut self) -> Result<Option<Message<'_>>, Error> {
        loop {
            match self.wait(None) {
                Some(Step::Message) => return Ok(Some(self.session.message())),
                Some(Step::Closed) => return self.session.take_error().map_or(Ok(None), Err),
                Some(Step::Opened | Step::Upgraded(_)) | None => {}
            }
        }
    }

    /// [`recv`](Self::recv) for so long. `None` if there was no message by then, or if the session
    /// has [ended](Self::close_reason).
    ///
    /// # Errors
    /// As there.
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Option<Message<'_>>, Error> {
        let deadline = after(timeout);
        loop {
            match self.wait(deadline) {
                Some(Step::Message) => return Ok(Some(self.session.message())),
                Some(Step::Closed) => return self.session.take_error().map_or(Ok(None), Err),
                Some(Step::Opened | Step::Upgraded(_)) => {}
                None if deadline.is_some_and(|at| at <= now()) => return Ok(None),
                None => {}
            }
        }
    }

    /// Closes the session in good order, within [`close_timeout`](Config::close_timeout): what is
    /// queued leaves first. Messages that still arrive are dropped.
    pub fn close(&mut self) {
        self.take_outbox();
        self.session.start_close();
        while !matches!(self.wait(None), Some(Step::Closed)) {}
    }

    /// What the server said when it opened the session: its id and its heartbeat.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.session.core.handshake()
    }

    /// What carries the session now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.session.core.transport()
    }

    /// The revision of the protocol that is spoken.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.session.core.revision()
    }

    /// Bytes of messages that have not been handed to the network yet.
    #[must_use]
    pub fn queued_bytes(&self) -> usize {
        self.session.core.queued_bytes()
    }

    /// Why the session has ended, if it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.session.close_reason()
    }

    /// The next thing that happens; `None` if that is the deadline, or that somebody sends.
    fn wait(&mut self, deadline: Option<Instant>) -> Option<Step> {
        self.take_outbox();
        if let Some(step) = self.session.step(&self.reactor) {
            return Some(step);
        }
        let deadline = [deadline, self.session.deadline()]
            .into_iter()
            .flatten()
            .min();
        let session = &mut self.session;
        self.reactor.wait(deadline, |id| session.handle_ready(id));
        None
    }

    fn take_outbox(&mut self) {
        let messages = mem::take(&mut *self.outbox.messages.lock());
        messages.into_iter().for_each(|it| self.session.send(it));
    }
}

impl Sender {
    /// Queues a message behind those that were sent before. For a session that has ended it is
    /// dropped.
    pub fn send(&self, message: Prepared) {
        self.0.messages.lock().push(message);
        self.0.waker.wake_by_ref();
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

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}

/// A session on a thread that others wake as well: it never sleeps by itself.
pub(crate) struct Session {
    core: Core,
    dialer: Dialer,
    open_timeout: Duration,
    streams: Streams,
    input: Input,
    epoch: Instant,
    reading: bool,
    end: Option<End>,
}

/// How a session ended.
struct End {
    reason: CloseReason,
    error: Option<Error>,
}

/// What has happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The server has opened it; once, before anything but the end.
    Opened,
    /// There is a [`message`](Session::message) of the server.
    Message,
    /// It lives on another transport now.
    Upgraded(Transport),
    /// It has ended, or never began. From here on nothing else happens, however often asked.
    Closed,
}

impl Session {
    /// A session about to be opened: [`Step::Opened`] tells when it is. It takes messages already.
    pub(crate) fn start(
        config: Arc<Config>,
        dialer: Dialer,
        memory: Memory,
        epoch: Instant,
    ) -> Result<Self, Error> {
        let open_timeout = config.open_timeout;
        let now = tick(epoch);
        Ok(Self {
            core: Core::new(config, memory, random::system(), now)?,
            dialer,
            open_timeout,
            streams: Streams::default(),
            input: Input::new(vec![0; BUFFER]),
            epoch,
            reading: true,
            end: None,
        })
    }

    /// See [`Core`].
    pub(crate) const fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn send(&mut self, message: Prepared) {
        self.core.send(message);
    }

    /// Begins to close the session in good order; [`Step::Closed`] tells when it is done.
    pub(crate) fn start_close(&mut self) {
        self.core.close(tick(self.epoch));
    }

    /// Tells whether messages are wanted. While they are not, the server has to wait with its own.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        if self.reading != reading {
            self.reading = reading;
            self.core.set_reading(tick(self.epoch), reading);
        }
    }

    /// The system says that a stream is ready.
    pub(crate) fn handle_ready(&mut self, id: crate::engine::core::StreamId) {
        self.streams.handle_ready(id);
    }

    /// When there is something to do even if no stream is ready.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let tick = self.core.poll_timeout()?;
        self.epoch.checked_add(Duration::from_millis(tick))
    }

    /// Does what can be done without waiting, up to the next thing that somebody is to be told.
    pub(crate) fn step(&mut self, reactor: &Reactor) -> Option<Step> {
        if self.end.is_some() {
            return Some(Step::Closed);
        }
        loop {
            let now = tick(self.epoch);
            if self.reading && self.core.advance(now, &mut self.input) {
                return Some(Step::Message);
            }
            if let Some(step) = self.handle_outputs(reactor) {
                return Some(step);
            }
            let written = self.streams.write(reactor, now, &mut self.core);
            let reads = self.reading && self.input.is_empty();
            let read = reads && self.streams.read(now, &mut self.core, &mut self.input);
            if written || read {
                continue;
            }
            // Only now: what had arrived in time counts, however late it is looked at.
            if self.core.poll_timeout().is_none_or(|at| now < at) {
                return None;
            }
            self.core.handle_timeout(now);
        }
    }

    /// The message of the last step.
    pub(crate) fn message(&self) -> Message<'_> {
        self.core.message(&self.input)
    }

    /// Why it has ended, if it has.
    pub(crate) fn close_reason(&self) -> Option<CloseReason> {
        self.end.as_ref().map(|end| end.reason)
    }

    /// What went wrong, if it has ended for that; told once.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.end.as_mut()?.error.take()
    }

    /// Acts on what the core asks for, up to what somebody is to be told.
    fn handle_outputs(&mut self, reactor: &Reactor) -> Option<Step> {
        while let Some(output) = self.core.poll_output() {
            match output {
                Output::Dial { stream, target } => {
                    let waker = reactor.waker();
                    self.streams
                        .dial(stream, &self.dialer, target, self.open_timeout, waker);
                }
                Output::Hangup { stream } => self.streams.hang_up(stream),
                Output::Opened => return Some(Step::Opened),
                Output::Upgraded { to } => return Some(Step::Upgraded(to)),
                Output::Closed { reason, error } => {
                    self.end = Some(End { reason, error });
                    self.streams.close(reactor);
                    return Some(Step::Closed);
                }
            }
        }
        None
    }
}

/// Milliseconds since `epoch`, rounded down.
fn tick(epoch: Instant) -> Tick {
    now().saturating_duration_since(epoch).as_millis() as Tick
}
