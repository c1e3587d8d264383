//! The handlers of one client that are under way, and the events that wait for their turn.
//!
//! ```text
//!  event ──► start: parameters are taken, the future is polled once
//!              │ ready: done            │ it really waits
//!              │                        ▼
//!              │ it ran out of      running, any number up to the limit, each polled when woken
//!              │ budget only
//!              ▼
//!            first: nothing else starts before it has gone on       inbox: events that cannot
//!                                                                   start yet, in order
//! ```

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::coop;

use crate::builder::HandlerLimits;
use crate::error::{DisconnectReason, HandlerErrorKind, Rejection};
use crate::extract::EventContext;
use crate::handler::{BoxFuture, DISCONNECT, Failure, Handled};
use crate::proto::{Args, ArgsError};
use crate::reply::ReplyTo;
use crate::routes::Routes;
use crate::socket::Socket;

/// The arguments of an event are no JSON: the client has broken the protocol.
#[derive(Debug)]
pub(crate) struct Malformed;

/// An event on its way to its handler, borrowed from whoever has it.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) routes: &'a Arc<Routes>,
    pub(crate) what: &'a What<'a>,
}

pub(crate) enum What<'a> {
    Event {
        name: Cow<'a, str>,
        id: Option<u64>,
        args: Args<'a>,
    },
    Disconnect(DisconnectReason),
}

/// An event that waits, detached from the message it came in.
pub(crate) struct Kept {
    pub(crate) socket: Socket,
    pub(crate) routes: Arc<Routes>,
    pub(crate) what: What<'static>,
}

impl What<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Event { name, .. } => name,
            Self::Disconnect(_) => DISCONNECT,
        }
    }

    fn args(&self) -> Option<&Args<'_>> {
        match self {
            Self::Event { args, .. } => Some(args),
            Self::Disconnect(_) => None,
        }
    }

    /// Bytes it keeps while it waits.
    fn bytes(&self) -> usize {
        match self {
            Self::Event { name, args, .. } => {
                let attachments = args.attachments().iter().map(bytes::Bytes::len);
                name.len() + args.raw().len() + attachments.sum::<usize>()
            }
            Self::Disconnect(_) => 0,
        }
    }

    fn to_owned(&self) -> What<'static> {
        match self {
            Self::Event { name, id, args } => What::Event {
                name: name.clone().into_owned().into(),
                id: *id,
                args: args.clone().into_owned(),
            },
            Self::Disconnect(reason) => What::Disconnect(*reason),
        }
    }
}

impl Kept {
    pub(crate) fn job(&self) -> Job<'_> {
        Job {
            socket: &self.socket,
            routes: &self.routes,
            what: &self.what,
        }
    }
}

impl Job<'_> {
    /// Takes the parameters and makes the handler's future; `None` if there is nothing to run.
    fn start(self) -> Result<Option<BoxFuture<Handled>>, Malformed> {
        let (id, args, reason, route) = match self.what {
            What::Event { name, id, args } => {
                let route = self.routes.event(self.socket, name);
                (*id, Some(args), None, route)
            }
            What::Disconnect(reason) => {
                let route = self.routes.disconnect().map(Cow::Borrowed);
                (None, None, Some(*reason), route)
            }
        };
        let Some(route) = route else {
            check_unread(args)?;
            return Ok(None);
        };
        let mut event = EventContext {
            socket: self.socket,
            name: self.what.name(),
            args,
            reason,
            reply: ReplyTo::new(self.socket, id),
            read: Cell::new(false),
        };
        let started = route.start(&mut event);
        if !event.read.get() {
            check_unread(args)?;
        }
        match started {
            Ok(future) => Ok(Some(future)),
            Err(HandlerErrorKind::Rejected(Rejection::Args(ArgsError::Malformed))) => {
                Err(Malformed)
            }
            Err(kind) => {
                let reply = event.reply;
                self.report(Err(Failure { kind, reply }));
                Ok(None)
            }
        }
    }

    fn report(self, handled: Handled) {
        if let Err(failure) = handled {
            failure.report(self.socket, self.what.name(), self.what.args());
        }
    }

    fn hook_reads_args(self) -> bool {
        self.routes.error_hook().is_some() || self.socket.io().error_hook().reads_args
    }

    /// The handler with what its failure is reported with. Handlers that never wait do without.
    fn reporting(self, future: BoxFuture<Handled>) -> BoxFuture<()> {
        let (socket, name) = (self.socket.clone(), Box::<str>::from(self.what.name()));
        let args = self.what.args().filter(|_| self.hook_reads_args());
        let args = args.map(|args| args.clone().into_owned());
        Box::pin(future.map(move |handled| {
            if let Err(failure) = handled {
                failure.report(&socket, &name, args.as_ref());
            }
        }))
    }
}

