//! The move from polling to a link (protocol.md §5): probe, pause, switch.
//!
//! ```text
//!  client opens the link         ┌─────────┐ anything unexpected, or the deadline:
//!  ─────────────────────────────►│ Opened  │─── the link closes, polling goes on
//!                                └────┬────┘                           ▲
//!                            2probe   │  answered by 3probe            │
//!                                ┌────▼────┐                           │
//!             noop to each poll  │ Probed  │───────────────────────────┘
//!             every 100 ms       └────┬────┘
//!                                 5   │  (a bare 5 without a probe does as well)
//!                                ┌────▼────┐
//!                                │ switched│  what is queued leaves on the link, in order
//!                                └─────────┘
//! ```

use super::config::Config;
use super::output::LinkId;
use crate::packet::{Packet, PacketType, Tick};

/// Between two releases of the client's poll while it prepares to move.
const NOOP_INTERVAL: Tick = 100;

/// An upgrade under way.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) link: LinkId,
    deadline: Tick,
    /// Set by the probe: when the next waiting poll is released.
    noop_at: Option<Tick>,
}

/// What a packet on the new link means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    AnswerProbe,
    Switch,
    Abandon,
}

impl Upgrade {
    pub(super) const fn new(config: &Config, link: LinkId, now: Tick) -> Self {
        Self {
            link,
            deadline: now.saturating_add(config.upgrade_timeout),
            noop_at: None,
        }
    }

    pub(super) fn handle_packet(&mut self, now: Tick, packet: Packet<'_>) -> Step {
        match packet {
            Packet::Text(PacketType::Ping, "probe") => {
                // A poll that waits already can go at once; the client asks again until it has
                // seen the answer to its probe.
                self.noop_at = Some(now);
                Step::AnswerProbe
            }
            Packet::Text(PacketType::Upgrade, _) => Step::Switch,
            _ => Step::Abandon,
        }
    }

    pub(super) const fn is_overdue(&self, now: Tick) -> bool {
        self.deadline <= now
    }

    /// Whether a waiting poll is to be released now; if so, the next one waits its turn.
    pub(super) fn take_noop(&mut self, now: Tick) -> bool {
        let due = self.noop_at.is_some_and(|at| at <= now);
        if due {
            self.noop_at = Some(now.saturating_add(NOOP_INTERVAL));
        }
        due
    }

    /// The next deadline; the noop counts only while a poll waits for it.
    pub(super) fn deadline(&self, poll_waits: bool) -> Tick {
        match self.noop_at {
            Some(at) if poll_waits => at.min(self.deadline),
            _ => self.deadline,
        }
    }
}
