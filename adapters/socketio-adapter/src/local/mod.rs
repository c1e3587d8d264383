//! `LocalAdapter`: the rooms of one namespace in this process's memory. Owns the locks and their order; what lies behind
//! them is plain data in [`stripe`] (sockets) and [`shard`] (names).
//!
//! ```text
//!   stripe: index % 16                                   shard: hash(name) % 16
//!  ┌─────────────────────────────────┐                  ┌─────────────────────────────────────────────┐
//!  │ sockets   7 ─► generation 2     │                  │ names      "red" ─► 3                       │
//!  │               id "kD3m…"        │                  │ rooms       3 ─► [slot 9·m1, slot 7·m0]     │
//!  │               in: red·m0 ───────┼─────────────────►│ positions  m0 ─► 1     m1 ─► 0              │
//!  │ everyone  [.., slot 7, ..]      │                  │ ids        "Zp7R…" ─► slot 9                │
//!  └─────────────────────────────────┘                  └─────────────────────────────────────────────┘
//! ```
//!
//! A room is a dense list, so selecting copies memory. Leaving moves the last member into the gap; that member's position
//! is kept in the same shard, so it is corrected without touching its socket.
//!
//! # Lock order
//!
//! The stripe of one socket, then one shard. Never two stripes, never two shards at a time. Selection takes one lock
//! after the other and holds none while it delivers. The stripe is held for the whole of a change, so the changes
//! of one socket are a sequence.

mod capacity;
mod memberships;
mod scratch;
mod shard;
mod slab;
mod stripe;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
};

use parking_lot::RwLock;

use self::{
    memberships::RoomId,
    scratch::Scratch,
    shard::Shard,
    stripe::{Socket, Stripe},
};
use crate::{Adapter, Room, Slot, Target};

/// The rooms of one namespace, in memory: for a server of one node.
///
/// | | cost |
/// |---|---|
/// | [`join`](Adapter::join), [`leave`](Adapter::leave) | constant, whatever the size of the room and the number of the socket's rooms |
/// | [`select`](Adapter::select) | a copy of 8 bytes per member; with several rooms or `except` two passes more over a bit per socket |
/// | memory | about 200 bytes per socket, 40 more in its first room and 30 per membership, 4 KiB for the adapter itself; given back as rooms empty |
///
/// Names are hashed with random keys: peers often choose them.
pub struct LocalAdapter {
    stripes: [RwLock<Stripe>; STRIPES],
    shards: [RwLock<Shard>; SHARDS],
    shard_keys: RandomState,
}

impl LocalAdapter {
    /// An adapter without sockets.
    pub fn new() -> Self {
        Self {
            stripes: Default::default(),
            shards: Default::default(),
            shard_keys: RandomState::new(),
        }
    }

    fn stripe(&self, slot: Slot) -> &RwLock<Stripe> {
        &self.stripes[slot.index as usize % STRIPES]
    }

    /// The number of the shard that answers for a name, be it a room's or a socket's.
    fn shard_number(&self, name: &str) -> usize {
        // The remainder is below `SHARDS`, whatever the width of `usize`.
        self.shard_keys.hash_one(name) as usize % SHARDS
    }

    fn shard(&self, name: &str) -> &RwLock<Shard> {
        &self.shards[self.shard_number(name)]
    }

    /// Removes a socket under its stripe's lock, which the caller holds.
    fn expel(&self, stripe: &mut Stripe, slot: Slot) {
        let Some(socket) = stripe.remove(slot) else {
            return;
        };
        self.shard(&socket.id).write().release_id(&socket.id, slot);
        socket.memberships.for_each(|room, membership| {
            self.shards[room.shard()]
                .write()
                .remove(room.index(), membership);
        });
    }

    /// Copies whoever one of these names reaches; a socket may come up several times.
    fn copy_rooms(&self, rooms: &[Room], selected: &mut Vec<Slot>) {
        for room in rooms {
            self.shard(room).read().copy_members(room, selected);
        }
    }

    fn copy_everyone(&self, selected: &mut Vec<Slot>) {
        for stripe in &self.stripes {
            selected.extend_from_slice(stripe.read().everyone());
        }
    }
}

