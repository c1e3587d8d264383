//! What has been put out to be sent on the link, in order, and has not been taken by it yet.

use std::{collections::VecDeque, mem};

use super::{
    SocketKey, pop,
    socket::{Awaited, cost},
};
use crate::proto::Encoded;

#[derive(Debug)]
pub(super) struct Outbox<A> {
    parcels: VecDeque<Parcel<A>>,
    /// What they cost.
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Parcel<A> {
    /// Whose it is, if it goes back to a socket when it cannot be sent.
    pub(super) socket: Option<SocketKey>,
    pub(super) message: Encoded,
    pub(super) content: Content<A>,
}

#[derive(Debug)]
pub(super) enum Content<A> {
    /// Something about a membership, or an answer: of no use once that has ended.
    Control,
    /// An event.
    Event {
        /// The acknowledgement to await from now on.
        awaited: Option<Awaited<A>>,
        /// Whether to send it now or never.
        volatile: bool,
    },
    /// The event whose turn it is in the queue of retries, which keeps all about it.
    Retried {
        /// Its acknowledgement id.
        id: u64,
    },
}

impl<A> Outbox<A> {
    pub(super) fn new() -> Self {
        Self {
            parcels: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(
        &mut self,
        socket: Option<SocketKey>,
        message: Encoded,
        content: Content<A>,
    ) {
        self.bytes += cost(&message);
        self.parcels.push_back(Parcel {
            socket,
            message,
            content,
        });
    }

    pub(super) fn pop(&mut self) -> Option<Parcel<A>> {
        let parcel = pop(&mut self.parcels)?;
        self.bytes -= cost(&parcel.message);
        Some(parcel)
    }

    /// Takes out what is left of one socket, or of all.
    pub(super) fn take(&mut self, socket: Option<SocketKey>) -> Vec<Parcel<A>> {
        let parcels = mem::take(&mut self.parcels);
        self.bytes = 0;
        let mut taken = Vec::new();
        for parcel in parcels {
            if socket.is_none() || parcel.socket == socket {
                taken.push(parcel);
            } else {
                self.push(parcel.socket, parcel.message, parcel.content);
            }
        }
        taken
    }

    /// The parcels of one socket, or of all, are sent whatever happens: nothing in them concerns it
    /// any more.
    pub(super) fn release(
        &mut self,
        socket: Option<SocketKey>,
    ) -> Vec<(Option<SocketKey>, Content<A>)> {
        let parcels = self.parcels.iter_mut();
        parcels
            .filter(|it| socket.is_none() || it.socket == socket)
            .map(|it| (it.socket, mem::replace(&mut it.content, Content::Control)))
            .collect()
    }

    /// Takes what is kept for an acknowledgement; the event is sent all the same.
    pub(super) fn take_awaited(&mut self, socket: SocketKey, id: u64) -> Option<Awaited<A>> {
        let mut parcels = self.parcels.iter_mut();
        parcels.find_map(|it| match &mut it.content {
            Content::Event { awaited, .. } if it.socket == Some(socket) => {
                awaited.take_if(|it| it.id == id)
            }
            _ => None,
        })
    }

    /// Whether the event whose turn it is in a socket's queue of retries has not been taken yet.
    pub(super) fn has_retried(&self, socket: SocketKey, id: u64) -> bool {
        self.parcels.iter().any(|it| {
            it.socket == Some(socket)
                && matches!(it.content, Content::Retried { id: other } if other == id)
        })
    }
}
