//! `Stripe`: a sixteenth of the sockets. Plain data; the lock around it is the adapter's.

use std::collections::HashMap;

use super::{capacity, memberships::Memberships};
use crate::{Room, Slot};

/// The sockets whose indexes fall into this stripe.
#[derive(Default)]
pub(super) struct Stripe {
    /// By [`Slot::index`].
    sockets: HashMap<u32, Socket>,
    /// The same sockets as a dense list, ready to be copied.
    everyone: Vec<Slot>,
}

/// One socket that is present.
pub(super) struct Socket {
    pub(super) id: Room,
    pub(super) memberships: Memberships,
    generation: u32,
    /// Where it stands in `everyone`.
    position: usize,
}

impl Stripe {
    /// Adds a socket whose index is free.
    pub(super) fn insert(&mut self, slot: Slot, id: Room) {
        let socket = Socket {
            id,
            memberships: Memberships::default(),
            generation: slot.generation,
            position: self.everyone.len(),
        };
        self.sockets.insert(slot.index, socket);
        self.everyone.push(slot);
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Socket> {
        self.get(slot)?;
        let socket = self.sockets.remove(&slot.index)?;
        self.everyone.swap_remove(socket.position);
        if let Some(moved) = self.everyone.get(socket.position)
            && let Some(moved) = self.sockets.get_mut(&moved.index)
        {
            moved.position = socket.position;
        }
        if let Some(capacity) = capacity::shrunk(self.everyone.len(), self.everyone.capacity()) {
            self.everyone.shrink_to(capacity);
        }
        if let Some(capacity) = capacity::shrunk(self.sockets.len(), self.sockets.capacity()) {
            self.sockets.shrink_to(capacity);
        }
        Some(socket)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Socket> {
        self.sockets
            .get_mut(&slot.index)
            .filter(|socket| socket.generation == slot.generation)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Socket> {
        self.sockets
            .get(&slot.index)
            .filter(|socket| socket.generation == slot.generation)
    }

    /// Who has this index now.
    pub(super) fn occupant(&self, index: u32) -> Option<Slot> {
        let generation = self.sockets.get(&index)?.generation;
        Some(Slot { index, generation })
    }

    pub(super) fn everyone(&self) -> &[Slot] {
        &self.everyone
    }
}
