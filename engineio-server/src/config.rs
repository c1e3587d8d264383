//! What a server allows: the protocol's limits and those of the outgoing queue.

use std::time::Duration;

use proto::server::Config as ProtocolConfig;

#[cfg(feature = "http-compression")]
use crate::server::Compression;
use crate::server::{Cors, SessionCookie};

/// Configuration of a server. The defaults are the reference's, plus bounds the reference lacks.
///
/// ```
/// # use engineio_server::Config;
/// let config = Config { path: "/realtime".into(), ..Config::default() };
/// ```
#[derive(Debug, Clone)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..Config::default()"
)]
pub struct Config {
    /// Where requests are taken: this path and everything below it. A slash at its end means
    /// nothing. Default `/engine.io`.
    pub path: String,
    /// Heartbeat, upgrade, payload size and transports.
    pub protocol: ProtocolConfig,
    /// How much may wait for a slow client.
    pub outbox: OutboxLimits,
    /// Which pages of other origins may use the server. Default: nothing is said about it.
    pub cors: Option<Cors>,
    /// The cookie that handshakes set. Default none.
    pub cookie: Option<SessionCookie>,
    /// Which answers to polls are compressed. Default none.
    #[cfg(feature = "http-compression")]
    pub compression: Option<Compression>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: "/engine.io".into(),
            protocol: ProtocolConfig::default(),
            outbox: OutboxLimits::default(),
            cors: None,
            cookie: None,
            #[cfg(feature = "http-compression")]
            compression: None,
        }
    }
}

/// When a session is closed for not taking what is sent to it.
///
/// Bytes count from the moment they are queued until the kernel, or an HTTP response, has taken
/// them. The session ends with `transport error`; a burst to a client that reads never does that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..OutboxLimits::default()"
)]
pub struct OutboxLimits {
    /// Bytes a client may lag behind for as long as it likes. Default 1 MiB.
    pub soft: usize,
    /// Bytes at which the session is closed at once. Default 16 MiB.
    pub hard: usize,
    /// How long a client over the soft limit may take nothing at all. Default 10 s.
    pub stall: Duration,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            soft: 1 << 20,
            hard: 16 << 20,
            stall: Duration::from_secs(10),
        }
    }
}
