//! The thread that runs the handlers of one client, one after the other, in the order in which
//! their events arrived.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread;

use parking_lot::{Condvar, Mutex};

use super::socket::Socket;
use crate::config::HandlerLimits;
use crate::events::AckSender;
use crate::extract::{EventContext, What};
use crate::proto::Args;

/// The thread, as the one that reads from the server sees it. Dropped, it ends once the handler
/// that runs has.
pub(super) struct Worker(Arc<Inbox>);

struct Inbox {
    limits: HandlerLimits,
    state: Mutex<State>,
    /// There is something to do, or nothing will ever be.
    changed: Condvar,
    /// Wakes who brings the events.
    waker: Waker,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    /// A handler runs.
    busy: bool,
    over: bool,
}

/// Something to run handlers for.
struct Job {
    socket: Socket,
    what: What<'static>,
}

impl Worker {
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(limits: HandlerLimits, waker: Waker) -> io::Result<Self> {
        let inbox = Arc::new(Inbox {
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
            waker,
        });
        let worker = Self(Arc::clone(&inbox));
        let thread = thread::Builder::new().name("socketio-handlers".into());
        thread.spawn(move || inbox.run()).map(|_| worker)
    }

    /// Whether another event may be read.
    pub(super) fn has_room(&self) -> bool {
        self.0.has_room(&self.0.state.lock())
    }

    /// Whether no handler runs, and none waits to.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.0.state.lock();
        state.jobs.is_empty() && !state.busy
    }

    /// Runs the handlers for something, behind those before.
    pub(super) fn push(&self, socket: Socket, what: What<'static>) {
        let mut state = self.0.state.lock();
        state.bytes += what.bytes();
        state.jobs.push_back(Job { socket, what });
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.over = true;
        let jobs = std::mem::take(&mut state.jobs);
        drop(state);
        drop(jobs);
        self.0.changed.notify_one();
    }
}

impl Inbox {
    fn has_room(&self, state: &State) -> bool {
        state.jobs.len() < self.limits.inbox.max(1) && state.bytes < self.limits.inbox_bytes.max(1)
    }

    fn run(&self) {
        while let Some(job) = self.next() {
            job.run();
            // It holds what is the user's, and is dropped while still counting as busy.
            drop(job);
            let mut state = self.state.lock();
            state.busy = false;
            let is_idle = state.jobs.is_empty();
            drop(state);
            if is_idle {
                self.waker.wake_by_ref();
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if state.over {
                return None;
            }
            let was_full = !self.has_room(&state);
            if let Some(job) = state.jobs.pop_front() {
                state.bytes -= job.what.bytes();
                state.busy = true;
                let has_room = self.has_room(&state);
                drop(state);
                if was_full && has_room {
                    self.waker.wake_by_ref();
                }
                return Some(job);
            }
            self.changed.wait(&mut state);
        }
    }
}

impl Job {
    fn run(&self) {
        let Self { socket, what } = self;
        let selected = socket.select(what);
        let mut read = false;
        for route in selected.onlookers.iter().flatten() {
            read |= self.run_one(route, AckSender::nobody());
        }
        if let Some(route) = &selected.own {
            read |= self.run_one(route, AckSender::new(socket.member(), what.reply()));
        }
        // Arguments that nobody reads must be JSON all the same.
        if !read && what.args().is_some_and(|args| Args::check(args).is_err()) {
            socket
                .member()
                .hub()
                .command(|manager, now| manager.handle_malformed(now));
        }
    }

    /// Runs one handler. Says whether it has read the arguments.
    fn run_one(&self, route: &super::handler::Route, ack: AckSender) -> bool {
        let Self { socket, what } = self;
        let mut event = EventContext {
            socket,
            what,
            ack,
            read: Cell::new(false),
        };
        match route.run(&mut event) {
            Ok(()) => {}
            Err(kind) if kind.is_malformed() => {
                let hub = socket.member().hub();
                hub.command(|manager, now| manager.handle_malformed(now));
            }
            Err(kind) => socket.report(what.name(), kind),
        }
        event.read.get()
    }
}
