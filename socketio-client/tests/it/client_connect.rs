//! Connecting, and what keeps a client from it.
