//! What a handler may be: a function of extractors, async or plain.

mod answering;
mod arity;
mod blocking;
mod failure;
mod manner;
mod route;
mod watch;

use std::any::{Any, type_name};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{ConnectError, HandlerErrorKind};
use crate::extract::FromEvent;
use crate::proto::Reply;
use crate::reply::ConnectReply;

pub(crate) use self::blocking::{Pool, Turn};
pub(crate) use self::failure::{ErrorHook, Failure, refuse};
pub(crate) use self::manner::Place;
pub use self::manner::{Manner, WithManner};
pub(crate) use self::route::{Handled, Route, finish};
pub(crate) use self::watch::Stopwatch;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A function whose parameters can all be taken from an event; up to eight of them.
///
/// It may be async, or plain if it has nothing to wait for; named, or a closure:
///
/// ```
/// use socketio_server::{Data, EncodeError, Io, Socket};
///
/// async fn greet(socket: Socket, Data(name): Data<String>) -> Result<(), EncodeError> {
///     socket.broadcast().emit("greeting", &name)?;
///     Ok(())
/// }
///
/// fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
///     a + b
/// }
///
/// let io = Io::builder().build();
/// io.on("greet", greet)
///     .on("add", add)
///     .on("negate", |Data(n): Data<i64>| -n)
///     .on("ask", async |socket: Socket, Data(text): Data<String>| {
///         let answer = socket.call::<String>("question", &text).await;
///         answer.map_err(|error| error.to_string())
///     });
/// ```
///
/// As an [`EventHandler`] it returns what implements [`Reply`](crate::Reply), as a
/// [`ConnectHandler`] what implements [`ConnectReply`](crate::ConnectReply) (and, if the function is
/// plain, both).
///
/// `M` only tells functions apart by their parameters and is never written: it is a tuple of them
/// for async functions, and a pointer to a function of them for plain ones.
pub trait Handler<M>: Send + Sync + 'static {
    /// What the handler asks for: a tuple.
    type Params;
    /// What the handler returns; what its future resolves to, if it is async.
    type Output;
    /// The handler under way.
    type Future: Future<Output = Self::Output>;

    /// Makes the future. A plain function runs when that is first polled.
    fn call(self: &Arc<Self>, params: Self::Params) -> Self::Future;

    /// How it is run; the namespace and the server decide what is left open here.
    fn manner(&self) -> Manner {
        Manner::default()
    }

    /// What it is called in logs.
    fn name(&self) -> &'static str {
        type_name::<Self>()
    }

    /// While it runs, its socket's next events wait. Those of the client's other namespaces do not;
    /// nor do acknowledgements, heartbeats and the end of the connection, of which the disconnect
    /// handler is told in its turn.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use socketio_server::{Data, Handler, Io};
    ///
    /// async fn step(Data(n): Data<u64>) -> u64 {
    ///     tokio::time::sleep(Duration::from_millis(n)).await;
    ///     n
    /// }
    ///
    /// let io = Io::builder().build();
    /// // However long each takes, they are answered in order.
    /// io.on("step", step.ordered());
    /// ```
    ///
    /// Events that wait count as [`HandlerLimits`](crate::HandlerLimits) says.
    fn ordered(self) -> WithManner<Self>
    where
        Self: Sized,
    {
        WithManner::new(self, Manner::ordered())
    }

    /// Runs in a task of its own, maybe on another thread at the same time as others of its socket;
    /// those that are spawned start in order. For async functions that sometimes compute for a long
    /// time.
    ///
    /// ```
    /// use socketio_server::{Data, Handler, Io};
    ///
    /// async fn checksum(Data(text): Data<String>) -> u32 {
    ///     text.bytes().map(u32::from).sum()
    /// }
    ///
    /// let io = Io::builder().build();
    /// io.on("checksum", checksum.spawned());
    /// ```
    fn spawned(self) -> WithManner<Self>
    where
        Self: Sized,
    {
        WithManner::new(self, Manner::at(Place::Task))
    }

    /// Runs on a thread where it may block, and compute for as long as it likes. There is a bounded
    /// number of these for [all handlers](crate::Builder::blocking_threads): first come, first
    /// served. While it waits for a thread, events for other handlers go on, unless it is
    /// [`ordered`](Self::ordered) as well.
    ///
    /// ```
    /// use socketio_server::{Data, Handler, Io};
    ///
    /// fn read(Data(name): Data<String>) -> std::io::Result<String> {
    ///     std::fs::read_to_string(format!("notes/{}", name.replace(['/', '\\', '.'], "_")))
    /// }
    ///
    /// let io = Io::builder().build();
    /// io.on("read", read.blocking());
    /// ```
    fn blocking(self) -> WithManner<Self>
    where
        Self: Sized,
    {
        WithManner::new(self, Manner::at(Place::Pool))
    }

    /// Ends at the point where it waits when its socket is disconnected, and does not start after
    /// that. Without this, handlers run to the end, with a socket that reaches nobody.
    ///
    /// ```
    /// use socketio_server::{EncodeError, Handler, Io, Socket};
    ///
    /// async fn tick(socket: Socket) -> Result<(), EncodeError> {
    ///     let mut seconds = tokio::time::interval(std::time::Duration::from_secs(1));
    ///     loop {
    ///         seconds.tick().await;
    ///         socket.emit("tick", &())?;
    ///     }
    /// }
    ///
    /// let io = Io::builder().build();
    /// io.on("subscribe", tick.cancel_on_disconnect());
    /// ```
    fn cancel_on_disconnect(self) -> WithManner<Self>
    where
        Self: Sized,
    {
        WithManner::new(self, Manner::cancelled())
    }
}

