//! Who enters and leaves rooms, and which rooms come and go, for those who look on.
//!
//! ```text
//!  join, leave, let in, gone ──► change and note, in one step ──► told in that order, to one
//!                                (lock of the log)                observer after the other, by one
//!                                                                 thread at a time, without a lock
//! ```

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use parking_lot::Mutex;
use socketio_adapter::{Room, Slot};

use crate::namespace::Namespace;
use crate::socket::SocketId;

/// A change of a namespace's rooms, as [observers](Namespace::on_room_event) are told of it. The
/// private room of a socket, which bears its id, is a room like any other here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoomEvent {
    /// Somebody is about to be the first one in the room: `create-room` in JavaScript.
    Created {
        /// The room.
        room: Room,
    },
    /// A socket has entered the room: `join-room`.
    Joined {
        /// The room.
        room: Room,
        /// The socket.
        sid: SocketId,
    },
    /// A socket has left the room: `leave-room`.
    Left {
        /// The room.
        room: Room,
        /// The socket.
        sid: SocketId,
    },
    /// Nobody is left in the room: `delete-room`.
    Deleted {
        /// The room.
        room: Room,
    },
}

impl RoomEvent {
    /// The room that has changed.
    #[must_use]
    pub const fn room(&self) -> &Room {
        match self {
            Self::Created { room }
            | Self::Joined { room, .. }
            | Self::Left { room, .. }
            | Self::Deleted { room } => room,
        }
    }
}

/// Somebody who looks on.
pub(crate) type RoomObserver = dyn Fn(&Namespace, &RoomEvent) + Send + Sync;

/// The changes of a namespace that nobody has been told of yet, in their order.
///
/// Lock order: behind a socket's gate and those who are absent, ahead of those of the adapter.
#[derive(Default)]
pub(crate) struct RoomLog(Mutex<Untold>);

#[derive(Default)]
struct Untold {
    events: VecDeque<RoomEvent>,
    /// Somebody is telling them.
    is_telling: bool,
}

impl Untold {
    fn entered(&mut self, room: Room, sid: SocketId, is_new: bool) {
        if is_new {
            let room = Room::clone(&room);
            self.events.push_back(RoomEvent::Created { room });
        }
        self.events.push_back(RoomEvent::Joined { room, sid });
    }

    fn left(&mut self, room: Room, sid: SocketId, is_empty: bool) {
        let left = Room::clone(&room);
        self.events.push_back(RoomEvent::Left { room: left, sid });
        if is_empty {
            self.events.push_back(RoomEvent::Deleted { room });
        }
    }

    /// The next event for who tells them. There is one at a time, and the last event ends it.
    fn next(&mut self) -> Option<RoomEvent> {
        let event = self.events.pop_front();
        self.is_telling = event.is_some();
        event
    }
}

/// Changes of rooms: all of them pass here.
impl Namespace {
    /// Puts a socket where `everyone` and its private room reach it.
    pub(crate) fn appear(&self, slot: Slot, sid: &SocketId) {
        let (adapter, room) = (self.adapter(), sid.as_str());
        let Some(mut untold) = self.log_rooms() else {
            return adapter.add(slot, room);
        };
        let is_new = adapter.member_count(room) == 0;
        adapter.add(slot, room);
        untold.entered(room.into(), sid.clone(), is_new);
    }

    /// Takes a socket out of all rooms.
    pub(crate) fn disappear(&self, slot: Slot, sid: &SocketId) {
        let (adapter, own) = (self.adapter(), sid.as_str());
        let Some(mut untold) = self.log_rooms() else {
            return adapter.remove(slot);
        };
        if !adapter.contains(slot, own) {
            return;
        }
        let rooms = adapter.rooms(slot);
        adapter.remove(slot);
        for room in std::iter::once(own.into()).chain(rooms) {
            let is_empty = adapter.member_count(&room) == 0;
            untold.left(room, sid.clone(), is_empty);
        }
    }

    /// Puts a socket into a room; `false` if that changed nothing.
    pub(crate) fn enter_room(&self, slot: Slot, sid: &SocketId, room: &Room) -> bool {
        let adapter = self.adapter();
        let Some(mut untold) = self.log_rooms() else {
            return adapter.join(slot, room);
        };
        let is_new = adapter.member_count(room) == 0;
        let has_entered = adapter.join(slot, room);
        if has_entered {
            untold.entered(Room::clone(room), sid.clone(), is_new);
        }
        has_entered
    }

    /// Takes a socket out of a room.
    pub(crate) fn leave_room(&self, slot: Slot, sid: &SocketId, room: &Room) {
        let adapter = self.adapter();
        let Some(mut untold) = self.log_rooms() else {
            adapter.leave(slot, room);
            return;
        };
        if adapter.leave(slot, room) {
            let is_empty = adapter.member_count(room) == 0;
            untold.left(Room::clone(room), sid.clone(), is_empty);
        }
    }

    /// Where changes are noted, if anybody on the server looks on. Until it is let go of, nobody
    /// else changes a room, so that the order of notes is that of changes.
    fn log_rooms(&self) -> Option<parking_lot::MutexGuard<'_, Untold>> {
        let is_watched = self.io().revision().observes_rooms();
        is_watched.then(|| self.room_log().0.lock())
    }

    /// Tells observers what has changed, unless somebody is about it, who then goes on with this. For
    /// those who have changed something and hold no lock any more.
    pub(crate) fn tell_of_rooms(&self) {
        let Some(mut untold) = self.log_rooms() else {
            return;
        };
        if untold.is_telling {
            return;
        }
        while let Some(event) = untold.next() {
            drop(untold);
            for observer in self.routes().room_observers() {
                let look = AssertUnwindSafe(|| observer(self, &event));
                if catch_unwind(look).is_err() {
                    tracing::error!(target: "socketio", ?event, "an observer of rooms panicked");
                }
            }
            untold = self.room_log().0.lock();
        }
    }
}
