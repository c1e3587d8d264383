//! Something under way, by the name that a shutdown reports it with.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;

use super::job::Waiting;
use super::running::Step;
use crate::handler::BoxFuture;
use crate::shutdown::{AtWork, Roll};
use crate::socket::Socket;

/// A handler that has not come to its end, as far as its client's task has to do with it.
pub(crate) struct Errand {
    kind: Kind,
    at_work: Option<AtWork>,
}

enum Kind {
    /// It runs in the task.
    Here(Waiting),
    /// It runs, or waits, somewhere else.
    Elsewhere {
        socket: Socket,
        event: Box<str>,
        step: BoxFuture<Step>,
    },
}

impl Errand {
    pub(crate) const fn here(handler: Waiting) -> Self {
        Self {
            kind: Kind::Here(handler),
            at_work: None,
        }
    }

    pub(crate) fn elsewhere(
        socket: Socket,
        event: &str,
        step: impl Future<Output = Step> + Send + 'static,
    ) -> Self {
        let event = event.into();
        let step = Box::pin(step);
        Self {
            kind: Kind::Elsewhere {
                socket,
                event,
                step,
            },
            at_work: None,
        }
    }

    /// A shutdown wants to know when this is done.
    pub(crate) fn enter(&mut self, roll: &Arc<Roll>) {
        let (socket, event) = match &self.kind {
            Kind::Here(handler) => (&handler.socket, &handler.name),
            Kind::Elsewhere { socket, event, .. } => (socket, event),
        };
        let name = || format!("{event} in {}", socket.namespace().name());
        self.at_work.get_or_insert_with(|| roll.enter(name()));
    }
}

impl Future for Errand {
    type Output = Step;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step> {
        let step = match &mut self.kind {
            Kind::Here(handler) => handler.poll_unpin(cx),
            Kind::Elsewhere { step, .. } => step.poll_unpin(cx),
        };
        if let Poll::Ready(Step::Turn(..)) = step
            && let Some(at_work) = self.at_work.take()
        {
            // It has only just got where it can run.
            at_work.withdraw();
        }
        step
    }
}
