//! The handlers of one client that are under way, and the events that wait for their turn.
//!
//! ```text
//!  event ──► start: parameters are taken, the future is polled once
//!              │ ready: done            │ it really waits, or runs elsewhere
//!              │                        ▼
//!              │ it ran out of      running, any number up to the limit, each polled when woken
//!              │ budget only
//!              ▼
//!            first: nothing else starts before it has gone on       inbox: events that cannot
//!                                                                   start yet, in order
//! ```

mod errand;
mod job;
mod running;

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::stream::StreamExt;
use tokio::task::coop;

use crate::builder::HandlerLimits;
use crate::handler::Place;
use crate::io::Io;
use crate::shutdown::Roll;
use crate::socket::Socket;

use errand::Errand;
use job::Waiting;
pub(crate) use job::{Job, Kept, Malformed, What};
use running::{Running, Step};

/// All of it, for one link. Idle it owns no heap.
#[derive(Default)]
pub(crate) struct Work {
    first: Option<Box<Errand>>,
    running: Option<Box<Running>>,
    inbox: VecDeque<Kept>,
    /// Events that are [kept](Work::keep), in the inbox or elsewhere, and their bytes.
    waiting: usize,
    waiting_bytes: usize,
    /// Where a shutdown that has begun looks for who is at work.
    roll: Option<Arc<Roll>>,
}

impl Work {
    /// Whether another event may be read.
    pub(crate) fn has_room(&self, limits: &HandlerLimits) -> bool {
        self.waiting < limits.inbox
            && self.waiting_bytes < limits.inbox_bytes
            // Only futures that were adopted can exceed the limit, and a client has a hand in these.
            && self.running() <= limits.running
    }

