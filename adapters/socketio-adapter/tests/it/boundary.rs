//! The guarantees while sockets change between the pieces of a selection, over random scripts.
//!
//! Where `concurrency` meets the boundaries by chance, here something happens at every one of them, always the same.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, RngSeed},
};
use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

use crate::id;

/// Every index is in use at first; as a target, three pieces.
const CROWD: u32 = 2_100;

/// Room `n` begins with every `n + 1`th index, the last one with nobody.
const ROOMS: u8 = 4;

/// How many changes happen at one boundary, each to this many sockets in a row.
const CHANGES: usize = 4;
const IN_A_ROW: u32 = 40;

/// Whatever a socket can be reached by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Everyone,
    Room(u8),
    /// The private room of an index.
    Id(u32),
}

impl Name {
    fn text(self) -> String {
        match self {
            Self::Everyone => unreachable!("has no name"),
            Self::Room(number) => format!("room {number}"),
            Self::Id(index) => id(index),
        }
    }
}

/// What happens to sockets that follow each other.
#[derive(Clone, Debug)]
struct Change {
    first: u32,
    count: u32,
    action: Action,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Join(u8),
    Leave(u8),
    /// Out and in again: whoever copies late would take it for two, or for none.
    Rejoin(u8),
    LeaveAll,
    /// Absent, or if it is so already, back as another socket.
    Toggle,
    /// Another socket under the same index.
    Replace,
    /// The same calls in the name of the socket that had the index before.
    Earlier(u8),
}

/// One selection, and what happens at its boundaries; a selection of more pieces begins anew.
#[derive(Clone, Debug)]
struct Selection {
    rooms: Option<Vec<Name>>,
    except: Vec<Name>,
    script: Vec<Vec<Change>>,
}

/// Naive on purpose: a set of pairs, and during a selection two more.
#[derive(Default)]
struct Model {
    members: BTreeSet<(Name, Slot)>,
    generations: BTreeMap<u32, u32>,
    /// The pairs that have been there since the selection began, without a gap.
    throughout: BTreeSet<(Name, Slot)>,
    /// The pairs that have been there at any moment since.
    ever: BTreeSet<(Name, Slot)>,
}

impl Model {
    fn slot(&self, index: u32) -> Slot {
        let generation = self.generations.get(&index).copied().unwrap_or(0);
        Slot { index, generation }
    }

    fn insert(&mut self, name: Name, slot: Slot) {
        self.members.insert((name, slot));
        self.ever.insert((name, slot));
    }

    fn remove(&mut self, name: Name, slot: Slot) {
        self.members.remove(&(name, slot));
        self.throughout.remove(&(name, slot));
    }

    fn is_present(&self, slot: Slot) -> bool {
        self.members.contains(&(Name::Everyone, slot))
    }

    fn begin_selection(&mut self) {
        self.throughout.clone_from(&self.members);
        self.ever.clone_from(&self.members);
    }

    /// How often a selection that is over may have reached this socket, at least and at most.
    fn reach(&self, slot: Slot, rooms: &[Name], except: &[Name]) -> (u32, u32) {
        let throughout = |name: &Name| self.throughout.contains(&(*name, slot));
        let ever = |name: &Name| self.ever.contains(&(*name, slot));
        let must = rooms.iter().any(throughout) && !except.iter().any(ever);
        let may = rooms.iter().any(ever) && !except.iter().any(throughout);
        (u32::from(must), u32::from(may))
    }
}

/// An adapter and what is known about it.
struct Pair<'a> {
    adapter: &'a LocalAdapter,
    model: Model,
}

impl<'a> Pair<'a> {
    /// Fills an empty adapter.
    fn new(adapter: &'a LocalAdapter) -> Self {
        let model = Model::default();
        let mut pair = Self { adapter, model };
        for index in 0..CROWD {
            pair.add(index);
            for room in (0..ROOMS - 1).filter(|room| index % (u32::from(*room) + 1) == 0) {
                pair.apply(Action::Join(room), index);
            }
        }
        pair
    }

    fn add(&mut self, index: u32) {
        let slot = self.model.slot(index);
        self.adapter.add(slot, &id(index));
        self.model.insert(Name::Everyone, slot);
        self.model.insert(Name::Id(index), slot);
    }

