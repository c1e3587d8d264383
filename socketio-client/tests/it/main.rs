//! Tests of the client against the servers of this workspace.

mod blocking;
