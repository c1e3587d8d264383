//! How rooms are named in calls: one, or several at once.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use socketio_adapter::Room;

use crate::socket::SocketId;

/// One room or several: strings, socket ids (private rooms), and collections of these. A collection
/// that is empty names no room, and reaches nobody.
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
    Cow<'_, str>: |room| room.into();
    Box<str>: |room| room.into();
    Room: |room| room;
    &Room: |room| Arc::clone(room);
    SocketId: |id| id.as_str().into();
    &SocketId: |id| id.as_str().into();
}

macro_rules! many_rooms {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<T: Rooms, $($generics)*> Rooms for $type {
            fn into_rooms(self) -> Vec<Room> {
                self.into_iter().flat_map(Rooms::into_rooms).collect()
            }
        }

        impl<T: Rooms + Clone, $($generics)*> Rooms for &$type {
            fn into_rooms(self) -> Vec<Room> {
                self.iter().cloned().flat_map(Rooms::into_rooms).collect()
            }
        }
    )*};
}

many_rooms! {
    [const N: usize] [T; N];
    [] Vec<T>;
    [] BTreeSet<T>;
    [S: BuildHasher] HashSet<T, S>;
}

impl<T: Rooms + Clone> Rooms for &[T] {
    fn into_rooms(self) -> Vec<Room> {
        self.iter().cloned().flat_map(Rooms::into_rooms).collect()
    }
}
