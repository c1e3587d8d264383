//! Errors of the codecs, and why sessions end. Closing is not an error: it is an output with a reason.

use std::fmt;

use thiserror::Error;

/// Bytes that are no Engine.IO packet. The peer's fault: its session ends with
/// [`CloseReason::ParseError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// A packet or payload without any characters.
    #[error("packet is empty")]
    Empty,
    /// The first character is no packet type.
    #[error("packet type is unknown")]
    UnknownType,
    /// The base64 of a binary packet is broken.
    #[error("binary packet is not base64")]
    Base64,
    /// A length in a payload is no plain decimal, or not that of what follows.
    #[error("packet length is wrong")]
    Length,
    /// The payload is not UTF-8.
    #[error("payload is not utf-8")]
    Utf8,
    /// Bytes where the revision has text only.
    #[error("content type is not one of this revision")]
    Content,
    /// A polling response that is not the function call it should be.
    #[error("jsonp response is malformed")]
    Jsonp,
    /// A handshake that is not the expected JSON, or lacks a member.
    #[error("handshake is malformed")]
    Handshake,
}

/// Why a session ended, as the reference words it (protocol.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// This side closed it.
    ForcedClose,
    /// The peer sent what cannot be decoded.
    ParseError,
    /// The heartbeat failed.
    PingTimeout,
    /// The peer closed its transport in good order.
    TransportClose,
    /// The transport failed or was used against the rules.
    TransportError,
}

impl CloseReason {
    /// The reference's words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForcedClose => "forced close",
            Self::ParseError => "parse error",
            Self::PingTimeout => "ping timeout",
            Self::TransportClose => "transport close",
            Self::TransportError => "transport error",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
