//! The client as applications see it, against our own servers. One binary; nothing here reaches
//! inside.

mod client_connect;
mod client_events;
mod client_lifetime;
mod client_net;
mod client_reconnect;
mod client_simple;
#[cfg(feature = "async")]
mod engine;
mod host;
