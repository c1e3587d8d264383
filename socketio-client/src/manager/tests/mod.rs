//! The manager with a scripted server at the other end of a virtual link, on a virtual clock.

mod acks;
mod buffers;
mod memberships;
mod reconnection;
mod recovery;
mod retries;
mod simulation;
mod world;
