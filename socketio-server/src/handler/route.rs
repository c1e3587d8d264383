//! A handler as a namespace keeps it: without its types.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;

use super::failure::{Failure, refuse};
use super::{BoxFuture, CONNECT, ConnectResult, Handler, panicked};
use crate::error::{HandlerErrorKind, Rejection};
use crate::extract::EventContext;
use crate::proto::Reply;
use crate::reply::ConnectReply;

/// A handler without its types. `T` is what its kind of event wants to know in the end.
pub(crate) struct Route<T>(Box<Start<T>>);

type Start<T> = dyn Fn(&mut EventContext<'_>) -> Started<T> + Send + Sync;

/// How an event's handler ended.
pub(crate) type Handled = Result<(), Failure>;

/// A handler's future, or why there is none.
pub(crate) type Started<T> = Result<BoxFuture<T>, Rejection>;

impl Route<Handled> {
    pub(crate) fn event<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        let handler = Arc::new(handler);
        Self(Box::new(move |event| {
            let future = handler.call(event)?;
            let reply = event.reply.take();
            // Combinators, because async blocks would store the handler's future twice.
            let caught = AssertUnwindSafe(future).catch_unwind();
            Ok(Box::pin(caught.map(move |caught| {
                // What is returned is the application's as well, and may panic when it is written.
                let answer = AssertUnwindSafe(|| match caught {
                    Ok(output) => {
                        let sent = output.into_args().and_then(|args| Ok(reply.send(&args)?));
                        sent.map_err(HandlerErrorKind::returned)
                    }
                    Err(payload) => Err(panicked(payload)),
                });
                let answered = catch_unwind(answer).unwrap_or_else(|it| Err(panicked(it)));
                answered.map_err(|kind| Failure { kind, reply })
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
        let handler = Arc::new(handler);
        Self(Box::new(move |event| {
            let future = handler.call(event)?;
            let socket = event.socket.clone();
            let admitted = future.map(|output| output.admit());
            let caught = AssertUnwindSafe(admitted).catch_unwind();
            Ok(Box::pin(caught.map(move |caught| {
                caught.unwrap_or_else(|it| Err(refuse(&socket, CONNECT, panicked(it))))
            })))
        }))
    }
}

impl<T> Route<T> {
    /// A handler that has no types to begin with.
    pub(crate) fn new(
        start: impl Fn(&mut EventContext<'_>) -> Started<T> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(start))
    }

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
