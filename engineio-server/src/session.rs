//! The handle to a session and what it shares with the session's task: the outgoing queue and
//! the mailbox of HTTP requests, under one lock.
//!
//! A producer wakes the task when it pushes to an empty queue of a task that is not running. A
//! running task looks at the queue once more, under the lock, before it goes to sleep; so nothing
//! is missed, and pushing from the task itself wakes nobody.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::task::Waker;

use parking_lot::Mutex;
use proto::server::RequestId;
use proto::{Revision, Sid, Tick, Transport};
use thiserror::Error;

use crate::clock::Clock;
use crate::config::OutboxLimits;
use crate::mailbox::Delivery;

/// A handle to one session: cheap to clone, usable from any thread, valid after the session's end.
pub struct Session<E>(Arc<Shared<E>>);

impl<E> Clone for Session<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
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

pub(crate) struct Shared<E> {
    sid: Sid,
    revision: Revision,
    clock: Clock,
    limits: OutboxLimits,
    transport: AtomicU8,
    /// A POST is on its way to the task or being read by it.
    posting: AtomicBool,
    next_request: AtomicU32,
    queue: Mutex<Queue<E>>,
}

struct Queue<E> {
    entries: VecDeque<E>,
    /// Bytes of `entries`.
    queued: usize,
    /// Bytes the task has taken out but nobody has taken from it.
    unsent: usize,
    /// Since when the peer has taken nothing although bytes wait for it.
    stalled_since: Option<Tick>,
    deliveries: Vec<Delivery>,
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

impl<E> Session<E> {
    pub(crate) fn new(
        sid: Sid,
        revision: Revision,
        on: Transport,
        clock: Clock,
        limits: OutboxLimits,
    ) -> Self {
        let session = Self(Arc::new(Shared {
            sid,
            revision,
            clock,
            limits,
            transport: AtomicU8::new(0),
            posting: AtomicBool::new(false),
            next_request: AtomicU32::new(0),
            queue: Mutex::new(Queue {
                entries: VecDeque::new(),
                queued: 0,
                unsent: 0,
                stalled_since: None,
                deliveries: Vec::new(),
                waker: None,
                running: true,
                writable: false,
                end: End::Open,
            }),
        }));
        session.set_transport(on);
        session
    }

    /// Queues an entry that stands for `bytes` on the wire.
    ///
    /// # Errors
    /// [`PushError::Closed`] and [`PushError::Full`]; the entry is dropped.
    pub fn push(&self, entry: E, bytes: usize) -> Result<(), PushError> {
        self.push_if(entry, bytes, |_| true)
    }

    /// Queues an entry only if nothing else is on its way and the transport can take it now.
    ///
    /// # Errors
    /// [`PushError::NotReady`], and those of [`push`](Self::push); the entry is dropped.
    pub fn push_volatile(&self, entry: E, bytes: usize) -> Result<(), PushError> {
        self.push_if(entry, bytes, |queue| {
            queue.writable && queue.entries.is_empty()
        })
    }

    fn push_if(
        &self,
        entry: E,
        bytes: usize,
        admits: impl FnOnce(&Queue<E>) -> bool,
    ) -> Result<(), PushError> {
        let mut queue = self.0.queue.lock();
        match queue.end {
            End::Open => {}
            End::Overflown => return Err(PushError::Full),
            End::Closing | End::Told | End::Closed => return Err(PushError::Closed),
        }
        if !admits(&queue) {
            return Err(PushError::NotReady);
        }
        let total = queue.queued + queue.unsent + bytes;
        if total > self.0.limits.soft && self.is_too_slow(total, queue.stalled_since) {
            queue.end = End::Overflown;
            // Entries are user data: they are dropped outside of the lock.
            let dropped = std::mem::take(&mut queue.entries);
            queue.queued = 0;
            let waker = queue.waker.take();
            drop(queue);
            drop((dropped, entry));
            if let Some(waker) = waker {
                waker.wake();
            }
            return Err(PushError::Full);
        }
        let was_empty = queue.entries.is_empty();
        queue.entries.push_back(entry);
        queue.queued += bytes;
        let waker = (was_empty && !queue.running)
            .then(|| queue.waker.take())
            .flatten();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }

