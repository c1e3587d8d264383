//! The server as its peers and its applications see it. One binary; nothing here reaches inside.

mod abuse;
mod conformance;
mod counting;
mod driver;
mod host;
mod http;
mod pressure;
mod puppet;
mod revision_3;
mod wire;
