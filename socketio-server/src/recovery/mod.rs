//! Connection state recovery: sockets outlive their links for a while.
//!
//! ```text
//!  emit ──► Sequencer ──► Baton: offset, log and recipients are decided under a lock, …
//!              │            └──► … then pushed to every outbox, in the order of the offsets
//!              ▼
//!             Log: the events of two minutes, and who may come back for them
//!              ▲
//!  link ends ──┴── save         the same client connects again ──► claim ──► open: what it missed,
//!                                                                   the answer, and on it goes
//! ```
//!
//! One per namespace, and only where it was [asked for](crate::Builder::connection_state_recovery).
//! What the log keeps and whom it refuses is [`proto::recovery`](crate::proto::recovery)'s business.

mod absent;
mod baton;
mod config;
mod expiry;
mod life;
mod log;
mod message;
mod panics;
mod sequencer;
mod session;

use std::thread;

pub use config::RecoveryConfig;
pub(crate) use life::Claimed;
pub(crate) use sequencer::{Sequencer, Waiting};
pub(crate) use session::{Recoverable, Saved};
