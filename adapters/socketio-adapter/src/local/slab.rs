//! `Slab`: values that keep their index for life. Owns the reuse of indexes; notices no index that outlives its value.

use std::{
    mem,
    ops::{Index, IndexMut},
};

use super::capacity;

/// A vector with holes, chained so that each is found at once.
pub(super) struct Slab<T> {
    entries: Vec<Entry<T>>,
    /// The hole to fill next; the length of `entries` if there is none.
    next: u32,
    len: u32,
}

enum Entry<T> {
    Occupied(T),
    Vacant { next: u32 },
}

impl<T> Slab<T> {
    pub(super) fn insert(&mut self, value: T) -> u32 {
        let index = self.next;
        match self.entries.get_mut(index as usize) {
            Some(entry) => {
                if let Entry::Vacant { next } = *entry {
                    self.next = next;
                }
                *entry = Entry::Occupied(value);
            }
            None => {
                self.entries.push(Entry::Occupied(value));
                // Invariant: 2^32 entries of at least 8 bytes do not come together in one shard.
                self.next = index.checked_add(1).expect("fewer than 2^32 entries");
            }
        }
        self.len += 1;
        index
    }

    pub(super) fn remove(&mut self, index: u32) -> T {
        let vacant = Entry::Vacant { next: self.next };
        let Entry::Occupied(value) = mem::replace(&mut self.entries[index as usize], vacant) else {
            vacated(index)
        };
        self.next = index;
        self.len -= 1;
        if self.len == 0 {
            // Holes in use pin the ones before them, so memory can only be given back now.
            self.entries.clear();
            self.next = 0;
            if let Some(capacity) = capacity::shrunk(0, self.entries.capacity()) {
                self.entries.shrink_to(capacity);
            }
        }
        value
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            next: 0,
            len: 0,
        }
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, index: u32) -> &T {
        match &self.entries[index as usize] {
            Entry::Occupied(value) => value,
            Entry::Vacant { .. } => vacated(index),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, index: u32) -> &mut T {
        match &mut self.entries[index as usize] {
            Entry::Occupied(value) => value,
            Entry::Vacant { .. } => vacated(index),
        }
    }
}

/// Invariant: whoever holds an index of a slab gives it up when it removes the value.
#[cold]
fn vacated(index: u32) -> ! {
    unreachable!("slab index {index} is used after its removal")
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn indexes_stay_and_are_used_again() {
        let mut slab = Slab::default();
        assert_eq!(['a', 'b', 'c'].map(|value| slab.insert(value)), [0, 1, 2]);
        assert_eq!((slab.remove(0), slab.remove(1)), ('a', 'b'));
        assert_eq!(slab[2], 'c');
        assert_eq!(['d', 'e', 'f'].map(|value| slab.insert(value)), [1, 0, 3]);
        assert_eq!([0, 1, 2, 3].map(|index| slab[index]), ['e', 'd', 'c', 'f']);
    }

    #[test]
    fn empty_again_gives_memory_back() {
        let mut slab = Slab::default();
        for value in 0..1000_u32 {
            slab.insert(value);
        }
        for index in 0..1000 {
            slab.remove(index);
        }
        assert!(slab.entries.capacity() < 100);
        assert_eq!(slab.insert(7), 0);
    }
}
