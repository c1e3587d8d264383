//! Handlers that have been started and have not ended.

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, AbortRegistration, Abortable};
use futures_util::stream::FuturesUnordered;
use tokio::sync::oneshot;
use tracing::Instrument;

use super::job::Waiting;
use crate::handler::{BoxFuture, Handled, Manner, Pool, Turn};
use crate::socket::Socket;

/// What has become of something that was waited for.
pub(crate) enum Step {
    /// A handler has ended, and with it what tied it to its socket.
    Done(Option<Bond>),
    /// A blocking handler may run: it has waited for a thread, as so many bytes of an event.
    Turn(Box<(Turn, Waiting)>, usize),
}

/// Names a [`Tie`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bond(u64);

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
    pub(crate) steps: FuturesUnordered<BoxFuture<Step>>,
    ties: Vec<Tie>,
    last_bond: u64,
    /// Whether the latest handler in a task of its own has started.
    started: Option<oneshot::Receiver<()>>,
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

    /// Runs a handler in a task of its own, which starts behind those before.
    pub(crate) fn spawn(&mut self, handler: Waiting) {
        let bond = handler.bond;
        let (start, started) = oneshot::channel();
        let previous = self.started.replace(started);
        let task = async move {
            if let Some(previous) = previous {
                // A task that was dropped is not waited for.
                let _ = previous.await;
            }
            let _ = start.send(());
            handler.await
        };
        let task = tokio::spawn(task.in_current_span());
        let ended = task.map(move |ended| ended.unwrap_or(Step::Done(bond)));
        self.steps.push(Box::pin(ended));
    }

    /// Runs a handler on a thread where it may block.
    pub(crate) fn block(&mut self, turn: Turn, handler: Waiting) {
        let bond = handler.bond;
        let ended = turn.run(Box::pin(handler));
        let ended = ended.map(move |ended| ended.unwrap_or(Step::Done(bond)));
        self.steps.push(Box::pin(ended));
    }

    /// Lets a handler wait for such a thread.
    pub(crate) fn queue(&mut self, pool: &Pool, handler: Waiting, bytes: usize) {
        let turn = pool.turn();
        let turn = turn.map(move |turn| Step::Turn(Box::new((turn, handler)), bytes));
        self.steps.push(Box::pin(turn));
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
