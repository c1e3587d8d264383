//! A Socket.IO client.

// The layer below carries a short name in every file here, so that each line shows its layer.
use socketio_proto as proto;

mod config;
mod error;
#[allow(dead_code, reason = "its drivers are being written")]
mod manager;
mod stage;

pub mod engine;

pub use config::{Buffer, Config, Reconnection, WhenFull};
pub use error::{AckError, ConnectError, DisconnectReason, SendError};
pub use stage::{Stage, Status};