    /// Detaches an event that has to wait, and counts it until it is [released](Self::release).
    pub(crate) fn keep(&mut self, what: &What<'_>) -> What<'static> {
        self.waiting += 1;
        self.waiting_bytes += what.bytes();
        what.to_owned()
    }

    /// An event has been kept long enough.
    pub(crate) fn release(&mut self, kept: &What<'_>) {
        self.waiting -= 1;
        self.waiting_bytes -= kept.bytes();
    }

    /// Starts an event's handler, or keeps the event if it must wait for others.
    pub(crate) fn handle(
        &mut self,
        job: Job<'_>,
        limits: &HandlerLimits,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        // Others that could start have done so, unless there is no room for any.
        if self.can_start(limits) && !self.holds(job.socket) && self.next().is_none() {
            return self.start(job, cx);
        }
        let what = self.keep(job.what);
        self.inbox.push_back(Kept {
            socket: job.socket.clone(),
            routes: Arc::clone(job.routes),
            what,
        });
        Ok(())
    }

    /// Appends an event that need not be checked against limits: a last one.
    pub(crate) fn append(&mut self, last: Kept) {
        self.waiting += 1;
        self.waiting_bytes += last.what.bytes();
        self.inbox.push_back(last);
    }

    /// Lets a future run on beside the handlers.
    pub(crate) fn adopt(
        &mut self,
        socket: Socket,
        event: &str,
        future: impl Future<Output = ()> + Send + 'static,
    ) {
        let step = future.map(|()| Step::Done(None));
        self.keep_on(Errand::elsewhere(socket, event, step));
    }

    fn keep_on(&mut self, mut errand: Errand) {
        if let Some(roll) = &self.roll {
            errand.enter(roll);
        }
        self.running.get_or_insert_default().steps.push(errand);
    }

    /// A shutdown has begun, and wants to know who is at work from now on.
    pub(crate) fn enter(&mut self, roll: &Arc<Roll>) {
        self.roll = Some(Arc::clone(roll));
        self.enter_all();
    }

    /// Whoever is there already stays there.
    fn enter_all(&mut self) {
        let Some(roll) = &self.roll else {
            return;
        };
        let first = self.first.iter_mut().map(|first| &mut **first);
        let running = self.running.iter_mut();
        let running = running.flat_map(|running| running.steps.iter_mut());
        first.chain(running).for_each(|errand| errand.enter(roll));
    }

    /// A socket is disconnected, or all of them are: ends the handlers that want to be cancelled.
    pub(crate) fn cancel(&self, socket: Option<&Socket>) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|running| running.cancel(socket))
    }

    fn running(&self) -> usize {
        self.running.as_ref().map_or(0, |it| it.steps.len())
    }

    fn holds(&self, socket: &Socket) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|running| running.holds(socket))
    }

    /// The place in the inbox of the event that is next, if the sockets of all are not held.
    fn next(&self) -> Option<usize> {
        match &self.running {
            Some(running) if running.holds_any() => {
                let mut inbox = self.inbox.iter();
                inbox.position(|kept| !running.holds(&kept.socket))
            }
            _ => (!self.inbox.is_empty()).then_some(0),
        }
    }

    fn can_start(&self, limits: &HandlerLimits) -> bool {
        self.first.is_none() && self.running() < limits.running
    }

    fn start(&mut self, job: Job<'_>, cx: &mut Context<'_>) -> Result<(), Malformed> {
        let Some(mut begun) = job.start()? else {
            return Ok(());
        };
        let manner = begun.manner;
        if manner.place.is_none() && job.poll(&mut begun, cx).is_ready() {
            if let Some(roll) = &self.roll {
                roll.finished();
            }
            return Ok(());
        }
        let bond = match manner.is_tied() {
            true => {
                let running = self.running.get_or_insert_default();
                Some(running.bind(job.socket, manner, &mut begun.future))
            }
            false => None,
        };
        let handler = job.waiting(begun, bond);
        match manner.place {
            None => self.suspend(Errand::here(handler), cx),
            Some(place) => self.start_at(place, job, handler, cx),
        }
        Ok(())
    }

    fn start_at(&mut self, place: Place, job: Job<'_>, handler: Waiting, cx: &Context<'_>) {
        let running = self.running.get_or_insert_default();
        match place {
            Place::Task => running.spawn(handler),
            Place::Pool => {
                let pool = job.socket.io().pool();
                match running.try_turn(pool) {
                    Some(turn) => running.block(turn, handler),
                    None => {
                        let bytes = job.what.bytes();
                        self.waiting += 1;
                        self.waiting_bytes += bytes;
                        running.queue(pool, handler, bytes);
                    }
                }
            }
        }
        self.enter_all();
        // Nobody has looked at what was started yet, to be woken by it.
        cx.waker().wake_by_ref();
    }

    /// Keeps a future that has not come to its end.
    fn suspend(&mut self, mut errand: Errand, cx: &Context<'_>) {
        if coop::has_budget_remaining() {
            self.keep_on(errand);
        } else {
            if let Some(roll) = &self.roll {
                errand.enter(roll);
            }
            // The runtime's budget made it stop, not something it waits for. If others went on
            // now, they would overtake it. If the budget was used up before, nobody has asked for
            // another turn yet.
            self.first = Some(Box::new(errand));
            cx.waker().wake_by_ref();
        }
    }

    /// Goes on with everything that can go on.
    pub(crate) fn poll(
        &mut self,
        limits: &HandlerLimits,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        if let Some(mut first) = self.first.take() {
            match first.poll_unpin(cx) {
                Poll::Ready(step) => self.take(step),
                Poll::Pending => self.suspend(*first, cx),
            }
        }
        loop {
            while let Some(running) = &mut self.running {
                match running.steps.poll_next_unpin(cx) {
                    Poll::Ready(Some(step)) => self.take(step),
                    Poll::Ready(None) if running.is_over() => self.running = None,
                    Poll::Ready(None) | Poll::Pending => break,
                }
            }
            if !self.can_start(limits) {
                return Ok(());
            }
            let Some(kept) = self.next().and_then(|next| self.inbox.remove(next)) else {
                break;
            };
            self.release(&kept.what);
            self.start(kept.job(), cx)?;
        }
        if self.inbox.is_empty() {
            self.inbox = VecDeque::new();
        }
        Ok(())
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Done(None) => {}
            Step::Done(Some(bond)) => {
                if let Some(running) = &mut self.running {
                    running.release(bond);
                }
            }
            Step::Turn(turn) => {
                let running = self.running.get_or_insert_default();
                self.waiting_bytes -= running.run_queued(turn);
                self.waiting -= 1;
                self.enter_all();
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.first.is_none() && self.running.is_none() && self.inbox.is_empty()
    }

    /// Runs everything to its end: a client that goes does not take its handlers along.
    /// `None` if there is nothing to run.
    pub(crate) fn drain(mut self, io: Io) -> Option<impl Future<Output = ()>> {
        (!self.is_idle()).then(|| {
            let mut end = None;
            std::future::poll_fn(move |cx| {
                // What is malformed has nobody left to be told.
                while self.poll(io.handler_limits(), cx).is_err() {}
                if self.is_idle() {
                    return Poll::Ready(());
                }
                if self.roll.is_none() {
                    let end = end.get_or_insert_with(|| Box::pin(io.background().shutting_down()));
                    if end.poll_unpin(cx).is_ready() {
                        self.enter(&io.background().handlers);
                    }
                }
                Poll::Pending
            })
        })
    }
}
