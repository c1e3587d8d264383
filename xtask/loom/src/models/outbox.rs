//! The outgoing queue and the mailbox: no wake-up is lost and none is wasted, and everything pushed is taken once, in order,
//! or refused.

use std::{
    sync::{Arc, Weak},
    task::{Wake, Waker},
    time::Duration,
};

use loom::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread::{self, JoinHandle},
};

use super::task::{Found, Task};
use crate::{
    config::OutboxLimits,
    every_order,
    outbox::{Outbox, PushError, Standing, Urgency, Work},
};

/// Two entries of [`BYTES`] are not too much.
const LIMITS: OutboxLimits = OutboxLimits {
    soft: 10,
    hard: 10,
    stall: Duration::from_secs(1),
};
const BYTES: usize = 5;

pub(super) fn push<E, D>(outbox: &Outbox<E, D>, entry: E) -> Result<(), PushError> {
    outbox.push(entry, 0, Urgency::Queue, &LIMITS, || 0)
}

/// Pushes entries from another thread; the result is how many were accepted.
fn push_all<E: Send + 'static>(
    outbox: &Arc<Outbox<E, E>>,
    entries: impl IntoIterator<Item = E> + Send + 'static,
) -> JoinHandle<usize> {
    let outbox = Arc::clone(outbox);
    thread::spawn(move || {
        let accepted = entries.into_iter().map(|entry| push(&outbox, entry));
        accepted.filter(Result::is_ok).count()
    })
}

pub(super) fn join<T>(thread: JoinHandle<T>) -> T {
    match thread.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Two producers and a task that sleeps between: every entry is taken once, those of a producer in the order in which it
/// pushed them. Were a wake-up lost, the task would sleep for ever, and loom would say so.
pub fn entries_of_two_producers_reach_a_task_that_sleeps() {
    let sleeps = every_order(|| {
        let outbox = Arc::new(Outbox::<_, (u8, u8)>::new());
        let producers = [0, 1].map(|producer| push_all(&outbox, [(producer, 0), (producer, 1)]));
        let mut task = Task::new(&outbox);
        let mut taken = Vec::new();
        while taken.len() < 4 {
            if let Found::Work(entries, _) = task.next() {
                taken.extend(entries);
            }
        }
        producers
            .into_iter()
            .for_each(|producer| assert_eq!(join(producer), 2));
        for producer in [0, 1] {
            let own: Vec<_> = taken.iter().filter(|entry| entry.0 == producer).collect();
            assert_eq!(own, [&(producer, 0), &(producer, 1)]);
        }
        assert!(task.take().is_none(), "everything has been taken");
        task.sleeps()
    });
    assert!(sleeps.contains(&0) && sleeps.contains(&2), "{sleeps:?}");
}

/// Deliveries and entries come together: both wake, and one wake is enough for both.
pub fn deliveries_wake_the_task_as_entries_do() {
    let sleeps = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let mailbox = Arc::clone(&outbox);
        let deliverer = thread::spawn(move || [1, 2].map(|delivery| mailbox.deliver(delivery)));
        let producer = push_all(&outbox, [3]);
        let mut task = Task::new(&outbox);
        let (mut taken, mut delivered) = (Vec::new(), Vec::new());
        while taken.len() + delivered.len() < 3 {
            if let Found::Work(entries, deliveries) = task.next() {
                taken.extend(entries);
                delivered.extend(deliveries);
            }
        }
        join(deliverer);
        join(producer);
        assert_eq!((taken, delivered), (vec![3], vec![1, 2]));
        assert!(task.wakes() <= task.sleeps(), "a wake without a sleep");
        task.sleeps()
    });
    assert!(sleeps.contains(&0) && sleeps.contains(&2), "{sleeps:?}");
}

