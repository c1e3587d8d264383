//! Serving: inside a runtime until it is told to stop, or as a whole program.

use std::future::{Future, pending};
use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::{Builder, Handle};
use tokio::signal;
use tokio::sync::oneshot;

use crate::io::Io;
use crate::shutdown::Shutdown;

/// How long a program that is to end waits for clients, handlers and tasks.
const PATIENCE: Duration = Duration::from_secs(10);

impl Io {
    /// Serves a listener until `stop` is ready, or [`stop`](Self::stop) is called, then
    /// [shuts down](Self::shutdown), giving clients, handlers and tasks up to `patience` to finish.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// # async fn example(io: socketio_server::Io) -> std::io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    /// let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    /// let ended = io.serve(listener, stop, Duration::from_secs(10)).await;
    /// println!("{ended}");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve<L: engine::Listener>(
        &self,
        listener: L,
        stop: impl Future<Output = ()> + Send,
        patience: Duration,
    ) -> Shutdown {
        self.background().begin(self);
        let io = self.clone();
        let respond = move |request| {
            let io = io.clone();
            async move { io.handle(request).await }
        };
        let stopped = self.background().wait_for(|phase| phase.stopped);
        let mut shutdown = None;
        let stop_and_shut_down = async {
            select(pin!(stop), pin!(stopped)).await;
            shutdown = Some(self.shutdown(patience).await);
        };
        engine::serve(listener, respond, stop_and_shut_down).await;
        match shutdown {
            Some(shutdown) => shutdown,
            None => self.tally(0, false),
        }
    }

    /// Serves this address until Ctrl-C, `SIGTERM` or [`stop`](Self::stop), then
    /// [shuts down](Self::shutdown) within 10 s, or at once when the signal comes again. For programs
    /// without an `async main`: it brings a runtime of its own, of as many threads as there are
    /// cores, and returns when that has ended. What was [spawned](Self::spawn) before starts now.
    ///
    /// Of a name with several addresses the first is taken that can be. From now on these signals no longer
    /// end the program by themselves, also after the return.
    ///
    /// ```no_run
    /// use socketio_server::{Data, Io};
    ///
    /// fn main() -> std::io::Result<()> {
    ///     let io = Io::builder().build();
    ///     io.on("add", |Data((a, b)): Data<(i64, i64)>| a + b);
    ///     println!("{}", io.run("127.0.0.1:3000")?);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// If the address cannot be listened on, or from inside a runtime, which this would block: await
    /// [`serve`](Self::serve) there.
    pub fn run(&self, address: impl ToSocketAddrs) -> io::Result<Shutdown> {
        if Handle::try_current().is_ok() {
            return Err(io::Error::other(
                "Io::run blocks its thread, and this one belongs to a runtime: await Io::serve here",
            ));
        }
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let mut signals = Signals::new()?;
            let address = listener.local_addr()?;
            let (give_up, given_up) = oneshot::channel();
            let io = self.clone();
            tokio::spawn(async move {
                signals.next().await;
                io.stop();
                signals.next().await;
                // It may have come to its end meanwhile.
                let _ = give_up.send(());
            });
            tracing::info!(target: "socketio", %address, "listening");
            let serving = self.serve(listener, pending(), PATIENCE);
            Ok(match select(pin!(serving), pin!(given_up)).await {
                Either::Left((ended, _)) => ended,
                Either::Right(_) => self.tally(0, false),
            })
        });
        // A handler on a thread of its own cannot be aborted, and is not waited for any longer.
        runtime.shutdown_background();
        ended
    }
}

/// What asks a program to end.
struct Signals {
    #[cfg(unix)]
    terminate: signal::unix::Signal,
    #[cfg(unix)]
    interrupt: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// From now on the signals no longer end the program by themselves.
    fn new() -> io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        select(pin!(self.terminate.recv()), pin!(self.interrupt.recv())).await;
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        if signal::ctrl_c().await.is_err() {
            // Where there is no Ctrl-C, the program ends in another way.
            pending().await
        }
    }
}
