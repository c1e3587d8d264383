//! How much may wait for clients, one by one and together, and what happens when it is too much.

use std::time::Duration;

use proto::Tick;

/// How much may be on its way to one client, and what happens to one that takes too little.
///
/// Bytes count from the moment they are queued until the kernel, or an HTTP response, has taken
/// them, and with each message [256 more](Self::PER_MESSAGE) for what surrounds it: small ones
/// would otherwise take many times what is counted. A client takes too little when more than `hard`
/// bytes are on their way, or when more than `soft` are and it has taken nothing at all for the time
/// of `stall`: a burst to a client that reads never does that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..OutboxLimits::default()"
)]
pub struct OutboxLimits {
    /// Bytes a client may lag behind for as long as it likes. Default 2 MiB.
    pub soft: usize,
    /// Bytes that are too many in any case. Default 32 MiB.
    pub hard: usize,
    /// How long a client over the soft limit may take nothing at all. Default 10 s.
    pub stall: Duration,
    /// What happens then. Default [`Disconnect`](OverflowPolicy::Disconnect).
    pub policy: OverflowPolicy,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self {
            soft: 2 << 20,
            hard: 32 << 20,
            stall: Duration::from_secs(10),
            policy: OverflowPolicy::default(),
        }
    }
}

impl OutboxLimits {
    /// Bytes that each message, or anything else that is queued, counts besides its own: the
    /// allocations it is in and its places in queues. With these, what waits takes at most twice the
    /// memory that is counted, as buffers that grow have up to as much to spare.
    pub const PER_MESSAGE: usize = 256;

    /// Until when a client that has taken nothing since then is waited for.
    pub(crate) fn patience(&self, since: Tick) -> Tick {
        since.saturating_add(self.stall.as_millis() as Tick)
    }
}

/// How much may wait for all clients of a server together.
///
/// Bytes wait when a client does not take them at once. A message to many counts once for each of
/// them, though its bytes are shared: what counts is work that is still to be done.
///
/// The closer it comes to the limit, the more is done about it. From three quarters on, new sessions
/// are refused with status 503 and `Retry-After`; from seven eighths on, volatile messages are
/// dropped; and beyond the limit, the sessions for which most waits are ended with
/// `transport error`, until seven eighths are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..ServerLimits::default()"
)]
pub struct ServerLimits {
    /// Bytes that may wait. Default: no limit, as what is too much depends on the machine.
    pub bytes: usize,
    /// When a client that was refused is asked to come back, in whole seconds. Default 5 s.
    pub retry_after: Duration,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self {
            bytes: usize::MAX,
            retry_after: Duration::from_secs(5),
        }
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