/// A task that was resumed by something else, its timer say, is running: neither its own pushes nor those of others wake it.
pub fn a_task_that_runs_is_not_woken() {
    let sleeps = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let mut task = Task::new(&outbox);
        assert!(task.take_or_sleep().is_none());
        // The timer.
        assert!(task.take().is_none());
        let producer = push_all(&outbox, [1, 2]);
        assert_eq!(push(&outbox, 3), Ok(()));
        let mut taken = Vec::new();
        if let Some(Found::Work(entries, _)) = task.take() {
            taken.extend(entries);
        }
        assert_eq!(task.wakes(), 0, "it has been running all along");
        // The sleep before ended without a wake.
        let mut task = Task::new(&outbox);
        while taken.len() < 3 {
            if let Found::Work(entries, _) = task.next() {
                taken.extend(entries);
            }
        }
        join(producer);
        assert!(task.wakes() <= task.sleeps(), "a wake without a sleep");
        task.sleeps()
    });
    assert!(sleeps.contains(&0) && sleeps.contains(&1), "{sleeps:?}");
}

/// Closing meets pushing: whatever was accepted is taken before the task is told to close, and it is told once.
pub fn what_was_accepted_before_close_is_taken_before_the_task_is_told() {
    let accepted = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let producer = push_all(&outbox, [0, 1]);
        let closer = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                outbox.close();
                assert_eq!(push(&outbox, 2), Err(PushError::Closed));
                outbox.close();
            })
        };
        let mut task = Task::new(&outbox);
        let mut taken = Vec::new();
        loop {
            match task.next() {
                Found::Work(entries, _) => taken.extend(entries),
                Found::Close => break,
                Found::Overflown => unreachable!("entries without bytes"),
            }
        }
        let accepted = join(producer);
        join(closer);
        assert_eq!(taken, Vec::from_iter(0..accepted));
        assert!(task.take().is_none(), "told once");
        accepted
    });
    assert_eq!(Vec::from_iter(accepted), [0, 1, 2]);
}

/// The end meets pushing and delivering: each is taken, dropped by the end, or refused, and the queue keeps none of them.
pub fn the_end_takes_drops_or_refuses_and_keeps_nothing() {
    let outcomes = every_order(|| {
        let value = Arc::new(());
        let outbox = Arc::new(Outbox::new());
        let producer = push_all(&outbox, [(); 2].map(|()| Arc::clone(&value)));
        let deliverer = {
            let (outbox, value) = (Arc::clone(&outbox), Arc::clone(&value));
            thread::spawn(move || outbox.deliver(value))
        };
        let task = Task::new(&outbox);
        let mut taken = 0;
        if let Some(Found::Work(entries, deliveries)) = task.take() {
            taken = entries.len() + deliveries.len();
        }
        outbox.end();
        let accepted = join(producer);
        join(deliverer);
        assert_eq!(Arc::strong_count(&value), 1, "something has been kept");
        assert!(outbox.is_closed() && outbox.buffered() == 0);
        (taken, accepted)
    });
    for outcome in [(0, 0), (0, 2), (2, 1), (3, 2)] {
        assert!(
            outcomes.contains(&outcome),
            "{outcome:?} is not in {outcomes:?}"
        );
    }
}

/// Somebody closes while the task ends: the end stays the end.
pub fn closing_does_not_undo_the_end() {
    every_order(|| {
        let outbox = Arc::new(Outbox::<(), ()>::new());
        let closer = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.close())
        };
        outbox.end();
        join(closer);
        assert!(outbox.is_closed());
        assert_eq!(push(&outbox, ()), Err(PushError::Closed));
    });
}

