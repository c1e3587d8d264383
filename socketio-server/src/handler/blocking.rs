//! The threads for handlers that compute for long, or wait without being async.

use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
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

    /// A thread when it is one's turn: first come, first served.
    pub(crate) fn turn(&self) -> impl Future<Output = Turn> + Send + use<> {
        let semaphore = Arc::clone(&self.0);
        // Invariant: nobody closes it.
        async { Turn(semaphore.acquire_owned().await.expect("open")) }
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
