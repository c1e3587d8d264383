//! A Socket.IO client.

pub mod engine;
