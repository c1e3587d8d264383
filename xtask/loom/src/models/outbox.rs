//! The outgoing queue and the mailbox: no wake-up is lost and none is wasted, and everything pushed is taken once, in order,
//! or refused.

use std::{
    sync::{Arc, Weak},
    task::{Poll, Wake, Waker},
    time::Duration,
};

use loom::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread::{self, JoinHandle},
};

use super::task::{Bell, Found, Task};
use crate::{
    every_order,
    limits::{OutboxLimits, OverflowPolicy},
    outbox::{Outbox, PushError, Standing, Urgency, Work},
    overflow::{Bounds, Weight},
};

/// Two entries of [`BYTES`] are not too much.
pub(super) const LIMITS: OutboxLimits = OutboxLimits {
    soft: 10,
    hard: 10,
    stall: Duration::from_secs(1),
    policy: OverflowPolicy::Disconnect,
};
const BYTES: usize = 5;

/// [`LIMITS`], for entries that are all alike.
pub(super) fn bounds<E>(policy: OverflowPolicy) -> Bounds<E> {
    Bounds {
        limits: OutboxLimits { policy, ..LIMITS },
        weigh: |_| Weight {
            bytes: BYTES,
            droppable: true,
        },
    }
}

/// Ends the session when it is too much.
pub(super) fn strict<E>() -> Bounds<E> {
    bounds(OverflowPolicy::Disconnect)
}

pub(super) fn push<E, D>(outbox: &Outbox<E, D>, entry: E) -> Result<(), PushError> {
    let pushed = outbox.push(entry, 0, Urgency::Queue, &strict(), || 0);
    pushed.map(|displaced| assert_eq!(displaced, 0))
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
                Found::Overflown(_) => unreachable!("entries without bytes"),
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
                let pushed =
                    outbox.push(Arc::clone(&value), bytes, Urgency::Queue, &strict(), || 0);
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

/// A task is told of an overflow once, and then sleeps until there is something in its mailbox: before, with, or behind it.
pub fn a_delivery_reaches_a_task_whose_queue_overflows() {
    let places = every_order(|| {
        let outbox = Arc::new(Outbox::<(), _>::new());
        let evictor = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.overflow())
        };
        let sender = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.deliver(()))
        };
        let mut task = Task::new(&outbox);
        let (mut told, mut place) = (false, None);
        while !told || place.is_none() {
            let (deliveries, here) = match task.next() {
                Found::Work(_, deliveries) => (deliveries, if told { "behind" } else { "before" }),
                Found::Overflown(deliveries) => {
                    assert!(!std::mem::replace(&mut told, true), "told twice");
                    (deliveries, "with")
                }
                Found::Close => unreachable!("nobody closes"),
            };
            if !deliveries.is_empty() {
                assert_eq!(place.replace(here), None, "delivered twice");
            }
        }
        assert!(join(evictor));
        join(sender);
        assert!(
            task.take_or_sleep().is_none(),
            "there is nothing left to do"
        );
        place
    });
    assert_eq!(
        Vec::from_iter(places.into_iter().flatten()),
        ["before", "behind", "with"]
    );
}

/// Where the oldest are dropped, every entry is taken once and in order, or dropped and counted; an order is taken by a task
/// that has no room, together with all that is before it.
pub fn what_is_not_taken_is_dropped_and_counted() {
    let taken = every_order(|| {
        let outbox = Arc::new(Outbox::<_, ()>::new());
        let bounds = Arc::new(bounds(OverflowPolicy::DropOldest));
        let producer = {
            let (outbox, bounds) = (Arc::clone(&outbox), Arc::clone(&bounds));
            thread::spawn(move || {
                let push = |entry| outbox.push(entry, BYTES, Urgency::Queue, &bounds, || 0);
                let displaced = (0..3).map(|entry| push(entry).unwrap_or(usize::MAX)).sum();
                assert_eq!(outbox.push(3, 0, Urgency::Order, &bounds, || 0), Ok(0));
                displaced
            })
        };
        let mut task = Task::new(&outbox);
        let mut taken = Vec::new();
        // Room for one entry, then for none.
        task.room = 1;
        while taken.last() != Some(&3) {
            if let Found::Work(entries, _) = task.next() {
                taken.extend(entries);
                task.room = 0;
            }
        }
        let displaced: usize = join(producer);
        assert!(taken.is_sorted(), "{taken:?}");
        assert_eq!(taken.len() + displaced, 4);
        assert_eq!(outbox.dropped(), displaced as u64);
        taken
    });
    let outcomes = [&[0, 1, 2, 3][..], &[0, 2, 3], &[1, 2, 3]];
    for outcome in outcomes {
        assert!(taken.contains(outcome), "{outcome:?} is not in {taken:?}");
    }
}

