//! What a thread sleeps on: its streams, a deadline, and others who wake it.

use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};

use super::clock::now;
use crate::engine::core::StreamId;

/// Wakes the thread; no stream has this number.
const WAKER: Token = Token(usize::MAX);

/// One per thread that drives sessions, for one session after the other.
pub(crate) struct Reactor {
    poll: Poll,
    events: Events,
    waker: Waker,
}

impl Reactor {
    /// # Errors
    /// The system has no descriptors left.
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKER)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(16),
            waker: Arc::new(Alarm(waker)).into(),
        })
    }

    /// Ends a [`wait`](Self::wait), the next one if there is none.
    pub(crate) const fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Sleeps until a stream is ready, the deadline has come, or somebody wakes the thread.
    /// `ready` hears of every stream that is.
    pub(crate) fn wait(&mut self, deadline: Option<Instant>, mut ready: impl FnMut(StreamId)) {
        let timeout = deadline.map(|at| round_up(at.saturating_duration_since(now())));
        // Interrupted or not: whoever waits looks at everything again.
        if self.poll.poll(&mut self.events, timeout).is_err() {
            return;
        }
        for event in &self.events {
            if event.token() != WAKER {
                ready(StreamId(event.token().0 as u32));
            }
        }
    }

    /// Waits for a stream from now on, in both directions.
    pub(super) fn add(&self, id: StreamId, stream: &mut impl Source) -> io::Result<()> {
        let token = Token(id.0 as usize);
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream, token, both)
    }

    pub(super) fn remove(&self, stream: &mut impl Source) {
        // It is about to be closed, which removes it as well.
        let _ = self.poll.registry().deregister(stream);
    }
}

/// Systems count milliseconds: waking up too early would mean to go round in circles.
fn round_up(timeout: Duration) -> Duration {
    timeout + Duration::from_micros(999)
}

struct Alarm(mio::Waker);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails for want of memory in the kernel; the thread's next deadline comes anyhow.
        let _ = self.0.wake();
    }
}
