//! Tests of the clients against the servers of this workspace. One binary; nothing here reaches
//! inside.

#[cfg(all(feature = "blocking", unix))]
mod blocking;
mod client_connect;
mod client_events;
mod client_lifetime;
mod client_net;
mod client_reconnect;
mod client_simple;
#[cfg(feature = "async")]
mod engine;
mod host;
