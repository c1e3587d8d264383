//! The read buffer that all sessions of a thread share: one that waits owns none.

use std::cell::Cell;

/// Bytes one read can bring.
const LEN: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The thread's buffer, or a fresh one while another session has it. Its content is arbitrary.
pub(crate) fn take() -> Vec<u8> {
    let mut buffer = SCRATCH.take();
    buffer.resize(LEN, 0);
    buffer
}

/// Gives a buffer to the thread, which need not be the one it was taken from.
pub(crate) fn put(buffer: Vec<u8>) {
    SCRATCH.set(buffer);
}
