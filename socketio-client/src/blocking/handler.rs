//! What a handler of the blocking client may be: a function of extractors; and how it is kept,
//! without its types.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::socket::Socket;
use crate::extract::{EventContext, FromEvent, for_each_arity};
use crate::failure::{Handled, HandlerErrorKind, Rejection, panicked};
use crate::proto::{BoxError, Payload, Reply};

/// A function whose parameters can all be taken from an event; up to eight of them.
///
/// `M` only tells implementations apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no handler",
    note = "a handler is a function whose parameters all implement `FromEvent<blocking::Socket>`"
)]
pub trait Handler<M>: Send + Sync + 'static {
    /// What the handler returns.
    type Output;

    /// Takes the parameters and runs it.
    ///
    /// # Errors
    /// A parameter could not be taken; nothing of the handler has run.
    fn call(&self, event: &mut EventContext<'_, Socket>) -> Result<Self::Output, Rejection>;
}

macro_rules! impl_handler {
    ($($param:ident),*) => {
        impl<F, R, $($param),*> Handler<($($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            $($param: FromEvent<Socket>),*
        {
            type Output = R;

            fn call(&self, event: &mut EventContext<'_, Socket>) -> Result<R, Rejection> {
                let _ = &event;
                Ok(self($($param::from_event(event)?),*))
            }
        }
    };
}

for_each_arity!(impl_handler);

/// A handler without its types.
pub(crate) struct Route(Box<Run>);

type Run = dyn Fn(&mut EventContext<'_, Socket>) -> Handled + Send + Sync;

impl Route {
    /// What `handler` returns is the acknowledgement.
    pub(crate) fn new<M, H>(handler: H) -> Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        Self(Box::new(move |event| {
            let output = handler.call(event)?;
            let answer = output.into_args().map_err(HandlerErrorKind::Failed)?;
            answered(event, &answer).map_err(HandlerErrorKind::Failed)
        }))
    }

    /// Something that answers nobody.
    pub(crate) fn silent(
        run: impl Fn(&mut EventContext<'_, Socket>) -> Result<(), Rejection> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |event| Ok(run(event)?)))
    }

    /// Runs the handler to its end. A panic is caught.
    pub(super) fn run(&self, event: &mut EventContext<'_, Socket>) -> Handled {
        let caught = catch_unwind(AssertUnwindSafe(|| (self.0)(event)));
        caught.unwrap_or_else(|payload| Err(panicked(payload)))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route").finish_non_exhaustive()
    }
}

/// Answers, unless the handler has asked for the right to do so.
fn answered(event: &mut EventContext<'_, Socket>, args: &impl Payload) -> Result<(), BoxError> {
    Ok(event.ack.take().send(args)?)
}
