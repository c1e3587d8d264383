//! The client's side of the heartbeat (protocol.md §4): the server's pings must keep coming, and are
//! answered. In revision 3 the client pings, and the server's answers must keep coming.

use super::handshake::Handshake;
use crate::packet::Tick;
use crate::revision::Pinger;

/// When to ping, and when the server counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heartbeat {
    pinger: Pinger,
    interval: Tick,
    timeout: Tick,
    /// Set by the handshake.
    deadline: Option<Tick>,
    /// When the next ping leaves. None while one is unanswered, and if pinging is the server's part.
    ping_at: Option<Tick>,
    /// While nothing is read, a server that is not heard is nobody's fault.
    reading: bool,
}

/// What became due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    /// The server's ping or pong is missing.
    Timeout,
}

impl Heartbeat {
    /// The heartbeat of a session that is not open yet: nothing is due.
    pub(super) const fn new(pinger: Pinger) -> Self {
        Self {
            pinger,
            interval: 0,
            timeout: 0,
            deadline: None,
            ping_at: None,
            reading: true,
        }
    }

    pub(super) fn deadline(self) -> Option<Tick> {
        let deadline = self.deadline.filter(|_| self.reading);
        [deadline, self.ping_at].into_iter().flatten().min()
    }

    /// The session is open, which counts as the first sign of life.
    pub(super) const fn start(&mut self, handshake: &Handshake, now: Tick) {
        self.interval = handshake.ping_interval;
        self.timeout = handshake.ping_timeout;
        self.rest(now);
        self.handle_pong(now);
    }

    /// What is due at this time. A ping that is, leaves, and its pong is awaited from then on: a
    /// machine that was asleep asks before it gives up, as in the reference.
    pub(super) fn handle_timeout(&mut self, now: Tick) -> Option<Due> {
        if self.ping_at.take_if(|at| *at <= now).is_some() {
            self.deadline = Some(now.saturating_add(self.timeout));
            return Some(Due::Ping);
        }
        let overdue = self.reading && self.deadline.is_some_and(|at| at <= now);
        overdue.then_some(Due::Timeout)
    }

    /// A ping. `false` if pings are not the server's to send: it is not to be answered.
    #[must_use]
    pub(super) const fn handle_ping(&mut self, now: Tick) -> bool {
        let expected = matches!(self.pinger, Pinger::Server);
        if expected {
            self.rest(now);
        }
        expected
    }

    /// A pong, on which the next ping follows; without a meaning if pinging is the server's part.
    pub(super) const fn handle_pong(&mut self, now: Tick) {
        if matches!(self.pinger, Pinger::Client) {
            self.ping_at = Some(now.saturating_add(self.interval));
        }
    }

    /// Any packet. Where the client pings all of them are signs of life; where the server does, only
    /// its pings are, as in the reference.
    pub(super) const fn handle_packet(&mut self, now: Tick) {
        if matches!(self.pinger, Pinger::Client) {
            self.rest(now);
        }
    }

    /// This side stops or resumes reading.
    pub(super) const fn set_reading(&mut self, reading: bool, now: Tick) {
        if reading && !self.reading && self.deadline.is_some() {
            self.rest(now);
        }
        self.reading = reading;
    }

    const fn rest(&mut self, now: Tick) {
        let patience = self.interval.saturating_add(self.timeout);
        self.deadline = Some(now.saturating_add(patience));
    }
}
