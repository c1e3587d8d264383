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

mod address;
mod attempt;
mod body;
mod end;
mod exchanges;
mod input;
mod lent;
mod links;
mod memory;
mod request;
mod response;
mod stream;
#[cfg(test)]
mod tests;
mod websocket;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use engineio_proto::client::{Handshake, Output as SessionOutput, Session};
use engineio_proto::record::Recorded;
use engineio_proto::{CloseReason, Message, Prepared, Revision, Tick, Transport};

use self::address::Address;
use self::attempt::Attempt;
use self::end::End;
pub(crate) use self::input::Input;
use self::lent::Lent;
use self::links::HIGH_WATER;
pub(crate) use self::memory::Memory;
use self::request::Kind;
use self::stream::{Purpose, Stream, Usage};
use super::random::Random;
use super::{Config, Error, RevisionChoice, Tape, Target};

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
    /// Close a byte stream, or stop opening it: nothing is to be written or read any more. Not
    /// said of streams whose end the driver has told.
    Hangup { stream: StreamId },
    /// The server has opened the session.
    Opened,
    /// The session lives on another transport now.
    Upgraded { to: Transport },
    /// The session has ended, or never began. The last output: streams that are left are dropped.
    Closed {
        reason: CloseReason,
        /// What went wrong; always there if the session never began, unless this side closed it.
        error: Option<Error>,
    },
}

/// Where a session is, beyond what the protocol knows of.
#[derive(Debug, PartialEq, Eq)]
enum Phase {
    /// The server has not opened it; another way may be tried if this one fails.
    Opening,
    /// It is open, or may not be opened in another way any more.
    Settled,
    /// It has ended; close frames are under way.
    Ending,
    /// All has been said.
    Over,
}

/// One session, from the first byte stream to the end.
pub(crate) struct Core {
    config: Arc<Config>,
    address: Address,
    memory: Memory,
    random: Random,
    attempt: Attempt,
    session: Recorded<Session>,
    tape: Option<Tape>,
    phase: Phase,
    /// When a session that is being closed is over in any case.
    close_by: Option<Tick>,
    end: Option<End>,
    streams: Vec<Stream>,
    next_stream: u32,
    outputs: VecDeque<Output>,
    /// What was sent before the session was open: it is for whichever session opens.
    early: Vec<Prepared>,
    /// What went wrong first: the reason for whatever end follows.
    error: Option<Error>,
    /// Whether the server speaks the other revision.
    other_revision: bool,
    /// The message that is lent.
    lent: Lent,
    /// Whether it has been found, but not been told of.
    parked: bool,
    reading: bool,
    /// The largest time seen.
    now: Tick,
}

impl Core {
    /// A session that is about to be opened. `memory` is what the sessions of a client share.
    ///
    /// # Errors
    /// The configuration names no server or no transport, or what cannot be sent.
    pub(crate) fn new(
        config: Arc<Config>,
        memory: Memory,
        random: Random,
        now: Tick,
    ) -> Result<Self, Error> {
        let address = Address::new(&config)?;
        let attempt = Attempt::new(&config, &memory, now)?;
        let tape = config.recording.tape();
        Ok(Self {
            session: attempt.session(&config, now, tape.as_ref()),
            tape,
            address,
            memory,
            random,
            attempt,
            config,
            phase: Phase::Opening,
            close_by: None,
            end: None,
            streams: Vec::new(),
            next_stream: 0,
            outputs: VecDeque::new(),
            early: Vec::new(),
            error: None,
            other_revision: false,
            lent: Lent::Nothing,
            parked: false,
            reading: true,
            now,
        })
    }

    /// Queues a message; also before the session is open. Dropped once it is closing.
    pub(crate) fn send(&mut self, message: Prepared) {
        match self.phase {
            Phase::Opening => self.early.push(message),
            _ => self.session.send(self.now, message),
        }
    }

    /// Closes in good order: what is queued leaves first, then the server is told and answers, all
    /// within [`close_timeout`](Config::close_timeout). The reason will be `forced close`.
    pub(crate) fn close(&mut self, now: Tick) {
        self.tick(now);
        self.settle();
        let deadline = self.now.saturating_add(millis(self.config.close_timeout));
        self.close_by.get_or_insert(deadline);
        self.session.close(self.now);
    }

