//! What a server allows its sessions, with the reference's defaults.

use crate::packet::{Sid, Tick, Transport};
use crate::revision::Revision;

/// Limits and intervals of every session of a server. All times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..Config::default()"
)]
pub struct Config {
    /// From one pong to the next ping, whoever pings. Default 25,000 ms.
    pub ping_interval: Tick,
    /// How long a ping may stay unanswered or, where the client pings, be late. Default 20,000 ms.
    pub ping_timeout: Tick,
    /// How long a client may take from opening a second transport to moving over. Default 10,000 ms.
    pub upgrade_timeout: Tick,
    /// How long a session that is being closed waits for its last messages to be fetched.
    /// Default 30,000 ms.
    pub close_timeout: Tick,
    /// Bytes of the largest POST body and of the largest WebSocket message. Bodies count as they
    /// arrive, JSONP's forms with all that is escaped in them. Default 1,000,000.
    pub max_payload: usize,
    /// Whether sessions may be opened on polling. Default yes.
    pub polling: bool,
    /// Whether sessions may be opened on, or move to, websocket. Default yes.
    pub websocket: bool,
    /// Whether clients of revision 3 are served, those of Socket.IO 1 and 2. If not, they get the
    /// reference's error, `Unsupported protocol version`. Default yes.
    pub allow_eio3: bool,
    /// Whether polling sessions are told that they may move to websocket. Default yes.
    pub allow_upgrades: bool,
    /// Whether they are told that they may move to WebTransport as well, for drivers that have it.
    /// Default no.
    pub webtransport: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ping_interval: 25_000,
            ping_timeout: 20_000,
            upgrade_timeout: 10_000,
            close_timeout: 30_000,
            max_payload: 1_000_000,
            polling: true,
            websocket: true,
            allow_eio3: true,
            allow_upgrades: true,
            webtransport: false,
        }
    }
}

impl Config {
    /// Whether sessions may use a transport.
    #[must_use]
    pub const fn allows(&self, transport: Transport) -> bool {
        match transport {
            Transport::Polling => self.polling,
            Transport::Websocket => self.websocket,
        }
    }

    /// Whether clients may speak a revision.
    pub(crate) const fn allows_revision(&self, revision: Revision) -> bool {
        self.allow_eio3 || !revision.rules().is_legacy
    }

    /// The data of the `open` packet, members in the reference's order (protocol.md §1.4).
    pub(super) fn handshake(&self, sid: &Sid, on: Transport) -> String {
        let upgrades = match (self.websocket, self.webtransport) {
            _ if on != Transport::Polling || !self.allow_upgrades => "[]",
            (true, true) => r#"["websocket","webtransport"]"#,
            (true, false) => r#"["websocket"]"#,
            (false, true) => r#"["webtransport"]"#,
            (false, false) => "[]",
        };
        format!(
            r#"{{"sid":"{}","upgrades":{upgrades},"pingInterval":{},"pingTimeout":{},"maxPayload":{}}}"#,
            sid.as_str(),
            self.ping_interval,
            self.ping_timeout,
            self.max_payload,
        )
    }
}
