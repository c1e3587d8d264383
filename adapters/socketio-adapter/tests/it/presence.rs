//! Coming and going: generations, ids, idempotent joins, rooms that vanish.

use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

use crate::{adapter_of, id, indexes, slot};

#[test]
fn is_send_and_sync_behind_a_pointer() {
    fn check<T: Send + Sync + ?Sized>() {}
    check::<LocalAdapter>();
    check::<dyn Adapter>();
}

#[test]
fn join_and_leave_are_idempotent() {
    let adapter = adapter_of([1]);
    assert!(adapter.join(slot(1), "a"));
    assert!(!adapter.join(slot(1), "a"));
    assert_eq!(adapter.member_count("a"), 1);
    assert!(adapter.leave(slot(1), "a"));
    assert!(!adapter.leave(slot(1), "a"));
    assert!(!adapter.leave(slot(1), "never heard of"));
    assert_eq!(adapter.member_count("a"), 0);
}

#[test]
fn room_exists_while_somebody_is_in_it() {
    let adapter = adapter_of([1, 2]);
    adapter.join(slot(1), "a");
    adapter.join(slot(2), "a");
    adapter.leave(slot(1), "a");
    assert_eq!(adapter.room_names(), ["a".into()]);
    adapter.leave(slot(2), "a");
    assert_eq!(adapter.room_names(), []);
}

#[test]
fn remove_takes_a_socket_out_of_everything() {
    let adapter = adapter_of([1, 2]);
    for room in 0..200 {
        adapter.join(slot(1), &format!("room {room}"));
    }
    adapter.join(slot(2), "room 0");
    adapter.remove(slot(1));
    assert_eq!(adapter.find(&id(1)), None);
    assert_eq!(adapter.rooms(slot(1)), []);
    assert_eq!(adapter.room_names(), ["room 0".into()]);
    assert_eq!(adapter.socket_count(), 1);
    assert_eq!(indexes(&adapter, &Target::rooms(["room 0"])), [2]);
    assert_eq!(indexes(&adapter, &Target::everyone()), [2]);
}

#[test]
fn earlier_generation_changes_nothing() {
    let adapter = adapter_of([1]);
    let old = slot(1);
    let new = Slot {
        generation: 1,
        ..old
    };
    adapter.join(old, "a");
    adapter.remove(old);
    adapter.add(new, "another-socket-00001");
    assert_eq!(adapter.rooms(new), []);

    assert!(!adapter.join(old, "a"));
    adapter.join(new, "b");
    assert!(!adapter.leave(old, "b"));
    assert!(!adapter.contains(old, "b"));
    assert_eq!(adapter.rooms(old), []);
    adapter.remove(old);

    assert_eq!(adapter.find(&id(1)), None);
    assert_eq!(adapter.participants(&Target::everyone()), [new]);
    assert_eq!(adapter.participants(&Target::rooms(["a", "b"])), [new]);
}

#[test]
fn newcomer_displaces_a_socket_left_behind() {
    let adapter = adapter_of([1]);
    let new = Slot {
        generation: 1,
        ..slot(1)
    };
    adapter.join(slot(1), "a");
    adapter.add(new, "another-socket-00001");
    assert_eq!(adapter.participants(&Target::everyone()), [new]);
    assert_eq!(adapter.find(&id(1)), None);
    assert_eq!(adapter.member_count("a"), 0);
}

#[test]
fn adding_again_keeps_rooms() {
    let adapter = adapter_of([1]);
    adapter.join(slot(1), "a");
    adapter.add(slot(1), &id(1));
    assert_eq!(adapter.rooms(slot(1)), ["a".into()]);
    assert_eq!(indexes(&adapter, &Target::everyone()), [1]);
}

#[test]
fn taken_id_passes_to_the_newcomer_and_stays_there() {
    let adapter = adapter_of([1]);
    adapter.add(slot(2), &id(1));
    assert_eq!(adapter.find(&id(1)), Some(slot(2)));
    adapter.remove(slot(1));
    assert_eq!(adapter.find(&id(1)), Some(slot(2)));
}

#[test]
fn socket_that_is_not_present_can_do_nothing() {
    let adapter = LocalAdapter::new();
    assert!(!adapter.join(slot(1), "a"));
    adapter.remove(slot(1));
    assert_eq!(adapter.room_names(), []);
    assert_eq!(adapter.socket_count(), 0);
}

#[test]
fn private_room_is_implicit() {
    let adapter = adapter_of([1, 2]);
    assert!(adapter.contains(slot(1), &id(1)));
    assert!(!adapter.contains(slot(1), &id(2)));
    assert!(!adapter.join(slot(1), &id(1)));
    assert!(!adapter.leave(slot(1), &id(1)));
    assert_eq!(adapter.rooms(slot(1)), []);
    assert_eq!(adapter.room_names(), []);
    assert_eq!(adapter.member_count(&id(1)), 1);
    assert_eq!(indexes(&adapter, &Target::rooms([id(1)])), [1]);
}

#[test]
fn nobody_enters_the_private_room_of_another() {
    let adapter = adapter_of([1, 2]);
    assert!(!adapter.join(slot(2), &id(1)));
    assert_eq!(adapter.member_count(&id(1)), 1);
    assert_eq!(indexes(&adapter, &Target::rooms([id(1)])), [1]);
    assert_eq!(adapter.rooms(slot(2)), []);
}

#[test]
fn a_room_that_turns_out_to_be_private_reaches_its_owner_alone() {
    let adapter = adapter_of([2, 3]);
    assert!(adapter.join(slot(2), &id(1)));
    adapter.add(slot(1), &id(1));
    assert_eq!(indexes(&adapter, &Target::rooms([id(1)])), [1]);
    let others = Target::everyone().except([id(1)]);
    assert_eq!(indexes(&adapter, &others), [2, 3]);
    assert_eq!(adapter.member_count(&id(1)), 1);
    assert!(adapter.contains(slot(1), &id(1)) && !adapter.contains(slot(2), &id(1)));
    adapter.remove(slot(1));
    assert_eq!(indexes(&adapter, &Target::rooms([id(1)])), [2]);
    assert!(adapter.leave(slot(2), &id(1)));
}

#[test]
fn debug_shows_counts_and_no_names() {
    let adapter = adapter_of([1, 2]);
    adapter.join(slot(1), "secret");
    assert_eq!(
        format!("{adapter:?}"),
        "LocalAdapter { sockets: 2, rooms: 1 }"
    );
}
