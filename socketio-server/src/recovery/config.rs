//! What can be said about recovery when a server is built.

use std::time::Duration;

use crate::proto::recovery;

/// How [connection state recovery](crate::Builder::connection_state_recovery) is done.
///
/// The bounds are those of one namespace, which has a log of its own; the reference has none.
///
/// ```
/// use std::time::Duration;
/// use socketio_server::{Io, RecoveryConfig};
///
/// let io = Io::builder()
///     .connection_state_recovery(RecoveryConfig {
///         max_disconnection_duration: Duration::from_secs(30),
///         ..RecoveryConfig::default()
///     })
///     .build();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..RecoveryConfig::default()"
)]
pub struct RecoveryConfig {
    /// How long a client may be away, and how long an event is kept for those who are. Default two
    /// minutes, as in the reference.
    pub max_disconnection_duration: Duration,
    /// Whether a socket that goes on is let in without being asked by connect middlewares again;
    /// its connect handler runs in any case. Default yes, as in the reference.
    pub skip_middlewares: bool,
    /// Bytes of all events that are kept. Default 64 MiB: 500 kB a second, an event for many
    /// counting once. Beyond that the oldest are dropped, and who has missed them is not recovered;
    /// nor is who has missed more than [`OutboxLimits::hard`](crate::OutboxLimits::hard), 32 MiB by
    /// default.
    pub max_bytes: usize,
    /// Events that are kept. Default 262,144: 2,000 a second.
    pub max_entries: usize,
    /// Sockets that may come back. Default 131,072; beyond that the oldest are given up.
    pub max_sessions: usize,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        let log = recovery::Config::default();
        Self {
            max_disconnection_duration: Duration::from_millis(log.max_disconnection_duration),
            skip_middlewares: true,
            max_bytes: log.max_bytes,
            max_entries: log.max_entries,
            max_sessions: log.max_sessions,
        }
    }
}

impl RecoveryConfig {
    pub(super) fn log(&self) -> recovery::Config {
        let mut log = recovery::Config::default();
        let duration = self.max_disconnection_duration.as_millis();
        log.max_disconnection_duration = u64::try_from(duration).unwrap_or(u64::MAX);
        log.max_bytes = self.max_bytes;
        log.max_entries = self.max_entries;
        log.max_sessions = self.max_sessions;
        log
    }
}
