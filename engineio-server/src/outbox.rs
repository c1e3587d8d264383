//! What waits for a session's task, under one lock: the outgoing queue and the mailbox of HTTP
//! requests; and whether the task has to be woken for it.
//!
//! A producer wakes the task when it pushes to an empty queue of a task that is not running. A
//! running task looks at the queue once more, under the lock, before it goes to sleep; so nothing
//! is missed, and pushing from the task itself wakes nobody.

use std::collections::VecDeque;
use std::mem;
use std::task::{Poll, Waker};

use parking_lot::{Mutex, MutexGuard};
use proto::Tick;
use thiserror::Error;

use crate::capacity::make_room;
use crate::overflow::{Bounds, Verdict};
use crate::waiters::Waiters;

/// Bytes by which a queue that the task has left alone grows before the task is to know of it.
const NEWS: usize = 16 * 1024;

/// Entries for the peer, and deliveries for the task itself.
pub(crate) struct Outbox<E, D>(Mutex<Queue<E, D>>);

struct Queue<E, D> {
    entries: VecDeque<E>,
    /// Bytes of `entries`.
    queued: usize,
    /// Bytes the task has taken out but nobody has taken from it.
    unsent: usize,
    /// Bytes of `entries` from which a task that has left them there wants to know of more.
    wake_at: usize,
    /// Since when the peer has taken nothing although bytes wait for it.
    stalled_since: Option<Tick>,
    /// Entries that were dropped, volatile ones included.
    dropped: u64,
    /// There is an order among the entries.
    has_orders: bool,
    deliveries: Vec<D>,
    waker: Option<Waker>,
    running: bool,
    /// When the task last looked, a message would have left at once.
    writable: bool,
    /// Producers that wait for room.
    waiters: Option<Box<Waiters>>,
    end: End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    /// Nothing more is taken; once the task has got what is queued, it is to close the session.
    Closing,
    /// The task has been told so.
    Told,
    /// The limits were exceeded, and nothing may be dropped: the task is to end the session. Its
    /// mailbox stays open until it has, as requests may still be under way.
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
    /// The client takes too little (see [`OutboxLimits`](crate::OutboxLimits)); its session is being
    /// closed.
    #[error("outgoing queue is full")]
    Full,
    /// The client takes too little, and the [policy](crate::OverflowPolicy) is to drop this entry.
    #[error("outgoing queue is full, the entry was dropped")]
    Dropped,
    /// A volatile entry found something else still on its way.
    #[error("session is not ready for a volatile message")]
    NotReady,
}

/// Which entries are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// It may wait for others.
    Queue,
    /// It keeps its place, but the task takes it at once, and with it all that are before it.
    Order,
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
    /// The client was too slow for too long: the session is to be ended. Told once, and there may be
    /// deliveries as well.
    Overflown,
}

/// How the session stands when its task looks at the queue.
pub(crate) struct Standing {
    /// Bytes the task has taken out but nobody has taken from it.
    pub(crate) unsent: usize,
    /// Since when the peer has taken nothing although bytes wait for it.
    pub(crate) stalled_since: Option<Tick>,
    /// A message would leave at once.
    pub(crate) writable: bool,
    /// Bytes the task has use for now; the rest is better off in the queue. One entry more is taken
    /// than fits, and all if there is an order among them.
    pub(crate) room: usize,
}

