//! WebSocket frames, as a server and as a client see them ([RFC 6455]).
//!
//! Owns the framing: headers, masks, the joining of fragments, the checks a receiver must make.
//! It opens no connection and shakes no hands, never answers a ping or a close by itself, draws no
//! masking keys (they are arguments), and knows no extension: a reserved bit is an error.
//!
//! # Decoding in place
//!
//! The caller reads into a buffer of its own, which may serve many connections in turn. A frame
//! that lies in it completely is unmasked where it lies and lent from there; nothing is copied and
//! nothing allocated. Only what a read leaves unfinished moves into the [`Decoder`].
//!
//! ```text
//!                 one read                                      the next read
//! ┌────────┬──────────┬────────┬──────────┬────────┬──────┐    ┌──────┬────────┬─────
//! │ header │ message  │ header │   ping   │ header │ mess…│    │ …age │ header │
//! └────────┴──────────┴────────┴──────────┴────────┴──────┘    └──────┴────────┴─────
//!               │                   │                  └─ kept ────►│
//!               ▼                   ▼                               ▼
//!        lent: Borrowed      lent: Borrowed             handed over: Owned
//! ```
//!
//! A message that was kept is handed over with its memory, so an idle decoder owns no heap.
//!
//! ```
//! use engineio_proto::ws::{Decoder, Frame, Role};
//!
//! # fn main() -> Result<(), engineio_proto::ws::Error> {
//! // A whole text frame "hi" and the head of a second one, both masked with the key 1 2 3 4.
//! let mut buffer = *b"\x81\x82\x01\x02\x03\x04\x69\x6b\x81\x82\x01";
//! let mut input = &mut buffer[..];
//!
//! let mut decoder = Decoder::new(Role::Server, 1_000_000);
//! assert_eq!(decoder.decode(&mut input)?, Some(Frame::Text("hi".into())));
//! assert_eq!(decoder.decode(&mut input)?, None);
//!
//! // The rest of the second frame arrives, in whatever buffer is at hand.
//! let mut buffer = *b"\x02\x03\x04\x69\x6b";
//! assert_eq!(decoder.decode(&mut &mut buffer[..])?, Some(Frame::Text("hi".into())));
//! # Ok(())
//! # }
//! ```
//!
//! # Encoding
//!
//! A server writes the header into room left free in front of the payload
//! ([`write_header_before`]), so a payload encoded once is framed once and shared by all its
//! receivers. A client encodes a [`Header`] with a fresh key and [`mask`]s a copy of the payload.
//! Pings, pongs and closes are complete [`ControlFrame`]s without heap.
//!
//! [RFC 6455]: https://www.rfc-editor.org/rfc/rfc6455

mod control;
mod decode;
mod error;
mod frame;
mod header;
mod mask;

pub use control::ControlFrame;
pub use decode::Decoder;
pub use error::{Error, Violation};
pub use frame::Frame;
pub use header::{
    Header, HeaderBytes, MAX_HEADER, MAX_SERVER_HEADER, Opcode, server_header_len,
    write_header_before,
};
pub use mask::mask;

/// The longest payload of a ping, pong or close frame, in bytes (RFC 6455 §5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// Which end of the connection this is.
///
/// A client masks every frame it sends and a server none (RFC 6455 §5.1); either end refuses the
/// opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Role {
    /// Accepted the connection: receives masked frames, sends unmasked ones.
    Server,
    /// Opened the connection: receives unmasked frames, sends masked ones.
    Client,
}
