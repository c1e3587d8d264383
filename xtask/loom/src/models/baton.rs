//! The order of what is sent where sockets can be recovered: whatever thread decides, and whichever does it, turns are done once
//! each and in the order of the decisions, and none is left behind.

use std::sync::{Arc, Mutex, PoisonError};

use loom::thread;

use super::outbox::join;
use crate::{baton::Baton, every_order};

/// The number of the last decision is the state, and each turn is its number.
type Numbers = Baton<usize, usize>;

/// More than any model has turns.
const ROOM: usize = 64;

/// What has been done. Not loom's: it is no step of its own.
#[derive(Default)]
struct Done(Mutex<Vec<usize>>);

impl Done {
    fn push(&self, number: usize) {
        let mut done = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        done.push(number);
        assert!(done.is_sorted(), "{done:?}");
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Decides on one turn; whether it was left to somebody else.
fn pass(baton: &Numbers, done: &Done, mut more: impl FnMut()) -> bool {
    let decide = |last: &mut usize| {
        *last += 1;
        (Some(*last), *last)
    };
    let (number, outcome) = baton.pass(decide, |number| {
        more();
        done.push(number);
        number
    });
    assert!(outcome.is_none_or(|own| own == number), "another's outcome");
    outcome.is_none()
}

/// Two threads with two turns each.
pub fn what_is_decided_is_done_once_and_in_that_order() {
    two_threads_with_two_turns_each(ROOM);
}

/// The same, where a second turn has to wait for room.
pub fn who_waits_for_room_comes_in_its_turn() {
    two_threads_with_two_turns_each(1);
}

fn two_threads_with_two_turns_each(room: usize) {
    let left = every_order(move || {
        let shared = Arc::new((Numbers::new(0, room), Done::default()));
        let other = Arc::clone(&shared);
        let pass_two = |(baton, done): &(Numbers, Done)| {
            usize::from(pass(baton, done, || ())) + usize::from(pass(baton, done, || ()))
        };
        let thread = thread::spawn(move || pass_two(&other));
        let left = pass_two(&shared);
        let left = left + join(thread);
        assert_eq!(shared.1.count(), 4, "one is left behind");
        left
    });
    assert!(left.contains(&0) && left.contains(&2), "{left:?}");
}

/// What is done comes back with a turn of its own, while another thread has one as well.
pub fn a_turn_that_comes_back_is_done_behind_those_before_it() {
    let left = every_order(|| {
        let shared = Arc::new((Numbers::new(0, ROOM), Done::default()));
        let other = Arc::clone(&shared);
        let thread = thread::spawn(move || pass(&other.0, &other.1, || ()));
        let mut first = true;
        let left = pass(&shared.0, &shared.1, || {
            if std::mem::take(&mut first) {
                let is_left = pass(&shared.0, &shared.1, || unreachable!("it has the baton"));
                assert!(is_left);
            }
        });
        let left = usize::from(left) + usize::from(join(thread));
        let expected = if first { 2 } else { 3 };
        assert_eq!(shared.1.count(), expected, "one is left behind");
        left
    });
    assert!(left.contains(&0) && left.contains(&1), "{left:?}");
}

/// Two threads decide on nothing, while a third has a turn and there is no room beside it: woken one in the other's stead, both
/// get on.
pub fn who_has_waited_for_nothing_wakes_the_next() {
    let seen = every_order(|| {
        let shared = Arc::new((Numbers::new(0, 0), Done::default()));
        let idle = || {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let run = |_| unreachable!("it has no turn");
                shared.0.pass(|last| (None, *last), run).0
            })
        };
        let threads = [idle(), idle()];
        assert!(!pass(&shared.0, &shared.1, || ()), "nobody else does it");
        threads.map(join)
    });
    assert!(seen.contains(&[0, 0]) && seen.contains(&[1, 1]), "{seen:?}");
}
