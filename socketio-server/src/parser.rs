//! What parsers are made of, beside [`Args`](crate::Args) and [`Encoded`](crate::Encoded); see
//! [`Builder::parser`](crate::Builder::parser).

pub use crate::proto::{Body, DecodeError, Limits, MsgPack, Packet, Parser};
