//! What a server allows: the protocol's limits and those of the outgoing queue.

use proto::server::Config as ProtocolConfig;

use crate::limits::{OutboxLimits, ServerLimits};
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
    /// How much may wait for all clients together.
    pub server: ServerLimits,
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
            server: ServerLimits::default(),
            cors: None,
            cookie: None,
            #[cfg(feature = "http-compression")]
            compression: None,
        }
    }
}
