//! A handler as a namespace keeps it: without its types.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, abortable};

use super::answering::Answering;
use super::failure::{ErrorHook, Failure, refuse};
use super::manner::{Manner, Place};
use super::watch::Watch;
use super::{BoxFuture, CONNECT, ConnectHandler, ConnectResult, EventHandler, Handler, panicked};
use crate::error::{ConnectError, HandlerErrorKind, Rejection};
use crate::extract::{EventContext, FromEvent};
use crate::proto::BoxError;
use crate::reply::ConnectReply;

/// A handler without its types. `T` is what its kind of event wants to know in the end.
pub(crate) struct Route<T> {
    start: Box<Start<T>>,
    pub(crate) manner: Manner,
    pub(crate) watch: Watch,
    /// Whom its failures concern before the namespace.
    pub(crate) on_error: Option<Arc<ErrorHook>>,
}

type Start<T> = dyn Fn(&mut EventContext<'_>) -> Started<T> + Send + Sync;

/// How an event's handler ended.
pub(crate) type Handled = Result<(), Failure>;

/// A handler's future, or why there is none.
pub(crate) type Started<T> = Result<BoxFuture<T>, Rejection>;

impl Route<Handled> {
    pub(crate) fn event<M, H: EventHandler<M>>(handler: H) -> Self {
        Self::new(handler, |handler, event| {
            let future = handler.call(H::Params::from_event(event)?);
            let answering = Answering::new(future, event.reply.take());
            Ok(match event.after.take() {
                None => Box::pin(answering),
                Some(after) => Box::pin(answering.after(after)),
            })
        })
    }
}

impl Route<Handled> {
    /// A handler of what nobody handles: it answers nothing.
    pub(crate) fn nobody() -> Self {
        Self {
            start: Box::new(|event| {
                drop(event.reply.take());
                Ok(Box::pin(ready(Ok(()))))
            }),
            manner: Manner::default(),
            watch: Watch::new("nobody"),
            on_error: None,
        }
    }
}

/// Does what extractors have left to do.
pub(crate) async fn finish(after: BoxFuture<Result<(), BoxError>>) -> Result<(), HandlerErrorKind> {
    match AssertUnwindSafe(after).catch_unwind().await {
        Ok(done) => done.map_err(HandlerErrorKind::Failed),
        Err(payload) => Err(panicked(payload)),
    }
}

impl Route<ConnectResult> {
    pub(crate) fn connect<M, H: ConnectHandler<M>>(handler: H) -> Self {
        Self::new(handler, |handler, event| {
            let future = handler.call(H::Params::from_event(event)?);
            let socket = event.socket.clone();
            let admitted = future.map(|output| output.admit());
            let caught = AssertUnwindSafe(admitted).catch_unwind();
            Ok(match event.after.take() {
                None => Box::pin(caught.map(move |caught| {
                    caught.unwrap_or_else(|it| Err(refuse(&socket, CONNECT, panicked(it))))
                })),
                Some(after) => Box::pin(async move {
                    let decided = caught.await.map_err(panicked);
                    let done = match &decided {
                        Ok(_) => finish(after).await,
                        Err(_) => Ok(()),
                    };
                    let decision = decided.and_then(|decision| done.map(|()| decision));
                    decision.unwrap_or_else(|kind| Err(refuse(&socket, CONNECT, kind)))
                }),
            })
        })
    }

    /// Starts the handler where it is to run. To drop it is to cancel it.
    pub(crate) fn decide(
        &self,
        event: &mut EventContext<'_>,
        manner: Manner,
    ) -> Result<BoxFuture<ConnectResult>, HandlerErrorKind> {
        let decision = self.start(event)?;
        let Some(place) = manner.place else {
            return Ok(decision);
        };
        let (decision, handle) = abortable(decision);
        let undecided = || Err(ConnectError::internal());
        let decision = Box::pin(decision.map(move |it| it.unwrap_or_else(|_| undecided())));
        let pool = event.socket.io().pool().clone();
        Ok(Box::pin(async move {
            let _guard = AbortOnDrop(handle);
            let ended = match place {
                Place::Task => tokio::spawn(decision).await.ok(),
                Place::Pool => pool.turn().await.run(decision).await.ok(),
            };
            // The runtime is shutting down.
            ended.unwrap_or_else(undecided)
        }))
    }
}

/// Ends what runs elsewhere along with who waits for it.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: 'static> Route<T> {
    fn new<M, H: Handler<M>>(
        handler: H,
        start: impl Fn(&Arc<H>, &mut EventContext<'_>) -> Started<T> + Send + Sync + 'static,
    ) -> Self {
        let (manner, watch) = (handler.manner(), Watch::new(handler.name()));
        let handler = Arc::new(handler);
        Self {
            start: Box::new(move |event| start(&handler, event)),
            manner,
            watch,
            on_error: None,
        }
    }

    /// The same handler, with what goes without saying for it and its like.
    pub(crate) fn within(
        route: &Arc<Self>,
        manner: Manner,
        on_error: Option<&Arc<ErrorHook>>,
    ) -> Self {
        let inner = Arc::clone(route);
        Self {
            manner: route.manner.or(manner),
            on_error: on_error.cloned(),
            ..Self::composed(route, move |event| (inner.start)(event))
        }
    }

    /// A handler made of others, which is run like this one of them.
    pub(crate) fn composed(
        like: &Self,
        start: impl Fn(&mut EventContext<'_>) -> Started<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            start: Box::new(start),
            manner: like.manner,
            watch: like.watch.fresh(),
            on_error: like.on_error.clone(),
        }
    }

    /// Starts the handler. A panic while its parameters are taken is caught as well.
    pub(crate) fn start(
        &self,
        event: &mut EventContext<'_>,
    ) -> Result<BoxFuture<T>, HandlerErrorKind> {
        match catch_unwind(AssertUnwindSafe(|| (self.start)(event))) {
            Ok(started) => Ok(started?),
            Err(payload) => Err(panicked(payload)),
        }
    }
}
