//! The header of a frame: its layout in bits (RFC 6455 §5.2), read and written.
//!
//! Checks what the header alone can prove wrong. What depends on the frames before it (fragments,
//! the limit of a message) is `decode`'s.

use super::{MAX_CONTROL_PAYLOAD, Role, Violation};

/// The longest header: two bytes, a 64-bit length and a masking key, in bytes.
pub const MAX_HEADER: usize = 14;

/// The longest header a server writes, in bytes: the headroom to leave in front of a payload for
/// [`write_header_before`].
pub const MAX_SERVER_HEADER: usize = 10;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Stands in the length field for "in the next two bytes" and "in the next eight".
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a frame carries (RFC 6455 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "complete by RFC 6455")]
#[repr(u8)]
pub enum Opcode {
    /// A further piece of a fragmented message.
    Continuation = 0x0,
    /// A text message, or its first piece.
    Text = 0x1,
    /// A binary message, or its first piece.
    Binary = 0x2,
    /// The end of the connection.
    Close = 0x8,
    /// A request for a pong.
    Ping = 0x9,
    /// A sign of life.
    Pong = 0xa,
}

impl Opcode {
    /// Whether this is a close, ping or pong, which may stand between the fragments of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

/// A frame without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this frame ends its message.
    pub fin: bool,
    /// What the payload is.
    pub opcode: Opcode,
    /// The length of the payload in bytes, below 2⁶³; at most 125 in a control frame.
    pub len: u64,
    /// The key the payload is masked with; see [`mask`](super::mask()).
    pub mask: Option<[u8; 4]>,
}

impl Header {
    /// The header as it stands on the wire, the length in its shortest form.
    #[must_use]
    pub fn encode(&self) -> HeaderBytes {
        let mut out = HeaderBytes {
            bytes: [0; MAX_HEADER],
            len: 0,
        };
        out.push([self.opcode as u8 | if self.fin { FIN } else { 0 }]);

        let masked = if self.mask.is_some() { MASKED } else { 0 };
        if self.len < u64::from(LENGTH_16) {
            out.push([masked | self.len as u8]);
        } else if let Ok(len) = u16::try_from(self.len) {
            out.push([masked | LENGTH_16]);
            out.push(len.to_be_bytes());
        } else {
            out.push([masked | LENGTH_64]);
            out.push(self.len.to_be_bytes());
        }

        if let Some(key) = self.mask {
            out.push(key);
        }
        out
    }

    /// Reads the header `bytes` start with, and says how many bytes it takes; `None` if more are
    /// needed to tell. Fields are judged in their order on the wire, so the verdict never depends
    /// on how much of the frame has arrived.
    pub(super) fn parse(bytes: &[u8], receiver: Role) -> Result<Option<(Self, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else {
            return Ok(None);
        };
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBit);
        }
        let bits = first & OPCODE;
        let opcode = Opcode::from_bits(bits).ok_or(Violation::ReservedOpcode(bits))?;
        let fin = first & FIN != 0;
        let masked = second & MASKED != 0;
        match receiver {
            Role::Server if !masked => return Err(Violation::Unmasked),
            Role::Client if masked => return Err(Violation::Masked),
            Role::Server | Role::Client => {}
        }
        let short = second & LENGTH;
        if opcode.is_control() {
            if !fin {
                return Err(Violation::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL_PAYLOAD {
                return Err(Violation::LongControl);
            }
        }

        let Some((len, rest)) = length(short, rest)? else {
            return Ok(None);
        };
        let (mask, rest) = match rest.split_first_chunk::<4>() {
            _ if !masked => (None, rest),
            Some((key, rest)) => (Some(*key), rest),
            None => return Ok(None),
        };
        let header = Self {
            fin,
            opcode,
            len,
            mask,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }
}

/// An encoded [`Header`], inline; `as_ref()` are its bytes.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl HeaderBytes {
    fn push<const N: usize>(&mut self, field: [u8; N]) {
        let start = usize::from(self.len);
        self.bytes[start..start + N].copy_from_slice(&field);
        self.len += N as u8;
    }
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The length of the unmasked header of a frame with `payload_len` bytes: 2, 4 or 10 bytes.
#[must_use]
pub const fn server_header_len(payload_len: usize) -> usize {
    match payload_len {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => MAX_SERVER_HEADER,
    }
}

/// Writes the header of a final, unmasked frame so that it ends where the payload starts, and
/// returns where it, and so the frame, starts.
///
/// `payload_len` is handed in because the payload need not lie in `buf` completely: the rest may
/// follow from other memory in the same vectored write.
///
/// # Panics
///
/// If `buf[..payload_start]` does not hold [`server_header_len`]`(payload_len)` bytes;
/// [`MAX_SERVER_HEADER`] always suffice.
pub fn write_header_before(
    buf: &mut [u8],
    payload_start: usize,
    opcode: Opcode,
    payload_len: usize,
) -> usize {
    let header = Header {
        fin: true,
        opcode,
        len: payload_len as u64,
        mask: None,
    }
    .encode();
    let start = payload_start - server_header_len(payload_len);
    buf[start..payload_start].copy_from_slice(header.as_ref());
    start
}

/// The payload's length and what follows it; `None` if bytes are missing.
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (len, least, rest) = match short {
        LENGTH_16 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from(u16::from_be_bytes(*len)), 126, rest),
            None => return Ok(None),
        },
        LENGTH_64 => match rest.split_first_chunk() {
            Some((len, rest)) => (u64::from_be_bytes(*len), 0x1_0000, rest),
            None => return Ok(None),
        },
        len => (u64::from(len), 0, rest),
    };
    if len < least {
        return Err(Violation::LengthNotMinimal);
    }
    if len > i64::MAX as u64 {
        return Err(Violation::LengthOverflow);
    }
    Ok(Some((len, rest)))
}
