//! How rooms are named in calls: one, or several at once.

use std::sync::Arc;

use socketio_adapter::Room;

use crate::socket::SocketId;

/// One room or several: strings, socket ids (private rooms), and collections of these.
pub trait Rooms {
    /// The rooms.
    fn into_rooms(self) -> Vec<Room>;
}

macro_rules! one_room {
    ($($type:ty: |$room:ident| $name:expr;)*) => {$(
        impl Rooms for $type {
            fn into_rooms(self) -> Vec<Room> {
                let $room = self;
                vec![$name]
            }
        }
    )*};
}

one_room! {
    &str: |room| room.into();
    String: |room| room.into();
    &String: |room| room.as_str().into();
    Room: |room| room;
    &Room: |room| Arc::clone(room);
    SocketId: |id| id.as_str().into();
    &SocketId: |id| id.as_str().into();
}

impl<T: Rooms, const N: usize> Rooms for [T; N] {
    fn into_rooms(self) -> Vec<Room> {
        self.into_iter().flat_map(Rooms::into_rooms).collect()
    }
}

impl<T: Rooms> Rooms for Vec<T> {
    fn into_rooms(self) -> Vec<Room> {
        self.into_iter().flat_map(Rooms::into_rooms).collect()
    }
}

impl<T: Rooms + Clone> Rooms for &[T] {
    fn into_rooms(self) -> Vec<Room> {
        self.iter().cloned().flat_map(Rooms::into_rooms).collect()
    }
}

impl<T: Rooms + Clone> Rooms for &Vec<T> {
    fn into_rooms(self) -> Vec<Room> {
        self.as_slice().into_rooms()
    }
}
