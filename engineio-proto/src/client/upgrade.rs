//! The move from polling to a link (protocol.md §5): probe, pause, switch.
//!
//! ```text
//!  the handshake offers it   ┌─────────┐
//!  ─────────────────────────►│ Opening │──┐
//!                            └────┬────┘  │ the link fails, anything unexpected on it,
//!                     link open   │ 2probe│ or the deadline: the link closes,
//!                            ┌────▼────┐  │ polling goes on
//!                            │ Probing │──┤
//!                            └────┬────┘  │
//!                        3probe   │       │
//!                            ┌────▼────┐  │
//!                            │ Pausing │──┘
//!                            └────┬────┘
//!     GET and POST have returned, │ 5
//!     their messages are taken    ▼
//!                    what is queued leaves on the link, in order
//! ```

use super::LinkId;
use super::config::Config;
use crate::packet::{Packet, PacketType, Tick};

/// An upgrade under way.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) link: LinkId,
    pub(super) deadline: Tick,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Probing,
    Pausing,
}

impl Upgrade {
    pub(super) const fn new(config: &Config, link: LinkId, now: Tick) -> Self {
        Self {
            link,
            deadline: now.saturating_add(config.upgrade_timeout),
            stage: Stage::Opening,
        }
    }

    /// The link is open. Returns whether that was waited for, so that the probe is to be sent.
    pub(super) fn handle_link(&mut self) -> bool {
        let expected = self.stage == Stage::Opening;
        if expected {
            self.stage = Stage::Probing;
        }
        expected
    }

    /// Returns whether the upgrade goes on; anything but the answer to the probe ends it.
    pub(super) fn handle_packet(&mut self, packet: Packet<'_>) -> bool {
        let answered =
            self.stage == Stage::Probing && packet == Packet::Text(PacketType::Pong, "probe");
        if answered {
            self.stage = Stage::Pausing;
        }
        answered
    }

    /// Whether nothing new may start on polling.
    pub(super) fn is_pausing(&self) -> bool {
        self.stage == Stage::Pausing
    }
}
