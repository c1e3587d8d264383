//! An Engine.IO client, usable alone.

#![cfg_attr(
    not(any(feature = "async", feature = "blocking")),
    allow(dead_code, reason = "without a driver nobody uses what it stands on")
)]

mod addresses;
#[cfg(feature = "blocking")]
pub mod blocking;
mod config;
#[cfg(feature = "async")]
mod connection;
pub(crate) mod core;
#[cfg(feature = "async")]
mod dial;
#[cfg(all(test, feature = "async", feature = "blocking"))]
mod dialing;
mod environment;
mod error;
mod proxy;
pub(crate) mod random;
#[cfg(feature = "async")]
mod scratch;
mod tape;
mod target;
#[cfg(all(test, feature = "async", feature = "blocking"))]
mod testing;
pub mod tls;
mod tunnel;

pub use self::config::{Config, RevisionChoice};
#[cfg(feature = "async")]
pub use self::connection::Connection;
#[cfg(feature = "async")]
pub(crate) use self::connection::Event as ConnectionEvent;
#[cfg(feature = "async")]
pub(crate) use self::dial::Dialer;
#[cfg(feature = "async")]
pub use self::dial::{BoxStream, ByteStream, Connect, Connecting};
pub use self::error::{Error, ErrorKind};
pub use self::proxy::{Proxy, ProxyParseError};
pub use self::tape::Tape;
pub use self::target::Target;
pub use self::tls::Tls;
pub use self::tunnel::ProxyError;
pub use engineio_proto::client::Handshake;
pub use engineio_proto::{CloseReason, Message, Prepared, Revision, Transport};
