//! The ids of sockets that are away but may come back. The adapter does not know them, so their
//! private rooms have to be kept for them.
//!
//! An id is noted before the adapter forgets it, and forgotten after the adapter has it again; and
//! whoever enters a room holds the lock meanwhile. So there is no moment at which nobody has it.

use std::collections::HashSet;

use parking_lot::{RwLock, RwLockReadGuard};
use socketio_adapter::Room;

use crate::socket::SocketId;

#[derive(Default)]
pub(super) struct Absent(RwLock<HashSet<Room>>);

impl Absent {
    /// The private rooms of those who are away. Nobody goes while this is held.
    pub(super) fn rooms(&self) -> RwLockReadGuard<'_, HashSet<Room>> {
        self.0.read()
    }

    /// A socket is about to be away.
    pub(super) fn insert(&self, id: &SocketId) {
        self.0.write().insert(id.as_str().into());
    }

    /// A socket is back, or gone for good.
    pub(super) fn remove(&self, id: &SocketId) {
        let mut rooms = self.0.write();
        // A failure of the network does not leave its memory behind.
        if rooms.remove(id.as_str()) && rooms.len() <= rooms.capacity() / 4 {
            let len = rooms.len();
            rooms.shrink_to(len * 2);
        }
    }

    pub(super) fn clear(&self) {
        *self.0.write() = HashSet::new();
    }
}