    fn remove(&mut self, index: u32) {
        let slot = self.model.slot(index);
        self.adapter.remove(slot);
        for name in [Name::Everyone, Name::Id(index)] {
            self.model.remove(name, slot);
        }
        for room in 0..ROOMS {
            self.model.remove(Name::Room(room), slot);
        }
        *self.model.generations.entry(index).or_default() += 1;
    }

    fn apply(&mut self, action: Action, index: u32) {
        let slot = self.model.slot(index);
        let present = self.model.is_present(slot);
        match action {
            Action::Join(room) => {
                let name = Name::Room(room);
                let new = present && !self.model.members.contains(&(name, slot));
                assert_eq!(self.adapter.join(slot, &name.text()), new);
                if present {
                    self.model.insert(name, slot);
                }
            }
            Action::Leave(room) => {
                let name = Name::Room(room);
                let left = self.model.members.contains(&(name, slot));
                assert_eq!(self.adapter.leave(slot, &name.text()), left);
                self.model.remove(name, slot);
            }
            Action::Rejoin(room) => {
                self.apply(Action::Leave(room), index);
                self.apply(Action::Join(room), index);
            }
            Action::LeaveAll => (0..ROOMS).for_each(|room| self.apply(Action::Leave(room), index)),
            Action::Toggle if present => self.remove(index),
            Action::Toggle => self.add(index),
            Action::Replace => {
                self.remove(index);
                self.add(index);
            }
            Action::Earlier(room) => {
                let earlier = Slot {
                    generation: slot.generation.wrapping_sub(1),
                    ..slot
                };
                let room = Name::Room(room).text();
                assert!(!self.adapter.join(earlier, &room));
                assert!(!self.adapter.leave(earlier, &room));
                self.adapter.remove(earlier);
            }
        }
    }

    /// Selects, follows the script at each boundary, and holds every socket to the guarantee.
    fn check(&mut self, selection: &Selection) {
        let Selection {
            rooms,
            except,
            script,
        } = selection;
        let texts = |names: &[Name]| Vec::from_iter(names.iter().map(|name| name.text()));
        let target = match rooms {
            Some(rooms) => Target::rooms(texts(rooms)),
            None => Target::everyone(),
        };
        let target = target.except(texts(except));

        self.model.begin_selection();
        let mut times = BTreeMap::<Slot, u32>::new();
        let mut script = script.iter().cycle();
        self.adapter.select(&target, &mut |slots| {
            for &slot in slots {
                *times.entry(slot).or_default() += 1;
            }
            for change in script.next().into_iter().flatten() {
                for index in change.first..(change.first + change.count).min(CROWD) {
                    self.apply(change.action, index);
                }
            }
        });

        let rooms = rooms.as_deref().unwrap_or(&[Name::Everyone]);
        let reached = times.keys().copied();
        let sockets: BTreeSet<_> = self.model.ever.iter().map(|(_, slot)| *slot).collect();
        for slot in sockets.into_iter().chain(reached) {
            let (least, most) = self.model.reach(slot, rooms, except);
            let times = times.get(&slot).copied().unwrap_or(0);
            assert!(
                (least..=most).contains(&times),
                "{slot:?} {times} times, not {least} to {most}"
            );
        }
    }
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![
        6 => (0..ROOMS).prop_map(Name::Room),
        1 => (0..CROWD).prop_map(Name::Id),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (0..ROOMS).prop_map(Action::Join),
        (0..ROOMS).prop_map(Action::Leave),
        (0..ROOMS).prop_map(Action::Rejoin),
        Just(Action::LeaveAll),
        Just(Action::Toggle),
        Just(Action::Replace),
        (0..ROOMS).prop_map(Action::Earlier),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    (0..CROWD, 1..=IN_A_ROW, action()).prop_map(|(first, count, action)| Change {
        first,
        count,
        action,
    })
}

fn selection() -> impl Strategy<Value = Selection> {
    let rooms = option::of(vec(name(), 1..4));
    let script = vec(vec(change(), 1..=CHANGES), 1..4);
    (rooms, vec(name(), 0..3), script).prop_map(|(rooms, except, script)| Selection {
        rooms,
        except,
        script,
    })
}

proptest! {
    #![proptest_config(Config {
        cases: 32,
        rng_seed: RngSeed::Fixed(1024),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn changes_between_pieces_keep_every_guarantee(selections in vec(selection(), 1..5)) {
        let adapter = LocalAdapter::new();
        let mut pair = Pair::new(&adapter);
        for selection in &selections {
            pair.check(selection);
        }
    }
}
