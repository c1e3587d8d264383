//! Waiting, on a thread of the application's, for what wakes a waker.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::engine::blocking::clock::now;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Asks again whenever the waker is woken. `None`: the deadline has come.
pub(super) fn wait<T>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(found) = poll(&mut cx) {
            return Some(found);
        }
        match deadline {
            None => thread::park(),
            Some(at) => match at.saturating_duration_since(now()) {
                left if left.is_zero() => return None,
                left => thread::park_timeout(left),
            },
        }
    }
}
