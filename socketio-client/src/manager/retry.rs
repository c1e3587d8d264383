//! Events that are sent until they are acknowledged, one after the other: the `retries` of the
//! reference.
//!
//! Only the head of a socket's queue is ever under way, and it keeps its acknowledgement id from try
//! to try, so that an answer to any of them counts. (In the reference only one to the last does.) A
//! try fails when its time is over, or when the membership ends; the last one takes the event with
//! it. Between two memberships the head waits, and is then sent again.

use std::collections::VecDeque;

use super::{
    AckFailure, Event, Manager, SocketKey,
    outbox::Content,
    pop,
    socket::{Awaited, cost},
};
use crate::proto::{Encoded, Tick};

/// The events of one socket.
#[derive(Debug)]
pub(super) struct Queue<A> {
    events: VecDeque<Retried<A>>,
    /// What they cost.
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Retried<A> {
    pub(super) message: Encoded,
    pub(super) id: u64,
    pub(super) ack: Option<A>,
    /// Milliseconds for each try.
    pub(super) timeout: u64,
}

/// Where the head of a queue is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    tries: u32,
    /// When the present try fails; `None` between tries.
    deadline: Option<Tick>,
}

impl<A> Queue<A> {
    pub(super) fn new() -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) fn push(&mut self, event: Retried<A>) {
        self.bytes += cost(&event.message);
        self.events.push_back(event);
    }

    pub(super) fn head(&self) -> Option<&Retried<A>> {
        self.events.front()
    }

    /// Takes what is kept for an acknowledgement; the event has its turn all the same.
    /// `None` if there is no such event.
    pub(super) fn take_ack(&mut self, id: u64) -> Option<Option<A>> {
        let mut events = self.events.iter_mut();
        events.find(|it| it.id == id).map(|it| it.ack.take())
    }

    /// All that is left.
    pub(super) fn take(&mut self) -> VecDeque<Retried<A>> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }

    pub(super) fn pop(&mut self) -> Option<Retried<A>> {
        let event = pop(&mut self.events)?;
        self.bytes -= cost(&event.message);
        Some(event)
    }
}

impl<A> Manager<A> {
    /// Sends the head of a socket's queue if it can be sent and is not under way.
    pub(super) fn advance(&mut self, now: Tick, key: SocketKey) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        let Some(head) = socket.queue.head() else {
            return;
        };
        if !socket.phase.is_connected() || socket.progress.deadline.is_some() {
            return;
        }
        let deadline = now.saturating_add(head.timeout);
        socket.progress.deadline = Some(deadline);
        socket.progress.tries += 1;
        let (id, message) = (head.id, head.message.clone());
        self.deadlines.insert(Some(deadline), key, id);
        self.outbox
            .push(Some(key), message, Content::Retried { id });
    }

    /// Whether this is the head of a socket's queue, and under way.
    pub(super) fn is_tried(&self, key: SocketKey, id: u64) -> bool {
        self.sockets.get(&key).is_some_and(|socket| {
            socket.progress.deadline.is_some() && socket.queue.head().is_some_and(|it| it.id == id)
        })
    }

    /// The server has got the head of a socket's queue: the next one's turn comes. Gives back what
    /// was kept for the acknowledgement.
    pub(super) fn acknowledged(&mut self, now: Tick, key: SocketKey, id: u64) -> Option<A> {
        if !self.is_tried(key, id) {
            return None;
        }
        let ack = self.shift(key)?;
        self.advance(now, key);
        ack
    }

    /// The time of a try is over. What the link has not even taken gets more.
    pub(super) fn try_timed_out(&mut self, now: Tick, key: SocketKey, id: u64) {
        if !self.outbox.has_retried(key, id) {
            self.try_failed(now, key, id, AckFailure::Timeout);
            return;
        }
        if let Some(socket) = self.sockets.get_mut(&key)
            && let Some(head) = socket.queue.head()
        {
            let deadline = Some(now.saturating_add(head.timeout));
            socket.progress.deadline = deadline;
            self.deadlines.insert(deadline, key, id);
        }
    }

    /// A try has failed: another follows, or the event is given up.
    pub(super) fn try_failed(&mut self, now: Tick, key: SocketKey, id: u64, failure: AckFailure) {
        if !self.is_tried(key, id) {
            return;
        }
        if let Some(socket) = self.sockets.get_mut(&key) {
            self.deadlines
                .remove(socket.progress.deadline.take(), key, id);
            if socket.progress.tries > self.retries {
                self.forget_on_link(key, id);
                if let Some(Some(ack)) = self.shift(key) {
                    self.events.push_back(Event::Ack {
                        socket: key,
                        ack,
                        result: Err(failure),
                    });
                }
            }
        }
        self.advance(now, key);
    }

    /// A try was not taken by the link, and does not count.
    pub(super) fn try_withdrawn(&mut self, key: SocketKey, id: u64) {
        if self.is_tried(key, id)
            && let Some(socket) = self.sockets.get_mut(&key)
        {
            socket.progress.tries -= 1;
            self.deadlines
                .remove(socket.progress.deadline.take(), key, id);
        }
    }

    /// What the link awaits once the head of a queue has been taken by it.
    pub(super) fn awaited_try(key: SocketKey, id: u64) -> Awaited<A> {
        Awaited {
            socket: key,
            id,
            ack: None,
            deadline: None,
        }
    }

    /// Takes the head off a socket's queue.
    fn shift(&mut self, key: SocketKey) -> Option<Option<A>> {
        let socket = self.sockets.get_mut(&key)?;
        let head = socket.queue.pop()?;
        let progress = std::mem::take(&mut socket.progress);
        self.deadlines.remove(progress.deadline, key, head.id);
        Some(head.ack)
    }
}
