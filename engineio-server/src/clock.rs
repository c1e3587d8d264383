//! The runtime's clock as the core counts it: milliseconds since the server was made.

use std::time::Duration;

use proto::Tick;
use tokio::time::Instant;

/// Reads tokio's clock, so that tests with paused time drive everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
        }
    }

    /// Rounded down, as the core expects.
    pub(crate) fn now(&self) -> Tick {
        self.epoch.elapsed().as_millis() as Tick
    }

    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        self.epoch + Duration::from_millis(tick)
    }
}
