//! Notices handlers that hold their thread, for whoever looks into the log.

use std::time::Duration;

use coarsetime::Instant;
use parking_lot::Mutex;

/// How long a handler may go on without waiting before that is worth a line.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often each handler is worth one.
const INTERVAL: Duration = Duration::from_secs(60);

/// Watches one handler.
pub(crate) struct Watch {
    name: &'static str,
    told: Mutex<Option<Instant>>,
}

/// A clock that is read twice for each event: exact to a few milliseconds, in a few nanoseconds, and
/// without the cache of the last reading, which all threads would write.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self(Instant::now_without_cache_update())
    }
}

impl Watch {
    /// Of the function of this type.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            told: Mutex::new(None),
        }
    }

    /// Watches another handler of this name.
    pub(crate) const fn fresh(&self) -> Self {
        Self::new(self.name)
    }

    /// The handler has let go of its thread.
    #[inline]
    pub(crate) fn stop(&self, stopwatch: &Stopwatch, nsp: &str, event: &str) {
        let held = Instant::now_without_cache_update().duration_since(stopwatch.0);
        if held >= PATIENCE.into() {
            self.tell(held.into(), nsp, event);
        }
    }

    #[cold]
    fn tell(&self, held: Duration, nsp: &str, event: &str) {
        let now = Instant::now();
        let mut told = self.told.lock();
        if told.is_some_and(|told| now.duration_since(told) < INTERVAL.into()) {
            return;
        }
        *told = Some(now);
        drop(told);
        tracing::warn!(
            target: "socketio",
            handler = self.name,
            event,
            nsp,
            milliseconds = held.as_millis(),
            "a handler held its thread, and with it other clients; `.blocking()` moves it elsewhere"
        );
    }
}