/// A producer that waits for room is woken for it, or for the end, which may come from anywhere. One that has given up is not
/// woken. Were a wake-up lost, the producer would sleep for ever.
pub fn a_producer_that_waits_for_room_is_told_of_it_or_of_the_end() {
    let outcomes = every_order(|| {
        let outbox = Arc::new(Outbox::<_, ()>::new());
        for _ in 0..2 {
            let pushed = outbox.push((), BYTES, Urgency::Queue, &strict(), || 0);
            assert_eq!(pushed, Ok(0));
        }
        let impatient = Arc::new(Bell::default());
        let mut key = None;
        let polled = outbox.poll_room(&mut key, &Waker::from(Arc::clone(&impatient)), &strict());
        assert_eq!(polled, Poll::Pending);
        key.into_iter().for_each(|key| outbox.forget(key));

        let producer = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                let bell = Arc::new(Bell::default());
                let waker = Waker::from(Arc::clone(&bell));
                let mut key = None;
                for polls in 1.. {
                    match outbox.poll_room(&mut key, &waker, &strict()) {
                        Poll::Ready(has_room) => return has_room,
                        Poll::Pending => bell.wait_for(polls),
                    }
                }
                unreachable!("it polls for ever")
            })
        };
        let evictor = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.overflow())
        };
        let mut task = Task::new(&outbox);
        while !matches!(task.next(), Found::Overflown(_)) {}
        outbox.end();
        assert!(join(evictor));
        assert_eq!(Arc::strong_count(&impatient), 1, "it has been kept");
        join(producer)
    });
    assert_eq!(Vec::from_iter(outcomes), [false, true]);
}

/// Volatile entries of two producers: until the task has looked again, only one finds the way free.
pub fn one_volatile_entry_leaves_between_two_looks() {
    let looks = every_order(|| {
        let outbox = Arc::new(Outbox::<_, ()>::new());
        let push = |outbox: &Outbox<_, ()>| outbox.push((), 0, Urgency::Volatile, &strict(), || 0);
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
        assert_eq!(pushed, [Ok(0), Err(PushError::NotReady)]);
        assert_eq!(task.take().is_some(), !early);
        assert!(task.take().is_none());
        assert_eq!(push(&outbox), Ok(0), "the way is free again");
        early
    });
    assert_eq!(Vec::from_iter(looks), [false, true]);
}

/// Looks at something whenever it is dropped, and as a waker whenever it is called. Under a lock it looks at, it would wait for
/// itself.
pub(super) struct Nosy<T>(Weak<T>, fn(&T));

impl<T> Nosy<T> {
    pub(super) fn new(at: &Arc<T>, look: fn(&T)) -> Arc<Self> {
        Arc::new(Self(Arc::downgrade(at), look))
    }

    fn look(&self) {
        // A model that fails drops what it has, when loom runs no more steps.
        if let Some(at) = self.0.upgrade()
            && !std::thread::panicking()
        {
            self.1(&at);
        }
    }
}

impl<T> Drop for Nosy<T> {
    fn drop(&mut self) {
        self.look();
    }
}

impl<T: Send + Sync + 'static> Wake for Nosy<T> {
    fn wake(self: Arc<Self>) {
        self.look();
    }
}

/// An outbox of what looks at it.
struct Mirrors(Outbox<Arc<Nosy<Self>>, Arc<Nosy<Self>>>);

impl Mirrors {
    fn nosy(self: &Arc<Self>) -> Arc<Nosy<Self>> {
        Nosy::new(self, |Self(outbox)| {
            outbox.buffered();
        })
    }
}

/// Goes to sleep, if there is nothing, until this waker is called.
pub(super) fn sleep<E, D>(outbox: &Outbox<E, D>, waker: &Waker) -> Work {
    let standing = Standing {
        unsent: 0,
        stalled_since: None,
        writable: true,
        room: usize::MAX,
    };
    let (mut entries, mut deliveries) = Default::default();
    let bounds = strict();
    outbox.take_or_sleep(&mut entries, &mut deliveries, waker, &standing, &bounds)
}

/// What belongs to others, entries and wakers, is called and dropped without the lock, whatever way it takes.
pub fn nothing_of_others_runs_under_the_lock() {
    every_order(|| {
        let mirrors = Arc::new(Mirrors(Outbox::new()));
        let Mirrors(outbox) = &*mirrors;
        let sleep = || sleep(outbox, &Waker::from(mirrors.nosy()));
        assert!(matches!(sleep(), Work::None));
        // Resumed by something else, and asleep again with another waker.
        assert!(matches!(sleep(), Work::None));
        assert_eq!(push(outbox, mirrors.nosy()), Ok(()));
        assert!(matches!(sleep(), Work::Some));
        assert!(matches!(sleep(), Work::None));
        outbox.deliver(mirrors.nosy());
        assert!(matches!(sleep(), Work::Some));
        assert!(matches!(sleep(), Work::None));

        let other = {
            let mirrors = Arc::clone(&mirrors);
            thread::spawn(move || mirrors.0.close())
        };
        let volatile = outbox.push(mirrors.nosy(), 0, Urgency::Volatile, &strict(), || 0);
        let flood = outbox.push(
            mirrors.nosy(),
            LIMITS.hard + 1,
            Urgency::Queue,
            &strict(),
            || 0,
        );
        assert!(flood.is_err() && volatile != Err(PushError::Full));
        outbox.deliver(mirrors.nosy());
        outbox.end();
        outbox.deliver(mirrors.nosy());
        assert_eq!(push(outbox, mirrors.nosy()), Err(PushError::Closed));
        join(other);
    });
}
