//! The models, by what of the product they are about.

pub mod acks;
pub mod forms;
pub mod outbox;

mod task;
