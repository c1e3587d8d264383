//! Rooms of a Socket.IO server: who is where, and who is addressed.
//!
//! An [`Adapter`] answers one question for one namespace: *which sockets does this message go to?* It selects and never
//! delivers. Sockets are named by [`Slot`], eight bytes that index into the namespace's own table; what a socket is and
//! how bytes reach it is the caller's business, so this crate knows neither a protocol nor a runtime.
//!
//! ```text
//!    emit to "red", "blue" except "muted"
//!                  │
//!                  ▼                         ┌───────────────────────────┐
//!    Target ──► select ──── copies, one ────►│ rooms   "red"   7  9  12  │  shard by shard
//!                  │        lock at a time   │         "blue"  9  40     │
//!                  │                         │         "muted" 12        │
//!                  ▼                         └───────────────────────────┘
//!             [7, 9, 40]      each socket once, no lock held any more
//!                  │
//!                  ▼
//!            deliver(&[Slot])                the caller's slab: a stale generation is skipped
//! ```
//!
//! # Example
//!
//! ```
//! use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};
//!
//! let adapter = LocalAdapter::new();
//! let anna = Slot { index: 0, generation: 1 };
//! let boris = Slot { index: 1, generation: 1 };
//! adapter.add(anna, "kD3mX0aVYw1nTq8zAAAA");
//! adapter.add(boris, "Zp7RfC2hLs5uEj4oAAAB");
//! adapter.join(anna, "chess");
//! adapter.join(boris, "chess");
//!
//! // What `socket.to("chess")` means: everybody in the room but the sender.
//! let target = Target::rooms(["chess"]).except(["kD3mX0aVYw1nTq8zAAAA"]);
//! let mut reached = Vec::new();
//! adapter.select(&target, &mut |slots| reached.extend_from_slice(slots));
//! assert_eq!(reached, [boris]);
//! ```
//!
//! # Guarantees
//!
//! They hold for every [`Adapter`]; "during" means between the call of [`select`](Adapter::select) and its return.
//!
//! | the socket | is handed to `deliver` |
//! |---|---|
//! | is in a target room during the whole call, and in no `except` room | exactly once, also when it is in several target rooms |
//! | joins or leaves a target or an `except` room during the call | at most once |
//! | left every target room, or was removed, before the call | never |
//! | is in an `except` room during the whole call | never |
//!
//! A [`Slot`] of an earlier generation never stands for the socket that has its index now: calls with it do nothing.
//! A slot handed to `deliver` may have been removed a moment before; the caller compares generations and skips it.
//! The order of slots means nothing.
//!
//! `deliver` runs without any lock: it may join, leave, add, remove and select.

mod adapter;
mod local;
mod slot;
mod target;

pub use adapter::Adapter;
pub use local::LocalAdapter;
pub use slot::Slot;
pub use target::{Room, Target};

/// Runs the example of the README as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
