//! Figures for whoever runs a server, through the facade of the crate `metrics`: feature `metrics`.
//!
//! Install a recorder, such as that of `metrics-exporter-prometheus`, before the server answers its
//! first request. Names of this crate:
//!
//! | name | kind | labels | what |
//! |---|---|---|---|
//! | `engineio_sessions` | gauge | | sessions that are open |
//! | `engineio_sessions_opened_total` | counter | `transport` | sessions opened, by their first transport |
//! | `engineio_sessions_closed_total` | counter | `reason` | sessions ended, by [`CloseReason`] |
//! | `engineio_upgrades_total` | counter | | sessions that moved to websocket |
//! | `engineio_requests_refused_total` | counter | `reason` | requests refused, by [`RefusalReason::as_str`] |
//! | `engineio_messages_received_total` | counter | | messages that reached the application |
//! | `engineio_messages_sent_total` | counter | | messages that left the queue; one with attachments counts once |
//! | `engineio_bytes_received_total` | counter | | bytes of websockets and of POST bodies |
//! | `engineio_bytes_sent_total` | counter | | bytes of websockets and of polling answers |
//! | `engineio_queue_dropped_total` | counter | `reason` | messages that were not queued, or dropped from the queue: `full`, `policy` ([`OverflowPolicy`](crate::OverflowPolicy)), `not_ready` (volatile), `closed` |
//!
//! [`Counter`], [`Gauge`] and [`Histogram`] are what layers above keep theirs in. Without the feature
//! all of them are empty, and what is written to them is optimised away.

use proto::{CloseReason, Transport};

use crate::outbox::PushError;
use crate::refused::RefusalReason;

/// Labels of an instrument: names with their values.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

/// A figure that grows. Without the feature `metrics` it takes no space and no time.
pub struct Counter(#[cfg(feature = "metrics")] metrics::Counter);

impl Counter {
    /// The counter of this name and these labels, of the recorder that is installed.
    #[must_use]
    pub fn new(name: &'static str, labels: Labels<'_>) -> Self {
        #[cfg(feature = "metrics")]
        return Self(metrics::counter!(name, owned(labels)));
        #[cfg(not(feature = "metrics"))]
        return nothing(name, labels, Self());
    }

    /// Adds so many.
    #[inline]
    pub fn add(&self, count: u64) {
        #[cfg(feature = "metrics")]
        self.0.increment(count);
        #[cfg(not(feature = "metrics"))]
        let _ = count;
    }
}

/// A figure that rises and falls. Without the feature `metrics` it takes no space and no time.
pub struct Gauge(#[cfg(feature = "metrics")] metrics::Gauge);

impl Gauge {
    /// The gauge of this name and these labels, of the recorder that is installed.
    #[must_use]
    pub fn new(name: &'static str, labels: Labels<'_>) -> Self {
        #[cfg(feature = "metrics")]
        return Self(metrics::gauge!(name, owned(labels)));
        #[cfg(not(feature = "metrics"))]
        return nothing(name, labels, Self());
    }

    /// One more.
    #[inline]
    pub fn rise(&self) {
        #[cfg(feature = "metrics")]
        self.0.increment(1);
    }

    /// One less.
    #[inline]
    pub fn fall(&self) {
        #[cfg(feature = "metrics")]
        self.0.decrement(1);
    }
}

/// How figures are distributed. Without the feature `metrics` it takes no space and no time.
pub struct Histogram(#[cfg(feature = "metrics")] metrics::Histogram);

impl Histogram {
    /// The histogram of this name and these labels, of the recorder that is installed.
    #[must_use]
    pub fn new(name: &'static str, labels: Labels<'_>) -> Self {
        #[cfg(feature = "metrics")]
        return Self(metrics::histogram!(name, owned(labels)));
        #[cfg(not(feature = "metrics"))]
        return nothing(name, labels, Self());
    }

    /// Adds a figure.
    #[inline]
    pub fn record(&self, figure: f64) {
        #[cfg(feature = "metrics")]
        self.0.record(figure);
        #[cfg(not(feature = "metrics"))]
        let _ = figure;
    }
}

/// Whether figures are kept: what is only computed for them need not be.
pub const ENABLED: bool = cfg!(feature = "metrics");

#[cfg(feature = "metrics")]
fn owned(labels: Labels<'_>) -> Vec<metrics::Label> {
    let labels = labels.iter();
    labels
        .map(|&(name, value)| metrics::Label::new(name, value.to_owned()))
        .collect()
}

#[cfg(not(feature = "metrics"))]
const fn nothing<T>(_: &'static str, _: Labels<'_>, instrument: T) -> T {
    instrument
}

/// The figures of a server that change all the time.
pub(crate) struct Meters {
    sessions: Gauge,
    messages_received: Counter,
    messages_sent: Counter,
    bytes_received: Counter,
    bytes_sent: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            sessions: Gauge::new("engineio_sessions", &[]),
            messages_received: Counter::new("engineio_messages_received_total", &[]),
            messages_sent: Counter::new("engineio_messages_sent_total", &[]),
            bytes_received: Counter::new("engineio_bytes_received_total", &[]),
            bytes_sent: Counter::new("engineio_bytes_sent_total", &[]),
        }
    }

    pub(crate) fn opened(&self, transport: Transport) {
        self.sessions.rise();
        let labels = [("transport", transport.as_str())];
        Counter::new("engineio_sessions_opened_total", &labels).add(1);
    }

    /// A session is gone, whether or not it has come to say why.
    pub(crate) fn gone(&self) {
        self.sessions.fall();
    }

    #[inline]
    pub(crate) fn received(&self) {
        self.messages_received.add(1);
    }

    #[inline]
    pub(crate) fn sent(&self) {
        self.messages_sent.add(1);
    }

    #[inline]
    pub(crate) fn read(&self, bytes: usize) {
        self.bytes_received.add(bytes as u64);
    }

    #[inline]
    pub(crate) fn written(&self, bytes: usize) {
        self.bytes_sent.add(bytes as u64);
    }
}

pub(crate) fn closed(reason: CloseReason) {
    Counter::new(
        "engineio_sessions_closed_total",
        &[("reason", reason.as_str())],
    )
    .add(1);
}

pub(crate) fn upgraded() {
    Counter::new("engineio_upgrades_total", &[]).add(1);
}

pub(crate) fn refused(reason: RefusalReason) {
    let labels = [("reason", reason.as_str())];
    Counter::new("engineio_requests_refused_total", &labels).add(1);
}

pub(crate) fn dropped(error: PushError) {
    let reason = match error {
        PushError::Closed => "closed",
        PushError::Full => "full",
        PushError::Dropped => "policy",
        PushError::NotReady => "not_ready",
    };
    Counter::new("engineio_queue_dropped_total", &[("reason", reason)]).add(1);
}

/// Entries that gave way to one that was pushed.
pub(crate) fn displaced(entries: usize) {
    let labels = [("reason", "policy")];
    Counter::new("engineio_queue_dropped_total", &labels).add(entries as u64);
}

/// Free when they are off.
#[cfg(not(feature = "metrics"))]
const _: () = assert!(size_of::<Meters>() == 0);
