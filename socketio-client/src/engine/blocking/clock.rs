//! The clock of threads: there is no runtime to ask.
#![expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]

use std::time::{Duration, Instant};

pub(crate) fn now() -> Instant {
    Instant::now()
}

/// A deadline; one that cannot be told in the clock's terms never comes.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}