    /// The next thing to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        self.pump();
        self.hang_up_ended();
        self.outputs.pop_front().or_else(|| self.poll_end())
    }

    /// Takes what arrived up to the next message. `true`: there is one, and
    /// [`message`](Self::message) lends it until anything else is called. `false`: all of `input`
    /// was taken, or something that comes before the next message is to be heard from
    /// `poll_output`.
    pub(crate) fn advance(&mut self, now: Tick, input: &mut Input) -> bool {
        self.tick(now);
        while !self.has_news() {
            // The session may have ended meanwhile, and the answer to the poll with it.
            if std::mem::take(&mut self.parked) && self.lent.is_there(&self.session) {
                return true;
            }
            self.lent = Lent::Nothing;
            if self.session.next_message(self.now).is_some() {
                self.lent = Lent::Polled;
            } else if input.is_empty() {
                return false;
            } else {
                self.read(input);
            }
            self.parked = !matches!(self.lent, Lent::Nothing);
        }
        false
    }

    /// Takes the next piece of what arrived: a frame, or what there is of an answer.
    fn read(&mut self, input: &mut Input) {
        let Some(at) = self.find(input.stream()) else {
            return input.keep(0);
        };
        match &self.streams[at].usage {
            Usage::Exchange(_) => self.read_exchange(at, input),
            // Nothing was asked for.
            Usage::Idle { .. } => self.hang_up(at),
            Usage::Websocket(..) => self.read_frame(at, input),
        }
    }

    /// Whether the application is to hear of something before the next message.
    fn has_news(&mut self) -> bool {
        self.pump();
        let is_news = |it: &Output| matches!(it, Output::Opened | Output::Upgraded { .. });
        self.outputs.iter().any(is_news)
    }

    /// The message that [`advance`](Self::advance) has found.
    pub(crate) fn message<'a>(&'a self, input: &'a Input) -> Message<'a> {
        self.lent.message(&self.session, input)
    }

    /// What is to be written on a stream now. Ask after `poll_output`; empty for streams that are
    /// not known or not open.
    pub(crate) fn outgoing(&self, stream: StreamId) -> &[u8] {
        match self.find(stream).map(|at| &self.streams[at]) {
            Some(stream) if stream.is_open => stream.out.next(),
            _ => &[],
        }
    }

    /// So much of `outgoing` has been written, or may have been.
    pub(crate) fn handle_written(&mut self, now: Tick, stream: StreamId, len: usize) {
        self.tick(now);
        let Some(at) = self.find(stream) else { return };
        let stream = &mut self.streams[at];
        stream.out.advance(len);
        if let Usage::Exchange(exchange) = &mut stream.usage {
            exchange.was_written |= len > 0;
            let patience = millis(self.config.request_timeout);
            if let Some(deadline) = &mut exchange.deadline {
                *deadline = self.now.saturating_add(patience);
            }
        }
    }

    /// Whether a stream is to be read from. One that is idle is, for its end to be seen.
    pub(crate) fn wants_bytes(&self, stream: StreamId) -> bool {
        self.reading && self.find(stream).is_some_and(|at| self.streams[at].is_open)
    }

    /// The stream that was asked for is open.
    pub(crate) fn handle_dialed(&mut self, now: Tick, stream: StreamId) {
        self.tick(now);
        if let Some(at) = self.find(stream) {
            self.streams[at].is_open = true;
        }
    }

    /// Tells whether the driver reads. While it does not, for its application is slow, neither a
    /// missing ping nor a missing answer is anybody's fault.
    pub(crate) fn set_reading(&mut self, now: Tick, reading: bool) {
        self.tick(now);
        self.session.set_reading(self.now, reading);
        let deadline = self.now.saturating_add(millis(self.config.request_timeout));
        for stream in &mut self.streams {
            if let Usage::Exchange(exchange) = &mut stream.usage
                && reading
                && !self.reading
            {
                exchange.deadline = exchange.deadline.map(|_| deadline);
            }
        }
        self.reading = reading;
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        let streams = self
            .streams
            .iter()
            .filter_map(|stream| match &stream.usage {
                Usage::Exchange(exchange) => exchange.deadline.filter(|_| self.reading),
                Usage::Idle { until } => Some(*until),
                Usage::Websocket(..) => None,
            });
        let end = self.end.as_ref().map(|end| end.until);
        streams.chain(self.session.poll_timeout()).chain(end).min()
    }

    /// Acts on all deadlines up to `now`.
    pub(crate) fn handle_timeout(&mut self, now: Tick) {
        self.tick(now);
        self.session.handle_timeout(self.now);
        self.give_up_requests();
        self.give_up_end();
    }

    /// Whether a message sent now would leave at once.
    pub(crate) fn is_writable(&self) -> bool {
        self.session.is_writable() && self.streams.iter().all(|it| it.out.is_empty())
    }

    /// Bytes of messages that have not been written yet: as on a websocket, and with their frames
    /// or HTTP around them once they are on their way.
    pub(crate) fn queued_bytes(&self) -> usize {
        let early = self.early.iter().map(Prepared::wire_len);
        let leaving = self.streams.iter().map(|it| it.out.len());
        self.session.queued_bytes() + early.chain(leaving).sum::<usize>()
    }

    /// What carries the session now, or what it is being opened on.
    pub(crate) fn transport(&self) -> Transport {
        self.session.transport()
    }

    /// The revision the session speaks.
    pub(crate) fn revision(&self) -> Revision {
        self.session.format().revision
    }

    /// Where it is recorded, if it is.
    pub(crate) const fn tape(&self) -> Option<&Tape> {
        self.tape.as_ref()
    }

    /// What the server said when it opened the session.
    pub(crate) fn handshake(&self) -> Option<&Handshake> {
        self.session.handshake()
    }

    fn tick(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    fn find(&self, stream: StreamId) -> Option<usize> {
        self.streams.iter().position(|it| it.id == stream)
    }

    /// No other way is tried any more: what waits is for this session.
    fn settle(&mut self) {
        if self.phase == Phase::Opening {
            self.phase = Phase::Settled;
            for message in self.early.drain(..) {
                self.session.send(self.now, message);
            }
        }
    }

    /// Acts on what the session wants, as long as what it sends finds room.
    fn pump(&mut self) {
        while self.session.is_closed() || !self.is_congested() {
            let Some(output) = self.session.poll_output() else {
                break;
            };
            self.act(output);
        }
    }

    fn is_congested(&self) -> bool {
        self.streams
            .iter()
            .any(|it| matches!(it.usage, Usage::Websocket(..)) && it.out.len() >= HIGH_WATER)
    }

    fn act(&mut self, output: SessionOutput) {
        match output {
            SessionOutput::Get { request } => self.request(Purpose::Get(request), Kind::Get),
            SessionOutput::Post {
                request,
                content,
                body,
            } => self.request(Purpose::Post(request), Kind::Post(content, body.into())),
            SessionOutput::OpenLink { link } => {
                let kind = Kind::websocket(&mut self.random);
                self.request(Purpose::Link(link), kind);
            }
            SessionOutput::Send { link, item } => self.send_item(link, &item),
            SessionOutput::CloseLink { link } => self.close_link(link),
            SessionOutput::Opened { .. } => self.handle_opened(),
            SessionOutput::Upgraded { to } => {
                self.memory.lock().websocket = true;
                self.hang_up_idle(Tick::MAX);
                self.outputs.push_back(Output::Upgraded { to });
            }
            SessionOutput::Closed { reason, detail } => self.handle_closed(reason, detail),
            // Invariant of the workspace: both crates change together.
            _ => {}
        }
    }

    fn handle_opened(&mut self) {
        self.settle();
        let mut known = self.memory.lock();
        known.websocket = self.transport() == Transport::Websocket;
        if self.config.revision == RevisionChoice::Auto {
            known.revision = Some(self.revision());
        }
        drop(known);
        self.outputs.push_back(Output::Opened);
    }
}

/// A duration as the session counts time.
fn millis(duration: Duration) -> Tick {
    duration.as_millis().try_into().unwrap_or(Tick::MAX)
}
