//! The models, by what of the product they are about.

pub mod acks;
pub mod baton;
pub mod forms;
pub mod gate;
pub mod outbox;

mod link;
mod socket;
mod task;
