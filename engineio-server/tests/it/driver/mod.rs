//! What applications rely on: order, loss, wakes, pauses, the end of a session, and the ways to
//! mount a server.

mod end;
mod mounting;
mod order;
mod turns;
