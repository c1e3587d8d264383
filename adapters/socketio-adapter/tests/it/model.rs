//! `LocalAdapter` against a model too simple to be wrong, over random sequences of calls.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed},
};
use socketio_adapter::{Adapter, LocalAdapter, Room, Slot, Target};

use crate::id;

/// Three share a stripe; one is far off.
const INDEXES: [u32; 6] = [0, 1, 2, 16, 32, 70_000];

/// Enough for a socket to need an index of its rooms.
const ROOMS: u8 = 60;

#[derive(Clone, Debug)]
enum Call {
    Add(u32),
    Remove(u32),
    RemoveEarlier(u32),
    Join(u32, Name),
    JoinAll(u32),
    JoinEarlier(u32, Name),
    Leave(u32, Name),
    LeaveMany(u32),
    LeaveEarlier(u32, Name),
    Select(Option<Vec<Name>>, Vec<Name>),
}

/// A room of its own, or one named like a socket's id.
#[derive(Clone, Debug)]
enum Name {
    Room(u8),
    Id(u32),
}

impl Name {
    fn text(&self) -> String {
        match self {
            Self::Room(number) => format!("room {number}"),
            Self::Id(index) => id(*index),
        }
    }
}

/// Whoever is present, by index: the generation and the rooms. An index keeps its id.
#[derive(Default)]
struct Model {
    present: BTreeMap<u32, (u32, BTreeSet<String>)>,
    generations: BTreeMap<u32, u32>,
}

impl Model {
    fn slot(&self, index: u32) -> Slot {
        let generation = self.generations.get(&index).copied().unwrap_or(0);
        Slot { index, generation }
    }

    fn earlier(&self, index: u32) -> Slot {
        let slot = self.slot(index);
        Slot {
            generation: slot.generation.wrapping_sub(1),
            ..slot
        }
    }

    /// Whose private room it is.
    fn owner(&self, name: &str) -> Option<u32> {
        self.present
            .keys()
            .copied()
            .find(|&index| id(index) == name)
    }

    fn is_in(&self, index: u32, name: &str) -> bool {
        match self.owner(name) {
            Some(owner) => owner == index,
            None => self
                .present
                .get(&index)
                .is_some_and(|(_, rooms)| rooms.contains(name)),
        }
    }

    fn join(&mut self, index: u32, name: String) -> bool {
        self.owner(&name).is_none()
            && self
                .present
                .get_mut(&index)
                .is_some_and(|(_, rooms)| rooms.insert(name))
    }

    fn leave(&mut self, index: u32, name: &str) -> bool {
        self.present
            .get_mut(&index)
            .is_some_and(|(_, rooms)| rooms.remove(name))
    }

    fn select(&self, rooms: Option<&[Name]>, except: &[Name]) -> Vec<Slot> {
        let in_one = |index, names: &[Name]| names.iter().any(|n| self.is_in(index, &n.text()));
        self.present
            .iter()
            .map(|(&index, &(generation, _))| Slot { index, generation })
            .filter(|slot| rooms.is_none_or(|rooms| in_one(slot.index, rooms)))
            .filter(|slot| !in_one(slot.index, except))
            .collect()
    }

    fn room_names(&self) -> BTreeSet<&str> {
        self.present
            .values()
            .flat_map(|(_, rooms)| rooms.iter().map(String::as_str))
            .collect()
    }
}

fn index() -> impl Strategy<Value = u32> {
    select(&INDEXES[..])
}

fn name() -> impl Strategy<Value = Name> {
    // Mostly the first rooms, so that sockets meet.
    prop_oneof![
        6 => (0..4_u8).prop_map(Name::Room),
        1 => (0..ROOMS).prop_map(Name::Room),
        2 => index().prop_map(Name::Id),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        6 => index().prop_map(Call::Add),
        2 => index().prop_map(Call::Remove),
        1 => index().prop_map(Call::RemoveEarlier),
        12 => (index(), name()).prop_map(|(index, name)| Call::Join(index, name)),
        1 => index().prop_map(Call::JoinAll),
        1 => (index(), name()).prop_map(|(index, name)| Call::JoinEarlier(index, name)),
        6 => (index(), name()).prop_map(|(index, name)| Call::Leave(index, name)),
        1 => index().prop_map(Call::LeaveMany),
        1 => (index(), name()).prop_map(|(index, name)| Call::LeaveEarlier(index, name)),
        6 => (option::of(vec(name(), 0..4)), vec(name(), 0..3))
            .prop_map(|(rooms, except)| Call::Select(rooms, except)),
    ]
}