impl<E, D> Outbox<E, D> {
    /// An empty queue of a task that is running.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Queue {
            entries: VecDeque::new(),
            queued: 0,
            unsent: 0,
            wake_at: 0,
            stalled_since: None,
            dropped: 0,
            has_orders: false,
            deliveries: Vec::new(),
            waker: None,
            running: true,
            writable: false,
            waiters: None,
            end: End::Open,
        }))
    }

    // ---- The producers' side --------------------------------------------------------------

    /// Queues an entry of so many bytes; what is refused is dropped, outside of the lock. Tells how
    /// many others were dropped for it.
    pub(crate) fn push(
        &self,
        entry: E,
        bytes: usize,
        urgency: Urgency,
        bounds: &Bounds<E>,
        now: impl FnOnce() -> Tick,
    ) -> Result<usize, PushError> {
        let mut queue = self.0.lock();
        match queue.end {
            End::Open => {}
            End::Overflown => return Err(PushError::Full),
            End::Closing | End::Told | End::Closed => return Err(PushError::Closed),
        }
        if urgency == Urgency::Volatile && !(queue.writable && queue.entries.is_empty()) {
            queue.dropped += 1;
            return Err(PushError::NotReady);
        }
        let total = queue.queued + queue.unsent + bytes;
        let excess = bounds.excess(total, queue.stalled_since, now);
        if excess > 0 {
            return Self::push_excess(queue, (entry, bytes, urgency), excess, bounds);
        }
        let waker = queue.append(entry, bytes, urgency);
        drop(queue);
        wake(waker);
        Ok(0)
    }

    /// The rare rest of [`push`](Self::push): something has to go.
    #[cold]
    fn push_excess(
        mut queue: MutexGuard<'_, Queue<E, D>>,
        (entry, bytes, urgency): (E, usize, Urgency),
        excess: usize,
        bounds: &Bounds<E>,
    ) -> Result<usize, PushError> {
        // Entries are user data: they are dropped outside of the lock.
        let mut dropped = Vec::new();
        let total = queue.queued + queue.unsent + bytes;
        let Queue {
            entries, queued, ..
        } = &mut *queue;
        let verdict = bounds.relieve(entries, queued, &entry, total, excess, &mut dropped);
        let (waker, pushed) = match verdict {
            Verdict::Take => {
                let waker = queue.append(entry, bytes, urgency);
                (waker, Ok(dropped.len()))
            }
            Verdict::Drop => {
                dropped.push(entry);
                (None, Err(PushError::Dropped))
            }
            Verdict::End => {
                dropped.extend(queue.overflow());
                dropped.push(entry);
                (queue.waker.take(), Err(PushError::Full))
            }
        };
        queue.dropped += dropped.len() as u64;
        drop(queue);
        drop(dropped);
        wake(waker);
        pushed
    }

    /// Whether there is room for more, as soon as there is: less than the soft limit is on its way,
    /// and for those who have had to wait, less than half of that. False when nothing is taken any
    /// longer.
    pub(crate) fn poll_room(
        &self,
        key: &mut Option<u64>,
        waker: &Waker,
        bounds: &Bounds<E>,
    ) -> Poll<bool> {
        let mut queue = self.0.lock();
        if queue.end != End::Open {
            return Poll::Ready(false);
        }
        let total = queue.queued + queue.unsent;
        let has_room = match key {
            None => total < bounds.limits.soft,
            Some(_) => queue.is_relieved(bounds),
        };
        if has_room {
            return Poll::Ready(true);
        }
        let replaced = queue.waiters.get_or_insert_default().add(key, waker);
        drop(queue);
        drop(replaced);
        Poll::Pending
    }

    /// Nobody waits for room under this key any longer.
    pub(crate) fn forget(&self, key: u64) {
        let mut queue = self.0.lock();
        let waiters = queue.waiters.as_mut();
        let waker = waiters.and_then(|waiters| waiters.remove(key));
        drop(queue);
        drop(waker);
    }

    /// Refuses a volatile entry, whatever is in the queue.
    pub(crate) fn refuse(&self) -> PushError {
        self.0.lock().dropped += 1;
        PushError::NotReady
    }

    /// Drops what is queued and lets the task end the session, even if it is closing and its client
    /// has time to take what is left. False if it is about to end anyway.
    pub(crate) fn overflow(&self) -> bool {
        let mut queue = self.0.lock();
        if matches!(queue.end, End::Overflown | End::Closed) {
            return false;
        }
        let dropped = queue.overflow();
        let waker = queue.waker.take();
        drop(queue);
        drop(dropped);
        wake(waker);
        true
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
        let waiters = queue.take_waiters();
        drop(queue);
        wake(waker);
        wake_all(waiters);
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

    /// Bytes that the task has not taken.
    pub(crate) fn queued(&self) -> usize {
        self.0.lock().queued
    }

    /// Entries that were dropped, volatile ones included.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.lock().dropped
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
        bounds: &Bounds<E>,
    ) -> Work {
        let mut queue = self.0.lock();
        queue.running = true;
        let waiters = queue.update(standing, bounds);
        let work = queue.swap_out(entries, deliveries, standing.room, bounds);
        drop(queue);
        wake_all(waiters);
        work
    }

    /// As [`take`](Self::take), but if there is nothing the task is marked as asleep.
    pub(crate) fn take_or_sleep(
        &self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<D>,
        waker: &Waker,
        standing: &Standing,
        bounds: &Bounds<E>,
    ) -> Work {
        let mut queue = self.0.lock();
        let waiters = queue.update(standing, bounds);
        let work = queue.swap_out(entries, deliveries, standing.room, bounds);
        let mut old = None;
        if matches!(work, Work::None) {
            queue.running = false;
            queue.wake_at = queue.queued + NEWS;
            if !queue.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
                old = queue.waker.replace(waker.clone());
            }
        }
        drop(queue);
        // Behind the lock: it may own the task, and with it anything.
        drop(old);
        wake_all(waiters);
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
        let waiters = queue.take_waiters();
        drop(queue);
        drop((entries, deliveries, waker));
        wake_all(waiters);
    }
}

