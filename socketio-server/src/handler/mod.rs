//! What a handler may be: a function of extractors, async or plain.

mod arity;
mod failure;
mod route;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::{ConnectError, HandlerErrorKind, Rejection};
use crate::extract::EventContext;

pub(crate) use self::failure::{ErrorHook, Failure, refuse};
pub(crate) use self::route::{Handled, Route};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A function whose parameters can all be taken from an event; up to eight of them.
///
/// It may be async, or plain if it has nothing to wait for; named, or a closure:
///
/// ```
/// use socketio_server::{Data, EncodeError, Io, Socket};
///
/// async fn greet(socket: Socket, Data(name): Data<String>) -> Result<(), EncodeError> {
///     socket.broadcast().emit("greeting", &name).map(drop)
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
/// What it returns implements [`Reply`](crate::Reply), in handlers of connections
/// [`ConnectReply`](crate::ConnectReply) (and, if the function is plain, both).
///
/// `M` only tells functions apart by their parameters and is never written: it is a tuple of them
/// for async functions, and a pointer to a function of them for plain ones.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    label = "not a function of what can be taken from an event",
    note = "a handler is a function of up to eight parameters which all implement `FromEvent`; data of the event is wrapped in `Data<T>`",
    note = "it is async, with a future that is `Send`, or plain, with a result that implements `Reply`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the handler returns; what its future resolves to, if it is async.
    type Output;
    /// The handler under way.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the parameters and makes the future. A plain function runs when that is first polled.
    ///
    /// # Errors
    /// A parameter could not be taken.
    fn call(self: &Arc<Self>, event: &mut EventContext<'_>) -> Result<Self::Future, Rejection>;
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

/// Names under which connect and disconnect handlers are reported.
pub(crate) const CONNECT: &str = "connect";
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
