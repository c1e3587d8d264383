//! `Shard`: a sixteenth of the names, with all that a name addresses. Plain data; the lock around it is the adapter's.

use std::collections::HashMap;

use super::{capacity, slab::Slab};
use crate::{Room, Slot};

/// The rooms and the socket ids whose names hash to this shard.
///
/// A *membership* is the number a member keeps while it is in a room; its position in the room's list changes as others
/// leave. The socket holds the membership, the shard its position: both sides find each other without a search.
#[derive(Default)]
pub(super) struct Shard {
    names: HashMap<Room, u32>,
    rooms: Slab<Members>,
    /// By membership: where the member stands in its room's list.
    positions: Slab<u32>,
    /// The private rooms. They are here, beside the rooms, so that one lock answers for a name.
    ids: HashMap<Room, Slot>,
}

/// One room; never empty once its first member is in.
struct Members {
    name: Room,
    list: Vec<Member>,
}

struct Member {
    slot: Slot,
    membership: u32,
}

impl Shard {
    pub(super) fn room(&self, name: &str) -> Option<u32> {
        self.names.get(name).copied()
    }

    /// The room of that name; the caller puts a member into a new one at once.
    pub(super) fn room_or_new(&mut self, name: &str) -> u32 {
        if let Some(room) = self.room(name) {
            return room;
        }
        let name = Room::from(name);
        let room = self.rooms.insert(Members {
            name: Room::clone(&name),
            list: Vec::new(),
        });
        self.names.insert(name, room);
        room
    }

    /// Adds a socket that is not in the room; the result is its membership.
    pub(super) fn insert(&mut self, room: u32, slot: Slot) -> u32 {
        let list = &mut self.rooms[room].list;
        // The list holds each socket once and a slot's index has 32 bits: nothing is cut off.
        let membership = self.positions.insert(list.len() as u32);
        list.push(Member { slot, membership });
        membership
    }

    /// Ends a membership, and with the last one the room.
    pub(super) fn remove(&mut self, room: u32, membership: u32) {
        let position = self.positions.remove(membership);
        let list = &mut self.rooms[room].list;
        list.swap_remove(position as usize);
        if let Some(moved) = list.get(position as usize) {
            self.positions[moved.membership] = position;
        }
        if list.is_empty() {
            let Members { name, .. } = self.rooms.remove(room);
            self.names.remove(&name);
            if let Some(capacity) = capacity::shrunk(self.names.len(), self.names.capacity()) {
                self.names.shrink_to(capacity);
            }
        } else if let Some(capacity) = capacity::shrunk(list.len(), list.capacity()) {
            list.shrink_to(capacity);
        }
    }

    pub(super) fn claim_id(&mut self, id: Room, slot: Slot) {
        self.ids.insert(id, slot);
    }

    /// Forgets an id, unless it has passed to another socket.
    pub(super) fn release_id(&mut self, id: &str, slot: Slot) {
        if self.find(id) == Some(slot) {
            self.ids.remove(id);
            if let Some(capacity) = capacity::shrunk(self.ids.len(), self.ids.capacity()) {
                self.ids.shrink_to(capacity);
            }
        }
    }

    pub(super) fn find(&self, id: &str) -> Option<Slot> {
        self.ids.get(id).copied()
    }

    /// Appends whoever the name reaches. A socket's id reaches that socket alone, also when others had entered a room of
    /// this name before it came.
    pub(super) fn copy_members(&self, name: &str, selected: &mut Vec<Slot>) {
        match self.find(name) {
            Some(owner) => selected.push(owner),
            None => selected.extend(self.members(name).iter().map(|member| member.slot)),
        }
    }

    pub(super) fn count(&self, name: &str) -> usize {
        match self.find(name) {
            Some(_) => 1,
            None => self.members(name).len(),
        }
    }

    pub(super) fn name(&self, room: u32) -> &Room {
        &self.rooms[room].name
    }

    pub(super) fn names(&self) -> impl ExactSizeIterator<Item = &Room> {
        self.names.keys()
    }

    fn members(&self, name: &str) -> &[Member] {
        self.room(name).map_or(&[], |room| &self.rooms[room].list)
    }
}

#[cfg(test)]
mod tests {
    use super::Shard;
    use crate::Slot;

    const SLOTS: u32 = 1000;

    #[test]
    fn room_gives_memory_back_as_it_empties() {
        let mut shard = Shard::default();
        let room = shard.room_or_new("crowd");
        let memberships = Vec::from_iter((0..SLOTS).map(|index| {
            let slot = Slot {
                index,
                generation: 0,
            };
            shard.insert(room, slot)
        }));
        for &membership in &memberships[1..] {
            shard.remove(room, membership);
        }
        assert!(shard.rooms[room].list.capacity() < 100);
        assert_eq!(shard.count("crowd"), 1);

        shard.remove(room, memberships[0]);
        assert_eq!(shard.room("crowd"), None);
        assert_eq!(shard.names().len(), 0);
    }

    #[test]
    fn names_give_memory_back_as_rooms_empty() {
        let mut shard = Shard::default();
        for index in 0..SLOTS {
            let slot = Slot {
                index,
                generation: 0,
            };
            let room = shard.room_or_new(&index.to_string());
            let membership = shard.insert(room, slot);
            assert_eq!((room, membership), (index, index));
        }
        for index in 0..SLOTS {
            shard.remove(index, index);
        }
        assert!(shard.names.capacity() < 200);
    }
}