impl<E, D> Queue<E, D> {
    /// Whom to wake: the task, once, if it sleeps.
    fn sleeper(&mut self) -> Option<Waker> {
        (!self.running).then(|| self.waker.take()).flatten()
    }

    /// Adds an entry; the result is whom to wake. Of entries that wait the task knows, but not that
    /// they have become many.
    fn append(&mut self, entry: E, bytes: usize, urgency: Urgency) -> Option<Waker> {
        let is_order = urgency == Urgency::Order;
        self.queued += bytes;
        let is_news = self.entries.is_empty() || is_order || self.queued >= self.wake_at;
        self.has_orders |= is_order;
        make_room(&mut self.entries);
        self.entries.push_back(entry);
        if is_news { self.sleeper() } else { None }
    }

    /// Nothing more is taken, and what is queued goes.
    fn overflow(&mut self) -> VecDeque<E> {
        self.end = End::Overflown;
        self.queued = 0;
        mem::take(&mut self.entries)
    }

    /// Notes how the session stands; the result is whom to wake because there is room.
    fn update(&mut self, standing: &Standing, bounds: &Bounds<E>) -> Vec<(u64, Waker)> {
        self.unsent = standing.unsent;
        self.writable = standing.writable;
        self.stalled_since = standing.stalled_since;
        match self.waiters.is_some() && self.is_relieved(bounds) {
            true => self.take_waiters(),
            false => Vec::new(),
        }
    }

    /// Whether there is room for those who have waited: not so little that they are back at once.
    fn is_relieved(&self, bounds: &Bounds<E>) -> bool {
        self.queued + self.unsent <= bounds.limits.soft / 2
    }

    fn take_waiters(&mut self) -> Vec<(u64, Waker)> {
        self.waiters.as_mut().map_or_else(Vec::new, |it| it.take())
    }

    fn swap_out(
        &mut self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<D>,
        room: usize,
        bounds: &Bounds<E>,
    ) -> Work {
        debug_assert!(entries.is_empty() && deliveries.is_empty());
        if self.end == End::Overflown {
            self.end = End::Told;
            mem::swap(&mut self.deliveries, deliveries);
            return Work::Overflown;
        }
        if room == usize::MAX || self.has_orders || self.end != End::Open {
            mem::swap(&mut self.entries, entries);
            self.has_orders = false;
            self.unsent += mem::take(&mut self.queued);
        } else {
            self.take_some(entries, room, bounds);
        }
        mem::swap(&mut self.deliveries, deliveries);
        if !entries.is_empty() || !deliveries.is_empty() {
            self.writable = false;
            return Work::Some;
        }
        if self.end == End::Closing {
            self.end = End::Told;
            return Work::Close;
        }
        Work::None
    }

    /// Takes entries for as long as there is room for one more byte.
    fn take_some(&mut self, entries: &mut VecDeque<E>, mut room: usize, bounds: &Bounds<E>) {
        while room > 0
            && let Some(entry) = self.entries.pop_front()
        {
            let bytes = (bounds.weigh)(&entry).bytes;
            room = room.saturating_sub(bytes);
            self.queued = self.queued.saturating_sub(bytes);
            self.unsent += bytes;
            entries.push_back(entry);
        }
    }
}

/// As [`wake`], for those who wait for room; in every turn, and hardly ever for anybody.
#[inline]
fn wake_all(wakers: Vec<(u64, Waker)>) {
    if !wakers.is_empty() {
        for (_, waker) in wakers {
            waker.wake();
        }
    }
}

/// Called without the lock: wakers are the runtime's code.
fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
