//! The guarantees of `Adapter`, checked on `LocalAdapter` through the public API only.

mod boundary;
mod concurrency;
mod deliver;
mod model;
mod presence;
mod selection;
mod target;

use std::collections::BTreeSet;

use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

/// The first socket that has this index.
fn slot(index: u32) -> Slot {
    Slot {
        index,
        generation: 0,
    }
}

/// The id the tests give to the socket of this index: 20 characters, as the server's are.
fn id(index: u32) -> String {
    format!("socket-{index:013}")
}

/// An adapter in which the sockets with these indexes are present.
fn adapter_of(indexes: impl IntoIterator<Item = u32>) -> LocalAdapter {
    let adapter = LocalAdapter::new();
    for index in indexes {
        adapter.add(slot(index), &id(index));
    }
    adapter
}

/// The indexes a target means, in order; a socket that comes up twice is a failure.
#[track_caller]
fn indexes(adapter: &dyn Adapter, target: &Target) -> Vec<u32> {
    let participants = adapter.participants(target);
    let distinct = BTreeSet::from_iter(participants.iter().map(|slot| slot.index));
    assert_eq!(distinct.len(), participants.len(), "{participants:?}");
    distinct.into_iter().collect()
}
