//! The vocabulary of the wire, free of revisions: packets, messages, transports, the handshake.
//! How they are spelled is the business of the revision modules.

use std::borrow::Cow;
use std::fmt;

use crate::error::DecodeError;

/// A point in time: milliseconds since an epoch of the driver's choice.
///
/// The core never reads a clock. A driver rounds the current time down and its timers up, so that
/// a timer that has fired is always due.
pub type Tick = u64;

/// What a packet is for (protocol.md §1.1). The digit on the wire is the discriminant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum PacketType {
    /// The handshake, from the server.
    Open = 0,
    /// Orderly close of the transport, from either side.
    Close = 1,
    /// A heartbeat, or with the data `probe` the test of a new transport.
    Ping = 2,
    /// The answer to a ping.
    Pong = 3,
    /// Application data, text or binary.
    Message = 4,
    /// The client moves over to the probed transport.
    Upgrade = 5,
    /// Releases a waiting poll; carries nothing.
    Noop = 6,
}

impl PacketType {
    /// The type for an ASCII digit.
    #[must_use]
    pub const fn from_digit(digit: u8) -> Option<Self> {
        Some(match digit {
            b'0' => Self::Open,
            b'1' => Self::Close,
            b'2' => Self::Ping,
            b'3' => Self::Pong,
            b'4' => Self::Message,
            b'5' => Self::Upgrade,
            b'6' => Self::Noop,
            _ => return None,
        })
    }

    /// The type of a packet in its text form; if there is one it is a single byte of ASCII, and the
    /// data starts behind.
    pub(crate) fn of_text(packet: &str) -> Result<Self, DecodeError> {
        let first = *packet.as_bytes().first().ok_or(DecodeError::Empty)?;
        Self::from_digit(first).ok_or(DecodeError::UnknownType)
    }

    /// The ASCII digit of the type.
    #[must_use]
    pub const fn digit(self) -> u8 {
        b'0' + self as u8
    }
}

/// Application data as one peer hands it to the other: the payload of a `message` packet.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Message<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Bytes; lent from where they arrived, unless that was base64.
    Binary(Cow<'a, [u8]>),
}

impl Message<'_> {
    /// Length of the data in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        }
    }

    /// Whether the message carries no bytes; such messages are legal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Shows kind and length, never the payload: messages are other people's data.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Text(_) => "Text",
            Self::Binary(_) => "Binary",
        };
        write!(f, "{kind}({} bytes)", self.len())
    }
}

/// A decoded packet, borrowing what it was decoded from where it can: base64 takes memory.
///
/// Only `message` packets can carry bytes, hence the split.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Packet<'a> {
    /// A packet in its text form: type and data, where no data is the empty string.
    Text(PacketType, &'a str),
    /// A `message` packet that carries bytes.
    Binary(Cow<'a, [u8]>),
}

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// HTTP long-polling: a parked GET for one direction, POSTs for the other.
    Polling,
    /// One packet per WebSocket message.
    Websocket,
}

impl Transport {
    /// The name in the `transport` query parameter and in `upgrades`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
        }
    }

    /// The transport of a given name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Polling, Self::Websocket]
            .into_iter()
            .find(|transport| transport.as_str() == name)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of a session: 20 characters of the URL-safe base64 alphabet.
///
/// Whoever knows it can speak for the session, so it is a secret: `Debug` does not show it.
/// Build it from 15 bytes of a cryptographically secure generator.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sid([u8; Self::LEN]);

impl Sid {
    /// Characters in an id. Load balancers and cluster adapters of the JavaScript world insist on it.
    pub const LEN: usize = 20;

    /// The id for 15 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 15]) -> Self {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut id = [0; Self::LEN];
        for (four, three) in id.chunks_exact_mut(4).zip(random.chunks_exact(3)) {
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            for (i, char) in four.iter_mut().enumerate() {
                *char = ALPHABET[(bits >> (18 - 6 * i)) as usize & 63];
            }
        }
        Self(id)
    }

    /// Reads an id; `None` unless it is 20 characters of `[A-Za-z0-9_-]`.
    #[must_use]
    pub fn parse(id: &str) -> Option<Self> {
        let bytes: [u8; Self::LEN] = id.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            .then_some(Self(bytes))
    }

    /// The characters of the id, to be sent to its owner and to nobody else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Invariant: both constructors admit ASCII only.
        str::from_utf8(&self.0).expect("ascii")
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sid(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sid_is_url_safe_base64_of_its_bytes() {
        let sid = Sid::from_random([0xff, 0, 0, 0, 0, 1, 0xfb, 0xef, 0xbe, 0, 0, 0, 1, 2, 3]);
        assert_eq!(sid.as_str(), "_wAAAAAB----AAAAAQID");
        assert_eq!(Sid::parse(sid.as_str()), Some(sid));
        assert_eq!(format!("{sid:?}"), "Sid(…)");
    }

    #[test]
    fn sid_of_another_shape_is_refused() {
        for id in [
            "",
            "short",
            "has space in the id.",
            "_wAAAAAB----AAAAAQIDx",
            "ééééééééééééé",
        ] {
            assert_eq!(Sid::parse(id), None, "{id}");
        }
    }
}
