//! The link to the server: opened, lost, opened again.

use std::{mem, time::Duration};

use super::{AckFailure, Event, Flow, Link, Manager, Output, SocketKey, socket::Phase};
use crate::{
    ConnectError, DisconnectReason, Stage, Status, engine,
    link::Opened,
    proto::{Tick, record::Recorded},
};

impl<A> Manager<A> {
    /// Opens the link for all sockets that are wanted, without waiting for the end of a delay.
    pub(crate) fn open(&mut self, _now: Tick) {
        match self.link {
            Link::Closed => self.start_opening(),
            Link::Waiting { .. } => self.attempt(),
            Link::Opening | Link::Open(_) => {}
        }
    }

    /// Closes the link, and ends the attempts to open it. The sockets that were wanted still are,
    /// and are asked for at the next [`open`](Self::open).
    pub(crate) fn close(&mut self, now: Tick) {
        self.end(now, Ending::Ours(DisconnectReason::ForcedClose), None);
    }

    /// The link is open.
    pub(crate) fn handle_opened(&mut self, now: Tick, opened: Opened) {
        if self.is_closing() || !matches!(self.link, Link::Opening) {
            return;
        }
        let Opened {
            revision,
            sid,
            tape,
        } = opened;
        let connection = Recorded::client(revision, &self.connection, &sid, tape);
        self.link = Link::Open(Box::new(connection));
        self.flow = Flow::Ready;
        let attempt = self.backoff.attempts();
        self.tell(Stage::Open);
        if attempt > 0 {
            self.tell(Stage::Reconnected { attempt });
        }
        for key in self.active.clone() {
            self.authorize(now, key);
        }
    }

    /// The link could not be opened.
    pub(crate) fn handle_open_failed(&mut self, now: Tick, error: engine::Error) {
        if self.is_closing() {
            self.closed();
            return;
        }
        if !matches!(self.link, Link::Opening) {
            return;
        }
        self.link = Link::Closed;
        let attempt = self.backoff.attempts();
        let will_retry = self.may_retry(attempt);
        self.tell(Stage::OpenFailed {
            error: error.clone(),
        });
        for socket in self.active.clone() {
            self.events.push_back(Event::ConnectError {
                socket,
                error: error.clone().into(),
                will_retry,
            });
        }
        if attempt > 0 {
            self.tell(Stage::ReconnectError { attempt, error });
        }
        self.wait_or_give_up(now, will_retry);
    }

    /// The link has closed.
    pub(crate) fn handle_closed(
        &mut self,
        now: Tick,
        reason: engine::CloseReason,
        error: Option<engine::Error>,
    ) {
        if self.is_closing() {
            self.closed();
        } else if matches!(self.link, Link::Open(_)) {
            self.end(now, Ending::Theirs(reason.into()), error);
        }
    }

    /// How the link takes what is sent; [`Flow::Ready`] when it opens.
    pub(crate) fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// How the link stands.
    pub(crate) fn status(&self) -> Status {
        match self.link {
            Link::Closed => Status::Closed,
            Link::Waiting { .. } => Status::Waiting,
            Link::Opening => Status::Opening,
            Link::Open(_) => Status::Open,
        }
    }

    /// The server broke the rules of Socket.IO.
    pub(super) fn violated(&mut self, now: Tick) {
        if matches!(self.link, Link::Open(_)) {
            self.end(now, Ending::Violation, None);
        }
    }

    /// Opens the link.
    pub(super) fn start_opening(&mut self) {
        self.link = Link::Opening;
        self.commands.push_back(Output::Open);
    }

    /// The delay is over.
    pub(super) fn attempt(&mut self) {
        let attempt = self.backoff.attempts();
        self.tell(Stage::ReconnectAttempt { attempt });
        self.start_opening();
    }

    /// Whether there is another attempt after so many.
    pub(super) fn may_retry(&self, attempts: u32) -> bool {
        let limit = self.reconnection.attempts;
        self.reconnection.enabled && limit.is_none_or(|limit| attempts < limit)
    }

    /// Whether the driver has yet to hear that the link is to be closed: what it says until then is
    /// about a link that is of no interest any more.
    pub(super) fn is_closing(&self) -> bool {
        self.commands.iter().any(|it| matches!(it, Output::Close))
    }

    fn closed(&mut self) {
        self.commands.retain(|it| !matches!(it, Output::Close));
        self.outbox.take(None);
    }

    fn wait_or_give_up(&mut self, now: Tick, again: bool) {
        if !again {
            self.backoff.reset();
            if self.reconnection.enabled {
                self.tell(Stage::ReconnectFailed);
            }
            return;
        }
        let delay = self.backoff.next(self.random.next());
        self.link = Link::Waiting {
            until: now.saturating_add(delay),
        };
        self.tell(Stage::Reconnecting {
            attempt: self.backoff.attempts(),
            delay: Duration::from_millis(delay),
        });
    }

    fn end(&mut self, now: Tick, ending: Ending, error: Option<engine::Error>) {
        let reason = ending.reason();
        let link = mem::replace(&mut self.link, Link::Closed);
        if matches!(link, Link::Closed) {
            return;
        }
        self.backoff.reset();
        self.commands
            .retain(|it| !matches!(it, Output::Auth { .. }));
        let again = !matches!(ending, Ending::Ours(_)) && self.may_retry(0);
        for key in self.active.clone() {
            self.lose(key, reason, again);
        }
        match ending {
            Ending::Ours(_) => {
                for (key, content) in self.outbox.release(None) {
                    self.abandon(now, key, content);
                }
            }
            Ending::Theirs(_) | Ending::Violation => {
                let parcels = self.outbox.take(None);
                self.salvage(now, parcels);
            }
        }
        match link {
            Link::Open(mut connection) => {
                for awaited in connection.drain_acks() {
                    self.fail(now, awaited, AckFailure::Disconnected);
                }
                if !matches!(ending, Ending::Theirs(_)) {
                    self.commands.push_back(Output::Close);
                }
            }
            Link::Opening => self.stop_opening(),
            Link::Closed | Link::Waiting { .. } => {}
        }
        self.tell(Stage::Closed { reason, error });
        if !matches!(ending, Ending::Ours(_)) {
            self.wait_or_give_up(now, again);
        }
    }

    /// A socket that is wanted has lost its link, or hoped for one in vain.
    fn lose(&mut self, key: SocketKey, reason: DisconnectReason, again: bool) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        self.events.push_back(match socket.end() {
            Phase::Connected { .. } => Event::Disconnected {
                socket: key,
                reason,
                will_reconnect: again,
            },
            _ => Event::ConnectError {
                socket: key,
                error: ConnectError::Lost(reason),
                will_retry: again,
            },
        });
    }

    /// The driver may not have begun.
    fn stop_opening(&mut self) {
        match self.commands.pop_back() {
            Some(Output::Open) => {}
            other => {
                self.commands.extend(other);
                self.commands.push_back(Output::Close);
            }
        }
    }

    pub(super) fn tell(&mut self, stage: Stage) {
        self.events.push_back(Event::Stage(stage));
    }
}

/// How a link ends.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// By this side; what has been put out is still sent.
    Ours(DisconnectReason),
    /// By this side, since the server made no sense.
    Violation,
    /// By the server, or the network.
    Theirs(DisconnectReason),
}

impl Ending {
    fn reason(self) -> DisconnectReason {
        match self {
            Self::Ours(reason) | Self::Theirs(reason) => reason,
            Self::Violation => DisconnectReason::ParseError,
        }
    }
}
