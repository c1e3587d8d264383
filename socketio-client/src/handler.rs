//! What a handler of the async client may be: a function of extractors; and how it is kept, without
//! its types.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

use futures_util::FutureExt;

use crate::extract::{EventContext, FromEvent, for_each_arity};
use crate::failure::{Handled, HandlerErrorKind, Rejection, panicked};
use crate::proto::{BoxError, Reply};
use crate::socket::Socket;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A function whose parameters can all be taken from an event, up to eight of them: an async
/// function, or a plain one that does not wait.
///
/// ```
/// use socketio_client::{Client, Data};
///
/// let client = Client::new("http://localhost:3000");
/// client.on("add", |Data((a, b)): Data<(i64, i64)>| a + b);
/// client.on("echo", async |Data(text): Data<String>| text);
/// ```
///
/// `M` only tells implementations apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    note = "a handler is a function whose parameters all implement `FromEvent<Socket>`; if it is async, its future is `Send`, otherwise what it returns implements `Reply` and is `Send`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the handler comes to.
    type Output;
    /// The handler's future.
    type Future: Future<Output = Self::Output> + Send + 'static;

    /// Takes the parameters and makes the future. Of an async function nothing has run then; a
    /// plain one has been run.
    ///
    /// # Errors
    /// A parameter could not be taken.
    fn call(&self, event: &mut EventContext<'_, Socket>) -> Result<Self::Future, Rejection>;
}

macro_rules! impl_handler {
    ($($param:ident),*) => {
        impl<F, R, $($param),*> Handler<($($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            $($param: FromEvent<Socket>),*
        {
            type Output = R::Output;
            type Future = R;

            fn call(&self, event: &mut EventContext<'_, Socket>) -> Result<R, Rejection> {
                let _ = &event;
                Ok(self($($param::from_event(event)?),*))
            }
        }

        impl<F, R, $($param),*> Handler<fn($($param),*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            // No future does, which keeps the two kinds apart.
            R: Reply + Send + 'static,
            $($param: FromEvent<Socket>),*
        {
            type Output = R;
            type Future = Ready<R>;

            fn call(&self, event: &mut EventContext<'_, Socket>) -> Result<Ready<R>, Rejection> {
                let _ = &event;
                Ok(ready(self($($param::from_event(event)?),*)))
            }
        }
    };
}

for_each_arity!(impl_handler);

/// A handler without its types.
pub(crate) struct Route(Box<Start>);

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Route(..)")
    }
}

type Start = dyn Fn(&mut EventContext<'_, Socket>) -> Started + Send + Sync;

/// A handler's future, `None` if there is nothing to wait for, or why it was not run.
type Started = Result<Option<BoxFuture<Handled>>, Rejection>;

impl Route {
    /// What `handler` returns is the acknowledgement.
    pub(crate) fn new<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        Self(Box::new(move |event| {
            let future = handler.call(event)?;
            let ack = event.ack.take();
            // Combinators, because async blocks would store the handler's future twice.
            let answered =
                future.map(move |output| Ok::<_, BoxError>(ack.send(&output.into_args()?)?));
            let caught = AssertUnwindSafe(answered).catch_unwind();
            Ok(Some(Box::pin(caught.map(|caught| match caught {
                Ok(answered) => answered.map_err(HandlerErrorKind::Failed),
                Err(payload) => Err(panicked(payload)),
            }))))
        }))
    }

    /// Something that answers nobody.
    pub(crate) fn silent(
        run: impl Fn(&mut EventContext<'_, Socket>) -> Result<(), Rejection> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |event| run(event).map(|()| None)))
    }

    /// Starts the handler. A panic while its parameters are taken is caught as well.
    pub(crate) fn start(
        &self,
        event: &mut EventContext<'_, Socket>,
    ) -> Result<Option<BoxFuture<Handled>>, HandlerErrorKind> {
        match catch_unwind(AssertUnwindSafe(|| (self.0)(event))) {
            Ok(started) => Ok(started?),
            Err(payload) => Err(panicked(payload)),
        }
    }
}