fn apply(adapter: &LocalAdapter, model: &mut Model, call: &Call) {
    match call {
        Call::Add(index) => {
            if !model.present.contains_key(index) {
                *model.generations.entry(*index).or_default() += 1;
                let generation = model.slot(*index).generation;
                model.present.insert(*index, (generation, BTreeSet::new()));
            }
            adapter.add(model.slot(*index), &id(*index));
        }
        Call::Remove(index) => {
            model.present.remove(index);
            adapter.remove(model.slot(*index));
        }
        Call::RemoveEarlier(index) => adapter.remove(model.earlier(*index)),
        Call::Join(index, name) => {
            let changed = adapter.join(model.slot(*index), &name.text());
            assert_eq!(changed, model.join(*index, name.text()));
        }
        Call::JoinAll(index) => {
            for name in (0..ROOMS).map(Name::Room) {
                let changed = adapter.join(model.slot(*index), &name.text());
                assert_eq!(changed, model.join(*index, name.text()));
            }
        }
        Call::JoinEarlier(index, name) => {
            assert!(!adapter.join(model.earlier(*index), &name.text()));
        }
        Call::Leave(index, name) => {
            let changed = adapter.leave(model.slot(*index), &name.text());
            assert_eq!(changed, model.leave(*index, &name.text()));
        }
        Call::LeaveMany(index) => {
            for name in (4..ROOMS - 4).map(Name::Room) {
                let changed = adapter.leave(model.slot(*index), &name.text());
                assert_eq!(changed, model.leave(*index, &name.text()));
            }
        }
        Call::LeaveEarlier(index, name) => {
            assert!(!adapter.leave(model.earlier(*index), &name.text()));
        }
        Call::Select(rooms, except) => {
            let texts = |names: &[Name]| Vec::from_iter(names.iter().map(Name::text));
            let target = match rooms {
                Some(rooms) => Target::rooms(texts(rooms)),
                None => Target::everyone(),
            };
            let mut selected = adapter.participants(&target.except(texts(except)));
            selected.sort_unstable();
            assert_eq!(selected, model.select(rooms.as_deref(), except));
        }
    }
}

fn compare(adapter: &LocalAdapter, model: &Model) {
    assert_eq!(adapter.socket_count(), model.present.len());
    let names = adapter.room_names();
    assert_eq!(names.len(), model.room_names().len());
    assert_eq!(
        BTreeSet::from_iter(names.iter().map(|name| &**name)),
        model.room_names()
    );
    for name in names {
        let members = INDEXES.iter().filter(|index| model.is_in(**index, &name));
        assert_eq!(adapter.member_count(&name), members.count());
    }
    for index in INDEXES {
        let slot = model.slot(index);
        let present = model.present.get(&index);
        assert_eq!(adapter.find(&id(index)), present.map(|_| slot));
        assert_eq!(adapter.contains(slot, &id(index)), present.is_some());
        assert_eq!(
            adapter.contains(slot, "room 0"),
            model.is_in(index, "room 0")
        );
        let mut rooms = adapter.rooms(slot);
        rooms.sort_unstable();
        let expected = present.map_or_else(Vec::new, |(_, rooms)| {
            rooms.iter().map(|room| Room::from(&**room)).collect()
        });
        assert_eq!(rooms, expected);
    }
}

proptest! {
    #![proptest_config(Config {
        rng_seed: RngSeed::Fixed(60),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(calls in vec(call(), 0..80)) {
        let adapter = LocalAdapter::new();
        let mut model = Model::default();
        for call in &calls {
            apply(&adapter, &mut model, call);
            compare(&adapter, &model);
        }
    }
}
