//! How much memory queues have that are empty most of the time, and full at once when they are not.

use std::collections::VecDeque;

/// Capacity that a queue keeps while it is empty: enough for a client that says one thing at a time.
const RETAINED: usize = 4;

/// Capacity that a queue has next.
const BURST: usize = 32;

/// Before something is added: a queue that outgrows what it keeps becomes large enough for a burst,
/// in one step.
#[inline]
pub(crate) fn make_room<T>(queue: &mut VecDeque<T>) {
    if queue.len() == RETAINED && queue.capacity() == RETAINED {
        queue.reserve_exact(BURST - RETAINED);
    }
}

/// After something was taken out: an empty queue keeps little.
#[inline]
pub(crate) fn trim<T>(queue: &mut VecDeque<T>) {
    if queue.is_empty() && queue.capacity() > RETAINED {
        *queue = VecDeque::new();
    }
}
