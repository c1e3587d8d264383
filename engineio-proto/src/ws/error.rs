//! What can be wrong with received frames, and the close code that tells the peer so.
//!
//! Every error is the peer's doing and final: the connection is to be closed with
//! [`Error::close_code`]. Nothing here carries payloads.

use thiserror::Error;

/// Why [`Decoder::decode`](super::Decoder::decode) gave up on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A message is, or has announced to become, longer than the limit.
    #[error("message of {size} bytes exceeds the limit of {limit} bytes")]
    TooBig {
        /// The longest message allowed, in bytes.
        limit: usize,
        /// What the message would have come to with the refused frame, in bytes.
        size: u64,
    },
    /// A text message or the reason of a close frame is not UTF-8 (RFC 6455 §8.1).
    #[error("text is not valid UTF-8")]
    Utf8,
    /// The bytes are not what RFC 6455 allows.
    #[error(transparent)]
    Protocol(#[from] Violation),
}

impl Error {
    /// The code to close the connection with (RFC 6455 §7.4.1): 1009 for [`TooBig`](Self::TooBig),
    /// 1007 for [`Utf8`](Self::Utf8), 1002 for the rest.
    #[must_use]
    pub fn close_code(&self) -> u16 {
        match self {
            Self::TooBig { .. } => 1009,
            Self::Utf8 => 1007,
            Self::Protocol(_) => 1002,
        }
    }
}

/// A breach of the framing rules; the sections are those of RFC 6455.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A close frame names a code that must not be sent (§7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// The payload of a close frame is a single byte, half a code (§5.5.1).
    #[error("close frame with a payload of one byte")]
    ClosePayload,
    /// A control frame is not final (§5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A message starts before the fragmented one before it has ended (§5.4).
    #[error("new message inside a fragmented one")]
    InterleavedMessage,
    /// A 64-bit length has its highest bit set (§5.2).
    #[error("frame length with the highest bit set")]
    LengthOverflow,
    /// A length is spelled with more bytes than it needs (§5.2).
    #[error("frame length not in its shortest form")]
    LengthNotMinimal,
    /// A control frame announces more than 125 bytes (§5.5).
    #[error("control frame of more than 125 bytes")]
    LongControl,
    /// A server has masked a frame (§5.1).
    #[error("masked frame from a server")]
    Masked,
    /// A reserved bit is set although no extension was negotiated (§5.2).
    #[error("reserved bit set")]
    ReservedBit,
    /// The opcode has no meaning yet (§5.2).
    #[error("reserved opcode {0:#x}")]
    ReservedOpcode(u8),
    /// A continuation has no fragmented message to continue (§5.4).
    #[error("continuation of nothing")]
    UnexpectedContinuation,
    /// A client has not masked a frame (§5.1).
    #[error("unmasked frame from a client")]
    Unmasked,
}
