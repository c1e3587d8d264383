//! `Slot`: how a socket is named between the server and its adapter. Hands none out; the namespace's slab does.

/// A socket's place in its namespace.
///
/// The namespace keeps its sockets in a slab. When a socket goes, its `index` is used again under another `generation`,
/// so that what still holds the old pair cannot address the new socket.
///
/// Indexes are expected to be small: an adapter may keep a bit per index up to the largest one in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// Index into the namespace's slab.
    pub index: u32,
    /// Which of the successive users of that index is meant. Compared for equality only, so it may wrap around.
    pub generation: u32,
}

// Selections are arrays of slots: their size is the memory traffic of every broadcast.
const _: () = assert!(size_of::<Slot>() == 8);
