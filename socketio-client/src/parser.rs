//! What parsers are made of, beside [`Args`](crate::Args) and [`Encoded`](crate::Encoded); see
//! [`Config::parser`](crate::Config::parser).

pub use crate::proto::{Body, DecodeError, Limits, MsgPack, Packet, Parser};
