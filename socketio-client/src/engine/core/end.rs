//! How streams and sessions end: other ways that are tried first, close frames that still leave,
//! deadlines.

use std::io;

use engineio_proto::{CloseReason, Tick};

use super::super::{Error, ErrorKind};
use super::links::COURTESY;
use super::stream::Usage;
use super::{Core, Output, Phase, StreamId};

/// The session detail that stands for the deadline of opening.
const OPEN_TIMEOUT: &str = "handshake timed out";

/// A session that has ended, but for its close frames.
#[derive(Debug)]
pub(super) struct End {
    reason: CloseReason,
    error: Option<Error>,
    /// When it is over in any case.
    pub(super) until: Tick,
    /// Whether the server's answer to the close frame is waited for: what was sent before is lost
    /// if this side closes its stream too early.
    awaits_answer: bool,
}

impl Core {
    /// The stream that was asked for could not be opened.
    pub(crate) fn handle_dial_failed(&mut self, now: Tick, stream: StreamId, error: io::Error) {
        self.tick(now);
        let Some(at) = self.find(stream) else { return };
        if let Usage::Exchange(exchange) = self.streams.swap_remove(at).usage {
            self.fail(exchange.purpose, ErrorKind::Dial(error));
        }
    }

    /// A stream is at its end: the peer closed it, or it broke. What had arrived before has been
    /// taken by [`advance`](Self::advance).
    pub(crate) fn handle_end(&mut self, now: Tick, stream: StreamId, error: Option<io::Error>) {
        self.tick(now);
        let Some(at) = self.find(stream) else { return };
        match self.streams.swap_remove(at).usage {
            Usage::Exchange(exchange) => self.end_exchange(*exchange, error),
            Usage::Websocket(link, websocket) if !websocket.closing => match error {
                Some(error) => self.fail_link(link, ErrorKind::Io(error)),
                None => self.end_link(link, None),
            },
            Usage::Websocket(..) | Usage::Idle { .. } => {}
        }
    }

    /// Keeps what went wrong on the transport of the session, unless something did before.
    pub(super) fn note(&mut self, kind: ErrorKind) {
        let error = Error::on(self.transport(), kind);
        self.error.get_or_insert(error);
    }

    pub(super) fn hang_up(&mut self, at: usize) {
        let stream = self.streams.swap_remove(at).id;
        self.outputs.push_back(Output::Hangup { stream });
    }

    fn hang_up_if(&mut self, mut ends: impl FnMut(&super::Stream) -> bool) {
        while let Some(at) = self.streams.iter().position(&mut ends) {
            self.hang_up(at);
        }
    }

    /// Hangs up the idle streams that nobody may use any more at `now`.
    pub(super) fn hang_up_idle(&mut self, now: Tick) {
        self.hang_up_if(|it| matches!(it.usage, Usage::Idle { until } if until <= now));
    }

    /// Hangs up the websockets on which everything has been said.
    pub(super) fn hang_up_ended(&mut self) {
        let awaits_answer = self.end.as_ref().is_some_and(|end| end.awaits_answer);
        self.hang_up_if(|it| match &it.usage {
            Usage::Websocket(_, websocket) => {
                let answered = websocket.was_closed || !awaits_answer;
                websocket.closing && answered && it.out.is_empty()
            }
            _ => false,
        });
    }

    /// Requests without progress fail, idle streams go.
    pub(super) fn give_up_requests(&mut self) {
        let now = self.now;
        self.hang_up_idle(now);
        let is_late = |it: &super::Stream| match &it.usage {
            Usage::Exchange(exchange) => exchange.deadline.is_some_and(|at| at <= now),
            _ => false,
        };
        while self.reading
            && let Some(at) = self.streams.iter().position(is_late)
            && let Usage::Exchange(exchange) = &self.streams[at].usage
        {
            let purpose = exchange.purpose;
            self.hang_up(at);
            self.fail(purpose, ErrorKind::Timeout);
        }
    }

    /// The session has ended. If it never began and something else can be tried, it is.
    pub(super) fn handle_closed(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        if reason == CloseReason::TransportError {
            self.memory.lock().websocket = false;
        }
        match detail {
            Some(OPEN_TIMEOUT) => self.note(ErrorKind::Timeout),
            Some(detail) => self.note(ErrorKind::Protocol(detail)),
            None => {}
        }
        if self.phase == Phase::Opening && self.try_again() {
            return;
        }
        let (awaits_answer, until) = match reason {
            CloseReason::ForcedClose => (true, self.close_by.unwrap_or(self.now)),
            CloseReason::PingTimeout => (false, self.now),
            _ => (false, self.now.saturating_add(COURTESY)),
        };
        let is_over = until <= self.now;
        self.hang_up_if(|it| match &it.usage {
            Usage::Websocket(_, websocket) => !websocket.closing || is_over,
            Usage::Exchange(_) | Usage::Idle { .. } => true,
        });
        self.phase = Phase::Ending;
        let error = self.error.take();
        self.end = Some(End {
            reason,
            error: error.filter(|_| reason != CloseReason::ForcedClose),
            until,
            awaits_answer,
        });
    }

    /// Begins a new session in another way, if there is one.
    fn try_again(&mut self) -> bool {
        if !self.attempt.has_time(self.now) {
            return false;
        }
        let switches = std::mem::take(&mut self.other_revision) && self.attempt.switch_revision();
        if !switches && !self.attempt.next_transport() {
            return false;
        }
        self.hang_up_if(|it| !matches!(it.usage, Usage::Idle { .. }));
        self.error = None;
        self.session = self
            .attempt
            .session(&self.config, self.now, self.tape.as_ref());
        true
    }

    /// The last output, once nothing is under way any more.
    pub(super) fn poll_end(&mut self) -> Option<Output> {
        if !self.streams.is_empty() {
            return None;
        }
        let end = self.end.take()?;
        self.phase = Phase::Over;
        Some(Output::Closed {
            reason: end.reason,
            error: end.error,
        })
    }

    /// The server has had its time to answer the close frame.
    pub(super) fn give_up_end(&mut self) {
        if self.end.as_ref().is_some_and(|end| end.until <= self.now) {
            self.hang_up_if(|_| true);
        }
    }
}
