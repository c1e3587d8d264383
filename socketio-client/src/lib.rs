//! A Socket.IO client.

// The layer below carries a short name in every file here, so that each line shows its layer.
use socketio_proto as proto;

mod ack;
mod client;
mod config;
mod error;
mod events;
mod extract;
mod failure;
mod handler;
mod hub;
mod listener;
mod manager;
mod member;
mod provide;
mod routes;
mod simple;
mod slot;
mod socket;
mod stage;
mod task;

pub mod engine;

pub use config::{Buffer, Config, Reconnection, WhenFull};
pub use error::{AckError, ConnectError, DisconnectReason, SendError};
pub use stage::{Stage, Status};
