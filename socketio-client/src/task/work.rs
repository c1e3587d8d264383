//! The handlers of one client that are under way, and the events that wait for their turn.
//!
//! ```text
//!  event ──► start: parameters are taken, the future is polled once
//!              │ ready: done            │ it really waits
//!              │                        ▼
//!              │ it ran out of      running, any number up to the limit, each polled when woken
//!              │ budget only
//!              ▼
//!            stopped: nothing else starts before      inbox: events that cannot start yet,
//!            these have gone on                       in order
//! ```

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::coop;

use crate::config::HandlerLimits;
use crate::events::AckSender;
use crate::extract::{EventContext, What};
use crate::failure::Handled;
use crate::handler::{BoxFuture, Route};
use crate::proto::Args;
use crate::socket::Socket;

/// The arguments of an event are no JSON: the server has broken the protocol.
#[derive(Debug)]
pub(crate) struct Malformed;

/// An event that waits, detached from the message it came in.
struct Kept {
    socket: Socket,
    what: What<'static>,
}

/// All of it, for one client. Idle it owns no heap.
pub(crate) struct Work {
    limits: HandlerLimits,
    stopped: VecDeque<BoxFuture<()>>,
    running: Option<Box<FuturesUnordered<BoxFuture<()>>>>,
    inbox: VecDeque<Kept>,
    inbox_bytes: usize,
}

impl Work {
    pub(crate) const fn new(limits: HandlerLimits) -> Self {
        Self {
            limits,
            stopped: VecDeque::new(),
            running: None,
            inbox: VecDeque::new(),
            inbox_bytes: 0,
        }
    }

    /// Whether another event may be read.
    pub(crate) fn has_room(&self) -> bool {
        let limits = &self.limits;
        self.inbox.len() < limits.inbox.max(1) && self.inbox_bytes < limits.inbox_bytes.max(1)
    }

    /// Whether nothing runs and nothing waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.stopped.is_empty() && self.running.is_none() && self.inbox.is_empty()
    }

    /// Starts an event's handlers, or keeps the event if it must wait for others.
    pub(crate) fn handle(
        &mut self,
        socket: &Socket,
        what: &What<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        if self.inbox.is_empty() && self.can_start() {
            return self.start(socket, what, cx);
        }
        self.inbox_bytes += what.bytes();
        self.inbox.push_back(Kept {
            socket: socket.clone(),
            what: what.to_owned(),
        });
        Ok(())
    }

    /// Goes on with everything that can go on.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), Malformed> {
        while let Some(mut future) = self.stopped.pop_front() {
            if future.as_mut().poll(cx).is_ready() {
                continue;
            }
            if coop::has_budget_remaining() {
                self.running.get_or_insert_default().push(future);
            } else {
                self.stopped.push_front(future);
                cx.waker().wake_by_ref();
                break;
            }
        }
        loop {
            if let Some(running) = &mut self.running {
                while let Poll::Ready(Some(())) = running.poll_next_unpin(cx) {}
                if running.is_empty() {
                    self.running = None;
                }
            }
            if !self.can_start() {
                return Ok(());
            }
            let Some(kept) = self.inbox.pop_front() else {
                self.inbox = VecDeque::new();
                return Ok(());
            };
            self.inbox_bytes -= kept.what.bytes();
            self.start(&kept.socket, &kept.what, cx)?;
        }
    }

    fn can_start(&self) -> bool {
        let running = self.running.as_ref().map_or(0, |running| running.len());
        self.stopped.is_empty() && running < self.limits.running.max(1)
    }

    fn start(
        &mut self,
        socket: &Socket,
        what: &What<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), Malformed> {
        let selected = socket.select(what);
        let mut read = false;
        for route in selected.onlookers.iter().flatten() {
            read |= self.run(route, socket, what, AckSender::nobody(), cx)?;
        }
        if let Some(route) = &selected.own {
            let ack = AckSender::new(socket.member(), what.reply());
            read |= self.run(route, socket, what, ack, cx)?;
        }
        match what.args() {
            // Arguments that nobody reads must be JSON all the same.
            Some(args) if !read => Args::check(args).map_err(|_| Malformed),
            _ => Ok(()),
        }
    }

    /// Runs one handler up to its first wait. Says whether it has read the arguments.
    fn run(
        &mut self,
        route: &Arc<Route>,
        socket: &Socket,
        what: &What<'_>,
        ack: AckSender,
        cx: &mut Context<'_>,
    ) -> Result<bool, Malformed> {
        let mut event = EventContext {
            socket,
            what,
            ack,
            read: Cell::new(false),
        };
        let started = route.start(&mut event);
        let read = event.read.get();
        match started {
            Ok(None) => {}
            Ok(Some(mut future)) => match future.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(kind)) => socket.report(what.name(), kind),
                Poll::Pending => self.suspend(reporting(socket, what, future), cx),
            },
            Err(kind) if kind.is_malformed() => return Err(Malformed),
            Err(kind) => socket.report(what.name(), kind),
        }
        Ok(read)
    }

    /// Keeps a future that has not come to its end.
    fn suspend(&mut self, future: BoxFuture<()>, cx: &Context<'_>) {
        if coop::has_budget_remaining() {
            self.running.get_or_insert_default().push(future);
        } else {
            // The runtime's budget made it stop, not something it waits for. If others went on
            // now, they would overtake it. If the budget was used up before, nobody has asked for
            // another turn yet.
            self.stopped.push_back(future);
            cx.waker().wake_by_ref();
        }
    }
}

/// The handler with what its failure is reported with. Handlers that never wait do without.
fn reporting(socket: &Socket, what: &What<'_>, future: BoxFuture<Handled>) -> BoxFuture<()> {
    let (socket, name) = (socket.clone(), Box::<str>::from(what.name()));
    Box::pin(future.map(move |handled| {
        if let Err(kind) = handled {
            socket.report(&name, kind);
        }
    }))
}
