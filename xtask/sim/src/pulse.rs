//! The heartbeat as the protocol tells it (protocol.md §4), beside the one under test: when each
//! side must act, and when it must not.

use engineio_proto::{Tick, server};

/// The side that asks: a ping, a pong, a pause.
#[derive(Debug)]
pub(crate) struct Asking {
    interval: Tick,
    timeout: Tick,
    wait: Wait,
    reading: bool,
    /// A ping is due and has not left yet.
    pub(crate) owed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Wait {
    Ping { at: Tick },
    /// Another packet than the pong puts the deadline off, once.
    Pong { at: Tick, extended: bool },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    End,
}

/// A timer that is later than this has slept, and the peer with it.
const SLACK: Tick = 20;

impl Asking {
    pub(crate) fn new(config: &server::Config, now: Tick) -> Self {
        Self {
            interval: config.ping_interval,
            timeout: config.ping_timeout,
            wait: Wait::Ping {
                at: now + config.ping_interval,
            },
            reading: true,
            owed: false,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        match self.wait {
            Wait::Pong { .. } if !self.reading => None,
            Wait::Ping { at } | Wait::Pong { at, .. } => Some(at),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Due {
        match self.wait {
            Wait::Ping { at } if at <= now => {
                let left = at.max(now - SLACK.min(now));
                self.wait = Wait::Pong {
                    at: left + self.timeout,
                    extended: false,
                };
                self.owed = true;
                Due::Ping
            }
            Wait::Pong { at, .. } if self.reading && at <= now => Due::End,
            _ => Due::Nothing,
        }
    }

    pub(crate) fn handle_pong(&mut self, now: Tick) {
        self.wait = Wait::Ping {
            at: now + self.interval,
        };
    }

    pub(crate) fn handle_packet(&mut self, now: Tick) {
        if let Wait::Pong { extended: false, .. } = self.wait {
            self.extend(now);
        }
    }

    /// An unanswered ping is repeated on the new transport.
    pub(crate) fn handle_upgrade(&mut self, now: Tick) {
        self.owed = false;
        if let Wait::Pong { .. } = self.wait {
            self.wait = Wait::Ping { at: now };
        }
    }

    pub(crate) fn set_reading(&mut self, reading: bool, now: Tick) {
        if reading && !self.reading && matches!(self.wait, Wait::Pong { .. }) {
            self.extend(now);
        }
        self.reading = reading;
    }

    fn extend(&mut self, now: Tick) {
        self.wait = Wait::Pong {
            at: now + self.timeout,
            extended: true,
        };
    }
}

/// The side that is asked: pings must keep coming.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    patience: Tick,
    at: Option<Tick>,
    deaf: bool,
    /// A ping has not been answered yet.
    pub(crate) owes: bool,
}

impl Listening {
    pub(crate) fn start(&mut self, interval: Tick, timeout: Tick, now: Tick) {
        self.patience = interval + timeout;
        self.at = Some(now + self.patience);
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        self.at.filter(|_| !self.deaf)
    }

    pub(crate) fn handle_ping(&mut self, now: Tick) {
        self.at = Some(now + self.patience);
        self.owes = true;
    }

    pub(crate) fn set_reading(&mut self, reading: bool, now: Tick) {
        if reading && self.deaf && self.at.is_some() {
            self.at = Some(now + self.patience);
        }
        self.deaf = !reading;
    }
}
