//! What a handler may be: a function of extractors; and how it is kept, without its types.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::FutureExt;

use crate::error::{ConnectError, HandlerErrorKind, Rejection};
use crate::extract::{EventContext, FromEvent};
use crate::proto::{BoxError, Reply};
use crate::reply::ConnectReply;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An async function whose parameters can all be taken from an event; up to eight of them.
///
/// `M` only tells implementations apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    note = "a handler is an async function whose parameters all implement `FromEvent`, and whose future is `Send`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the handler's future resolves to.
    type Output;
    /// The handler's future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the parameters and makes the future; nothing of the handler has run then.
    ///
    /// # Errors
    /// A parameter could not be taken.
    fn call(&self, event: &mut EventContext<'_>) -> Result<Self::Future, Rejection>;
}

macro_rules! impl_handler {
    ($($param:ident),*) => {
        impl<F, R, $($param),*> Handler<($($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            $($param: FromEvent),*
        {
            type Output = R::Output;
            type Future = R;

            fn call(&self, event: &mut EventContext<'_>) -> Result<R, Rejection> {
                let _ = &event;
                Ok(self($($param::from_event(event)?),*))
            }
        }
    };
}

impl_handler!();
impl_handler!(A);
impl_handler!(A, B);
impl_handler!(A, B, C);
impl_handler!(A, B, C, D);
impl_handler!(A, B, C, D, E);
impl_handler!(A, B, C, D, E, G);
impl_handler!(A, B, C, D, E, G, H);
impl_handler!(A, B, C, D, E, G, H, I);

/// A handler without its types. `T` is what its kind of event wants to know in the end.
pub(crate) struct Route<T>(Box<Start<T>>);

type Start<T> = dyn Fn(&mut EventContext<'_>) -> Started<T> + Send + Sync;

/// How an event's handler ended.
pub(crate) type Handled = Result<(), HandlerErrorKind>;

/// A handler's future, or why there is none.
type Started<T> = Result<BoxFuture<T>, Rejection>;

impl Route<Handled> {
    pub(crate) fn event<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        Self(Box::new(move |event| {
            let future = handler.call(event)?;
            let reply = event.reply.take();
            // Combinators, because async blocks would store the handler's future twice.
            let answered =
                future.map(move |output| Ok::<_, BoxError>(reply.send(&output.into_args()?)?));
            let caught = AssertUnwindSafe(answered).catch_unwind();
            Ok(Box::pin(caught.map(|caught| match caught {
                Ok(answered) => answered.map_err(HandlerErrorKind::Failed),
                Err(payload) => Err(panicked(payload)),
            })))
        }))
    }
}

impl Route<ConnectResult> {
    pub(crate) fn connect<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: ConnectReply,
    {
        Self(Box::new(move |event| {
            let future = handler.call(event)?;
            let socket = event.socket.clone();
            let admitted = future.map(|output| output.admit());
            let caught = AssertUnwindSafe(admitted).catch_unwind();
            Ok(Box::pin(caught.map(move |caught| {
                caught.unwrap_or_else(|payload| {
                    socket.report(CONNECT, panicked(payload));
                    Err(internal_error())
                })
            })))
        }))
    }
}

impl<T> Route<T> {
    /// Starts the handler. A panic while its parameters are taken is caught as well.
    pub(crate) fn start(
        &self,
        event: &mut EventContext<'_>,
    ) -> Result<BoxFuture<T>, HandlerErrorKind> {
        match catch_unwind(AssertUnwindSafe(|| (self.0)(event))) {
            Ok(started) => Ok(started?),
            Err(payload) => Err(panicked(payload)),
        }
    }
}

/// Names under which connect and disconnect handlers are reported.
pub(crate) const CONNECT: &str = "connect";
pub(crate) const DISCONNECT: &str = "disconnect";

pub(crate) type ConnectResult = Result<(), ConnectError>;

/// What a client sees when its connect handler could not decide.
pub(crate) fn internal_error() -> ConnectError {
    ConnectError::new("internal server error")
}

fn panicked(payload: Box<dyn Any + Send>) -> HandlerErrorKind {
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "(no message)".to_owned(), |&message| message.to_owned()),
    };
    HandlerErrorKind::Panicked(message)
}
