//! An Engine.IO client, usable alone.

mod config;
#[allow(dead_code, reason = "its drivers are being written")]
pub(crate) mod core;
#[allow(dead_code, reason = "its drivers are being written")]
mod error;
#[allow(dead_code, reason = "its drivers are being written")]
pub(crate) mod random;
mod target;

pub use self::config::{Config, RevisionChoice};
pub use self::error::{Error, ErrorKind};
pub use self::target::Target;
pub use engineio_proto::client::Handshake;
pub use engineio_proto::{CloseReason, Message, Prepared, Revision, Transport};
