//! Events detached from the message they came in: for streams of them, for whoever takes them as a
//! whole, and for those who answer later.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::manager::ReplyTo;
use crate::member::Member;
use crate::proto::{Args, ArgsError, EncodeError, FromArgs, Payload};

/// An event of the server.
#[derive(Debug)]
#[non_exhaustive]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its arguments.
    pub args: Args<'static>,
    /// The right to acknowledge it, whether or not the server asked.
    pub ack: AckSender,
}

impl Event {
    /// The arguments as the type `T`: a tuple takes several, any other type the first one.
    ///
    /// # Errors
    /// If they are of another shape.
    pub fn data<T: FromArgs>(&self) -> Result<T, ArgsError> {
        T::from_args(self.args.clone())
    }
}

/// Answers an event by hand, for handlers that have more to do afterwards, or let others answer.
///
/// Asking for it switches off the answer by return value. Dropped unused, the server gets none. It
/// does not keep the client alive.
#[derive(Debug)]
pub struct AckSender(Option<(Arc<Member>, ReplyTo)>);

impl AckSender {
    pub(crate) fn new(member: &Arc<Member>, to: Option<ReplyTo>) -> Self {
        Self(to.map(|to| (Arc::clone(member), to)))
    }

    /// For those who cannot answer.
    pub(crate) const fn nobody() -> Self {
        Self(None)
    }

    /// Takes the right to answer: an event is answered once.
    pub(crate) const fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Whether the server asked for an answer.
    #[must_use]
    pub const fn is_expected(&self) -> bool {
        self.0.is_some()
    }

    /// Answers. Does nothing if the server did not ask, or if the connection it asked on is gone:
    /// it no longer waits.
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub fn send(self, args: &(impl Payload + ?Sized)) -> Result<(), EncodeError> {
        match self.0 {
            Some((member, to)) => member.acknowledge(to, args),
            None => Ok(()),
        }
    }
}

/// Events between the client and somebody who takes them one by one.
#[derive(Debug)]
pub(crate) struct Queue {
    member: Arc<Member>,
    /// How many events it holds before the server is no longer read.
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    waker: Option<Waker>,
    /// Counted among those the client waits for.
    full: bool,
    over: bool,
}

impl Queue {
    pub(crate) fn new(member: &Arc<Member>, capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            member: Arc::clone(member),
            capacity,
            state: Mutex::default(),
        })
    }

    pub(crate) fn push(&self, event: Event) {
        let mut state = self.state.lock();
        if state.over {
            return;
        }
        state.events.push_back(event);
        if state.events.len() >= self.capacity && !state.full {
            state.full = true;
            self.member.hub().queue_is_full();
        }
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next event; `None` once there will be no more.
    pub(crate) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.state.lock();
        if let Some(event) = state.events.pop_front() {
            let relieved = std::mem::replace(&mut state.full, false);
            drop(state);
            if relieved {
                self.member.hub().queue_has_room();
            }
            return Poll::Ready(Some(event));
        }
        if state.over {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes no more events. Those that are in it can still be taken.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.over = true;
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nobody takes events any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.state.lock();
        state.over = true;
        let events = std::mem::take(&mut state.events);
        let relieved = std::mem::replace(&mut state.full, false);
        drop(state);
        if relieved {
            self.member.hub().queue_has_room();
        }
        drop(events);
    }
}

/// Fills a queue, until its route is dropped.
pub(crate) struct Feeder(pub(crate) Arc<Queue>);

impl Drop for Feeder {
    fn drop(&mut self) {
        self.0.close();
    }
}
