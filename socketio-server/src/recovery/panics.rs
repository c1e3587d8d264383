//! What belongs to applications may panic: hooks, parsers, whatever owns the bytes of an event, or
//! what was stored for a socket. Here it is run for somebody else, who is not to suffer for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs something of the application's. A panic in there is logged and ends nothing else.
pub(super) fn contained<T>(name: &'static str, run: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(run)).ok();
    if done.is_none() {
        tracing::error!(target: "socketio", "{name} panicked");
    }
    done
}
