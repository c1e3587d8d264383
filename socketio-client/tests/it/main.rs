//! The clients as applications see them, against the servers of this workspace. One binary; nothing
//! here reaches inside.

#[cfg(all(feature = "blocking", unix))]
mod blocking;
#[cfg(feature = "async")]
mod client_abuse;
#[cfg(feature = "async")]
mod client_cancel;
#[cfg(feature = "async")]
mod client_connect;
#[cfg(feature = "async")]
mod client_events;
#[cfg(feature = "async")]
mod client_lifetime;
#[cfg(feature = "async")]
mod client_net;
#[cfg(feature = "async")]
mod client_reconnect;
#[cfg(feature = "async")]
mod client_record;
#[cfg(feature = "async")]
mod client_simple;
#[cfg(feature = "async")]
mod engine;
#[cfg(feature = "async")]
mod host;
