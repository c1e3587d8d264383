//! What a decoder hands out: whole messages and control frames, their payloads checked.
//!
//! Knows what a payload must look like for each kind; how it was put together is `decode`'s.

use std::{borrow::Cow, str};

use super::{Error, Opcode, Violation};

/// One received message, its fragments joined, or one control frame.
///
/// The payload is `Borrowed` if it lay whole in the input, and `Owned` if it took more than one
/// read or more than one frame. Owned memory may be kept as it is; its capacity never exceeds the
/// decoder's limit, or 125 bytes in a control frame.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "complete by RFC 6455")]
pub enum Frame<'b> {
    /// A text message.
    Text(Cow<'b, str>),
    /// A binary message.
    Binary(Cow<'b, [u8]>),
    /// A ping of at most 125 bytes, to be answered by a pong with the same payload (RFC 6455
    /// §5.5.2).
    Ping(Cow<'b, [u8]>),
    /// A pong of at most 125 bytes, asked for or not.
    Pong(Cow<'b, [u8]>),
    /// The peer closes and sends nothing more; to be answered by a close frame unless one was sent
    /// before (RFC 6455 §5.5.1).
    Close {
        /// The status code, if one was given: 1000–1003, 1007–1014 or 3000–4999.
        code: Option<u16>,
        /// The peer's words, at most 123 bytes; empty without a code.
        reason: Cow<'b, str>,
    },
}

impl<'b> Frame<'b> {
    pub(super) fn new(opcode: Opcode, payload: Cow<'b, [u8]>) -> Result<Self, Error> {
        match opcode {
            Opcode::Text => text(payload).map(Self::Text),
            Opcode::Binary => Ok(Self::Binary(payload)),
            Opcode::Ping => Ok(Self::Ping(payload)),
            Opcode::Pong => Ok(Self::Pong(payload)),
            Opcode::Close => close(payload),
            Opcode::Continuation => Err(Violation::UnexpectedContinuation.into()),
        }
    }
}

fn text(payload: Cow<'_, [u8]>) -> Result<Cow<'_, str>, Error> {
    match payload {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
    .ok_or(Error::Utf8)
}

fn close(payload: Cow<'_, [u8]>) -> Result<Frame<'_>, Error> {
    let code = match *payload {
        [] => None,
        [_] => return Err(Violation::ClosePayload.into()),
        [high, low, ..] => Some(u16::from_be_bytes([high, low])),
    };
    if let Some(code) = code.filter(|code| !may_be_sent(*code)) {
        return Err(Violation::CloseCode(code).into());
    }
    let reason = text(match payload {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(2..).unwrap_or_default()),
        Cow::Owned(bytes) => Cow::Owned(bytes.get(2..).unwrap_or_default().to_vec()),
    })?;
    Ok(Frame::Close { code, reason })
}

/// 1004–1006 and 1015 are never on the wire (RFC 6455 §7.4.1); 1012–1014 were registered later
/// with IANA; what is left of 1000–2999 is reserved; 3000–4999 is free for use.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
