//! One session over byte streams, without I/O: HTTP exchanges, websocket, redirects, cookies, and
//! which transport and revision to try next.
//!
//! The loop around it:
//!
//! 1. `poll_output` until `None`, acting on each.
//! 2. `advance(now, input)`: while it says `true`, `message(input)` lends a message. Stopping early
//!    is legal: what was not taken stays in `input`, and nothing is read meanwhile.
//! 3. Write `outgoing(stream)` of every stream as far as it goes, and tell by `handle_written`.
//!    Read from the streams that `wants_bytes` names into `input.room(stream)`, if `input` is
//!    empty, and tell by `input.fill(len)`; an end by `handle_end`.
//! 4. Wait for a stream, or for `poll_timeout`, then `handle_timeout`.

mod input;
mod memory;

use std::io;
use std::sync::Arc;

use engineio_proto::client::Handshake;
use engineio_proto::{CloseReason, Message, Prepared, Revision, Tick, Transport};

pub(crate) use self::input::Input;
pub(crate) use self::memory::Memory;
use super::random::Random;
use super::{Config, Error, Target};

/// Names a byte stream of a [`Core`]. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct StreamId(pub(crate) u32);

/// One thing to do.
#[derive(Debug)]
#[must_use = "an output that is not acted on breaks the session"]
pub(crate) enum Output {
    /// Open a byte stream, TLS and proxies included. The answer is `handle_dialed` or
    /// `handle_dial_failed`.
    Dial { stream: StreamId, target: Target },
    /// Close a byte stream, or stop opening it. All that is to be written has been.
    Hangup { stream: StreamId },
    /// The server has opened the session.
    Opened { handshake: Handshake },
    /// The session lives on another transport now.
    Upgraded { to: Transport },
    /// The session has ended, or never began. The last output: streams that are left are dropped.
    Closed {
        reason: CloseReason,
        /// What went wrong; always there if the session never began, unless this side closed it.
        error: Option<Error>,
    },
}

/// One session, from the first byte stream to the end.
pub(crate) struct Core {}

impl Core {
    /// A session that is about to be opened.
    ///
    /// # Errors
    /// The configuration names no server or no transport.
    pub(crate) fn new(
        config: Arc<Config>,
        memory: Memory,
        random: Random,
        now: Tick,
    ) -> Result<Self, Error> {
        let _ = (config, memory, random, now);
        todo!()
    }

    /// What the next session of this client is to know: cookies and what worked. To be taken once
    /// the session has ended.
    pub(crate) fn into_memory(self) -> Memory {
        todo!()
    }

    /// Queues a message; also before the session is open. Dropped once it is closing.
    pub(crate) fn send(&mut self, message: Prepared) {
        let _ = message;
        todo!()
    }

    /// Closes in good order: what is queued leaves first, all within
    /// [`close_timeout`](Config::close_timeout). The reason will be `forced close`.
    pub(crate) fn close(&mut self, now: Tick) {
        let _ = now;
        todo!()
    }

    /// Ends the session now; what is queued is lost.
    pub(crate) fn abort(&mut self, now: Tick, reason: CloseReason, detail: &'static str) {
        let _ = (now, reason, detail);
        todo!()
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        todo!()
    }

    /// Takes what arrived up to the next message. `true`: there is one, and
    /// [`message`](Self::message) lends it until the next call. `false`: all of `input` was taken.
    pub(crate) fn advance(&mut self, now: Tick, input: &mut Input) -> bool {
        let _ = (now, input);
        todo!()
    }

    /// The message that [`advance`](Self::advance) has found.
    pub(crate) fn message<'a>(&'a self, input: &'a Input) -> Message<'a> {
        let _ = input;
        todo!()
    }

    /// What is to be written on a stream now. Ask after `poll_output` and `advance`; empty for
    /// streams that are not known or not open.
    pub(crate) fn outgoing(&self, stream: StreamId) -> &[u8] {
        let _ = stream;
        todo!()
    }

    /// So much of `outgoing` has been written.
    pub(crate) fn handle_written(&mut self, now: Tick, stream: StreamId, len: usize) {
        let _ = (now, stream, len);
        todo!()
    }

    /// Whether a stream is to be read from. One that is idle is, for its end to be seen.
    pub(crate) fn wants_bytes(&self, stream: StreamId) -> bool {
        let _ = stream;
        todo!()
    }

    /// The stream that was asked for is open.
    pub(crate) fn handle_dialed(&mut self, now: Tick, stream: StreamId) {
        let _ = (now, stream);
        todo!()
    }

    /// The stream that was asked for could not be opened.
    pub(crate) fn handle_dial_failed(&mut self, now: Tick, stream: StreamId, error: io::Error) {
        let _ = (now, stream, error);
        todo!()
    }

    /// A stream is at its end: the peer closed it, or it broke. What had arrived before has been
    /// taken by [`advance`](Self::advance).
    pub(crate) fn handle_end(&mut self, now: Tick, stream: StreamId, error: Option<io::Error>) {
        let _ = (now, stream, error);
        todo!()
    }

    /// Tells whether the driver reads. While it does not, for its application is slow, a missing
    /// ping is nobody's fault.
    pub(crate) fn set_reading(&mut self, now: Tick, reading: bool) {
        let _ = (now, reading);
        todo!()
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        todo!()
    }

    /// Acts on all deadlines up to `now`.
    pub(crate) fn handle_timeout(&mut self, now: Tick) {
        let _ = now;
        todo!()
    }

    /// Whether a message sent now would leave at once.
    pub(crate) fn is_writable(&self) -> bool {
        todo!()
    }

    /// Bytes of messages that have not been written yet, as on a websocket.
    pub(crate) fn queued_bytes(&self) -> usize {
        todo!()
    }

    /// What carries the session now, or what it is being opened on.
    pub(crate) fn transport(&self) -> Transport {
        todo!()
    }

    /// The revision the session speaks.
    pub(crate) fn revision(&self) -> Revision {
        todo!()
    }

    /// What the server said when it opened the session.
    pub(crate) fn handshake(&self) -> Option<&Handshake> {
        todo!()
    }
}
