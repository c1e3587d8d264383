//! What becomes of a queue whose client takes too little: its bounds, and what is dropped to keep
//! them.

use std::collections::VecDeque;

use proto::Tick;

use crate::limits::{OutboxLimits, OverflowPolicy};

/// What an entry of a queue stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written by applications"
)]
pub struct Weight {
    /// Its bytes on the wire: as many as it was pushed with. What surrounds it is
    /// [added](OutboxLimits::PER_MESSAGE).
    pub bytes: usize,
    /// Whether an [`OverflowPolicy`] may drop it.
    pub droppable: bool,
}

/// The same for all queues of a server.
pub(crate) struct Bounds<E> {
    pub(crate) limits: OutboxLimits,
    pub(crate) weigh: fn(&E) -> Weight,
}

/// What becomes of the entry that is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Take,
    Drop,
    /// Nothing helps: the session is to end.
    End,
}

impl<E> Bounds<E> {
    /// Bytes that are too many when so many are on their way: the soft limit counts for a client
    /// that has taken nothing for long, the hard one for all.
    pub(crate) fn excess(
        &self,
        total: usize,
        stalled_since: Option<Tick>,
        now: impl FnOnce() -> Tick,
    ) -> usize {
        let OutboxLimits { soft, hard, .. } = self.limits;
        if total <= soft {
            return 0;
        }
        match stalled_since.is_some_and(|since| now() >= self.limits.patience(since)) {
            true => total - soft,
            false => total.saturating_sub(hard),
        }
    }

    /// Decides about an entry that is `excess` bytes too much. What has to go for it is moved from
    /// `entries`, of so many bytes together, to `dropped`.
    pub(crate) fn relieve(
        &self,
        entries: &mut VecDeque<E>,
        queued: &mut usize,
        new: &E,
        total: usize,
        excess: usize,
        dropped: &mut Vec<E>,
    ) -> Verdict {
        let mut freed = 0;
        match self.limits.policy {
            OverflowPolicy::Disconnect => return Verdict::End,
            OverflowPolicy::DropNewest => {}
            // So much is not in the queue.
            OverflowPolicy::DropOldest if excess > *queued => {}
            OverflowPolicy::DropOldest => {
                let mut index = 0;
                while freed < excess
                    && let Some(entry) = entries.get(index)
                {
                    let Weight { bytes, droppable } = (self.weigh)(entry);
                    if droppable {
                        freed += bytes;
                        dropped.extend(entries.remove(index));
                    } else {
                        index += 1;
                    }
                }
            }
        }
        *queued = queued.saturating_sub(freed);
        if freed >= excess {
            Verdict::Take
        } else if (self.weigh)(new).droppable {
            Verdict::Drop
        } else if total - freed > self.limits.hard {
            Verdict::End
        } else {
            Verdict::Take
        }
    }
}
