//! A server and its clients in memory, on a clock of the test's own: how an application tests what
//! it does. Feature `test`.

mod client;
mod connect;
mod driver;
mod event;
mod http;
mod server;
mod sockets;
mod websocket;

pub use client::Client;
pub use connect::{Connect, Join, Refusal};
pub use event::Event;
pub use server::Server;
