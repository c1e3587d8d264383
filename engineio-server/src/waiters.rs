//! Producers that wait for room in a queue.

use std::task::Waker;

/// Whom to wake when there is room. Most queues never have any.
#[derive(Default)]
pub(crate) struct Waiters {
    wakers: Vec<(u64, Waker)>,
    next_key: u64,
}

impl Waiters {
    /// Wakes this one as well. Who asks again has a key, of which only the latest waker counts; the
    /// one that is replaced is returned, for the caller holds a lock.
    pub(crate) fn add(&mut self, key: &mut Option<u64>, waker: &Waker) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.next_key += 1;
            self.next_key
        });
        match self.wakers.iter_mut().find(|(other, _)| *other == key) {
            Some((_, old)) if old.will_wake(waker) => None,
            Some((_, old)) => Some(std::mem::replace(old, waker.clone())),
            None => {
                self.wakers.push((key, waker.clone()));
                None
            }
        }
    }

    /// Nobody waits under this key any longer.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Waker> {
        let index = self.wakers.iter().position(|(other, _)| *other == key)?;
        Some(self.wakers.swap_remove(index).1)
    }

    /// Everybody, to be woken without a lock. Whoever finds no room then asks again.
    pub(crate) fn take(&mut self) -> Vec<(u64, Waker)> {
        std::mem::take(&mut self.wakers)
    }
}
