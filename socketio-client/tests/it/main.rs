//! The client as applications see it, against our own server. One binary; nothing here reaches
//! inside.

#[cfg(all(feature = "blocking", unix))]
mod blocking;
mod client_connect;
mod client_events;
mod client_lifetime;
mod client_net;
mod client_reconnect;
mod client_simple;
mod host;
