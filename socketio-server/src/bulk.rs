//! Many sockets at once: into rooms, out of rooms, away; and who is where.

use crate::broadcast::Broadcast;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::rooms::Rooms;
use crate::socket::{Socket, SocketId};
use socketio_adapter::Room;

/// Acts on every socket of the selection, as it is now. Whoever enters or leaves a target room
/// meanwhile may be missed or not.
///
/// ```
/// # use socketio_server::Io;
/// # fn example(io: &Io) {
/// // A game moves on to its next room.
/// io.to("lobby").join("arena");
/// io.close_room("lobby");
/// // And whoever cheats is out.
/// io.to("cheaters").disconnect();
/// # }
/// ```
impl Broadcast {
    /// Lets all of them enter rooms; see [`Socket::join`].
    pub fn join(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        self.for_each(|socket| socket.join(&rooms));
    }

    /// Lets all of them leave rooms; see [`Socket::leave`].
    pub fn leave(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        self.for_each(|socket| socket.leave(&rooms));
    }

    /// Sends all of them away from the namespace; see [`Socket::disconnect`].
    pub fn disconnect(&self) {
        self.for_each(Socket::disconnect);
    }

    /// Sends all of them away from all namespaces and closes their links; see
    /// [`Socket::disconnect_and_close`].
    pub fn disconnect_and_close(&self) {
        self.for_each(Socket::disconnect_and_close);
    }
}

/// Who is where.
impl Namespace {
    /// The sockets that are connected now, in no particular order.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.broadcast().sockets()
    }

    /// The ids of the sockets in a room, in no particular order.
    #[must_use]
    pub fn participants(&self, room: impl Rooms) -> Vec<SocketId> {
        let sockets = self.to(room).sockets();
        sockets.iter().map(Socket::id).collect()
    }

    /// The rooms that somebody is in, private ones left out, in no particular order.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        self.adapter().room_names()
    }

    /// Lets everybody leave these rooms, which thereby cease to exist. Nobody can be made to leave
    /// the private room that bears the socket's id.
    pub fn close_room(&self, rooms: impl Rooms) {
        for room in rooms.into_rooms() {
            self.to(&room).leave(&room);
        }
    }
}

/// Who is where in the default namespace.
impl Io {
    /// The socket of the default namespace with this id, if it is connected.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Io, SocketId};
    /// # fn example(io: Io, id: SocketId) -> Result<(), EncodeError> {
    /// if let Some(socket) = io.socket(id) {
    ///     socket.emit("hello", &())?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn socket(&self, id: impl AsRef<str>) -> Option<Socket> {
        self.root().socket(id)
    }

    /// The sockets that are connected to the default namespace, in no particular order.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        self.root().sockets()
    }

    /// [`Namespace::participants`] of the default namespace.
    #[must_use]
    pub fn participants(&self, room: impl Rooms) -> Vec<SocketId> {
        self.root().participants(room)
    }

    /// [`Namespace::rooms`] of the default namespace.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        self.root().rooms()
    }

    /// [`Namespace::close_room`] of the default namespace.
    pub fn close_room(&self, rooms: impl Rooms) {
        self.root().close_room(rooms);
    }
}
