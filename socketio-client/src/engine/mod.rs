//! An Engine.IO client, usable alone.

use std::fmt;

/// How a client connects.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The server.
    pub url: String,
    /// The path of every request.
    pub path: String,
}

impl Config {
    /// The defaults, for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            path: "/engine.io".into(),
        }
    }
}

/// Why there is no session.
#[derive(Clone, Debug)]
pub struct Error;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timeout")
    }
}

impl std::error::Error for Error {}

/// What went wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Something took longer than the configuration allows.
    Timeout,
}

impl From<ErrorKind> for Error {
    fn from(_: ErrorKind) -> Self {
        Self
    }
}

pub use engineio_proto::CloseReason;
