//! What waits for all clients of a server together, and what is done about too much of it.
//!
//! ```text
//!   bytes that wait          0 ──────────── ¾ ──────────── ⅞ ──────────── limit
//!   new sessions               opened        refused with 503 and Retry-After
//!   volatile messages          sent          sent           dropped
//!   clients that lag most      kept          kept           kept           evicted
//! ```
//!
//! Bytes count for this when the task of a session goes to sleep without having got rid of them: a
//! client that keeps up never shows here, and pushing to it touches nothing that is shared.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use crate::limits::ServerLimits;
use crate::registry::Registry;
use crate::session::Session;

/// The load of a server.
#[derive(Debug, Default)]
pub(crate) struct Load {
    limits: ServerLimits,
    waiting: AtomicUsize,
    /// Somebody is about to evict clients.
    relieving: AtomicBool,
    pub(crate) drops: Drops,
    evicted: AtomicU64,
    refused: AtomicU64,
}

/// What has been dropped, of all sessions there have been.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    volatile: AtomicU64,
    overflow: AtomicU64,
}

/// Figures of a server, as they are now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions that are open.
    pub sessions: usize,
    /// Bytes that wait for clients that do not take them at once, of all sessions together.
    pub waiting: usize,
    /// Volatile messages that were dropped, as they could not leave at once.
    pub dropped_volatile: u64,
    /// Messages that were dropped by an [`OverflowPolicy`](crate::OverflowPolicy).
    pub dropped: u64,
    /// Sessions that were refused because of [`ServerLimits`].
    pub refused: u64,
    /// Sessions that were ended because of [`ServerLimits`].
    pub evicted: u64,
}

impl Load {
    pub(crate) fn new(limits: ServerLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(crate) fn limits(&self) -> &ServerLimits {
        &self.limits
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A client for which `before` bytes were waiting has `after` now.
    pub(crate) fn change(&self, before: usize, after: usize) {
        // Each byte is added before it is taken away, by whoever has reported it last.
        self.waiting.fetch_add(after, Ordering::Relaxed);
        self.waiting.fetch_sub(before, Ordering::Relaxed);
    }

    /// Whether a new session is one too many, which is then counted.
    pub(crate) fn refuses_newcomer(&self) -> bool {
        let refuses = self.waiting() >= portion(self.limits.bytes, 6);
        self.refused
            .fetch_add(u64::from(refuses), Ordering::Relaxed);
        refuses
    }

    pub(crate) fn drops_volatile(&self) -> bool {
        self.waiting() >= portion(self.limits.bytes, 7)
    }

    /// Evicts clients, those for which most waits, until as much as is left is bearable.
    pub(crate) fn relieve<E>(&self, registry: &Registry<E>) {
        if self.waiting() <= self.limits.bytes || self.relieving.swap(true, Ordering::Acquire) {
            return;
        }
        let bearable = portion(self.limits.bytes, 7);
        let mut lagging = registry.select(|session| session.waiting() > 0);
        lagging.sort_by_cached_key(|session| std::cmp::Reverse(session.waiting()));
        for session in lagging {
            if self.waiting() <= bearable {
                break;
            }
            if session.evict() {
                self.evicted.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(target: "engineio", "session ended: too much waits on this server");
            }
        }
        self.relieving.store(false, Ordering::Release);
    }

    pub(crate) fn stats(&self, sessions: usize) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            sessions,
            waiting: self.waiting(),
            dropped_volatile: count(&self.drops.volatile),
            dropped: count(&self.drops.overflow),
            refused: count(&self.refused),
            evicted: count(&self.evicted),
        }
    }
}

impl Drops {
    pub(crate) fn count_volatile(&self) {
        self.volatile.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self, messages: usize) {
        self.overflow.fetch_add(messages as u64, Ordering::Relaxed);
    }
}

/// So many eighths.
const fn portion(bytes: usize, eighths: usize) -> usize {
    bytes / 8 * eighths
}

impl<E> Session<E> {
    /// Tells the server how many bytes wait for this client now that its task goes to sleep.
    pub(crate) fn report(&self, waiting: usize) {
        let before = self.swap_waiting(waiting);
        if before != waiting {
            self.load().change(before, waiting);
        }
    }

    /// Ends the session, and counts it out at once. False if it is at its end already.
    fn evict(&self) -> bool {
        self.report(0);
        self.outbox().overflow()
    }
}
