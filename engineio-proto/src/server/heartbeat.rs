//! The server's side of the heartbeat (protocol.md §4): a ping, a pong, a pause, a ping. In
//! revision 3 the client begins, and the server waits for its pings.

use super::config::Config;
use crate::packet::Tick;
use crate::revision::Pinger;

/// What the heartbeat waits for, and whether this side could see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heartbeat {
    wait: Wait,
    /// While nothing is read, a missing pong is nobody's fault.
    reading: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// The next ping leaves at this time.
    PingDue { at: Tick },
    /// The pong must arrive before this time. Any other packet proves that the peer is alive and
    /// extends it, once per ping: the pong of a busy client may be queued behind a big upload.
    PongDue { at: Tick, extended: bool },
    /// The client pings, and must have done so again before this time.
    ClientPing { at: Tick },
}

/// Milliseconds a driver's timer may be late without giving the peer more time. More than that,
/// and the machine must have been asleep: then the peer gets all of its time from now on.
const TIMER_SLACK: Tick = 20;

/// What became due.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    /// The client's ping or pong is missing.
    Timeout,
}

impl Heartbeat {
    pub(super) const fn new(pinger: Pinger, config: &Config, now: Tick) -> Self {
        Self {
            wait: match pinger {
                Pinger::Server => Wait::next_ping(config, now),
                Pinger::Client => Wait::client_ping(config, now),
            },
            reading: true,
        }
    }

    pub(super) const fn deadline(self) -> Option<Tick> {
        match self.wait {
            Wait::PingDue { at } => Some(at),
            Wait::PongDue { at, .. } | Wait::ClientPing { at } if self.reading => Some(at),
            Wait::PongDue { .. } | Wait::ClientPing { .. } => None,
        }
    }

    /// Moves on to waiting for the pong when it returns [`Due::Ping`].
    pub(super) fn handle_timeout(&mut self, config: &Config, now: Tick) -> Option<Due> {
        if self.deadline().is_none_or(|at| at > now) {
            return None;
        }
        match self.wait {
            Wait::PingDue { at } => {
                let left = at.max(now.saturating_sub(TIMER_SLACK));
                self.wait = Wait::pong(config, left, false);
                Some(Due::Ping)
            }
            Wait::PongDue { .. } | Wait::ClientPing { .. } => Some(Due::Timeout),
        }
    }

    /// A pong; one that nobody asked for counts as well. `false` if pongs are not the client's to
    /// send.
    #[must_use]
    pub(super) const fn handle_pong(&mut self, config: &Config, now: Tick) -> bool {
        let expected = !matches!(self.wait, Wait::ClientPing { .. });
        if expected {
            self.wait = Wait::next_ping(config, now);
        }
        expected
    }

    /// A ping, to be answered. `false` if pings are not the client's to send.
    #[must_use]
    pub(super) const fn handle_ping(&mut self, config: &Config, now: Tick) -> bool {
        let expected = matches!(self.wait, Wait::ClientPing { .. });
        if expected {
            self.wait = Wait::client_ping(config, now);
        }
        expected
    }

    /// Any other packet.
    pub(super) const fn handle_packet(&mut self, config: &Config, now: Tick) {
        if let Wait::PongDue {
            extended: false, ..
        } = self.wait
        {
            self.wait = Wait::pong(config, now, true);
        }
    }

    /// The session moved to another transport. A ping or pong may have been lost with the old
    /// one, so an unanswered ping is repeated at once. Otherwise the next one stays due when it
    /// was: the client counts from the last one it saw. Returns whether a ping is repeated.
    pub(super) const fn handle_upgrade(&mut self, now: Tick) -> bool {
        let repeats = matches!(self.wait, Wait::PongDue { .. });
        if repeats {
            self.wait = Wait::PingDue { at: now };
        }
        repeats
    }

    /// This side stops or resumes reading.
    pub(super) const fn set_reading(&mut self, reading: bool, config: &Config, now: Tick) {
        if reading && !self.reading {
            self.wait = match self.wait {
                Wait::PingDue { at } => Wait::PingDue { at },
                Wait::PongDue { .. } => Wait::pong(config, now, true),
                Wait::ClientPing { .. } => Wait::client_ping(config, now),
            };
        }
        self.reading = reading;
    }
}

impl Wait {
    const fn next_ping(config: &Config, now: Tick) -> Self {
        Self::PingDue {
            at: now.saturating_add(config.ping_interval),
        }
    }

    const fn client_ping(config: &Config, now: Tick) -> Self {
        let patience = config.ping_interval.saturating_add(config.ping_timeout);
        Self::ClientPing {
            at: now.saturating_add(patience),
        }
    }

    const fn pong(config: &Config, now: Tick, extended: bool) -> Self {
        Self::PongDue {
            at: now.saturating_add(config.ping_timeout),
            extended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the pong is due if the ping, due at 25,000, leaves at `now`.
    fn pong_due_after_ping_at(now: Tick) -> Option<Tick> {
        let config = Config::default();
        let mut heartbeat = Heartbeat::new(Pinger::Server, &config, 0);
        assert_eq!(heartbeat.handle_timeout(&config, now), Some(Due::Ping));
        heartbeat.deadline()
    }

    #[test]
    fn a_timer_that_is_a_little_late_does_not_put_off_the_pong() {
        assert_eq!(pong_due_after_ping_at(25_000), Some(45_000));
        assert_eq!(pong_due_after_ping_at(25_020), Some(45_000));
    }

    #[test]
    fn a_machine_that_was_asleep_leaves_the_peer_its_time() {
        assert_eq!(pong_due_after_ping_at(90_000), Some(109_980));
    }
}