    /// Closes the session once everything pushed before has left. From now on nothing is taken.
    pub fn close(&self) {
        let mut queue = self.0.queue.lock();
        if queue.end != End::Open {
            return;
        }
        queue.end = End::Closing;
        let waker = (!queue.running).then(|| queue.waker.take()).flatten();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn is_too_slow(&self, total: usize, stalled_since: Option<Tick>) -> bool {
        let limits = &self.0.limits;
        let stall = limits.stall.as_millis() as Tick;
        total > limits.hard
            || stalled_since.is_some_and(|since| self.0.clock.now().saturating_sub(since) >= stall)
    }

    /// Bytes on their way to the client: queued here and not yet taken by the kernel or an HTTP
    /// response.
    #[must_use]
    pub fn buffered(&self) -> usize {
        let queue = self.0.queue.lock();
        queue.queued + queue.unsent
    }

    /// Bytes at which the session ends.
    pub(crate) fn hard_limit(&self) -> usize {
        self.0.limits.hard
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.0.queue.lock().end == End::Closed
    }

    /// The transport the session lives on.
    #[must_use]
    pub fn transport(&self) -> Transport {
        match self.0.transport.load(Ordering::Relaxed) {
            0 => Transport::Polling,
            _ => Transport::Websocket,
        }
    }

    /// The session's id: a secret of its client.
    #[must_use]
    pub fn sid(&self) -> Sid {
        self.0.sid
    }

    /// The revision of Engine.IO the session speaks.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.0.revision
    }

    // ---- The HTTP side --------------------------------------------------------------------

    pub(crate) fn next_request(&self) -> RequestId {
        RequestId(self.0.next_request.fetch_add(1, Ordering::Relaxed))
    }

    /// Puts a request into the task's mailbox; a session that has ended drops it.
    pub(crate) fn deliver(&self, delivery: Delivery) {
        let mut queue = self.0.queue.lock();
        if queue.end == End::Closed {
            drop(queue);
            return;
        }
        queue.deliveries.push(delivery);
        let waker = (!queue.running).then(|| queue.waker.take()).flatten();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Claims the session's only place for a POST; `false` if another one holds it.
    pub(crate) fn begin_post(&self) -> bool {
        !self.0.posting.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_post(&self) {
        self.0.posting.store(false, Ordering::Release);
    }

    // ---- The task's side ------------------------------------------------------------------

    pub(crate) fn set_transport(&self, transport: Transport) {
        let code = u8::from(transport != Transport::Polling);
        self.0.transport.store(code, Ordering::Relaxed);
    }

    /// Swaps out what has been queued and marks the task as running. The collections must be
    /// empty; their memory is used for what comes next.
    pub(crate) fn take(
        &self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<Delivery>,
        standing: Standing,
    ) -> Work {
        let mut queue = self.0.queue.lock();
        queue.running = true;
        queue.update(&standing);
        queue.swap_out(entries, deliveries)
    }

    /// As [`take`](Self::take), but if there is nothing the task is marked as asleep.
    pub(crate) fn take_or_sleep(
        &self,
        entries: &mut VecDeque<E>,
        deliveries: &mut Vec<Delivery>,
        waker: &Waker,
        standing: Standing,
    ) -> Work {
        let mut queue = self.0.queue.lock();
        queue.update(&standing);
        let work = queue.swap_out(entries, deliveries);
        if matches!(work, Work::None) {
            queue.running = false;
            if !queue.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
                queue.waker = Some(waker.clone());
            }
        }
        work
    }

    /// The session has ended: from now on everything is refused, and what waits is dropped.
    pub(crate) fn end(&self) {
        let mut queue = self.0.queue.lock();
        queue.end = End::Closed;
        queue.running = true;
        queue.queued = 0;
        queue.unsent = 0;
        let entries = std::mem::take(&mut queue.entries);
        let deliveries = std::mem::take(&mut queue.deliveries);
        let waker = queue.waker.take();
        drop(queue);
        drop((entries, deliveries, waker));
    }
}

impl<E> Queue<E> {
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

    fn swap_out(&mut self, entries: &mut VecDeque<E>, deliveries: &mut Vec<Delivery>) -> Work {
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
        std::mem::swap(&mut self.entries, entries);
        std::mem::swap(&mut self.deliveries, deliveries);
        self.unsent += std::mem::take(&mut self.queued);
        self.writable = false;
        Work::Some
    }
}

/// Neither the id, which is a secret, nor what is queued.
impl<E> fmt::Debug for Session<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("transport", &self.transport())
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}
