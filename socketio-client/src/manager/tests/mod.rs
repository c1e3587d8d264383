//! The manager against a server of its own kind, on a virtual link and clock.
