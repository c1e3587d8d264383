//! Figures for whoever runs a server, through the facade of the crate `metrics`: feature `metrics`.
//!
//! Install a recorder, such as that of `metrics-exporter-prometheus`, before the server is built.
//! `nsp` is the name of a namespace; of those that clients bring into being, it is the
//! [pattern](crate::Io::dynamic) for all of them, or else `*`. Names of events are labels only where a
//! handler is registered under them; the others are `*`. So no client can make figures up.
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `socketio_sockets` | gauge | `nsp` | sockets that are connected |
//! | `socketio_connects_total` | counter | `nsp` | clients that were let in |
//! | `socketio_connects_refused_total` | counter | `nsp` | clients that were not, by a handler of the namespace |
//! | `socketio_disconnects_total` | counter | `nsp`, `reason` | sockets that were disconnected, by [`DisconnectReason`] |
//! | `socketio_events_received_total` | counter | `nsp` | events of clients |
//! | `socketio_events_sent_total` | counter | `nsp` | events that left for clients, each recipient counted |
//! | `socketio_handler_seconds` | histogram | `nsp`, `event` | from an event's turn until its handler is done; `connect`, `transport upgrade` and `disconnect` are events here |
//! | `socketio_handler_failures_total` | counter | `nsp` | handlers that returned an error, were rejected or panicked |
//!
//! Links, messages, bytes, refused requests and what was dropped from queues are figures of the layer
//! below, which the same feature switches on:
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `engineio_sessions` | gauge | | links that are open |
//! | `engineio_sessions_opened_total` | counter | `transport` | links opened, by their first transport |
//! | `engineio_sessions_closed_total` | counter | `reason` | links ended |
//! | `engineio_upgrades_total` | counter | | links that moved to websocket |
//! | `engineio_requests_refused_total` | counter | `reason` | requests refused, by [`RefusalReason::as_str`](crate::RefusalReason::as_str) |
//! | `engineio_messages_received_total` | counter | | packets received |
//! | `engineio_messages_sent_total` | counter | | packets sent, attachments not counted |
//! | `engineio_bytes_received_total` | counter | | bytes of websockets and of POST bodies |
//! | `engineio_bytes_sent_total` | counter | | bytes of websockets and of polling answers |
//! | `engineio_queue_dropped_total` | counter | `reason` | packets that were not queued, or dropped from the queue: `full`, `policy` ([`OverflowPolicy`](crate::OverflowPolicy)), `not_ready` (volatile), `closed` |
//!
//! Without the feature none of it takes space or time.

#[cfg(feature = "metrics")]
use std::{collections::HashMap, sync::Arc};

#[cfg(feature = "metrics")]
use engine::metrics::Histogram;
use engine::metrics::{Counter, Gauge};
#[cfg(feature = "metrics")]
use parking_lot::RwLock;
#[cfg(feature = "metrics")]
use tokio::time::Instant;

use crate::error::DisconnectReason;

/// The label of what has no name that the application has given it: events without a handler of their
/// own, and namespaces of clients' choice.
pub(crate) const OTHERS: &str = "*";

/// The figures of a namespace.
pub(crate) struct Meters {
    #[cfg(feature = "metrics")]
    nsp: Box<str>,
    sockets: Gauge,
    connects: Counter,
    refusals: Counter,
    received: Counter,
    sent: Counter,
    failures: Counter,
    #[cfg(feature = "metrics")]
    handlers: RwLock<HashMap<Box<str>, Arc<Histogram>>>,
}

impl Meters {
    /// `nsp` is a label: no client has a say in it.
    pub(crate) fn new(nsp: &str) -> Self {
        let labels = &[("nsp", nsp)];
        Self {
            #[cfg(feature = "metrics")]
            nsp: nsp.into(),
            sockets: Gauge::new("socketio_sockets", labels),
            connects: Counter::new("socketio_connects_total", labels),
            refusals: Counter::new("socketio_connects_refused_total", labels),
            received: Counter::new("socketio_events_received_total", labels),
            sent: Counter::new("socketio_events_sent_total", labels),
            failures: Counter::new("socketio_handler_failures_total", labels),
            #[cfg(feature = "metrics")]
            handlers: RwLock::default(),
        }
    }

    pub(crate) fn connected(&self) {
        self.sockets.rise();
        self.connects.add(1);
    }

    /// A socket is no longer among the others.
    pub(crate) fn gone(&self) {
        self.sockets.fall();
    }

    pub(crate) fn refused(&self) {
        self.refusals.add(1);
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn disconnected(&self, reason: DisconnectReason) {
        let labels = &[("nsp", &*self.nsp), ("reason", reason.as_str())];
        Counter::new("socketio_disconnects_total", labels).add(1);
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) const fn disconnected(&self, _: DisconnectReason) {}

    #[inline]
    pub(crate) fn received(&self) {
        self.received.add(1);
    }

    #[inline]
    pub(crate) fn sent(&self) {
        self.sent.add(1);
    }

    pub(crate) fn failed(&self) {
        self.failures.add(1);
    }

    /// How long the handlers of an event take.
    #[cfg(feature = "metrics")]
    fn handler(&self, event: &str) -> Arc<Histogram> {
        if let Some(histogram) = self.handlers.read().get(event) {
            return Arc::clone(histogram);
        }
        let labels = &[("nsp", &*self.nsp), ("event", event)];
        let histogram = Arc::new(Histogram::new("socketio_handler_seconds", labels));
        let mut handlers = self.handlers.write();
        Arc::clone(handlers.entry(event.into()).or_insert(histogram))
    }
}

/// Free when they are off.
#[cfg(not(feature = "metrics"))]
const _: () = assert!(size_of::<Meters>() == 0 && size_of::<Latency>() == 0);

/// Measures one run of a handler.
pub(crate) struct Latency {
    #[cfg(feature = "metrics")]
    began: Instant,
    #[cfg(feature = "metrics")]
    is_named: bool,
}

impl Latency {
    /// `is_named` says whether there is a handler of the event's name: asked if it matters.
    #[cfg(feature = "metrics")]
    pub(crate) fn start(is_named: impl FnOnce() -> bool) -> Self {
        Self {
            began: Instant::now(),
            is_named: is_named(),
        }
    }

    #[cfg(not(feature = "metrics"))]
    pub(crate) fn start(_: impl FnOnce() -> bool) -> Self {
        Self {}
    }

    /// The handler of an event is done.
    #[cfg(feature = "metrics")]
    pub(crate) fn stop(&self, meters: &Meters, event: &str) {
        let event = if self.is_named { event } else { OTHERS };
        let seconds = self.began.elapsed().as_secs_f64();
        meters.handler(event).record(seconds);
    }

    #[cfg(not(feature = "metrics"))]
    #[expect(clippy::unused_self, reason = "it does something with the feature")]
    pub(crate) const fn stop(&self, _: &Meters, _: &str) {}
}
