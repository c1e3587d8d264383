//! Every interleaving of what runs concurrently in the servers, as far as locks and atomics decide it: models for
//! [loom], which runs each of them again and again until no order of steps is left within its bound.
//!
//! A model that copies the product proves the copy. So these models compile the product's own files:
//!
//! | file | included because |
//! |---|---|
//! | `engineio-server/src/outbox.rs` | any thread pushes while the session's task takes and goes to sleep |
//! | `engineio-server/src/{limits,overflow,waiters}.rs` | the outbox asks for its limits, what to drop, and whom to tell of room |
//! | `socketio-server/src/entry.rs` | whoever drops a ticket answers a call, wherever that happens |
//! | `socketio-server/src/gate.rs` | any thread asks whether an entry may pass while the task lets the client in or loses it |
//! | `socketio-server/src/recovery/baton.rs` | whoever decides what is next leaves it to the one that has the baton, or takes it |
//! | `engineio-proto/src/prepared.rs` | the sessions of a broadcast ask for the same lazy form at once |
//!
//! To an included file this crate is `parking_lot`, `tokio`, `once_cell`, `engine` and `proto`: the `extern crate self`
//! lines below lead its imports to `stand_ins`, where every lock, channel and cell is loom's. What has no lock is the
//! real thing, such as the connection in which the task keeps tickets.
//!
//! # What is modelled, not included
//!
//! * The task: `models::task` takes and sleeps as `engineio-server/src/task/mod.rs` does, without any I/O, and `models::link`
//!   handles entries and messages as `socketio-server/src/link.rs` does, without handlers.
//! * The socket: `models::socket` asks the gate and does what it says, as `socketio-server/src/socket/` does. The adapter
//!   beside it takes one step for each call.
//! * The caller of an ack: it pushes the call and, when it gives up, `Forget` behind it, as `Socket::send_call` and
//!   `Socket::forget` do. In the models of acks no gate stands before them: that of a client that is there is open, and the
//!   models of the gate have calls of their own.
//! * `OnceBox`: the order of its steps is that of once_cell. Its memory orderings are once_cell's promise.
//!
//! # What is not modelled
//!
//! * The rooms: their guarantees are about what one thread may do between two pieces of a selection, and they are tested
//!   beside them, in `adapters/socketio-adapter/tests/it`.
//! * The flag by which a session admits one POST at a time, and its transport: single atomics that publish nothing else.
//! * tokio: its wakers and channels do what they promise.
//! * More than [`PREEMPTIONS`] forced switches in one run; what goes wrong concurrently mostly needs two.
//!
//! A model returns what happened, and `every_order` collects it: a model in which something can happen says so and fails if
//! no order brings it about.

// The unit tests inside of the included files are their own crates' business: loom's types live inside of models only.
#![cfg(not(test))]

// To an included file this crate is all of these.
extern crate self as engine;
extern crate self as once_cell;
extern crate self as parking_lot;
extern crate self as proto;
extern crate self as tokio;

#[expect(dead_code, reason = "no model looks without a turn")]
#[path = "../../../socketio-server/src/recovery/baton.rs"]
mod baton;
// Public where the product makes public what is in them: lints look at the same as at home.
#[expect(dead_code, reason = "no model writes to a link")]
#[path = "../../../engineio-server/src/capacity.rs"]
mod capacity;
#[expect(dead_code, reason = "no model closes a link")]
#[path = "../../../socketio-server/src/entry.rs"]
mod entry;
#[expect(dead_code, reason = "no model asks who is gone")]
#[path = "../../../socketio-server/src/gate.rs"]
mod gate;
#[path = "../../../engineio-server/src/limits.rs"]
pub mod limits;
#[expect(dead_code, reason = "no model has a server that is overloaded")]
#[path = "../../../engineio-server/src/outbox.rs"]
pub mod outbox;
#[path = "../../../engineio-server/src/overflow.rs"]
pub mod overflow;
#[path = "../../../engineio-proto/src/prepared.rs"]
pub mod prepared;
#[path = "../../../engineio-server/src/waiters.rs"]
mod waiters;

pub mod models;
mod stand_ins;

// Where the docs of these files look for them.
pub use limits::{OutboxLimits, OverflowPolicy};

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex as StdMutex, PoisonError},
};

use engineio_proto::{Tick, ws};
use loom::thread;
use socketio_proto::{Args, NamespaceId};

use overflow::Weight;
use prepared::Prepared;
use stand_ins::{
    Condvar, Mutex, MutexGuard, base64, error, format, packet, payload, race, revision, socket,
    sync,
};

/// How often a run may take the processor from a thread that could go on.
pub const PREEMPTIONS: usize = 4;

/// Runs a model in every order of its steps and returns all that happened.
fn every_order<T: Ord + Send + 'static>(
    model: impl Fn() -> T + Send + Sync + 'static,
) -> BTreeSet<T> {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS);
    let outcomes = Arc::new(StdMutex::new(BTreeSet::new()));
    let collected = Arc::clone(&outcomes);
    builder.check(move || {
        let outcome = model();
        collected
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(outcome);
    });
    let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *outcomes)
}
