//! The read buffer that all sessions of a thread share.
//!
//! A connection that waits owns no buffer. It takes this one for a single poll and puts it back;
//! whoever asks while it is taken gets a fresh one.

use std::cell::Cell;

/// Bytes one read can bring.
const LEN: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's buffer to `use_it`. Its content is arbitrary.
pub(crate) fn with<T>(use_it: impl FnOnce(&mut [u8]) -> T) -> T {
    let mut buffer = SCRATCH.take();
    buffer.resize(LEN, 0);
    let result = use_it(&mut buffer);
    SCRATCH.set(buffer);
    result
}
