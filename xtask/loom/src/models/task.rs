//! The task of a session, without its I/O: it takes, and sleeps until it is woken, as `engineio-server/src/task/mod.rs` does.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Wake, Waker},
};

use loom::sync::Notify;

use super::outbox::strict;
use crate::outbox::{Outbox, Standing, Work};

/// Wakes the thread of the task, and counts. The counter is not loom's: it is no step of its own.
#[derive(Default)]
pub(super) struct Bell {
    notify: Notify,
    rings: AtomicUsize,
}

impl Bell {
    /// Waits until it has rung so often. Loom also returns without a ring.
    pub(super) fn wait_for(&self, rings: usize) {
        while self.rings.load(Relaxed) < rings {
            self.notify.wait();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rings.fetch_add(1, Relaxed);
        self.notify.notify();
    }
}

/// What the task found, in place of [`Work::Some`].
pub(super) enum Found<E, D> {
    Work(VecDeque<E>, Vec<D>),
    Close,
    /// With what there was in the mailbox.
    Overflown(Vec<D>),
}

pub(super) struct Task<'a, E, D> {
    outbox: &'a Outbox<E, D>,
    bell: Arc<Bell>,
    sleeps: usize,
    /// Bytes it has use for.
    pub(super) room: usize,
}

impl<'a, E, D> Task<'a, E, D> {
    pub(super) fn new(outbox: &'a Outbox<E, D>) -> Self {
        Self {
            outbox,
            bell: Arc::default(),
            sleeps: 0,
            room: usize::MAX,
        }
    }

    /// How often it slept.
    pub(super) fn sleeps(&self) -> usize {
        self.sleeps
    }

    /// How often it was woken.
    pub(super) fn wakes(&self) -> usize {
        self.bell.rings.load(Relaxed)
    }

    /// Takes what there is, and sleeps until there is something. Loom fails a model whose task sleeps for ever.
    pub(super) fn next(&mut self) -> Found<E, D> {
        loop {
            if let Some(found) = self.take() {
                return found;
            }
            if let Some(found) = self.take_or_sleep() {
                return found;
            }
            self.bell.wait_for(self.sleeps);
        }
    }

    pub(super) fn take(&self) -> Option<Found<E, D>> {
        self.look(|entries, deliveries, standing| {
            self.outbox.take(entries, deliveries, standing, &strict())
        })
    }

    pub(super) fn take_or_sleep(&mut self) -> Option<Found<E, D>> {
        let waker = Waker::from(Arc::clone(&self.bell));
        let found = self.look(|entries, deliveries, standing| {
            self.outbox
                .take_or_sleep(entries, deliveries, &waker, standing, &strict())
        });
        if found.is_none() {
            assert!(self.wakes() <= self.sleeps, "one wake ends a sleep");
            self.sleeps += 1;
        }
        found
    }

    fn look(
        &self,
        look: impl FnOnce(&mut VecDeque<E>, &mut Vec<D>, &Standing) -> Work,
    ) -> Option<Found<E, D>> {
        let (mut entries, mut deliveries) = Default::default();
        // A client that takes everything at once.
        let standing = Standing {
            unsent: 0,
            stalled_since: None,
            writable: true,
            room: self.room,
        };
        match look(&mut entries, &mut deliveries, &standing) {
            Work::Some => Some(Found::Work(entries, deliveries)),
            Work::None => None,
            Work::Close => Some(Found::Close),
            Work::Overflown => Some(Found::Overflown(deliveries)),
        }
    }
}
