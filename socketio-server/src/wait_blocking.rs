//! Waiting for an answer on a thread that is not asynchronous.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::Handle;
use tokio::task::coop;

use crate::ack::PendingAck;
use crate::error::AckError;
use crate::proto::{FromArgs, Payload};
use crate::socket::Socket;

impl<T: FromArgs> PendingAck<T> {
    /// Waits for the answer where there is no `async`: on a thread of the program's own, in a
    /// [blocking](crate::Handler::blocking) handler or in `spawn_blocking`.
    ///
    /// # Errors
    /// Those of the future, and [`AckError::WouldBlock`] within asynchronous code: what it would hold
    /// up there may be the very task that brings the answer.
    pub fn wait_blocking(self) -> Result<T, AckError> {
        if is_asynchronous() {
            return Err(AckError::WouldBlock);
        }
        // The time is that of the server, wherever this thread has come from.
        let runtime = self.runtime();
        let _runtime = runtime.as_ref().map(Handle::enter);
        block_on(self)
    }
}

impl Socket {
    /// [`call`](Self::call)s the client and waits for the answer where there is no `async`: on a
    /// thread of the program's own, in a [blocking](crate::Handler::blocking) handler or in
    /// `spawn_blocking`. For another timeout than 60 s, see [`PendingAck::wait_blocking`].
    ///
    /// ```
    /// use socketio_server::{AckError, Handler, Io, Socket};
    ///
    /// fn ask(socket: Socket) -> Result<String, AckError> {
    ///     let name: String = socket.call_blocking("name?", &())?;
    ///     Ok(format!("hello {name}"))
    /// }
    ///
    /// let io = Io::builder().build();
    /// io.on("greet me", ask.blocking());
    /// ```
    ///
    /// # Errors
    /// As [`call`](Self::call), and [`AckError::WouldBlock`] within asynchronous code; nothing was sent
    /// then.
    pub fn call_blocking<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<T, AckError> {
        if is_asynchronous() {
            return Err(AckError::WouldBlock);
        }
        self.call(event, args).wait_blocking()
    }
}

thread_local! {
    /// Whether what runs here may block although a runtime runs it.
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// Runs something on a thread that is there to be blocked.
pub(crate) fn may_block<T>(what: impl FnOnce() -> T) -> T {
    let before = MAY_BLOCK.replace(true);
    let output = what();
    MAY_BLOCK.set(before);
    output
}

/// More than the runtime ever grants a task in one turn.
const MORE_THAN_A_BUDGET: usize = 1024;

/// Whether this thread is polling a task. The runtime does not say so itself, but whatever it polls
/// has a budget, which comes to its end; outside of tasks there is none.
fn is_asynchronous() -> bool {
    if MAY_BLOCK.get() || Handle::try_current().is_err() {
        return false;
    }
    let mut cx = Context::from_waker(Waker::noop());
    (0..MORE_THAN_A_BUDGET).any(|_| pin!(coop::consume_budget()).poll(&mut cx).is_pending())
}

/// Lets the thread sleep until the future is done.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(coop::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

struct Sleeper(Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
