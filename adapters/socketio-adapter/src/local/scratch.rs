//! `Scratch`: the memory a selection works in, lent by the thread. Owns the removal of duplicates; copies nothing itself.

use std::cell::Cell;

use crate::Slot;

/// Taken for one selection and put back. A selection made inside `deliver` finds the thread's own gone and gets a fresh one.
#[derive(Default)]
pub(super) struct Scratch {
    /// Whom the target addresses; what remains of it is delivered.
    pub(super) selected: Vec<Slot>,
    /// Whom the target leaves out.
    pub(super) excepted: Vec<Slot>,
    /// A bit per slot index, all zero between uses: cleared one by one, so a small room in a big namespace stays cheap.
    seen: Vec<u64>,
}

impl Scratch {
    pub(super) fn take() -> Self {
        // While the thread ends its own may be gone.
        SPARE.try_with(Cell::take).unwrap_or_default()
    }

    pub(super) fn put_back(mut self) {
        empty(&mut self.selected);
        empty(&mut self.excepted);
        if self.seen.capacity() > KEPT {
            self.seen = Vec::new();
        }
        // While the thread ends there may be nowhere to put it.
        let _ = SPARE.try_with(|spare| spare.set(self));
    }

    /// Keeps every selected socket once, and none that is excepted.
    ///
    /// Generations are left aside. If an index comes up in two of them, the later socket came while the copies were
    /// made, and whoever joins during a selection may be missed.
    pub(super) fn keep_each_once(&mut self) {
        let Self {
            selected,
            excepted,
            seen,
        } = self;
        for &slot in &*excepted {
            mark(seen, slot);
        }
        selected.retain(|&slot| mark(seen, slot));
        for &slot in excepted.iter().chain(&*selected) {
            let (word, bit) = place(slot);
            seen[word] &= !bit;
        }
    }
}

/// Notes a slot; `false` if it was noted before.
fn mark(seen: &mut Vec<u64>, slot: Slot) -> bool {
    let (word, bit) = place(slot);
    if word >= seen.len() {
        seen.resize(word + 1, 0);
    }
    let new = seen[word] & bit == 0;
    seen[word] |= bit;
    new
}

const fn place(slot: Slot) -> (usize, u64) {
    (slot.index as usize / 64, 1 << (slot.index % 64))
}

fn empty(slots: &mut Vec<Slot>) {
    slots.clear();
    if slots.capacity() > KEPT {
        *slots = Vec::new();
    }
}

/// What each buffer may keep between uses: 1 MiB, which is a selection of 131,072 sockets and an index below 8,388,608.
const KEPT: usize = (1 << 20) / 8;

thread_local! {
    static SPARE: Cell<Scratch> = const {
        Cell::new(Scratch {
            selected: Vec::new(),
            excepted: Vec::new(),
            seen: Vec::new(),
        })
    };
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Scratch, place};
    use crate::Slot;

    fn slots(indexes: impl IntoIterator<Item = u32>) -> Vec<Slot> {
        let slot = |index| Slot {
            index,
            generation: 0,
        };
        indexes.into_iter().map(slot).collect()
    }

    #[test]
    fn keeps_the_first_of_each_and_no_trace() {
        let mut scratch = Scratch::default();
        for _ in 0..2 {
            scratch.selected = slots([3, 900, 64, 3, 7, 64, 900]);
            scratch.excepted = slots([7, 7, 100_000]);
            scratch.keep_each_once();
            assert_eq!(scratch.selected, slots([3, 900, 64]));
            assert!(scratch.seen.iter().all(|word| *word == 0));
        }
        assert_eq!(scratch.seen.len(), place(slots([100_000])[0]).0 + 1);
    }

    #[test]
    fn thread_keeps_buffers_up_to_the_bound() {
        for (capacity, kept) in [(KEPT, true), (KEPT + 1, false)] {
            let mut scratch = Scratch::take();
            scratch.selected = Vec::with_capacity(capacity);
            scratch.seen = vec![0; capacity];
            scratch.put_back();
            let scratch = Scratch::take();
            assert_eq!(scratch.selected.capacity() > 0, kept);
            assert_eq!(scratch.seen.capacity() > 0, kept);
        }
    }
}
