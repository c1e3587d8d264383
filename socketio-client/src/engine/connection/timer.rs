//! One timer for all deadlines of a session, and the clock it goes by.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use engineio_proto::Tick;
use tokio::time::{Instant, Sleep, sleep_until};

/// Goes by tokio's clock, so that tests with paused time drive everything.
///
/// It is armed for the earliest deadline and left alone when that one moves back, as it does with
/// every ping of the server; firing early costs one look at the clock.
pub(super) struct Timer {
    epoch: Instant,
    alarm: Option<Alarm>,
}

struct Alarm {
    at: Tick,
    sleep: Pin<Box<Sleep>>,
}

impl Timer {
    pub(super) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            alarm: None,
        }
    }

    /// Milliseconds since the session was made, rounded down.
    pub(super) fn now(&self) -> Tick {
        self.epoch.elapsed().as_millis() as Tick
    }

    /// Makes sure that the task wakes for the deadline. True if it has come already.
    pub(super) fn arm(&mut self, cx: &mut Context<'_>, deadline: Option<Tick>) -> bool {
        let Some(deadline) = deadline else {
            return false;
        };
        if deadline <= self.now() {
            return true;
        }
        // A deadline that the clock cannot tell never comes.
        let Some(instant) = self.epoch.checked_add(Duration::from_millis(deadline)) else {
            return false;
        };
        let alarm = self.alarm.get_or_insert_with(|| Alarm {
            at: deadline,
            sleep: Box::pin(sleep_until(instant)),
        });
        if deadline < alarm.at {
            alarm.set(deadline, instant);
        }
        // The task may be another one than before, so it is asked every time.
        while alarm.sleep.as_mut().poll(cx).is_ready() {
            if alarm.at == deadline {
                return true;
            }
            alarm.set(deadline, instant);
        }
        false
    }
}

impl Alarm {
    fn set(&mut self, at: Tick, instant: Instant) {
        self.sleep.as_mut().reset(instant);
        self.at = at;
    }
}
