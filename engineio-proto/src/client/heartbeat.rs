//! The client's side of the heartbeat (protocol.md §4): pings must keep coming. Answering them is
//! the session's part.

use super::handshake::Handshake;
use crate::packet::Tick;

/// When the server counts as gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heartbeat {
    /// Interval and timeout of the server together.
    patience: Tick,
    /// Set by the handshake.
    deadline: Option<Tick>,
    /// While nothing is read, a missing ping is nobody's fault.
    reading: bool,
}

impl Heartbeat {
    /// The heartbeat of a session that is not open yet: nothing is due.
    pub(super) const fn new() -> Self {
        Self {
            patience: 0,
            deadline: None,
            reading: true,
        }
    }

    pub(super) fn deadline(self) -> Option<Tick> {
        self.deadline.filter(|_| self.reading)
    }

    /// The session is open, which counts as the first ping.
    pub(super) const fn start(&mut self, handshake: &Handshake, now: Tick) {
        self.patience = handshake
            .ping_interval
            .saturating_add(handshake.ping_timeout);
        self.handle_ping(now);
    }

    /// A ping. Nothing else counts, as in the reference.
    pub(super) const fn handle_ping(&mut self, now: Tick) {
        self.deadline = Some(now.saturating_add(self.patience));
    }

    /// This side stops or resumes reading.
    pub(super) const fn set_reading(&mut self, reading: bool, now: Tick) {
        if reading && !self.reading && self.deadline.is_some() {
            self.handle_ping(now);
        }
        self.reading = reading;
    }
}
