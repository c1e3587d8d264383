//! One thing after another, from any number of threads: what is decided under the lock is done in
//! the order of the decisions, without the lock, by whoever holds the baton.
//!
//! ```text
//!   decide ──► turn 7 ┐                     ┌─► do 4, the holder's own
//!   decide ──► turn 6 ├── queue: 7 6 5 ──►──┤   do 5, do 6, do 7: left to it by others,
//!   decide ──► turn 5 ┘                     └─► who have gone on meanwhile
//! ```
//!
//! The queue is short. Whoever finds it full waits until there is room; if the holder has done its
//! share by then, one of those who wait takes the baton from it. What is done may come back here, as
//! dropping what belongs to users can do anything: the holder never waits, it only queues.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

// Those of the model, where one runs it.
use super::thread::{self, ThreadId};

pub(crate) struct Baton<S, T> {
    line: Mutex<Line<S, T>>,
    /// Turns that may wait for the holder before threads have to.
    room: usize,
    /// There is room again, or nobody holds the baton.
    moved: Condvar,
}

struct Line<S, T> {
    state: S,
    turns: VecDeque<T>,
    holder: Option<ThreadId>,
    /// Threads that wait for room.
    waiting: usize,
}

impl<S, T> Baton<S, T> {
    pub(crate) fn new(state: S, room: usize) -> Self {
        Self {
            room,
            line: Mutex::new(Line {
                state,
                turns: VecDeque::new(),
                holder: None,
                waiting: 0,
            }),
            moved: Condvar::new(),
        }
    }

    /// Looks at the state, or changes it, without anything to be done.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&mut S) -> R) -> R {
        look(&mut self.line.lock().state)
    }

    /// Decides, under the lock, and has done what was decided: by this call, which then returns what
    /// came of it, or by the one that holds the baton.
    pub(crate) fn pass<R, O>(
        &self,
        decide: impl FnOnce(&mut S) -> (Option<T>, R),
        mut run: impl FnMut(T) -> O,
    ) -> (R, Option<O>) {
        let me = thread::current().id();
        let mut line = self.line.lock();
        while line.turns.len() >= self.room && line.holder.is_some_and(|holder| holder != me) {
            line.waiting += 1;
            self.moved.wait(&mut line);
            line.waiting -= 1;
        }
        let (turn, said) = decide(&mut line.state);
        let before = line.turns.len();
        let own = turn.as_ref().map(|_| before);
        line.turns.extend(turn);
        if line.holder.is_some() {
            return (said, None);
        }
        if line.turns.is_empty() {
            // This thread may have been woken in another's stead, and wakes nobody by what it does.
            if line.waiting > 0 {
                self.moved.notify_one();
            }
            return (said, None);
        }
        line.holder = Some(me);
        drop(line);
        let mut holder = Holder {
            baton: self,
            holds: true,
        };
        let mut outcome = None;
        let mut done = 0;
        while let Some(turn) = holder.next(done > before + self.room) {
            let came_of_it = run(turn);
            if own == Some(done) {
                outcome = Some(came_of_it);
            }
            done += 1;
        }
        (said, outcome)
    }
}

/// Whoever has the baton. It is laid down even by a panic; what is left then is for the next to do, so
/// better do nothing that panics.
struct Holder<'a, S, T> {
    baton: &'a Baton<S, T>,
    holds: bool,
}

impl<S, T> Holder<'_, S, T> {
    /// The next turn. `None`, and the baton has been laid down, if there is none, or if enough has
    /// been done and there is somebody to go on.
    fn next(&mut self, enough: bool) -> Option<T> {
        let mut line = self.baton.line.lock();
        let others_go_on = enough && line.waiting > 0;
        let turn = (!others_go_on).then(|| line.turns.pop_front()).flatten();
        if turn.is_none() {
            line.holder = None;
            self.holds = false;
        }
        if line.waiting > 0 {
            self.baton.moved.notify_one();
        }
        turn
    }
}

impl<S, T> Drop for Holder<'_, S, T> {
    fn drop(&mut self) {
        if self.holds {
            self.baton.line.lock().holder = None;
            self.baton.moved.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Barrier};
    use std::thread;

    use super::*;

    const ROOM: usize = 64;

    #[test]
    fn turns_of_many_threads_are_done_once_each_in_the_order_of_their_numbers() {
        const THREADS: u64 = 8;
        const EACH: u64 = 2000;
        let baton = Baton::new(0, ROOM);
        let done = Mutex::new(Vec::new());
        let start = Barrier::new(THREADS as usize);
        let busy = AtomicBool::new(false);
        let run = |number: u64| {
            assert!(!busy.swap(true, Ordering::SeqCst), "two at once");
            done.lock().push(number);
            thread::yield_now();
            busy.store(false, Ordering::SeqCst);
            number
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..EACH {
                        let next = |count: &mut u64| {
                            *count += 1;
                            (Some(*count), *count)
                        };
                        let (number, outcome) = baton.pass(next, run);
                        assert!(outcome.is_none_or(|own| own == number));
                    }
                });
            }
        });
        let done = done.into_inner();
        assert_eq!(done, Vec::from_iter(1..=THREADS * EACH));
    }

    #[test]
    fn a_turn_that_comes_back_is_queued_and_never_waits() {
        let baton = Arc::new(Baton::<(), usize>::new((), ROOM));
        let done = Mutex::new(Vec::new());
        let again = |turn| ((), baton.pass(|()| (Some(turn), ()), |_| unreachable!()).1);
        let (_, outcome) = baton.pass(
            |()| (Some(0), ()),
            |turn| {
                if turn == 0 {
                    // More than may wait.
                    let queued = (1..=2 * ROOM).map(again);
                    assert!(queued.into_iter().all(|(_, outcome)| outcome.is_none()));
                }
                done.lock().push(turn);
            },
        );
        assert_eq!(outcome, Some(()));
        assert_eq!(*done.lock(), Vec::from_iter(0..=2 * ROOM));
    }

    #[test]
    fn a_panic_lays_the_baton_down() {
        let baton = Baton::new((), ROOM);
        let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            baton.pass(|()| (Some(()), ()), |()| panic!("a user's drop"));
        }));
        assert!(broken.is_err());
        let (_, outcome) = baton.pass(|()| (Some(()), ()), |()| "done");
        assert_eq!(outcome, Some("done"));
    }
}
