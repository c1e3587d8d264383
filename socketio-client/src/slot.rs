//! A place for one value that somebody waits for. Of no runtime: whoever waits brings a waker, be
//! it a task's or a thread's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// A place, and the right to fill it.
pub(crate) fn slot<T>() -> (Filler<T>, Slot<T>) {
    let state = Arc::new(Mutex::new(State::Empty(None)));
    (Filler(Arc::clone(&state)), Slot(state))
}

/// Fills the place, once. Dropped before, the place stays empty for ever, and its owner learns it.
#[derive(Debug)]
pub(crate) struct Filler<T>(Arc<Mutex<State<T>>>);

/// Where the value will be: a future of it, `None` if nobody will fill it. Ready only once.
#[derive(Debug)]
#[must_use = "nobody waits for the value"]
pub(crate) struct Slot<T>(Arc<Mutex<State<T>>>);

#[derive(Debug)]
enum State<T> {
    Empty(Option<Waker>),
    Full(T),
    Never,
}

impl<T> Filler<T> {
    /// Fills the place and wakes its owner.
    pub(crate) fn fill(self, value: T) {
        self.settle(State::Full(value));
    }

    fn settle(&self, new: State<T>) {
        let mut state = self.0.lock();
        if !matches!(*state, State::Empty(_)) {
            return;
        }
        let old = std::mem::replace(&mut *state, new);
        drop(state);
        if let State::Empty(Some(waker)) = old {
            waker.wake();
        }
    }
}

impl<T> Drop for Filler<T> {
    fn drop(&mut self) {
        self.settle(State::Never);
    }
}

impl<T> Future for Slot<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = self.0.lock();
        let old = match &mut *state {
            State::Empty(waker) => waker.replace(cx.waker().clone()),
            State::Full(_) | State::Never => {
                let full = std::mem::replace(&mut *state, State::Never);
                drop(state);
                return Poll::Ready(match full {
                    State::Full(value) => Some(value),
                    State::Empty(_) | State::Never => None,
                });
            }
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}
