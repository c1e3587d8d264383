//! One timer for all deadlines of a session.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;

use proto::Tick;
use tokio::task::coop;
use tokio::time::Sleep;

use crate::registry::Registry;

/// One timer for all deadlines. It is armed for the earliest and left alone when that one moves
/// back, as it does with every pong; firing early costs one look at the clock.
pub(super) struct Timer {
    sleep: Pin<Box<Sleep>>,
    armed: Tick,
}

impl Timer {
    pub(super) fn new<E>(registry: &Registry<E>) -> Self {
        Self {
            sleep: Box::pin(tokio::time::sleep_until(registry.instant(0))),
            armed: 0,
        }
    }

    /// Makes sure that the task wakes for the earliest deadline. True if it has come already.
    pub(super) fn arm<E, const N: usize>(
        &mut self,
        registry: &Registry<E>,
        cx: &mut Context<'_>,
        now: Tick,
        deadlines: [Option<Tick>; N],
    ) -> bool {
        let Some(deadline) = deadlines.into_iter().flatten().min() else {
            return false;
        };
        if self.armed > now && self.armed <= deadline {
            return false;
        }
        self.armed = deadline;
        self.sleep.as_mut().reset(registry.instant(deadline));
        // A timer that the runtime's budget kept from being polled would never fire.
        Pin::new(&mut coop::unconstrained(self.sleep.as_mut()))
            .poll(cx)
            .is_ready()
    }
}