/// A [`Handler`] of events: its parameters can be taken from them, and what it returns is an answer.
///
/// ```compile_fail,E0277
/// # let io = socketio_server::Io::builder().build();
/// io.on("add", |a: i64, b: i64| a + b); // `i64` cannot be a parameter: `Data((a, b)): Data<(i64, i64)>`
/// ```
///
/// ```compile_fail,E0277
/// # let io = socketio_server::Io::builder().build();
/// struct Point(i64, i64);
/// io.on("origin", || Point(0, 0)); // an answer is `Ack(Point(0, 0))`, of what implements `Serialize`
/// ```
///
/// ```compile_fail
/// # let io = socketio_server::Io::builder().build();
/// io.on("wait", async || {
///     let local = std::rc::Rc::new(1); // kept while waiting, it cannot go to another thread
///     tokio::task::yield_now().await;
///     drop(local);
/// });
/// ```
///
/// ```compile_fail,E0525
/// # let io = socketio_server::Io::builder().build();
/// let name = String::from("me");
/// io.on("name", move || name); // can be called only once: `name.clone()`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot handle events",
    label = "neither an async function nor one that returns an answer",
    note = "a handler is a function, or a closure that can be called again and again, of up to eight parameters",
    note = "it is async, or what it returns implements `Reply`: a value of your own is wrapped in `Ack(value)`"
)]
pub trait EventHandler<M>:
    Handler<M, Params: FromEvent, Output: Reply, Future: Send + 'static>
{
}

impl<M, H> EventHandler<M> for H where
    H: Handler<M, Params: FromEvent, Output: Reply, Future: Send + 'static>
{
}

/// A [`Handler`] that decides about clients which want to connect.
///
/// ```compile_fail,E0277
/// # let io = socketio_server::Io::builder().build();
/// io.on_connect(|| 5); // lets nobody in, and refuses nobody
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot decide about clients",
    label = "neither an async function nor one that returns a decision",
    note = "a handler is a function, or a closure that can be called again and again, of up to eight parameters",
    note = "it is async, or returns `()`, `bool` or `Result<(), ConnectError>`"
)]
pub trait ConnectHandler<M>:
    Handler<M, Params: FromEvent, Output: ConnectReply, Future: Send + 'static>
{
}

impl<M, H> ConnectHandler<M> for H where
    H: Handler<M, Params: FromEvent, Output: ConnectReply, Future: Send + 'static>
{
}

/// A plain function about to be run, as a future that is ready the first time it is polled.
#[expect(unnameable_types, reason = "only met as a handler's future")]
pub struct Plain<F, P, R> {
    function: Arc<F>,
    params: Option<P>,
    run: fn(&F, P) -> R,
}

impl<F, P, R> Future for Plain<F, P, R> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<R> {
        // Invariant: a future is not polled again after it was ready.
        let params = self.params.take().expect("run once");
        Poll::Ready((self.run)(&self.function, params))
    }
}

/// Nothing in it is pinned.
impl<F, P, R> Unpin for Plain<F, P, R> {}

impl<F, P, R> fmt::Debug for Plain<F, P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(..)")
    }
}

/// Names under which handlers of connections are reported.
pub(crate) const CONNECT: &str = "connect";
/// Not what others call it, for that is a name that events have.
pub(crate) const UPGRADE: &str = "transport upgrade";
pub(crate) const DISCONNECTING: &str = "disconnecting";
pub(crate) const DISCONNECT: &str = "disconnect";

pub(crate) type ConnectResult = Result<(), ConnectError>;

/// What somebody who panicked has left behind.
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> HandlerErrorKind {
    HandlerErrorKind::Panicked(panic_message(payload))
}

/// What a panic has said.
pub(crate) fn panic_message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "(no message)".to_owned(), |&message| message.to_owned()),
    }
}
