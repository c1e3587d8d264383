//! `Adapter`: what a server asks of its rooms. Delivers nothing and knows no socket beyond its slot and its id.

use crate::{Room, Slot, Target};

/// The rooms of one namespace.
///
/// A socket is *present* from [`add`](Self::add) to [`remove`](Self::remove). While present it is alone in the private room
/// named by its id, which is implicit: it can be addressed, but nobody joins or leaves it. A room of that name that others
/// had joined before addresses nobody else meanwhile. (With the reference server, whoever learns an id can listen in.)
///
/// Rooms are not created or deleted: a room exists while somebody is in it. Calls with a slot that is not present, such
/// as one of an earlier generation, do nothing. Every change is in force when its call returns.
///
/// What a selection guarantees is written down [for the crate](crate#guarantees). Implementations call `deliver`, and
/// drop what is not theirs, without holding a lock.
pub trait Adapter: Send + Sync {
    /// Makes a socket present: `everyone` and its id now reach it.
    ///
    /// Adding it again does nothing. A socket that was left behind under the same index in another generation is removed
    /// first; an id that is taken passes to the newcomer.
    fn add(&self, slot: Slot, id: &str);

    /// Takes a socket out of everything.
    fn remove(&self, slot: Slot);

    /// Puts a socket into a room; `false` if that changed nothing, as when the room is private.
    fn join(&self, slot: Slot, room: &str) -> bool;

    /// Takes a socket out of a room; `false` if that changed nothing.
    fn leave(&self, slot: Slot, room: &str) -> bool;

    /// Calls `deliver` with the sockets a target means, in pieces of any size but never empty.
    fn select(&self, target: &Target, deliver: &mut dyn FnMut(&[Slot]));

    /// The sockets a target means, as a list.
    fn participants(&self, target: &Target) -> Vec<Slot> {
        let mut participants = Vec::new();
        self.select(target, &mut |slots| participants.extend_from_slice(slots));
        participants
    }

    /// The socket that is present under this id.
    fn find(&self, id: &str) -> Option<Slot>;

    /// The rooms a socket is in, without its private room, in no particular order.
    fn rooms(&self, slot: Slot) -> Vec<Room>;

    /// Whether a socket is in a room, its private room included.
    fn contains(&self, slot: Slot, room: &str) -> bool;

    /// How many sockets are present.
    fn socket_count(&self) -> usize;

    /// How many sockets a room's name reaches: its members, or the one whose id it is.
    fn member_count(&self, room: &str) -> usize;

    /// The rooms that have members, private rooms left out, in no particular order.
    fn room_names(&self) -> Vec<Room>;
}
