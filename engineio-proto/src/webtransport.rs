//! The framing of the WebTransport transport: packets on one stream of bytes (protocol.md §9).
//! Revision 4 only.
//!
//! ```text
//!  bit 7      0..125             126                  127
//! ┌────────┬─────────────┬───────────────────┬────────────────────┐
//! │ binary │   length    │ length in 2 bytes │  length in 8 bytes │ packet …
//! └────────┴─────────────┴───────────────────┴────────────────────┘
//! ```
//!
//! A packet is what one WebSocket message would be: text with its type digit, or bare bytes. An
//! empty one cannot be represented, and so neither can an empty binary message.
//!
//! ```
//! use engineio_proto::webtransport::{self, Decoder, Frame};
//!
//! # fn main() -> Result<(), webtransport::Error> {
//! let mut stream = webtransport::header(false, 6).as_ref().to_vec();
//! stream.extend_from_slice(b"4hello");
//!
//! // It arrives in two pieces.
//! let (first, second) = stream.split_at(3);
//! let mut decoder = Decoder::new(1_000_000);
//! assert_eq!(decoder.decode(&mut &first[..])?, None);
//! assert_eq!(decoder.decode(&mut &second[..])?, Some(Frame::Text("4hello".into())));
//! # Ok(())
//! # }
//! ```

use std::borrow::Cow;
use std::fmt;

use thiserror::Error;

const BINARY: u8 = 0x80;
const LENGTH: u8 = 0x7f;
/// Stands in the length field for "in the next two bytes" and "in the next eight".
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// The longest header, in bytes.
pub const MAX_HEADER: usize = 9;

/// Why a stream cannot be read on. The peer's doing; its session ends with `parse error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A packet without a byte.
    #[error("packet is empty")]
    Empty,
    /// A packet announces more than it may have. Nothing of it was kept.
    #[error("packet of {size} bytes exceeds the limit of {limit} bytes")]
    TooBig {
        /// The longest packet allowed, in bytes.
        limit: usize,
        /// What was announced, in bytes.
        size: u64,
    },
    /// A text packet is not UTF-8. The reference replaces what is wrong with it.
    #[error("text is not valid UTF-8")]
    Utf8,
}

/// One received packet: lent from the input if it lay there whole, else handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Frame<'b> {
    /// A packet in its text form.
    Text(Cow<'b, str>),
    /// The bytes of a binary message.
    Binary(Cow<'b, [u8]>),
}

/// Takes a stream apart. Between packets it owns no heap memory, within one at most twice what has
/// arrived of it: a length that is merely announced costs nothing.
#[derive(Clone)]
pub struct Decoder {
    limit: usize,
    /// The beginning of a packet, its header included.
    kept: Vec<u8>,
}

/// What the first bytes of a packet say.
struct Header {
    is_binary: bool,
    len: usize,
    packet_len: usize,
}

impl Decoder {
    /// A decoder in front of a packet, for packets of up to `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        // What no memory can hold is no limit, and with its header no number.
        const MAX: usize = isize::MAX as usize - MAX_HEADER;
        Self {
            limit: if limit < MAX { limit } else { MAX },
            kept: Vec::new(),
        }
    }

    /// Takes the next packet off the input. `None`: it is incomplete, and all of the input has been
    /// taken.
    ///
    /// # Errors
    /// The stream is of no use any more.
    pub fn decode<'b>(&mut self, input: &mut &'b [u8]) -> Result<Option<Frame<'b>>, Error> {
        if self.kept.is_empty() {
            let Some(header) = Header::read(input, self.limit)? else {
                self.keep(input, input.len());
                return Ok(None);
            };
            let whole = header.len + header.packet_len;
            if input.len() < whole {
                self.keep(input, input.len());
                return Ok(None);
            }
            let (frame, rest) = input.split_at(whole);
            *input = rest;
            return frame_of(header.is_binary, Cow::Borrowed(&frame[header.len..])).map(Some);
        }
        // The rest of the header, byte by byte, then the rest of the packet.
        let header = loop {
            match Header::read(&self.kept, self.limit)? {
                Some(header) => break header,
                None if input.is_empty() => return Ok(None),
                None => self.keep(input, 1),
            }
        };
        let missing = header.len + header.packet_len - self.kept.len();
        self.keep(input, missing.min(input.len()));
        if self.kept.len() < header.len + header.packet_len {
            return Ok(None);
        }
        let mut frame = std::mem::take(&mut self.kept);
        frame.drain(..header.len);
        frame_of(header.is_binary, Cow::Owned(frame)).map(Some)
    }

    fn keep(&mut self, input: &mut &[u8], len: usize) {
        let (kept, rest) = input.split_at(len);
        self.kept.extend_from_slice(kept);
        *input = rest;
    }
}

impl Header {
    /// Reads a header; `None` if bytes of it are missing.
    fn read(bytes: &[u8], limit: usize) -> Result<Option<Self>, Error> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let (size, len) = match first & LENGTH {
            LENGTH_16 => match rest.first_chunk() {
                Some(size) => (u64::from(u16::from_be_bytes(*size)), 3),
                None => return Ok(None),
            },
            LENGTH_64 => match rest.first_chunk() {
                Some(size) => (u64::from_be_bytes(*size), MAX_HEADER),
                None => return Ok(None),
            },
            size => (u64::from(size), 1),
        };
        let packet_len = usize::try_from(size).ok().filter(|&size| size <= limit);
        match packet_len {
            None => Err(Error::TooBig { limit, size }),
            Some(0) => Err(Error::Empty),
            Some(packet_len) => Ok(Some(Self {
                is_binary: first & BINARY != 0,
                len,
                packet_len,
            })),
        }
    }
}

fn frame_of(is_binary: bool, packet: Cow<'_, [u8]>) -> Result<Frame<'_>, Error> {
    if is_binary {
        return Ok(Frame::Binary(packet));
    }
    let text = match packet {
        Cow::Borrowed(bytes) => str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    };
    text.map(Frame::Text).ok_or(Error::Utf8)
}

/// Shows sizes, never the data.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("limit", &self.limit)
            .field("kept", &self.kept.len())
            .finish()
    }
}

/// What stands in front of a packet of `len` bytes, which must not be empty: the length in its
/// shortest form.
#[must_use]
pub fn header(is_binary: bool, len: usize) -> HeaderBytes {
    let flag = if is_binary { BINARY } else { 0 };
    let mut header = HeaderBytes {
        bytes: [0; MAX_HEADER],
        len: 1,
    };
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len), _) if len < LENGTH_16 => header.bytes[0] = flag | len,
        (_, Ok(len)) => {
            header.bytes[0] = flag | LENGTH_16;
            header.bytes[1..3].copy_from_slice(&len.to_be_bytes());
            header.len = 3;
        }
        _ => {
            header.bytes[0] = flag | LENGTH_64;
            header.bytes[1..].copy_from_slice(&(len as u64).to_be_bytes());
            header.len = MAX_HEADER as u8;
        }
    }
    header
}

/// An encoded header, inline; `as_ref()` are its bytes.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl AsRef<[u8]> for HeaderBytes {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
