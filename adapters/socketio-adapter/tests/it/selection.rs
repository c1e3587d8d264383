//! Who a target reaches while nothing else happens.

use socketio_adapter::{Adapter, LocalAdapter, Target};

use crate::{adapter_of, id, indexes, slot};

/// Sockets 0 to 5; `even` has 0 2 4, `low` has 0 1 2, `last` has 5.
fn sample() -> LocalAdapter {
    let adapter = adapter_of(0..6);
    for (room, members) in [
        ("even", &[0, 2, 4][..]),
        ("low", &[0, 1, 2]),
        ("last", &[5]),
    ] {
        for &index in members {
            adapter.join(slot(index), room);
        }
    }
    adapter
}

#[track_caller]
fn check(target: Target, expected: impl IntoIterator<Item = u32>) {
    let expected = Vec::from_iter(expected);
    assert_eq!(indexes(&sample(), &target), expected, "{target:?}");
}

#[test]
fn everyone_and_nobody() {
    check(Target::everyone(), 0..6);
    check(Target::rooms([] as [&str; 0]), []);
    check(Target::rooms(["unknown"]), []);
}

#[test]
fn several_rooms_reach_each_member_once() {
    check(Target::rooms(["even"]), [0, 2, 4]);
    check(Target::rooms(["even", "low"]), [0, 1, 2, 4]);
    check(
        Target::rooms(["even", "even", "low", "unknown"]),
        [0, 1, 2, 4],
    );
}

#[test]
fn except_outweighs_every_target() {
    check(Target::everyone().except(["low"]), [3, 4, 5]);
    check(Target::rooms(["even"]).except(["low"]), [4]);
    check(
        Target::rooms(["even", "low", "last"]).except(["low", "last"]),
        [4],
    );
    check(Target::rooms(["even"]).except(["even"]), []);
    check(Target::rooms(["even"]).except(["unknown"]), [0, 2, 4]);
    check(Target::everyone().except([] as [&str; 0]), 0..6);
}

#[test]
fn ids_stand_for_private_rooms_on_both_sides() {
    check(Target::rooms([id(3)]), [3]);
    check(Target::rooms([id(3), id(3), id(0)]), [0, 3]);
    check(Target::rooms(["even", &id(0), &id(1)]), [0, 1, 2, 4]);
    check(Target::everyone().except([id(3)]), [0, 1, 2, 4, 5]);
    check(Target::rooms(["even"]).except([id(2), id(3)]), [0, 4]);
    check(Target::rooms([id(3)]).except([id(3)]), []);
}

#[test]
fn except_is_evaluated_when_selecting() {
    let adapter = sample();
    let target = Target::rooms(["even"]).except(["muted"]);
    assert_eq!(indexes(&adapter, &target), [0, 2, 4]);
    adapter.join(slot(2), "muted");
    assert_eq!(indexes(&adapter, &target), [0, 4]);
    adapter.leave(slot(2), "muted");
    assert_eq!(indexes(&adapter, &target), [0, 2, 4]);
}

#[test]
fn crowds_are_complete_and_stay_so_as_members_leave() {
    const CROWD: u32 = 10_000;
    let adapter = adapter_of(0..CROWD);
    for index in 0..CROWD {
        adapter.join(slot(index), "all");
        adapter.join(slot(index), ["even", "odd"][index as usize % 2]);
    }
    assert_eq!(indexes(&adapter, &Target::everyone()).len(), 10_000);
    assert_eq!(indexes(&adapter, &Target::rooms(["all"])).len(), 10_000);
    assert_eq!(
        indexes(&adapter, &Target::rooms(["all", "odd"]).except(["even"])).len(),
        5_000
    );

    // A stride that is coprime to the size visits everyone, in an order unlike that of the joins.
    for step in 0..CROWD - 10 {
        let index = step * 7_919 % CROWD;
        if step % 2 == 0 {
            adapter.leave(slot(index), "all");
        } else {
            adapter.remove(slot(index));
        }
    }
    let rest = Vec::from_iter((CROWD - 10..CROWD).map(|step| slot(step * 7_919 % CROWD)));
    let mut in_all = adapter.participants(&Target::rooms(["all"]));
    in_all.sort_unstable();
    let mut expected = rest;
    expected.sort_unstable();
    assert_eq!(in_all, expected);
    assert_eq!(adapter.socket_count(), (CROWD - 10) as usize / 2 + 10);
}
