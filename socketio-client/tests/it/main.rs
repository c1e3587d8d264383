//! Tests of the client against the servers of this workspace.

#[cfg(feature = "async")]
mod engine;
//! The client as applications see it, against our own server. One binary; nothing here reaches
//! inside.

mod client_connect;
mod client_events;
mod client_lifetime;
mod client_net;
mod client_reconnect;
mod client_simple;
mod host;
