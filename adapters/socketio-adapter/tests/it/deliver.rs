//! What may happen inside `deliver`: anything, for no lock is held.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
};

use socketio_adapter::{Adapter, Slot, Target};

use crate::{adapter_of, id, indexes, slot};

/// More than one piece, whatever its size below this.
const CROWD: u32 = 5_000;

fn crowd() -> socketio_adapter::LocalAdapter {
    let adapter = adapter_of(0..CROWD);
    for index in 0..CROWD {
        adapter.join(slot(index), "crowd");
    }
    adapter
}

#[test]
fn pieces_are_never_empty_and_make_up_the_whole() {
    let adapter = crowd();
    let mut pieces = Vec::new();
    adapter.select(&Target::rooms(["crowd"]), &mut |slots| {
        pieces.push(slots.len());
    });
    assert!(pieces.len() > 1);
    assert!(pieces.iter().all(|len| *len > 0));
    assert_eq!(pieces.iter().sum::<usize>(), CROWD as usize);

    adapter.select(&Target::rooms(["unknown"]), &mut |slots| {
        panic!("nobody is there, yet {slots:?}");
    });
}

#[test]
fn every_call_is_allowed_at_every_piece() {
    for target in [
        Target::everyone(),
        Target::rooms(["crowd"]),
        Target::rooms(["crowd", "new"]).except([id(CROWD)]),
    ] {
        let adapter = crowd();
        let mut seen = BTreeSet::new();
        let mut newcomer = CROWD;
        adapter.select(&target, &mut |slots| {
            for &slot in slots {
                assert!(seen.insert(slot), "{slot:?} twice");
            }
            let first = slots[0];
            assert!(adapter.leave(first, "crowd"));
            assert!(adapter.join(first, "new"));
            adapter.remove(slots[slots.len() - 1]);
            newcomer += 1;
            adapter.add(slot(newcomer), &id(newcomer));
            assert!(adapter.join(slot(newcomer), "crowd"));
            assert!(adapter.join(slot(newcomer), "new"));
            assert!(adapter.contains(first, "new"));
            assert_eq!(adapter.rooms(first).len(), 1);
            assert_eq!(adapter.find(&id(newcomer)), Some(slot(newcomer)));
            assert_eq!(adapter.socket_count(), CROWD as usize);
        });
        for index in 0..CROWD {
            assert!(seen.contains(&slot(index)), "{index} was there all along");
        }
        assert!(newcomer > CROWD + 1);
        let in_new = indexes(&adapter, &Target::rooms(["new"]));
        assert_eq!(in_new.len(), 2 * (newcomer - CROWD) as usize);
    }
}

#[test]
fn selections_nest() {
    let adapter = crowd();
    adapter.join(slot(1), "a");
    adapter.join(slot(2), "b");
    let mut outer = Vec::new();
    adapter.select(&Target::rooms(["crowd", "a"]), &mut |slots| {
        outer.extend_from_slice(slots);
        let inner = indexes(&adapter, &Target::rooms(["a", "b"]).except([id(1)]));
        assert_eq!(inner, [2]);
    });
    outer.sort_unstable();
    assert_eq!(outer, Vec::from_iter((0..CROWD).map(slot)));
}

#[test]
fn panic_in_deliver_leaves_the_adapter_usable() {
    let adapter = crowd();
    let target = Target::rooms(["crowd"]).except([id(0)]);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        adapter.select(&target, &mut |_: &[Slot]| panic!("by the test"));
    }));
    assert!(panicked.is_err());
    adapter.remove(slot(1));
    assert_eq!(indexes(&adapter, &target), Vec::from_iter(2..CROWD));
}
