//! What waits for a session's task, under one lock: the outgoing queue and the mailbox of HTTP
//! requests; and whether the task has to be woken for it.
//!
//! A producer wakes the task when it pushes to an empty queue of a task that is not running. A
//! running task looks at the queue once more, under the lock, before it goes to sleep; so nothing
//! is missed, and pushing from the task itself wakes nobody.

use std::collections::VecDeque;
use std::mem;
use std::task::Waker;

use parking_lot::Mutex;
use proto::Tick;
use thiserror::Error;

use crate::config::OutboxLimits;

/// Entries for the peer, and deliveries for the task itself.
pub(crate) struct Outbox<E, D>(Mutex<Queue<E, D>>);

struct Queue<E, D> {
    entries: VecDeque<E>,
    /// Bytes of `entries`.
    queued: usize,
    /// Bytes the task has taken out but nobody has taken from it.
    unsent: usize,
    /// Since when the peer has taken nothing although bytes wait for it.
    stalled_since: Option<Tick>,
    deliveries: Vec<D>,
    waker: Option<Waker>,
    running: bool,
    /// When the task last looked, a message would have left at once.
    writable: bool,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// Nothing more is taken; once the task has got what is queued, it is to close the session.
    Closing,
    /// The task has been told so.
    Told,
    /// The limits were exceeded: the task is to end the session.
    Overflown,
    Closed,
}

/// Why an entry was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PushError {
    /// The session has ended.
    #[error("session is closed")]
    Closed,
    /// The client takes too little (see [`OutboxLimits`]); its session is being closed.
    #[error("outgoing queue is full")]
    Full,
    /// A volatile entry found something else still on its way.
    #[error("session is not ready for a volatile message")]
    NotReady,
}

/// Which entries are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It may wait for others.
    Queue,
    /// Only if it would leave at once.
    Volatile,
}

/// What the task finds when it looks at the queue.
pub(crate) enum Work {
    /// There were entries or deliveries, now in the given collections.
    Some,
    /// Nothing; the task may go to sleep.
    None,
    /// The last entries have been taken: the session is to be closed. Told once.
    Close,
    /// The client was too slow for too long.
    Overflown,
}

/// How the session stands when its task looks at the queue.
pub(crate) struct Standing {
    /// Bytes the task has taken out but nobody has taken from it.
    pub(crate) unsent: usize,
    /// The peer has taken something since the last time.
    pub(crate) progress: bool,
    /// A message would leave at once.
    pub(crate) writable: bool,
    pub(crate) now: Tick,
}

