//! The server as it was configured for a recorded exchange.

use std::time::Duration;

use engineio_server::{Compression, Config, Cors, ProtocolConfig, SameSite, SessionCookie};

use super::Row;
use crate::host::Host;
use crate::puppet::{Events, Reaction, Step};

impl Row<'_> {
    pub(super) fn host(self) -> (Host, Events) {
        let reaction = match self.name() {
            "initialPacket" => Reaction::Greet("welcome"),
            "allowRequest refused without message" => Reaction::Disallow("Forbidden"),
            "allowRequest refused with message" | "ws allowRequest refused" => {
                Reaction::Disallow("thou shall not pass")
            }
            // A middleware of JavaScript is a tower layer here; what it does to a session that it
            // does not want, a hook can do.
            "middleware failure" => Reaction::Reject(Step::Allow),
            "generateId failure" => Reaction::Reject(Step::Name),
            _ => Reaction::Nothing,
        };
        Host::start(self.config(), reaction)
    }

    fn config(self) -> Config {
        let mut config = Config {
            protocol: self.protocol(),
            ..Config::default()
        };
        match self.name() {
            name if name.starts_with("CORS") => {
                config.cors = Some(Cors::list(["https://example.com"]).credentials());
                config.cookie = Some(SessionCookie::default());
            }
            "custom cookie" => {
                let cookie = SessionCookie::new("sess")
                    .path("/x")
                    .http_only(false)
                    .secure()
                    .same_site(SameSite::Strict)
                    .max_age(Duration::from_secs(86_400));
                config.cookie = Some(cookie);
            }
            "httpCompression above 1024 bytes" => {
                config.compression = Some(Compression::default());
            }
            _ => {}
        }
        config
    }

    fn protocol(self) -> ProtocolConfig {
        let mut protocol = ProtocolConfig {
            allow_eio3: self.name().starts_with("v3 "),
            ..ProtocolConfig::default()
        };
        match self.name() {
            "allowUpgrades false" => protocol.allow_upgrades = false,
            "polling only" | "websocket disabled" => protocol.websocket = false,
            "webtransport enabled" => protocol.webtransport = true,
            "upgrade timeout" => protocol.upgrade_timeout = 200,
            "v4 heartbeat: no pong" => {
                (protocol.ping_interval, protocol.ping_timeout) = (100, 100);
            }
            name if name.contains("maxHttpBufferSize") || name.contains("over limit") => {
                protocol.max_payload = 10;
            }
            _ => {}
        }
        protocol
    }
}
