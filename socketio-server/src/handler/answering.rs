//! An event's handler on its way to the answer.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::failure::Failure;
use super::route::{Handled, finish};
use super::{BoxFuture, panicked};
use crate::error::HandlerErrorKind;
use crate::proto::{BoxError, Reply};
use crate::reply::{ReplyTo, Written};

pin_project! {
    /// Runs a handler and answers with what it returns. Written by hand because it is all that most
    /// events cost: one allocation, which holds the handler's future once.
    pub(super) struct Answering<F> {
        #[pin]
        future: F,
        reply: ReplyTo,
    }
}

impl<F> Answering<F>
where
    F: Future,
    F::Output: Reply,
{
    pub(super) const fn new(future: F, reply: ReplyTo) -> Self {
        Self { future, reply }
    }

    /// The answer, which is still to be sent. What is returned is the application's as much as the
    /// future, and may panic when it is written.
    fn poll_written(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Written>, HandlerErrorKind>> {
        let this = self.project();
        let poll = AssertUnwindSafe(|| {
            let output = ready!(this.future.poll(cx));
            let written = output
                .into_args()
                .and_then(|args| Ok(this.reply.write(&args)?));
            Poll::Ready(written.map_err(HandlerErrorKind::returned))
        });
        catch_unwind(poll).unwrap_or_else(|payload| Poll::Ready(Err(panicked(payload))))
    }

    /// Answers when something else is done, too; unless the handler has panicked.
    pub(super) async fn after(self, after: BoxFuture<Result<(), BoxError>>) -> Handled {
        let mut this = pin!(self);
        let written = poll_fn(|cx| this.as_mut().poll_written(cx)).await;
        let done = match &written {
            Err(HandlerErrorKind::Panicked(_)) => Ok(()),
            _ => finish(after).await,
        };
        // The handler's own failure comes first.
        let answer = written.and_then(|answer| done.map(|()| answer));
        this.project().reply.take().settle(answer)
    }
}

impl<F> Future for Answering<F>
where
    F: Future,
    F::Output: Reply,
{
    type Output = Handled;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Handled> {
        let answer = ready!(self.as_mut().poll_written(cx));
        Poll::Ready(self.project().reply.take().settle(answer))
    }
}

impl ReplyTo {
    /// The end of a handler.
    fn settle(self, answer: Result<Option<Written>, HandlerErrorKind>) -> Handled {
        match answer {
            Ok(answer) => {
                self.deliver(answer);
                Ok(())
            }
            Err(kind) => Err(Failure { kind, reply: self }),
        }
    }
}
