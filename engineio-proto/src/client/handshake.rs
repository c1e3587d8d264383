//! The handshake as the client reads it (protocol.md §1.4). The server writes it in
//! `server/config.rs`.

use std::fmt;

use serde_json::Value;

use crate::error::DecodeError;
use crate::packet::{Packet, PacketType, Tick, Transport};

/// What a server says when it opens a session: the data of its `open` packet.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Handshake {
    /// The id of the session, whatever its shape. A secret, like [`Sid`](crate::Sid).
    pub sid: String,
    /// The transports the session may move to. Unknown ones are left out.
    pub upgrades: Vec<Transport>,
    /// From one ping of the server to the next, in milliseconds.
    pub ping_interval: Tick,
    /// How late a ping may be, in milliseconds.
    pub ping_timeout: Tick,
    /// Bytes of the largest POST body the server takes, if it has said so.
    pub max_payload: Option<usize>,
}

impl Handshake {
    /// Reads the first packet of a session. Members that are not known here are skipped; without
    /// id or intervals there is no session.
    pub(super) fn read(packet: Packet<'_>) -> Result<Self, DecodeError> {
        let Packet::Text(PacketType::Open, data) = packet else {
            return Err(DecodeError::Handshake);
        };
        let json: Value = serde_json::from_str(data).map_err(|_| DecodeError::Handshake)?;
        let sid = json["sid"].as_str().filter(|sid| !sid.is_empty());
        let millis = |name: &str| json[name].as_u64().ok_or(DecodeError::Handshake);
        let upgrades = json["upgrades"].as_array().map(Vec::as_slice);
        Ok(Self {
            sid: sid.ok_or(DecodeError::Handshake)?.to_owned(),
            upgrades: upgrades
                .unwrap_or_default()
                .iter()
                .filter_map(|name| Transport::from_name(name.as_str()?))
                .collect(),
            ping_interval: millis("pingInterval")?,
            ping_timeout: millis("pingTimeout")?,
            // The reference takes zero for "no limit", too.
            max_payload: json["maxPayload"]
                .as_u64()
                .and_then(|bytes| usize::try_from(bytes).ok())
                .filter(|&bytes| bytes > 0),
        })
    }
}

/// Shows everything but the id.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("upgrades", &self.upgrades)
            .field("ping_interval", &self.ping_interval)
            .field("ping_timeout", &self.ping_timeout)
            .field("max_payload", &self.max_payload)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Result<Handshake, DecodeError> {
        Handshake::read(Packet::Text(PacketType::Open, data))
    }

    #[test]
    fn handshake_without_id_or_intervals_is_malformed() {
        for data in [
            "",
            "[]",
            r#""sid""#,
            r#"{"sid":"a"}"#,
            r#"{"sid":"a","pingInterval":1}"#,
            r#"{"sid":"a","pingInterval":1,"pingTimeout":"2"}"#,
            r#"{"sid":"","pingInterval":1,"pingTimeout":2}"#,
            r#"{"sid":7,"pingInterval":1,"pingTimeout":2}"#,
            r#"{"sid":"a","pingInterval":-1,"pingTimeout":2}"#,
        ] {
            assert_eq!(read(data), Err(DecodeError::Handshake), "{data}");
        }
        let noop = Packet::Text(PacketType::Noop, "");
        assert_eq!(Handshake::read(noop), Err(DecodeError::Handshake));
    }

    #[test]
    fn older_and_newer_handshakes_are_understood() {
        let data = r#"{"pingInterval":1,"pingTimeout":2,"sid":"any shape","new":[]}"#;
        let handshake = read(data).unwrap();
        assert_eq!(handshake.sid, "any shape");
        assert_eq!((handshake.upgrades, handshake.max_payload), (vec![], None));

        let data = r#"{"sid":"a","upgrades":["telepathy","websocket"],"pingInterval":1,"pingTimeout":2,"maxPayload":0}"#;
        let handshake = read(data).unwrap();
        assert_eq!(handshake.upgrades, [Transport::Websocket]);
        assert_eq!(handshake.max_payload, None);
    }

    #[test]
    fn debug_keeps_the_id_secret() {
        let data = r#"{"sid":"secret","pingInterval":1,"pingTimeout":2}"#;
        assert!(!format!("{:?}", read(data)).contains("secret"));
    }
}
