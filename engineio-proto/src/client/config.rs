//! How a client opens its session and how long it waits, with the reference's defaults.

use crate::packet::{Tick, Transport};

/// What a session may use. All times are milliseconds.
///
/// Intervals of the heartbeat and the size of a POST come from the server, in its
/// [`Handshake`](super::Handshake).
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..Config::default()"
)]
pub struct Config {
    /// The transport the session opens on. A session that opens on websocket stays there.
    /// Default polling.
    pub transport: Transport,
    /// Whether a session on polling moves to websocket when the server offers it. Default yes.
    pub upgrade: bool,
    /// How long the handshake may take, connecting included. Default 20,000 ms.
    pub open_timeout: Tick,
    /// How long the move to websocket may take, from asking for the link to leaving polling.
    /// Default 10,000 ms.
    pub upgrade_timeout: Tick,
    /// How long a session that is being closed waits for its last messages to leave.
    /// Default 30,000 ms.
    pub close_timeout: Tick,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transport: Transport::Polling,
            upgrade: true,
            open_timeout: 20_000,
            upgrade_timeout: 10_000,
            close_timeout: 30_000,
        }
    }
}
