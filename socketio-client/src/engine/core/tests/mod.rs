//! The core over streams of which the test is the other end.

mod bench;
mod chaos;
mod http;
mod opening;
mod polling;
mod server;
mod websocket;
