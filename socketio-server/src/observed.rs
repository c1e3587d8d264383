//! What is seen of a handler from outside: the span that it runs in, and how long it takes.

use tracing::Span;

use crate::handler::{CONNECT, DISCONNECT};
use crate::metrics::Stopwatch;
use crate::routes::Routes;
use crate::socket::Socket;

/// One run of a handler. If nobody looks, it takes a pointer.
pub(crate) struct Observed {
    span: Option<Box<Span>>,
    stopwatch: Stopwatch,
}

impl Observed {
    /// The handler of an event begins. Level `DEBUG`, name `handler`.
    pub(crate) fn new(socket: &Socket, routes: &Routes, event: &str) -> Self {
        let span = tracing::debug_span!(
            target: "socketio",
            "handler",
            nsp = socket.namespace().name(),
            sid = socket.id().as_str(),
            event,
        );
        Self {
            span: (!span.is_disabled()).then(|| Box::new(span)),
            stopwatch: Stopwatch::start(|| {
                [CONNECT, DISCONNECT].contains(&event) || routes.has(event)
            }),
        }
    }

    /// Runs a part of it.
    pub(crate) fn within<T>(&self, part: impl FnOnce() -> T) -> T {
        match &self.span {
            Some(span) => span.in_scope(part),
            None => part(),
        }
    }

    /// It is done.
    pub(crate) fn end(&self, socket: &Socket, event: &str) {
        self.stopwatch.stop(socket.namespace().meters(), event);
    }
}
