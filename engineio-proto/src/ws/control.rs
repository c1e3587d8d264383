//! Outgoing control frames: ping, pong and close, complete and without heap.
//!
//! When to send one is the caller's business.

use std::fmt;

use super::{Header, MAX_CONTROL_PAYLOAD, Opcode, mask};

/// The header of a control frame: two bytes and the masking key.
const HEADER: usize = 2 + 4;

/// A ping, pong or close frame, ready to be written; `as_ref()` are its bytes.
///
/// `mask` is the frame's fresh, unpredictable key in a client, `None` in a server (RFC 6455 §5.3).
#[derive(Clone, Copy)]
pub struct ControlFrame {
    bytes: [u8; HEADER + MAX_CONTROL_PAYLOAD],
    len: u8,
}

impl ControlFrame {
    /// A ping; the peer answers with a pong of the same payload. What exceeds
    /// [`MAX_CONTROL_PAYLOAD`] is cut off.
    #[must_use]
    pub fn ping(payload: &[u8], mask: Option<[u8; 4]>) -> Self {
        Self::new(Opcode::Ping, payload, mask)
    }

    /// A pong, the answer to a ping with this payload. What exceeds [`MAX_CONTROL_PAYLOAD`], as no
    /// received ping does, is cut off.
    #[must_use]
    pub fn pong(payload: &[u8], mask: Option<[u8; 4]>) -> Self {
        Self::new(Opcode::Pong, payload, mask)
    }

    /// A close with a status code, which the peer must find among those
    /// [`Frame::Close`](super::Frame::Close) names, or with none, which it sees as 1005.
    #[must_use]
    pub fn close(code: Option<u16>, mask: Option<[u8; 4]>) -> Self {
        match code {
            Some(code) => Self::new(Opcode::Close, &code.to_be_bytes(), mask),
            None => Self::new(Opcode::Close, &[], mask),
        }
    }

    fn new(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Self {
        let payload = &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)];
        let header = Header {
            fin: true,
            opcode,
            len: payload.len() as u64,
            mask: key,
        }
        .encode();
        let start = header.as_ref().len();
        let end = start + payload.len();

        let mut bytes = [0; HEADER + MAX_CONTROL_PAYLOAD];
        bytes[..start].copy_from_slice(header.as_ref());
        bytes[start..end].copy_from_slice(payload);
        if let Some(key) = key {
            mask(&mut bytes[start..end], key, 0);
        }
        Self {
            bytes,
            len: end as u8,
        }
    }
}

impl AsRef<[u8]> for ControlFrame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for ControlFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ControlFrame").field(&self.as_ref()).finish()
    }
}
