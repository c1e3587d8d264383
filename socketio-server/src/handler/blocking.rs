//! The threads for handlers that compute for long, or wait without being async.

use std::num::NonZero;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinHandle, coop};
use tracing::Instrument;

use super::BoxFuture;
use crate::wait_blocking::may_block;

/// Bounds how many handlers block at once. The threads are the runtime's.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Semaphore>);

/// The right to block one thread.
pub(crate) struct Turn(OwnedSemaphorePermit);

impl Pool {
    /// At least one thread.
    pub(crate) fn new(threads: usize) -> Self {
        let threads = threads.clamp(1, Semaphore::MAX_PERMITS);
        Self(Arc::new(Semaphore::new(threads)))
    }

    /// A thread, if one is free and nobody waits for it.
    pub(crate) fn try_turn(&self) -> Option<Turn> {
        Arc::clone(&self.0).try_acquire_owned().ok().map(Turn)
    }

    /// A thread when it is one's turn: first come, first served, and to have called this is to have
    /// come.
    pub(crate) fn turn(&self) -> impl Future<Output = Turn> + Send + use<> {
        let semaphore = Arc::clone(&self.0);
        // Invariant: nobody closes it.
        let turn = async { Turn(semaphore.acquire_owned().await.expect("open")) };
        // Semaphores know of those only who have been polled: past the runtime's budget, which would
        // send them back to where they are not known.
        let mut turn = Box::pin(coop::unconstrained(turn));
        let now = turn.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        async move {
            match now {
                Poll::Ready(turn) => turn,
                Poll::Pending => turn.await,
            }
        }
    }
}

impl Turn {
    /// Runs a handler to its end on a thread of its own.
    pub(crate) fn run<T: Send + 'static>(self, handler: BoxFuture<T>) -> JoinHandle<T> {
        let runtime = Handle::current();
        let handler = handler.in_current_span();
        tokio::task::spawn_blocking(move || {
            let output = may_block(|| runtime.block_on(handler));
            drop(self.0);
            output
        })
    }
}

/// Four threads for each core: who blocks mostly waits.
impl Default for Pool {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::new(4 * cores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_for_a_thread_is_overtaken_by_nobody_even_if_nobody_looks() {
        let pool = Pool::new(1);
        let taken = pool.try_turn().unwrap();
        let waiting = pool.turn();
        drop(taken);
        assert!(pool.try_turn().is_none());
        drop(waiting);
        assert!(pool.try_turn().is_some());
    }
}
