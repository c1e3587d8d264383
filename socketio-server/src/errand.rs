//! A handler that has not come to its end at once, and what has to be known about it until it does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::handler::{BoxFuture, Handled};
use crate::observed::Observed;
use crate::proto::Args;
use crate::shutdown::{AtWork, Roll};
use crate::socket::Socket;

/// A handler that waits. As a future it is done when the handler is, and its failure reported.
pub(crate) struct Errand {
    handler: BoxFuture<Handled>,
    socket: Socket,
    event: Box<str>,
    /// For the error hook, if that wants to see them.
    args: Option<Args<'static>>,
    observed: Observed,
    at_work: Option<AtWork>,
}

impl Errand {
    pub(crate) fn new(
        handler: BoxFuture<Handled>,
        socket: Socket,
        event: &str,
        args: Option<Args<'static>>,
        observed: Observed,
    ) -> Self {
        Self {
            handler,
            socket,
            event: event.into(),
            args,
            observed,
            at_work: None,
        }
    }

    /// A shutdown wants to know when this is done.
    pub(crate) fn enter(&mut self, roll: &Arc<Roll>) {
        let name = || format!("{} in {}", self.event, self.socket.namespace().name());
        self.at_work.get_or_insert_with(|| roll.enter(name()));
    }
}

impl Future for Errand {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let handled = ready!(this.observed.within(|| this.handler.as_mut().poll(cx)));
        this.observed.end(&this.socket, &this.event);
        if let Err(failure) = handled {
            failure.report(&this.socket, &this.event, this.args.as_ref());
        }
        Poll::Ready(())
    }
}
