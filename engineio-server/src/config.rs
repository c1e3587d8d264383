//! What a server allows: the protocol's limits and those of the outgoing queue.

use std::time::Duration;

use proto::Tick;
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

/// How much may be on its way to one client, and what happens to one that takes too little.
///
/// Bytes count from the moment they are queued until the kernel, or an HTTP response, has taken
/// them. A client takes too little when more than `hard` bytes are on their way, or when more than
/// `soft` are and it has taken nothing at all for the time of `stall`: a burst to a client that
/// reads never does that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..OutboxLimits::default()"
)]
pub struct OutboxLimits {
    /// Bytes a client may lag behind for as long as it likes. Default 1 MiB.
    pub soft: usize,
    /// Bytes that are too many in any case. Default 16 MiB.
    pub hard: usize,
    /// How long a client over the soft limit may take nothing at all. Default 10 s.
    pub stall: Duration,
    /// What happens then. Default [`Disconnect`](OverflowPolicy::Disconnect).
    pub policy: OverflowPolicy,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            soft: 1 << 20,
            hard: 16 << 20,
            stall: Duration::from_secs(10),
            policy: OverflowPolicy::default(),
        }
    }
}

impl OutboxLimits {
    /// Until when a client that has taken nothing since then is waited for.
    pub(crate) fn patience(&self, since: Tick) -> Tick {
        since.saturating_add(self.stall.as_millis() as Tick)
    }
}

/// What happens when a client takes too little.
///
/// Only what the application has marked as [droppable](crate::Weight::droppable) is ever dropped,
/// and nothing that is being written. Where dropping does not help, because everything else alone
/// exceeds the hard limit, the session ends under every policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OverflowPolicy {
    /// The session ends with `transport error`: the client is to come back and start anew. It does
    /// so as soon as the time is up, whether or not something else is pushed.
    #[default]
    Disconnect,
    /// What is pushed is dropped, until the client has taken something: it keeps the past.
    DropNewest,
    /// What has waited for longest is dropped in favour of what is pushed: the client gets the
    /// present, with gaps. Up to 64 KiB more, which are handed to the transport ahead of time, are no
    /// longer dropped.
    DropOldest,
}
