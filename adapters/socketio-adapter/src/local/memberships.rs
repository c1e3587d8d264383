//! `Memberships`: the rooms one socket is in. Knows rooms by number; names and members are the shard's.

use std::{collections::HashMap, mem};

use super::capacity;

/// The number of a room among all rooms of the adapter: its shard, and its index there. Reused once the room is empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RoomId(u32);

impl RoomId {
    pub(super) const SHARD_BITS: u32 = 4;

    pub(super) fn new(shard: usize, index: u32) -> Self {
        debug_assert!(shard < 1 << Self::SHARD_BITS);
        // Invariant: 2^28 rooms of at least 100 bytes do not come together in one shard.
        assert!(index < 1 << (u32::BITS - Self::SHARD_BITS));
        Self(index << Self::SHARD_BITS | shard as u32)
    }

    pub(super) const fn shard(self) -> usize {
        (self.0 & ((1 << Self::SHARD_BITS) - 1)) as usize
    }

    pub(super) const fn index(self) -> u32 {
        self.0 >> Self::SHARD_BITS
    }
}

/// The rooms of one socket, each with the membership the shard has given out for it.
///
/// Most sockets are in a handful of rooms, for which a list is smallest and fastest; a socket in thousands gets an index.
pub(super) enum Memberships {
    Few(Vec<(RoomId, u32)>),
    #[expect(clippy::box_collection, reason = "keeps 24 bytes off every socket")]
    Many(Box<HashMap<RoomId, u32>>),
}

impl Memberships {
    /// Adds a room that is not in it.
    pub(super) fn insert(&mut self, room: RoomId, membership: u32) {
        match self {
            Self::Few(list) if list.len() < FEW => list.push((room, membership)),
            Self::Few(list) => {
                let mut index: HashMap<_, _> = mem::take(list).into_iter().collect();
                index.insert(room, membership);
                *self = Self::Many(Box::new(index));
            }
            Self::Many(index) => {
                index.insert(room, membership);
            }
        }
    }

    pub(super) fn remove(&mut self, room: RoomId) -> Option<u32> {
        match self {
            Self::Few(list) => {
                let position = list.iter().position(|&(other, _)| other == room)?;
                Some(list.swap_remove(position).1)
            }
            Self::Many(index) => {
                let membership = index.remove(&room)?;
                // Half of the way back, or one room that comes and goes would rebuild it every time.
                if index.len() <= FEW / 2 {
                    *self = Self::Few(index.drain().collect());
                } else if let Some(capacity) = capacity::shrunk(index.len(), index.capacity()) {
                    index.shrink_to(capacity);
                }
                Some(membership)
            }
        }
    }

    pub(super) fn get(&self, room: RoomId) -> Option<u32> {
        match self {
            Self::Few(list) => list
                .iter()
                .find_map(|&(other, membership)| (other == room).then_some(membership)),
            Self::Many(index) => index.get(&room).copied(),
        }
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(RoomId, u32)) {
        match self {
            Self::Few(list) => list.iter().for_each(|&(room, number)| visit(room, number)),
            Self::Many(index) => index
                .iter()
                .for_each(|(&room, &number)| visit(room, number)),
        }
    }
}

impl Default for Memberships {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

/// Up to here a scan beats a hash.
const FEW: usize = 32;

const _: () = assert!(size_of::<Memberships>() == 24);

#[cfg(test)]
mod tests {
    use super::{FEW, Memberships, RoomId};

    #[test]
    fn room_id_carries_both_parts() {
        for (shard, index) in [(0, 0), (15, 0), (0, (1 << 28) - 1), (7, 12_345)] {
            let id = RoomId::new(shard, index);
            assert_eq!((id.shard(), id.index()), (shard, index));
        }
    }

    #[test]
    fn list_becomes_an_index_and_a_list_again() {
        let room = |index: usize| RoomId::new(index % 16, index as u32);
        let mut memberships = Memberships::default();
        for index in 0..FEW * 4 {
            memberships.insert(room(index), index as u32);
            assert_eq!(matches!(memberships, Memberships::Few(_)), index < FEW);
        }
        for index in 0..FEW * 4 {
            assert_eq!(memberships.get(room(index)), Some(index as u32));
            assert_eq!(memberships.remove(room(index)), Some(index as u32));
            assert_eq!(memberships.get(room(index)), None);
            let mut rest = Vec::new();
            memberships.for_each(|_, membership| rest.push(membership as usize));
            rest.sort_unstable();
            assert_eq!(rest, Vec::from_iter(index + 1..FEW * 4));
        }
        assert!(matches!(memberships, Memberships::Few(_)));
    }
}
