//! The guarantees while other threads change what is selected.

use std::{
    collections::BTreeMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
    },
    thread,
};

use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

use crate::{id, slot};

/// In both rooms all the time; the odd ones excepted.
const STABLE: u32 = 50;

/// In and out. Most sockets are: whoever leaves moves the last of the list, and it is the moved ones that a careless
/// copy would miss or double.
const RESTLESS: u32 = 200;

const CHANGERS: u32 = 2;

/// Per selecting thread.
const SELECTIONS: u32 = 1000;

/// Where a restless socket is. It counts upwards, and before each change it says that there will be one; so whoever
/// reads the same step before and after a selection knows that nothing changed between.
struct Restless {
    step: AtomicU32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Absent,
    InRoom,
    /// In the room and in the excepted one.
    Excepted,
    Outside,
    Changing,
}

/// What a socket goes through, over and over. A new generation begins with each turn.
const TURN: [Place; 12] = [
    Place::Absent,
    Place::Changing,
    Place::Outside,
    Place::Changing,
    Place::InRoom,
    Place::Changing,
    Place::Excepted,
    Place::Changing,
    Place::Outside,
    Place::Changing,
    Place::InRoom,
    Place::Changing,
];

impl Restless {
    const fn slot_at(step: u32, index: u32) -> Slot {
        Slot {
            index,
            generation: step / TURN.len() as u32,
        }
    }

    fn place_at(step: u32) -> Place {
        TURN[step as usize % TURN.len()]
    }

    /// Goes on to the next place and says so before and after.
    fn advance(&self, adapter: &LocalAdapter, index: u32) {
        let step = self.step.fetch_add(1, SeqCst);
        let slot = Self::slot_at(step, index);
        match step as usize % TURN.len() {
            0 => adapter.add(slot, &id(index)),
            2 => assert!(adapter.join(slot, "a") && adapter.join(slot, "b")),
            4 => assert!(adapter.join(slot, "muted")),
            6 => {
                let moves = ["a", "b", "muted"].map(|room| adapter.leave(slot, room));
                assert_eq!(moves, [true; 3]);
            }
            8 => assert!(adapter.join(slot, "b")),
            10 => adapter.remove(slot),
            odd => unreachable!("{odd} lies between two places"),
        }
        self.step.fetch_add(1, SeqCst);
    }
}

/// A target, and whom it reaches: stable sockets by index, restless ones by place.
struct Case {
    target: Target,
    stable: fn(u32) -> bool,
    restless: fn(Place) -> bool,
}

/// Selects once and holds every socket to the guarantee. The result is how many restless ones stood still meanwhile.
fn check_selection(adapter: &LocalAdapter, restless: &[Restless], case: &Case) -> usize {
    let steps = || Vec::from_iter(restless.iter().map(|socket| socket.step.load(SeqCst)));
    let before = steps();
    let mut times = BTreeMap::<Slot, u32>::new();
    adapter.select(&case.target, &mut |slots| {
        for &slot in slots {
            *times.entry(slot).or_default() += 1;
        }
    });
    let after = steps();

    for index in 0..STABLE {
        let reached = times.remove(&slot(index)).unwrap_or(0);
        assert_eq!(reached, u32::from((case.stable)(index)), "stable {index}");
    }
    let mut settled = 0;
    for (number, (&before, &after)) in before.iter().zip(&after).enumerate() {
        let index = STABLE + number as u32;
        let now = Restless::slot_at(before, index);
        let place = Restless::place_at(before);
        if before == after && place != Place::Changing {
            settled += 1;
            let reached = times.remove(&now).unwrap_or(0);
            assert_eq!(
                reached,
                u32::from((case.restless)(place)),
                "{now:?} {place:?}"
            );
        }
    }
    // Whoever is left was on the move: at most once, and in no generation that was over before.
    for (slot, times) in times {
        let number = (slot.index - STABLE) as usize;
        let (before, after) = (before[number], after[number]);
        let on_the_move = before != after || Restless::place_at(before) == Place::Changing;
        let over = slot.generation < Restless::slot_at(before, slot.index).generation;
        assert!(on_the_move && !over && times == 1, "{slot:?} {times} times");
    }
    settled
}

/// Runs one selecting thread per case, and changers until those are through.
fn check(cases: &[Case]) {
    let adapter = &LocalAdapter::new();
    let restless = &Vec::from_iter((0..RESTLESS).map(|_| Restless {
        step: AtomicU32::new(0),
    }));
    for index in 0..STABLE {
        adapter.add(slot(index), &id(index));
        adapter.join(slot(index), "a");
        adapter.join(slot(index), "b");
        if index % 2 == 1 {
            adapter.join(slot(index), "muted");
        }
    }
    let start = &Barrier::new(CHANGERS as usize + cases.len());
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        for changer in 0..CHANGERS {
            scope.spawn(move || {
                start.wait();
                while !done.load(SeqCst) {
                    for number in (changer..RESTLESS).step_by(CHANGERS as usize) {
                        restless[number as usize].advance(adapter, STABLE + number);
                    }
                }
            });
        }
        let selecting = Vec::from_iter(cases.iter().map(|case| {
            scope.spawn(move || {
                start.wait();
                for _ in 0..SELECTIONS {
                    check_selection(adapter, restless, case);
                }
            })
        }));
        // A failure has to stop the changers too, so it is looked at only afterwards.
        let ended = Vec::from_iter(selecting.into_iter().map(|thread| thread.join().is_ok()));
        done.store(true, SeqCst);
        assert!(ended.iter().all(|ok| *ok));
    });
    for case in cases {
        let still = check_selection(adapter, restless, case);
        assert_eq!(still, RESTLESS as usize);
    }
}

#[test]
fn rooms_reach_each_member_once_while_others_come_and_go() {
    check(&[
        // With one room and no `except` there is no second pass that would hide a socket copied twice.
        Case {
            target: Target::rooms(["b"]),
            stable: |_| true,
            restless: |place| matches!(place, Place::InRoom | Place::Excepted),
        },
        Case {
            target: Target::rooms(["a", "b"]).except(["muted"]),
            stable: |index| index % 2 == 0,
            restless: |place| place == Place::InRoom,
        },
    ]);
}

#[test]
fn everyone_is_reached_once_while_others_come_and_go() {
    check(&[
        Case {
            target: Target::everyone(),
            stable: |_| true,
            restless: |place| place != Place::Absent,
        },
        Case {
            target: Target::everyone().except(["muted"]),
            stable: |index| index % 2 == 0,
            restless: |place| matches!(place, Place::InRoom | Place::Outside),
        },
    ]);
}

#[test]
fn sockets_of_many_threads_meet_in_one_room() {
    const EACH: u32 = 500;
    let adapter = &LocalAdapter::new();
    thread::scope(|scope| {
        for part in 0..4 {
            scope.spawn(move || {
                for index in part * EACH..(part + 1) * EACH {
                    adapter.add(slot(index), &id(index));
                    assert!(adapter.join(slot(index), "all"));
                    assert!(adapter.join(slot(index), &format!("own {index}")));
                    assert!(adapter.join(slot(index), "passing"));
                    assert!(adapter.leave(slot(index), "passing"));
                }
            });
        }
    });
    let mut all = adapter.participants(&Target::rooms(["all"]));
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter((0..4 * EACH).map(slot)));
    assert_eq!(adapter.member_count("passing"), 0);
    assert_eq!(adapter.room_names().len(), 4 * EACH as usize + 1);
}