impl Adapter for LocalAdapter {
    fn add(&self, slot: Slot, id: &str) {
        let mut stripe = self.stripe(slot).write();
        match stripe.occupant(slot.index) {
            Some(occupant) if occupant == slot => return,
            Some(left_behind) => self.expel(&mut stripe, left_behind),
            None => {}
        }
        let id = Room::from(id);
        self.shard(&id).write().claim_id(Room::clone(&id), slot);
        stripe.insert(slot, id);
    }

    fn remove(&self, slot: Slot) {
        self.expel(&mut self.stripe(slot).write(), slot);
    }

    fn join(&self, slot: Slot, room: &str) -> bool {
        let number = self.shard_number(room);
        let mut stripe = self.stripe(slot).write();
        let Some(socket) = stripe.get_mut(slot).filter(|socket| *socket.id != *room) else {
            return false;
        };
        let mut shard = self.shards[number].write();
        if shard.find(room).is_some() {
            return false;
        }
        let index = shard.room_or_new(room);
        let id = RoomId::new(number, index);
        if socket.memberships.get(id).is_some() {
            return false;
        }
        socket.memberships.insert(id, shard.insert(index, slot));
        true
    }

    fn leave(&self, slot: Slot, room: &str) -> bool {
        let number = self.shard_number(room);
        let mut stripe = self.stripe(slot).write();
        let Some(socket) = stripe.get_mut(slot) else {
            return false;
        };
        let mut shard = self.shards[number].write();
        let Some(index) = shard.room(room) else {
            return false;
        };
        let Some(membership) = socket.memberships.remove(RoomId::new(number, index)) else {
            return false;
        };
        shard.remove(index, membership);
        true
    }

    fn select(&self, target: &Target, deliver: &mut dyn FnMut(&[Slot])) {
        let mut scratch = Scratch::take();
        let distinct = match target.addressed() {
            None => {
                self.copy_everyone(&mut scratch.selected);
                true
            }
            Some(rooms) => {
                self.copy_rooms(rooms, &mut scratch.selected);
                rooms.len() == 1
            }
        };
        self.copy_rooms(target.excepted(), &mut scratch.excepted);
        if !distinct || !scratch.excepted.is_empty() {
            scratch.keep_each_once();
        }
        for chunk in scratch.selected.chunks(CHUNK) {
            deliver(chunk);
        }
        scratch.put_back();
    }

    fn find(&self, id: &str) -> Option<Slot> {
        self.shard(id).read().find(id)
    }

    fn rooms(&self, slot: Slot) -> Vec<Room> {
        let mut rooms = Vec::new();
        if let Some(socket) = self.stripe(slot).read().get(slot) {
            socket.memberships.for_each(|room, _| {
                let shard = self.shards[room.shard()].read();
                rooms.push(Room::clone(shard.name(room.index())));
            });
        }
        rooms
    }

    fn contains(&self, slot: Slot, room: &str) -> bool {
        let number = self.shard_number(room);
        let stripe = self.stripe(slot).read();
        let Some(Socket {
            id, memberships, ..
        }) = stripe.get(slot)
        else {
            return false;
        };
        let shard = self.shards[number].read();
        **id == *room
            || shard.find(room).is_none()
                && shard
                    .room(room)
                    .is_some_and(|index| memberships.get(RoomId::new(number, index)).is_some())
    }

    fn socket_count(&self) -> usize {
        let count = |stripe: &RwLock<Stripe>| stripe.read().everyone().len();
        self.stripes.iter().map(count).sum()
    }

    fn member_count(&self, room: &str) -> usize {
        self.shard(room).read().count(room)
    }

    fn room_names(&self) -> Vec<Room> {
        let mut names = Vec::new();
        for shard in &self.shards {
            names.extend(shard.read().names().cloned());
        }
        names
    }
}

impl Default for LocalAdapter {
    fn default() -> Self {
        Self::new()
    }
}

/// Counts only: names and ids are the peers'.
impl fmt::Debug for LocalAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rooms = |shard: &RwLock<Shard>| shard.read().names().len();
        f.debug_struct("LocalAdapter")
            .field("sockets", &self.socket_count())
            .field("rooms", &self.shards.iter().map(rooms).sum::<usize>())
            .finish()
    }
}

/// Locks over sockets: their joins and leaves meet only if they share one.
const STRIPES: usize = 16;

/// Locks over names: a selection holds up the changes of one shard while it copies.
const SHARDS: usize = 1 << RoomId::SHARD_BITS;

/// Slots per call of `deliver`: 8 KiB, so that a piece stays in the fastest cache while it is worked through.
const CHUNK: usize = 1024;