/// The push that is too much wakes a task that sleeps, and so does the one before: it finds the overflow, and nothing that was
/// queued.
pub fn an_overflow_wakes_the_task_and_drops_what_was_queued() {
    let taken = every_order(|| {
        let value = Arc::new(());
        let outbox = Arc::new(Outbox::<_, ()>::new());
        let overflown = Arc::new(AtomicBool::new(false));
        let producers = [&[BYTES, BYTES][..], &[LIMITS.hard + 1]].map(|sizes| {
            let (outbox, value) = (Arc::clone(&outbox), Arc::clone(&value));
            let overflown = Arc::clone(&overflown);
            let push = move |&bytes| {
                let pushed = outbox.push(Arc::clone(&value), bytes, Urgency::Queue, &LIMITS, || 0);
                if pushed.is_err() {
                    overflown.store(true, SeqCst);
                }
                pushed
            };
            thread::spawn(move || Vec::from_iter(sizes.iter().map(push)))
        });
        let mut task = Task::new(&outbox);
        let mut taken = 0;
        loop {
            let too_late = overflown.load(SeqCst);
            let Found::Work(entries, _) = task.next() else {
                break;
            };
            assert!(!too_late, "it should have been dropped");
            taken += entries.len();
        }
        let [small, large] = producers.map(join);
        assert_eq!(large, [Err(PushError::Full)]);
        assert!(taken <= small.iter().filter(|pushed| pushed.is_ok()).count());
        assert_eq!(Arc::strong_count(&value), 1, "something has been kept");
        taken
    });
    assert_eq!(Vec::from_iter(taken), [0, 1, 2]);
}

/// Volatile entries of two producers: until the task has looked again, only one finds the way free.
pub fn one_volatile_entry_leaves_between_two_looks() {
    let looks = every_order(|| {
        let outbox = Arc::new(Outbox::<_, ()>::new());
        let push = |outbox: &Outbox<_, ()>| outbox.push((), 0, Urgency::Volatile, &LIMITS, || 0);
        let mut task = Task::new(&outbox);
        // From now on a message would leave at once.
        assert!(task.take_or_sleep().is_none());
        let producers = [(); 2].map(|()| {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || push(&outbox))
        });
        let early = task.take().is_some();
        let mut pushed = producers.map(join);
        pushed.sort_unstable_by_key(Result::is_err);
        assert_eq!(pushed, [Ok(()), Err(PushError::NotReady)]);
        assert_eq!(task.take().is_some(), !early);
        assert!(task.take().is_none());
        assert_eq!(push(&outbox), Ok(()), "the way is free again");
        early
    });
    assert_eq!(Vec::from_iter(looks), [false, true]);
}

/// Looks at the queue whenever it is dropped, and as a waker whenever it is called. Under the lock it would wait for itself.
struct Nosy(Weak<Outbox<Arc<Self>, Arc<Self>>>);

impl Nosy {
    fn look(&self) {
        // A model that fails drops what it has, when loom runs no more steps.
        if let Some(outbox) = self.0.upgrade()
            && !std::thread::panicking()
        {
            outbox.buffered();
        }
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        self.look();
    }
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

/// What belongs to others, entries and wakers, is called and dropped without the lock, whatever way it takes.
pub fn nothing_of_others_runs_under_the_lock() {
    every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let nosy = || Arc::new(Nosy(Arc::downgrade(&outbox)));
        let sleep = || {
            let standing = Standing {
                unsent: 0,
                progress: true,
                writable: true,
                now: 0,
            };
            let (mut entries, mut deliveries) = Default::default();
            outbox.take_or_sleep(
                &mut entries,
                &mut deliveries,
                &Waker::from(nosy()),
                &standing,
            )
        };
        assert!(matches!(sleep(), Work::None));
        assert_eq!(push(&outbox, nosy()), Ok(()));
        assert!(matches!(sleep(), Work::Some));
        assert!(matches!(sleep(), Work::None));
        outbox.deliver(nosy());
        assert!(matches!(sleep(), Work::Some));
        assert!(matches!(sleep(), Work::None));

        let other = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.close())
        };
        let volatile = outbox.push(nosy(), 0, Urgency::Volatile, &LIMITS, || 0);
        let flood = outbox.push(nosy(), LIMITS.hard + 1, Urgency::Queue, &LIMITS, || 0);
        assert!(flood.is_err() && volatile != Err(PushError::Full));
        outbox.deliver(nosy());
        outbox.end();
        outbox.deliver(nosy());
        assert_eq!(push(&outbox, nosy()), Err(PushError::Closed));
        join(other);
    });
}
