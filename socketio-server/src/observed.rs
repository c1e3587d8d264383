//! What is seen of sockets and handlers from outside: log, spans and figures.

use tracing::Span;

use crate::error::{ConnectError, DisconnectReason};
use crate::metrics::Latency;
use crate::socket::Socket;

/// One run of a handler. If nobody looks, it takes a pointer.
pub(crate) struct Observed {
    span: Option<Box<Span>>,
    latency: Latency,
}

impl Observed {
    /// The handler of an event begins. Level `DEBUG`, name `handler`. Names that clients may have made
    /// up are none for figures.
    #[inline]
    pub(crate) fn new(socket: &Socket, event: &str, is_named: impl FnOnce() -> bool) -> Self {
        let span = tracing::debug_span!(
            target: "socketio",
            "handler",
            nsp = socket.namespace().name(),
            sid = socket.id().as_str(),
            event,
        );
        Self {
            span: (!span.is_disabled()).then(|| Box::new(span)),
            latency: Latency::start(is_named),
        }
    }

    /// Runs a part of it.
    #[inline]
    pub(crate) fn within<T>(&self, part: impl FnOnce() -> T) -> T {
        match &self.span {
            Some(span) => span.in_scope(part),
            None => part(),
        }
    }

    /// It is done.
    #[inline]
    pub(crate) fn end(&self, socket: &Socket, event: &str) {
        self.latency.stop(socket.namespace().meters(), event);
    }
}

/// A client is let in.
pub(crate) fn connected(socket: &Socket) {
    tracing::debug!(
        target: "socketio",
        nsp = socket.namespace().name(),
        sid = socket.id().as_str(),
        "connected"
    );
}

/// A client is not let in.
pub(crate) fn refused(socket: &Socket, error: &ConnectError) {
    let namespace = socket.namespace();
    namespace.meters().refused();
    tracing::debug!(target: "socketio", nsp = namespace.name(), %error, "connection refused");
}

/// A socket that was connected is no longer.
pub(crate) fn disconnected(socket: &Socket, reason: DisconnectReason) {
    let namespace = socket.namespace();
    namespace.meters().disconnected(reason);
    tracing::debug!(
        target: "socketio",
        nsp = namespace.name(),
        sid = socket.id().as_str(),
        %reason,
        "disconnected"
    );
}

/// An event has arrived.
#[inline]
pub(crate) fn received(socket: &Socket, event: &str, id: Option<u64>) {
    let namespace = socket.namespace();
    namespace.meters().received();
    tracing::debug!(
        target: "socketio",
        nsp = namespace.name(),
        sid = socket.id().as_str(),
        event,
        id,
        "event received"
    );
}
