//! Tests of the client against the server of this workspace.
