//! What the application sends: at once, later, again, or not at all.

use super::{
    AckFailure, Event, Flow, Link, Manager, Outgoing, ReplyTo, Sent, SocketKey,
    outbox::{Content, Parcel},
    retry::Retried,
    socket::{Awaited, Buffered, Phase, cost},
};
use crate::{
    WhenFull,
    proto::{Encoded, Tick},
};

impl<A> Manager<A> {
    /// Sends an event, or keeps it until the socket is connected, whether that is wanted or not.
    pub(crate) fn emit(&mut self, now: Tick, key: SocketKey, event: Outgoing<A>) -> Sent<A> {
        let Some(socket) = self.sockets.get(&key) else {
            return Sent::Dropped(event);
        };
        let connected = socket.phase.is_connected();
        let ready = connected && self.flow == Flow::Ready && self.outbox.is_empty();
        if event.volatile && !ready {
            return Sent::Dropped(event);
        }
        if !self.make_room(now, key, cost(&event.message)) {
            return Sent::Refused(event);
        }
        match event.id {
            Some(id) if self.retries > 0 && !event.volatile => self.enqueue(now, key, id, event),
            _ if connected => {
                let awaited = self.awaited(now, key, event.id, event.ack, event.timeout);
                let content = Content::Event {
                    awaited,
                    volatile: event.volatile,
                };
                self.outbox.push(Some(key), event.message, content);
                Sent::Queued
            }
            _ => {
                let awaited = self.awaited(now, key, event.id, event.ack, event.timeout);
                self.keep(key, event.message, awaited);
                Sent::Buffered
            }
        }
    }

    /// Sends the answer to an event of the server's: an ACK with the id of `to`. Whether there is
    /// still somebody to take it: not if the membership it belongs to has ended.
    pub(crate) fn reply(&mut self, key: SocketKey, to: ReplyTo, answer: Encoded) -> bool {
        let phase = self.sockets.get(&key).map(|socket| socket.phase);
        match phase {
            Some(Phase::Connected { membership, .. }) if membership == to.membership => {
                self.outbox.push(Some(key), answer, Content::Control);
                true
            }
            _ => false,
        }
    }

    /// No longer awaits an acknowledgement. An event that waits for its socket to be connected is not
    /// sent then, unless it has its place in the queue of [`retries`](crate::Config::retries).
    pub(crate) fn forget_ack(&mut self, key: SocketKey, id: u64) -> Option<A> {
        if let Some(ack) = self.sockets.get_mut(&key)?.queue.take_ack(id) {
            return ack;
        }
        let awaited = self.take_awaited(key, id)?;
        self.deadlines.remove(awaited.deadline, key, id);
        awaited.ack
    }

    /// Bytes that wait to be sent, as they count for [`Buffer::max_bytes`](crate::Buffer::max_bytes).
    pub(crate) fn buffered_bytes(&self) -> usize {
        let sockets = self.sockets.values();
        let kept = sockets.map(|it| it.buffer.bytes() + it.queue.bytes());
        self.outbox.bytes() + kept.sum::<usize>()
    }

    /// The deadline of an acknowledgement has passed.
    pub(super) fn ack_timed_out(&mut self, now: Tick, key: SocketKey, id: u64) {
        if self.is_tried(key, id) {
            self.try_timed_out(now, key, id);
        } else if let Some(awaited) = self.take_awaited(key, id) {
            self.fail(now, awaited, AckFailure::Timeout);
        }
    }

    /// An acknowledgement will not come.
    pub(super) fn fail(&mut self, now: Tick, awaited: Awaited<A>, failure: AckFailure) {
        let Awaited {
            socket,
            id,
            ack,
            deadline,
        } = awaited;
        self.deadlines.remove(deadline, socket, id);
        match ack {
            Some(ack) => self.events.push_back(Event::Ack {
                socket,
                ack,
                result: Err(failure),
            }),
            None => self.try_failed(now, socket, id, failure),
        }
    }

