//! The rooms of a socket.

use socketio_adapter::{Room, Slot};

use super::Socket;
use crate::rooms::Rooms;
use crate::routes::Personal;

impl Socket {
    /// Joins rooms. In a connect handler this takes effect when the client is let in; on a socket
    /// that is disconnected it does nothing.
    ///
    /// The private rooms of others, named by their ids, cannot be joined: an attempt changes nothing
    /// and is logged at debug level. So a room's name may come from a client. They belong to their
    /// sockets while those are connected, or away and may yet be [recovered](Self::recovered); for
    /// what comes after, see [`SocketId`](crate::SocketId).
    ///
    /// ```
    /// # use socketio_server::Socket;
    /// # fn example(socket: Socket) {
    /// socket.join("lobby");
    /// socket.join(["red", "spectators"]);
    /// # }
    /// ```
    pub fn join(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        let kept = self.0.gate.rooms(|kept| {
            for room in &rooms {
                if !kept.contains(room) {
                    kept.push(Room::clone(room));
                }
            }
        });
        if kept.is_some() {
            return;
        }
        // The adapter knows no slot of a socket that is disconnected.
        if let Some(&slot) = self.0.slot.get() {
            self.enter_rooms(slot, &rooms);
            self.0.namespace.tell_of_rooms();
        }
    }

    fn enter_rooms(&self, slot: Slot, rooms: &[Room]) {
        let namespace = &self.0.namespace;
        let absent = namespace.sequencer().map(|it| it.absent());
        let is_absents = |room| absent.as_ref().is_some_and(|it| it.contains(room));
        let is_others = |room| {
            let owner = namespace.adapter().find(room);
            owner.is_some_and(|owner| owner != slot)
        };
        for room in rooms {
            let has_entered = !is_absents(room) && namespace.enter_room(slot, &self.0.id, room);
            if !has_entered && (is_absents(room) || is_others(room)) {
                tracing::debug!(target: "socketio", sid = %self.id(), "private room of another socket");
            }
        }
    }

    /// Leaves rooms. Once this has returned, nothing sent to them reaches the socket.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.leave("lobby");
    /// socket.to("lobby").emit("left", "Ada")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn leave(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        let kept = self
            .0
            .gate
            .rooms(|kept| kept.retain(|room| !rooms.contains(room)));
        if kept.is_some() {
            return;
        }
        if let Some(&slot) = self.0.slot.get() {
            let namespace = &self.0.namespace;
            for room in rooms {
                namespace.leave_room(slot, &self.0.id, &room);
            }
            namespace.tell_of_rooms();
        }
    }

    /// The rooms the socket is in, without its private one, in no particular order. In a
    /// [disconnecting handler](crate::Namespace::on_disconnecting) those it was in.
    ///
    /// ```
    /// # use socketio_server::Socket;
    /// # fn example(socket: Socket) {
    /// socket.join("lobby");
    /// let is_waiting = socket.rooms().iter().any(|room| &**room == "lobby");
    /// # let _ = is_waiting;
    /// # }
    /// ```
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        if let Some(kept) = self.0.gate.rooms(|kept| kept.clone()) {
            return kept;
        }
        if let Some(rooms) = self.personal_if_any().and_then(Personal::last_rooms) {
            return rooms;
        }
        let slot = self.0.slot.get();
        slot.map_or_else(Vec::new, |&slot| self.0.namespace.adapter().rooms(slot))
    }

    /// From now on others see the socket, in these rooms.
    pub(crate) fn enter(&self, rooms: Vec<Room>) {
        let slot = *self.0.slot.get_or_init(|| self.0.namespace.insert(self));
        self.enter_rooms(slot, &rooms);
    }

    /// Nobody sees the socket any longer, but it may remember where it was.
    pub(crate) fn leave_all(&self, remembers_rooms: bool) {
        if let Some(&slot) = self.0.slot.get() {
            let namespace = &self.0.namespace;
            if remembers_rooms {
                let rooms = namespace.adapter().rooms(slot);
                self.personal().remember_rooms(rooms);
            }
            namespace.remove(slot, &self.0.id);
        }
    }
}