/// Arguments that nobody reads must be JSON all the same.
fn check_unread(args: Option<&Args<'_>>) -> Result<(), Malformed> {
    args.map_or(Ok(()), Args::check).map_err(|_| Malformed)
}

/// All of it, for one link. Idle it owns no heap.
#[derive(Default)]
pub(crate) struct Work {
    first: Option<BoxFuture<()>>,
    running: Option<Box<FuturesUnordered<BoxFuture<()>>>>,
    inbox: VecDeque<Kept>,
    /// Events that are [kept](Work::keep), in the inbox or elsewhere, and their bytes.
    waiting: usize,
    waiting_bytes: usize,
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
        if self.inbox.is_empty() && self.can_start(limits) {
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

    /// Appends events that need not be checked against limits: the last ones.
    pub(crate) fn with(mut self, last: Vec<Kept>) -> Self {
        for kept in last {
            self.waiting += 1;
            self.waiting_bytes += kept.what.bytes();
            self.inbox.push_back(kept);
        }
        self
    }

    /// Lets a future run on beside the handlers.
    pub(crate) fn adopt(&mut self, future: BoxFuture<()>) {
        self.running.get_or_insert_default().push(future);
    }

    fn running(&self) -> usize {
        self.running.as_ref().map_or(0, |running| running.len())
    }

    fn can_start(&self, limits: &HandlerLimits) -> bool {
        self.first.is_none() && self.running() < limits.running
    }

    fn start(&mut self, job: Job<'_>, cx: &mut Context<'_>) -> Result<(), Malformed> {
        let Some(mut future) = job.start()? else {
            return Ok(());
        };
        match future.as_mut().poll(cx) {
            Poll::Ready(handled) => job.report(handled),
            Poll::Pending => self.suspend(job.reporting(future), cx),
        }
        Ok(())
    }

    /// Keeps a future that has not come to its end.
    fn suspend(&mut self, future: BoxFuture<()>, cx: &Context<'_>) {
        if coop::has_budget_remaining() {
            self.adopt(future);
        } else {
            // The runtime's budget made it stop, not something it waits for. If others went on
            // now, they would overtake it. If the budget was used up before, nobody has asked for
            // another turn yet.
            self.first = Some(future);
            cx.waker().wake_by_ref();
        }
    }

    /// Goes on with everything that can go on.
    pub(crate) fn poll(
        &mut self,
        limits: &HandlerLimits,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        if let Some(mut first) = self.first.take()
            && first.as_mut().poll(cx).is_pending()
        {
            self.suspend(first, cx);
        }
        loop {
            if let Some(running) = &mut self.running {
                while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
                if running.is_empty() {
                    self.running = None;
                }
            }
            if !self.can_start(limits) {
                return Ok(());
            }
            let Some(kept) = self.inbox.pop_front() else {
                self.inbox = VecDeque::new();
                return Ok(());
            };
            self.release(&kept.what);
            self.start(kept.job(), cx)?;
        }
    }

    fn is_idle(&self) -> bool {
        self.first.is_none() && self.running.is_none() && self.inbox.is_empty()
    }

    /// Runs everything to its end: a client that goes does not take its handlers along.
    /// `None` if there is nothing to run.
    pub(crate) fn drain(mut self, limits: HandlerLimits) -> Option<impl Future<Output = ()>> {
        (!self.is_idle()).then(|| {
            std::future::poll_fn(move |cx| {
                // What is malformed has nobody left to be told.
                while self.poll(&limits, cx).is_err() {}
                if self.is_idle() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
        })
    }
}
