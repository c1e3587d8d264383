//! What a single socket has to do with handlers, if anything.

use std::sync::Arc;

use parking_lot::Mutex;
use socketio_adapter::Room;

use crate::handler::{Handled, Route};

/// Made when it is needed: most sockets have none.
#[derive(Default)]
pub(crate) struct Personal {
    /// Handlers for once that have had their event of this socket.
    spent: Mutex<Vec<Arc<Route<Handled>>>>,
    last_rooms: Mutex<LastRooms>,
}

/// The rooms of a socket that has left them.
#[derive(Default)]
enum LastRooms {
    /// It is in its rooms.
    #[default]
    Current,
    Remembered(Vec<Room>),
    Forgotten,
}

impl Personal {
    /// Whether a handler for once has not had its event yet. It has, from now on.
    pub(crate) fn spend(&self, route: &Arc<Route<Handled>>) -> bool {
        let mut spent = self.spent.lock();
        let unspent = !spent.iter().any(|it| Arc::ptr_eq(it, route));
        if unspent {
            spent.push(Arc::clone(route));
        }
        unspent
    }

    /// The socket is about to leave these rooms, with all others.
    pub(crate) fn remember_rooms(&self, rooms: Vec<Room>) {
        let mut last = self.last_rooms.lock();
        if matches!(*last, LastRooms::Current) {
            *last = LastRooms::Remembered(rooms);
        }
    }

    /// The rooms the socket was in, while they are remembered.
    pub(crate) fn last_rooms(&self) -> Option<Vec<Room>> {
        match &*self.last_rooms.lock() {
            LastRooms::Remembered(rooms) => Some(rooms.clone()),
            LastRooms::Current | LastRooms::Forgotten => None,
        }
    }

    /// Nobody is to know any longer.
    pub(crate) fn forget_rooms(&self) {
        *self.last_rooms.lock() = LastRooms::Forgotten;
    }
}
