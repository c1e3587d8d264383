//! Tasks that belong to the server: it knows when they run, tells them when it ends, and waits.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, Either, select};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

use crate::handler::{BoxFuture, panic_message};
use crate::io::Io;
use crate::shutdown::Roll;

impl Io {
    /// Runs a task beside the clients, from any thread: a clock, a feed, a queue that is drained.
    /// The program's own `tokio::spawn` would do as well, but of this one the server knows:
    ///
    /// - [`shutdown`](Self::shutdown) waits for it as for handlers, aborts it when its patience is
    ///   over, and says which it was: by the line that has spawned it, or a
    ///   [name](Self::spawn_named);
    /// - it may be spawned before there is a runtime, and then starts with the server;
    /// - if it panics, that is logged.
    ///
    /// A task that never ends by itself should wait with [`sleep`](Self::sleep), or look at
    /// [`stopping`](Self::stopping); otherwise every shutdown takes all of its patience.
    ///
    /// ```
    /// use std::time::Duration;
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().build();
    /// let clock = io.clone();
    /// io.spawn(async move {
    ///     let mut seconds = 0;
    ///     while clock.sleep(Duration::from_secs(1)).await {
    ///         seconds += 1;
    ///         // Numbers can always be encoded.
    ///         let _ = clock.emit("seconds", &seconds);
    ///     }
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, task: F) -> BackgroundTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let caller = Location::caller();
        self.spawn_named(&format!("{}:{}", caller.file(), caller.line()), task)
    }

    /// As [`spawn`](Self::spawn), with a name for the log and for what
    /// [`shutdown`](Self::shutdown) reports.
    pub fn spawn_named<F>(&self, name: &str, task: F) -> BackgroundTask<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (sender, result) = oneshot::channel();
        let (abort, registration) = AbortHandle::new_pair();
        let panicking: Arc<str> = name.into();
        let body = Abortable::new(AssertUnwindSafe(task).catch_unwind(), registration);
        let at_work = self.background().tasks.enter(name.to_owned());
        let out_of_time = self.background().wait_for(|phase| phase.out_of_time);
        let task = async move {
            // Dropped last: who is told that the task is over can rely on it.
            let _at_work = at_work;
            match select(Box::pin(body), Box::pin(out_of_time)).await {
                Either::Left((Ok(Ok(output)), _)) => {
                    // Few wait for it.
                    let _ = sender.send(output);
                }
                Either::Left((Ok(Err(payload)), _)) => {
                    let message = panic_message(payload);
                    tracing::error!(target: "socketio", task = %panicking, message, "background task panicked");
                }
                // Aborted, by its handle or by the end of the server.
                Either::Left((Err(_), _)) | Either::Right(_) => {}
            }
        };
        self.background().start(self, Box::pin(task));
        BackgroundTask {
            name: name.into(),
            abort,
            result,
        }
    }

    /// Waits so long, and says whether to go on: `true` when the time has passed, `false` as soon as
    /// the server is to end. Python's `socketio.sleep`, for tasks that go round in circles.
    #[must_use = "futures do nothing unless awaited, and the answer says whether to go on"]
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = bool> + Send + use<> {
        let stopping = self.stopping();
        async move {
            let timer = tokio::time::sleep(duration);
            matches!(
                select(Box::pin(stopping), Box::pin(timer)).await,
                Either::Right(_)
            )
        }
    }

    /// Ready as soon as the server is to end: [`stop`](Self::stop) or [`shutdown`](Self::shutdown)
    /// was called.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        self.background().wait_for(Phase::is_ending)
    }

    /// Makes [`run`](Self::run) and [`serve`](Self::serve) shut the server down and return, as
    /// Ctrl-C or their `stop` would. Returns at once; a handler may call it.
    ///
    /// A server inside a framework is not stopped by this, for it is the framework that serves: use
    /// [`shutdown`](Self::shutdown) there.
    pub fn stop(&self) {
        self.background().change(|phase| phase.stopped = true);
    }
}

/// A task of the server: [`Io::spawn`]. Dropping this leaves the task alone.
///
/// As a future it is the task's output; `None` if the task was aborted or has panicked.
pub struct BackgroundTask<T> {
    name: Box<str>,
    abort: AbortHandle,
    result: oneshot::Receiver<T>,
}

impl<T> BackgroundTask<T> {
    /// The name, or the line that has spawned it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Ends the task where it waits next.
    pub fn abort(&self) {
        self.abort.abort();
    }
}

impl<T> Future for BackgroundTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.result.poll_unpin(cx).map(Result::ok)
    }
}

impl<T> fmt::Debug for BackgroundTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundTask")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How far the server's life has come.
#[derive(Default)]
pub(crate) struct Phase {
    /// Whoever serves is to stop.
    pub(crate) stopped: bool,
    /// Clients are being told.
    pub(crate) shutting_down: bool,
    /// Tasks have had their time.
    pub(crate) out_of_time: bool,
}

impl Phase {
    const fn is_ending(&self) -> bool {
        self.stopped || self.shutting_down
    }
}

/// The tasks of a server, and how they learn of its end.
#[derive(Default)]
pub(crate) struct Background {
    phase: watch::Sender<Phase>,
    /// Of the server, once it runs.
    runtime: OnceLock<Handle>,
    /// Tasks that were spawned before that.
    early: Mutex<Vec<BoxFuture<()>>>,
    /// The tasks that run.
    pub(crate) tasks: Arc<Roll>,
    /// The handlers that run, from the beginning of the end.
    pub(crate) handlers: Arc<Roll>,
}

impl Background {
    /// The server runs, here; those who have come early can start.
    pub(crate) fn begin(&self, io: &Io) {
        if self.runtime.get().is_some() {
            return;
        }
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        if self.runtime.set(runtime).is_err() {
            // Another thread does the same at this moment.
            return;
        }
        #[cfg(feature = "logger")]
        io.loggers().install();
        let early = std::mem::take(&mut *self.early.lock());
        for task in early {
            io.engine().spawn(task);
        }
    }

    /// The runtime that the server lives in, once it does.
    pub(crate) fn runtime(&self) -> Option<&Handle> {
        self.runtime.get()
    }

    /// In the caller's runtime, or else in the server's, or else when the server has one.
    fn start(&self, io: &Io, task: BoxFuture<()>) {
        let runtime = match Handle::try_current() {
            Ok(runtime) => runtime,
            Err(_) => {
                // Looked at under the lock: nobody who comes early is left behind.
                let mut early = self.early.lock();
                match self.runtime.get() {
                    Some(runtime) => runtime.clone(),
                    None => return early.push(task),
                }
            }
        };
        let _runtime = runtime.enter();
        io.engine().spawn(task);
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Phase)) {
        self.phase.send_modify(|phase| {
            if !phase.is_ending() {
                self.handlers.count_from_now();
                self.tasks.count_from_now();
            }
            change(phase);
        });
    }

    /// Ready as soon as clients are being told.
    pub(crate) fn shutting_down(&self) -> impl Future<Output = ()> + Send + use<> {
        self.wait_for(|phase| phase.shutting_down)
    }

    pub(crate) fn wait_for<F>(&self, awaited: F) -> impl Future<Output = ()> + Send + use<F>
    where
        F: FnMut(&Phase) -> bool + Send,
    {
        let mut phase = self.phase.subscribe();
        async move {
            // The server is gone: nothing will ever change again, and this is its end.
            let _ = phase.wait_for(awaited).await;
        }
    }
}