impl<E, D> Outbox<E, D> {
    /// An empty queue of a task that is running.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Queue {
            entries: VecDeque::new(),
            queued: 0,
            unsent: 0,
            stalled_since: None,
            deliveries: Vec::new(),
            waker: None,
            running: true,
            writable: false,
            end: End::Open,
        }))
    }

    // ---- The producers' side --------------------------------------------------------------

    /// Queues an entry of so many bytes; what is refused is dropped, outside of the lock.
    pub(crate) fn push(
        &self,
        entry: E,
        bytes: usize,
        urgency: Urgency,
        limits: &OutboxLimits,
        now: impl FnOnce() -> Tick,
    ) -> Result<(), PushError> {
        let mut queue = self.0.lock();
        match queue.end {
            End::Open => {}
            End::Overflown => return Err(PushError::Full),
            End::Closing | End::Told | End::Closed => return Err(PushError::Closed),
        }
        if urgency == Urgency::Volatile && !(queue.writable && queue.entries.is_empty()) {
            return Err(PushError::NotReady);
        }
        if queue.would_overflow(bytes, limits, now) {
            queue.end = End::Overflown;
            // Entries are user data: they are dropped outside of the lock.
            let dropped = mem::take(&mut queue.entries);
            queue.queued = 0;
            let waker = queue.waker.take();
            drop(queue);
            drop((dropped, entry));
            wake(waker);
            return Err(PushError::Full);
        }
        let was_empty = queue.entries.is_empty();
        queue.entries.push_back(entry);
        queue.queued += bytes;
        let waker = if was_empty { queue.sleeper() } else { None };
        drop(queue);
        wake(waker);
        Ok(())
    }

    /// Lets the task close the session once it has taken everything pushed before. From now on
    /// nothing is taken.
    pub(crate) fn close(&self) {
        let mut queue = self.0.lock();
        if queue.end != End::Open {
            return;
        }
        queue.end = End::Closing;
        let waker = queue.sleeper();
        drop(queue);
        wake(waker);
    }

    /// Puts something into the task's mailbox; a session that has ended drops it.
    pub(crate) fn deliver(&self, delivery: D) {
        let mut queue = self.0.lock();
        if queue.end == End::Closed {
            drop(queue);
            return;
        }
        queue.deliveries.push(delivery);
        let waker = queue.sleeper();
        drop(queue);
        wake(waker);
    }

    /// Bytes that nobody has taken yet, queued here or with the task.
    pub(crate) fn buffered(&self) -> usize {
        let queue = self.0.lock();
        queue.queued + queue.unsent
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().end == End::Closed
    }

    // ---- The task's side ------------------------------------------------------------------

    /// Swaps out what has been queued and marks the task as running. The collections must be
    /// empty; their memory is used for what comes next.
    pub(crate) fn take(
        &self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<D>,
        standing: &Standing,
    ) -> Work {
        let mut queue = self.0.lock();
        queue.running = true;
        queue.update(standing);
        queue.swap_out(entries, deliveries)
    }

    /// As [`take`](Self::take), but if there is nothing the task is marked as asleep.
    pub(crate) fn take_or_sleep(
        &self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<D>,
        waker: &Waker,
        standing: &Standing,
    ) -> Work {
        let mut queue = self.0.lock();
        queue.update(standing);
        let work = queue.swap_out(entries, deliveries);
        if matches!(work, Work::None) {
            queue.running = false;
            if !queue.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
                let old = queue.waker.replace(waker.clone());
                // Behind the lock: it may own the task, and with it anything.
                drop(queue);
                drop(old);
            }
        }
        work
    }

    /// The session has ended: from now on everything is refused, and what waits is dropped.
    pub(crate) fn end(&self) {
        let mut queue = self.0.lock();
        queue.end = End::Closed;
        queue.running = true;
        queue.queued = 0;
        queue.unsent = 0;
        let entries = mem::take(&mut queue.entries);
        let deliveries = mem::take(&mut queue.deliveries);
        let waker = queue.waker.take();
        drop(queue);
        drop((entries, deliveries, waker));
    }
}

impl<E, D> Queue<E, D> {
    fn would_overflow(
        &self,
        bytes: usize,
        limits: &OutboxLimits,
        now: impl FnOnce() -> Tick,
    ) -> bool {
        let total = self.queued + self.unsent + bytes;
        let stall = limits.stall.as_millis() as Tick;
        total > limits.hard
            || (total > limits.soft
                && self
                    .stalled_since
                    .is_some_and(|since| now().saturating_sub(since) >= stall))
    }

    /// Whom to wake: the task, once, if it sleeps.
    fn sleeper(&mut self) -> Option<Waker> {
        (!self.running).then(|| self.waker.take()).flatten()
    }

    fn update(&mut self, standing: &Standing) {
        self.unsent = standing.unsent;
        self.writable = standing.writable;
        if standing.unsent == 0 || standing.progress {
            self.stalled_since = None;
        }
        if standing.unsent > 0 {
            self.stalled_since.get_or_insert(standing.now);
        }
    }

    fn swap_out(&mut self, entries: &mut VecDeque<E>, deliveries: &mut Vec<D>) -> Work {
        debug_assert!(entries.is_empty() && deliveries.is_empty());
        if self.end == End::Overflown {
            return Work::Overflown;
        }
        if self.entries.is_empty() && self.deliveries.is_empty() {
            if self.end == End::Closing {
                self.end = End::Told;
                return Work::Close;
            }
            return Work::None;
        }
        mem::swap(&mut self.entries, entries);
        mem::swap(&mut self.deliveries, deliveries);
        self.unsent += mem::take(&mut self.queued);
        self.writable = false;
        Work::Some
    }
}

/// Called without the lock: wakers are the runtime's code.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
