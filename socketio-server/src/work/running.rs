//! Handlers that have been started and have not ended.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, AbortRegistration, Abortable};
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::errand::Errand;
use super::job::Waiting;
use crate::handler::{BoxFuture, Handled, Manner, Pool, Turn};
use crate::socket::Socket;

/// What has become of something that was waited for.
pub(crate) enum Step {
    /// A handler has ended, and with it what tied it to its socket.
    Done(Option<Bond>),
    /// A blocking handler may run: the one that has waited longest for a thread.
    Turn(Turn),
}

/// Names a [`Tie`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bond(u64);

/// Handlers, and who is told of their ends.
type Spawned = VecDeque<(Waiting, oneshot::Sender<Step>)>;

/// What a handler under way means to its socket.
struct Tie {
    bond: Bond,
    socket: Socket,
    /// The socket's next event waits.
    ordered: bool,
    /// The handler ends with the socket.
    abort: Option<AbortHandle>,
}

#[derive(Default)]
pub(crate) struct Running {
    pub(crate) steps: FuturesUnordered<Errand>,
    ties: Vec<Tie>,
    last_bond: u64,
    /// Handlers for which there is a task each that has not started.
    spawned: Option<Arc<Mutex<Spawned>>>,
    /// Handlers that wait for a thread, as so many bytes of an event each.
    queued: VecDeque<(Waiting, usize)>,
}

impl Running {
    /// Ties a handler to its socket.
    pub(crate) fn bind(
        &mut self,
        socket: &Socket,
        manner: Manner,
        future: &mut BoxFuture<Handled>,
    ) -> Bond {
        self.last_bond += 1;
        let bond = Bond(self.last_bond);
        self.ties.push(Tie {
            bond,
            socket: socket.clone(),
            ordered: manner.ordered,
            abort: manner.cancelled.then(|| make_abortable(future)),
        });
        bond
    }

    pub(crate) fn release(&mut self, bond: Bond) {
        self.ties.retain(|tie| tie.bond != bond);
    }

    /// Whether nothing is left of it.
    pub(crate) fn is_over(&self) -> bool {
        self.steps.is_empty() && self.ties.is_empty()
    }

    /// Whether events of some sockets have to wait.
    pub(crate) fn holds_any(&self) -> bool {
        self.ties.iter().any(|tie| tie.ordered)
    }

    /// Whether the next event of this socket has to wait.
    pub(crate) fn holds(&self, socket: &Socket) -> bool {
        let mut ties = self.ties.iter();
        ties.any(|tie| tie.ordered && tie.socket == *socket)
    }

    /// Ends the handlers that are not to outlive their socket; of all sockets if none is named.
    /// Says whether there were any.
    pub(crate) fn cancel(&self, socket: Option<&Socket>) -> bool {
        let concerned = |tie: &&Tie| socket.is_none_or(|socket| tie.socket == *socket);
        let handles = self.ties.iter().filter(concerned);
        let handles = handles.filter_map(|tie| tie.abort.as_ref());
        handles.inspect(|handle| handle.abort()).count() > 0
    }

    /// Runs a handler in a task of its own.
    pub(crate) fn spawn(&mut self, handler: Waiting) {
        let (bond, socket, event) = handler.labels();
        let (end, ended) = oneshot::channel();
        // Whichever task the runtime starts first has to take the handler that came first.
        let spawned = Arc::clone(self.spawned.get_or_insert_default());
        spawned.lock().push_back((handler, end));
        let task = async move {
            let next = spawned.lock().pop_front();
            if let Some((handler, end)) = next {
                // The client's task may be gone with the runtime.
                let _ = end.send(handler.await);
            }
        };
        tokio::spawn(task.in_current_span());
        let ended = ended.map(move |ended| ended.unwrap_or(Step::Done(bond)));
        self.steps.push(Errand::elsewhere(socket, &event, ended));
    }

    /// A thread where a handler may block, unless others wait for one.
    pub(crate) fn try_turn(&self, pool: &Pool) -> Option<Turn> {
        // A turn of theirs may have come without anybody having looked yet.
        self.queued.is_empty().then(|| pool.try_turn()).flatten()
    }

    /// Runs a handler on such a thread.
    pub(crate) fn block(&self, turn: Turn, handler: Waiting) {
        let (bond, socket, event) = handler.labels();
        let ended = turn.run(Box::pin(handler));
        let ended = ended.map(move |ended| ended.unwrap_or(Step::Done(bond)));
        self.steps.push(Errand::elsewhere(socket, &event, ended));
    }

    /// Lets a handler wait for such a thread.
    pub(crate) fn queue(&mut self, pool: &Pool, handler: Waiting, bytes: usize) {
        let (_, socket, event) = handler.labels();
        self.queued.push_back((handler, bytes));
        let turn = pool.turn().map(Step::Turn);
        self.steps.push(Errand::elsewhere(socket, &event, turn));
    }

    /// Runs the handler that has waited longest, and says as how many bytes it did.
    pub(crate) fn run_queued(&mut self, turn: Turn) -> usize {
        // Invariant: there are as many turns as handlers that wait for one.
        let (handler, bytes) = self.queued.pop_front().expect("somebody waits");
        self.block(turn, handler);
        bytes
    }
}

fn make_abortable(future: &mut BoxFuture<Handled>) -> AbortHandle {
    let (handle, registration) = AbortHandle::new_pair();
    let inner = std::mem::replace(future, Box::pin(std::future::pending()));
    *future = Box::pin(aborted_by(inner, registration));
    handle
}

/// A handler that was cancelled has not failed.
fn aborted_by(
    future: BoxFuture<Handled>,
    registration: AbortRegistration,
) -> impl Future<Output = Handled> + Send {
    Abortable::new(future, registration).map(|ended| ended.unwrap_or(Ok(())))
}
