//! A Socket.IO client.

// The layer below carries a short name in every file here, so that each line shows its layer.
use socketio_proto as proto;

#[cfg(feature = "async")]
mod ack;
#[cfg(feature = "async")]
mod client;
mod config;
mod error;
mod events;
mod extract;
mod failure;
#[cfg(feature = "async")]
mod handler;
mod hub;
#[cfg(feature = "async")]
mod listener;
mod manager;
mod member;
mod provide;
mod routes;
#[cfg(feature = "async")]
mod simple;
mod slot;
#[cfg(feature = "async")]
mod socket;
mod stage;
#[cfg(feature = "async")]
mod task;

pub mod engine;
pub mod parser;

#[cfg(feature = "async")]
pub use ack::Ack as PendingAck;
#[cfg(feature = "async")]
pub use client::{AnyNamespace, Client, StatusWatch};
pub use config::{Buffer, Config, Reconnection, WhenFull};
pub use engine::Transport;
pub use error::{AckError, ConnectError, DisconnectReason, SendError};
pub use events::{AckSender, Event};
pub use extract::{EventContext, FromEvent};
pub use failure::{HandlerError, HandlerErrorKind, Rejection};
#[cfg(feature = "async")]
pub use handler::Handler;
#[cfg(feature = "async")]
pub use listener::Listener;
pub use proto::{
    Ack, Args, ArgsError, Binary, BoxError, Data, EncodeError, Encoded, Encoder, EventName,
    FromArgs, Payload, RawArgs, Reply, Value,
};
pub use provide::{Credentials, Provide};
#[cfg(feature = "async")]
pub use simple::{EmitError, ReceiveError, SimpleClient};
#[cfg(feature = "async")]
pub use socket::{Events, Socket};
pub use stage::{Stage, Status};
