//! A Socket.IO client.
