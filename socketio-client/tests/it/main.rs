//! The client as applications see it, against our own server. One binary; nothing here reaches
//! inside.

mod client_connect;
mod client_events;
mod host;