    /// Puts out all that has waited for the socket to be connected, in order.
    pub(super) fn flush(&mut self, now: Tick, key: SocketKey) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            for Buffered { message, awaited } in socket.buffer.take() {
                let content = Content::Event {
                    awaited,
                    volatile: false,
                };
                self.outbox.push(Some(key), message, content);
            }
        }
        self.advance(now, key);
    }

    /// The next thing to send, with its acknowledgement awaited from now on.
    pub(super) fn take_parcel(&mut self) -> Option<Encoded> {
        while let Some(parcel) = self.outbox.pop() {
            let Parcel {
                socket,
                message,
                content,
            } = parcel;
            let awaited = match (content, socket) {
                (Content::Event { awaited, .. }, _) => awaited,
                (Content::Retried { id }, Some(key)) if self.is_tried(key, id) => {
                    Some(Self::awaited_try(key, id))
                }
                // Answered or given up since.
                (Content::Retried { .. }, _) => continue,
                (Content::Control, _) => None,
            };
            if let Some(awaited) = awaited {
                self.await_on_link(awaited);
            }
            return Some(message);
        }
        None
    }

    /// What could not be sent on a link that is gone: events wait for the next one.
    pub(super) fn salvage(&mut self, now: Tick, parcels: Vec<Parcel<A>>) {
        for parcel in parcels {
            match (parcel.content, parcel.socket) {
                (Content::Event { awaited, volatile }, Some(key)) if !volatile => {
                    self.keep(key, parcel.message, awaited);
                }
                (Content::Retried { id }, Some(key)) => self.try_withdrawn(key, id),
                (content, key) => self.abandon(now, key, content),
            }
        }
    }

    /// What is sent by a membership that this side has ended: nothing comes back.
    pub(super) fn abandon(&mut self, now: Tick, key: Option<SocketKey>, content: Content<A>) {
        match (content, key) {
            (Content::Event { awaited, .. }, _) => {
                if let Some(awaited) = awaited {
                    self.fail(now, awaited, AckFailure::Disconnected);
                }
            }
            (Content::Retried { id }, Some(key)) => {
                self.try_failed(now, key, id, AckFailure::Disconnected);
            }
            (Content::Retried { .. } | Content::Control, _) => {}
        }
    }

    /// No longer awaits an acknowledgement on the link.
    pub(super) fn forget_on_link(&mut self, key: SocketKey, id: u64) -> Option<Awaited<A>> {
        let nsp = self.sockets.get(&key)?.phase.nsp()?;
        match &mut self.link {
            Link::Open(connection) => connection.forget_ack(nsp, id),
            _ => None,
        }
    }

    fn await_on_link(&mut self, awaited: Awaited<A>) {
        let nsp = self.sockets.get(&awaited.socket);
        let nsp = nsp.and_then(|socket| socket.phase.nsp());
        if let (Link::Open(connection), Some(nsp)) = (&mut self.link, nsp) {
            let id = awaited.id;
            // Awaited already is only another try of the same event.
            if let Err(Awaited {
                ack: Some(ack),
                socket,
                ..
            }) = connection.register_ack(nsp, id, awaited)
            {
                self.events.push_back(Event::Ack {
                    socket,
                    ack,
                    result: Err(AckFailure::Disconnected),
                });
            }
        }
    }

    fn enqueue(&mut self, now: Tick, key: SocketKey, id: u64, event: Outgoing<A>) -> Sent<A> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Sent::Dropped(event);
        };
        socket.queue.push(Retried {
            message: event.message,
            id,
            ack: event.ack,
            timeout: event.timeout.or(self.ack_timeout).unwrap_or(TRY_TIMEOUT),
        });
        let alone = socket.queue.len() == 1;
        self.advance(now, key);
        if alone && self.is_tried(key, id) {
            Sent::Queued
        } else {
            Sent::Buffered
        }
    }

    /// What is to be awaited for an event, with its deadline set.
    fn awaited(
        &mut self,
        now: Tick,
        socket: SocketKey,
        id: Option<u64>,
        ack: Option<A>,
        timeout: Option<u64>,
    ) -> Option<Awaited<A>> {
        let (id, ack) = id.zip(ack)?;
        let timeout = timeout.or(self.ack_timeout);
        let deadline = timeout.map(|timeout| now.saturating_add(timeout));
        self.deadlines.insert(deadline, socket, id);
        Some(Awaited {
            socket,
            id,
            ack: Some(ack),
            deadline,
        })
    }

    fn keep(&mut self, key: SocketKey, message: Encoded, awaited: Option<Awaited<A>>) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.buffer.push(Buffered { message, awaited });
        }
    }

    /// Takes what is kept for an acknowledgement, and with it an event that still waits for its
    /// socket to be connected.
    fn take_awaited(&mut self, key: SocketKey, id: u64) -> Option<Awaited<A>> {
        if let Some(awaited) = self.forget_on_link(key, id) {
            return Some(awaited);
        }
        if let Some(awaited) = self.outbox.take_awaited(key, id) {
            return Some(awaited);
        }
        self.sockets.get_mut(&key)?.buffer.remove(id)?.awaited
    }

    /// Whether an event that costs so much may wait; others may have to go for it.
    fn make_room(&mut self, now: Tick, key: SocketKey, cost: usize) -> bool {
        let max = self.buffer.max_bytes;
        let waiting = self.buffered_bytes();
        let fits = |waiting: usize| waiting == 0 || waiting.saturating_add(cost) <= max;
        if fits(waiting) {
            return true;
        }
        let Some(socket) = self.sockets.get_mut(&key) else {
            return false;
        };
        let droppable = match self.buffer.when_full {
            WhenFull::Refuse => 0,
            WhenFull::DropOldest => socket.buffer.bytes(),
        };
        if !fits(waiting - droppable) {
            return false;
        }
        let mut failed = Vec::new();
        let before = socket.buffer.bytes();
        while !fits(waiting - (before - socket.buffer.bytes())) {
            match socket.buffer.pop() {
                Some(dropped) => failed.extend(dropped.awaited),
                None => break,
            }
        }
        for awaited in failed {
            self.fail(now, awaited, AckFailure::Dropped);
        }
        true
    }
}

/// Milliseconds for a try, if nobody says. The reference waits until the link is lost.
const TRY_TIMEOUT: u64 = 10_000;
