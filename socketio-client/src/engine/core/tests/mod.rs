//! The core over streams of which the test is the other end.

mod bench;
mod chaos;
mod credentials;
mod http;
mod lending;
mod opening;
mod polling;
mod server;
mod websocket;
