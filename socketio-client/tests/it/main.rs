//! Tests of the client against the servers of this workspace.

#[cfg(feature = "async")]
mod engine;
