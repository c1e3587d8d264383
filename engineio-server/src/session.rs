//! The handle to a session and what it shares with the session's task.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use proto::server::RequestId;
use proto::{Revision, Sid, Transport};

use crate::clock::Clock;
use crate::limits::OutboxLimits;
use crate::load::Load;
use crate::mailbox::Delivery;
use crate::metrics;
use crate::outbox::{Outbox, PushError, Urgency};
use crate::overflow::Bounds;

/// A handle to one session: cheap to clone, usable from any thread, valid after the session's end.
pub struct Session<E>(Arc<Shared<E>>);

impl<E> Clone for Session<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

pub(crate) struct Shared<E> {
    sid: Sid,
    revision: Revision,
    transport: AtomicU8,
    /// A POST is on its way to the task or being read by it.
    posting: AtomicBool,
    next_request: AtomicU32,
    /// Bytes that the server counts as waiting for this client.
    waiting: AtomicUsize,
    rules: Arc<Rules<E>>,
    outbox: Outbox<E, Delivery>,
}

/// What is the same for all sessions of a server.
pub(crate) struct Rules<E> {
    pub(crate) clock: Clock,
    pub(crate) bounds: Bounds<E>,
    pub(crate) load: Load,
}

impl<E> Session<E> {
    pub(crate) fn new(sid: Sid, revision: Revision, on: Transport, rules: Arc<Rules<E>>) -> Self {
        let session = Self(Arc::new(Shared {
            sid,
            revision,
            transport: AtomicU8::new(0),
            posting: AtomicBool::new(false),
            next_request: AtomicU32::new(0),
            waiting: AtomicUsize::new(0),
            rules,
            outbox: Outbox::new(),
        }));
        session.set_transport(on);
        session
    }

    /// Queues an entry that stands for `bytes` on the wire; its place in the queue
    /// [counts as well](OutboxLimits::PER_MESSAGE).
    ///
    /// # Errors
    /// [`PushError::Closed`], and for a client that takes too little [`PushError::Full`] or
    /// [`PushError::Dropped`]; the entry is dropped.
    pub fn push(&self, entry: E, bytes: usize) -> Result<(), PushError> {
        self.push_with(entry, bytes, Urgency::Queue)
    }

    /// Queues an entry that the application is to see soon, though only behind those before it: an
    /// order, without bytes of its own. Under
    /// [`OverflowPolicy::DropOldest`](crate::OverflowPolicy::DropOldest) other entries may wait in the
    /// queue for a client that takes too little.
    ///
    /// # Errors
    /// [`PushError::Closed`] and [`PushError::Full`]; the entry is dropped.
    pub fn push_order(&self, entry: E) -> Result<(), PushError> {
        self.push_with(entry, 0, Urgency::Order)
    }

    /// Queues an entry only if nothing else is on its way and the transport can take it now.
    ///
    /// # Errors
    /// [`PushError::NotReady`], and those of [`push`](Self::push); the entry is dropped.
    pub fn push_volatile(&self, entry: E, bytes: usize) -> Result<(), PushError> {
        self.push_with(entry, bytes, Urgency::Volatile)
    }

    fn push_with(&self, entry: E, bytes: usize, urgency: Urgency) -> Result<(), PushError> {
        let Rules {
            clock,
            bounds,
            load,
        } = &*self.0.rules;
        let bytes = bytes + OutboxLimits::PER_MESSAGE;
        let pushed = if urgency == Urgency::Volatile && load.drops_volatile() {
            Err(self.outbox().refuse())
        } else {
            self.outbox()
                .push(entry, bytes, urgency, bounds, || clock.now())
        };
        match pushed {
            Ok(0) => return Ok(()),
            Ok(displaced) => {
                load.drops.count(displaced);
                metrics::displaced(displaced);
                return Ok(());
            }
            Err(PushError::NotReady) => load.drops.count_volatile(),
            Err(PushError::Dropped) => load.drops.count(1),
            Err(PushError::Full | PushError::Closed) => {}
        }
        pushed
            .map(drop)
            .inspect_err(|&error| metrics::dropped(error))
    }

    /// Closes the session once everything pushed before has left. From now on nothing is taken.
    pub fn close(&self) {
        self.outbox().close();
    }

    /// Bytes on their way to the client, as [`OutboxLimits`] count them: queued here and not yet taken
    /// by the kernel or an HTTP response.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.outbox().buffered()
    }

    /// Waits until there is room for more: until less than the soft limit is on its way to the client,
    /// and then, so that producers come in turns and not for each message, less than half of it.
    /// False if the session has ended or is about to.
    ///
    /// Can be dropped and asked for again at any time.
    pub const fn ready(&self) -> Ready<'_, E> {
        Ready {
            session: self,
            key: None,
        }
    }

    /// Entries that were dropped because the client was not ready for something volatile, or by the
    /// [policy](crate::OverflowPolicy) because it took too little.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.outbox().dropped()
    }

    pub(crate) fn bounds(&self) -> &Bounds<E> {
        &self.0.rules.bounds
    }

    pub(crate) fn load(&self) -> &Load {
        &self.0.rules.load
    }

    pub(crate) fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Most of the time nothing waits, before and after: then nothing is written.
    pub(crate) fn swap_waiting(&self, waiting: usize) -> usize {
        match self.waiting() {
            same if same == waiting => same,
            _ => self.0.waiting.swap(waiting, Ordering::Relaxed),
        }
    }

    /// Whether the session has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.outbox().is_closed()
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

    /// What waits for the task.
    pub(crate) fn outbox(&self) -> &Outbox<E, Delivery> {
        &self.0.outbox
    }

    pub(crate) fn set_transport(&self, transport: Transport) {
        let code = u8::from(transport != Transport::Polling);
        self.0.transport.store(code, Ordering::Relaxed);
    }

    // ---- The HTTP side --------------------------------------------------------------------

    pub(crate) fn next_request(&self) -> RequestId {
        RequestId(self.0.next_request.fetch_add(1, Ordering::Relaxed))
    }

    /// Claims the session's only place for a POST; `false` if another one holds it.
    pub(crate) fn begin_post(&self) -> bool {
        !self.0.posting.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn end_post(&self) {
        self.0.posting.store(false, Ordering::Release);
    }
}

/// The wait for room, of [`Session::ready`].
#[must_use = "nothing is waited for yet"]
pub struct Ready<'a, E> {
    session: &'a Session<E>,
    /// What the queue knows this by, if it is to wake it.
    key: Option<u64>,
}

impl<E> Future for Ready<'_, E> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = &mut *self;
        let (outbox, bounds) = (this.session.outbox(), this.session.bounds());
        outbox.poll_room(&mut this.key, cx.waker(), bounds)
    }
}

impl<E> Drop for Ready<'_, E> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.session.outbox().forget(key);
        }
    }
}

impl<E> fmt::Debug for Ready<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
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
