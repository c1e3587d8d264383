//! The log against a model that keeps everything and finds out each time what should be left.

use std::mem;

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed},
};
use socketio_proto::{
    Revision,
    recovery::{Bookmark, Claim, Config, Log, Offset},
};

const DURATION: u64 = 100;
const MAX_BYTES: usize = 600;
const MAX_ENTRIES: usize = 6;
const MAX_SESSIONS: usize = 2;

#[derive(Clone, Debug)]
enum Call {
    Append {
        bytes: usize,
    },
    Save {
        pid: u8,
    },
    Restore {
        pid: u8,
        shown: Shown,
    },
    Timeout,
    Pass(u64),
    /// The clock steps back.
    Back(u64),
}

/// The offset a client comes with.
#[derive(Clone, Debug)]
enum Shown {
    /// Of the packet that many before the newest.
    Behind(usize),
    /// Of the packet that many after the newest.
    Ahead(usize),
    Foreign(usize),
    Garbage(String),
}

#[derive(Default)]
struct Model {
    now: u64,
    /// When each packet came and what it weighs; the payload is the number of packets before it.
    packets: Vec<(u64, usize)>,
    saved: Vec<Saved>,
    saves: usize,
    ended: Vec<usize>,
}

struct Saved {
    pid: u8,
    /// How many were saved before it.
    session: usize,
    at: u64,
    newest: usize,
}

impl Model {
    /// The packets held: as many of the last as age and bounds allow.
    fn held(&self) -> &[(u64, usize)] {
        let fits = |tail: &[(u64, usize)]| {
            tail.len() <= MAX_ENTRIES
                && tail.iter().map(|(_, weight)| weight).sum::<usize>() <= MAX_BYTES
                && tail.iter().all(|(at, _)| at + DURATION > self.now)
        };
        let tails = (0..=self.packets.len()).map(|start| &self.packets[start..]);
        tails
            .into_iter()
            .find(|tail| fits(tail))
            .unwrap_or_default()
    }

    fn save(&mut self, pid: u8) {
        if let Some(at) = self.saved.iter().position(|saved| saved.pid == pid) {
            self.ended.push(self.saved.remove(at).session);
        }
        self.saved.push(Saved {
            pid,
            session: self.saves,
            at: self.now,
            newest: self.packets.len(),
        });
        self.saves += 1;
        if self.saved.len() > MAX_SESSIONS {
            self.ended.push(self.saved.remove(0).session);
        }
    }

    /// `number` is how many packets came up to the offset, if it is one of this log.
    fn restore(&mut self, pid: u8, number: Option<usize>) -> Option<(usize, Vec<usize>)> {
        let at = self.saved.iter().position(|saved| saved.pid == pid)?;
        if self.saved[at].at + DURATION <= self.now {
            return None;
        }
        let saved = self.saved.remove(at);
        let dropped = self.packets.len() - self.held().len();
        let fits = |number: &usize| (dropped..=saved.newest).contains(number);
        match number.filter(fits) {
            Some(number) => Some((saved.session, (number..self.packets.len()).collect())),
            None => {
                self.ended.push(saved.session);
                None
            }
        }
    }

    fn end(&mut self) -> Vec<usize> {
        let is_over = |saved: &Saved| saved.at + DURATION <= self.now;
        let expired = self.saved.extract_if(.., |saved| is_over(saved));
        self.ended.extend(expired.map(|saved| saved.session));
        mem::take(&mut self.ended)
    }

    fn timeout(&self) -> Option<u64> {
        if !self.ended.is_empty() {
            return Some(self.now);
        }
        let packet = self.held().first().map(|(at, _)| at + DURATION);
        let session = self.saved.first().map(|saved| saved.at + DURATION);
        packet.into_iter().chain(session).min()
    }
}

fn call() -> impl Strategy<Value = Call> {
    let shown = prop_oneof![
        8 => (0..8_usize).prop_map(Shown::Behind),
        1 => (1..3_usize).prop_map(Shown::Ahead),
        1 => (0..3_usize).prop_map(Shown::Foreign),
        1 => any::<String>().prop_map(Shown::Garbage),
    ];
    let pid = 0..3_u8;
    prop_oneof![
        6 => (0..150_usize).prop_map(|bytes| Call::Append { bytes }),
        1 => (0..2 * MAX_BYTES).prop_map(|bytes| Call::Append { bytes }),
        4 => pid.clone().prop_map(|pid| Call::Save { pid }),
        4 => (pid, shown).prop_map(|(pid, shown)| Call::Restore { pid, shown }),
        1 => Just(Call::Timeout),
        3 => (0..60_u64).prop_map(Call::Pass),
        1 => (0..60_u64).prop_map(Call::Back),
    ]
}

/// What an entry weighs beside the bytes it is said to have.
fn overhead() -> usize {
    let mut log = Log::<usize, usize>::new(0, &Config::default());
    log.append(0, 0, |_| 0);
    log.bytes()
}

fn run(calls: &[Call]) {
    let mut config = Config::default();
    config.max_disconnection_duration = DURATION;
    config.max_bytes = MAX_BYTES;
    config.max_entries = MAX_ENTRIES;
    config.max_sessions = MAX_SESSIONS;
    let mut log = Log::<usize, usize>::new(7, &config);
    let mut foreign = Log::<usize, usize>::new(8, &config);
    let mut offsets = vec![log.newest()];
    let mut model = Model::default();
    let mut clock = 0;
    for call in calls {
        match call {
            Call::Pass(time) => clock += time,
            Call::Back(time) => clock = clock.saturating_sub(*time),
            _ => model.now = model.now.max(clock),
        }
        match call {
            Call::Append { bytes } => {
                let payload = model.packets.len();
                let offset = log.append(clock, *bytes, |_| payload);
                assert!(offsets.iter().all(|earlier| *earlier < offset));
                offsets.push(offset);
                model.packets.push((model.now, bytes + overhead()));
            }
            Call::Save { pid } => {
                log.save(clock, &pid.to_string(), model.saves);
                model.save(*pid);
            }
            Call::Restore { pid, shown } => {
                let newest = model.packets.len();
                let number = match shown {
                    Shown::Behind(count) => newest.checked_sub(*count),
                    Shown::Ahead(count) => Some(newest + count),
                    Shown::Foreign(_) | Shown::Garbage(_) => None,
                };
                let offset = match shown {
                    Shown::Foreign(count) => {
                        for _ in 0..*count {
                            foreign.append(0, 0, |_| 0);
                        }
                        foreign.newest().to_string()
                    }
                    Shown::Garbage(text) => text.clone(),
                    // Digits of base 64 and of base 10 are the same for so few.
                    Shown::Ahead(count) if newest + count < 10 => format!("o7.{}", newest + count),
                    Shown::Ahead(_) => "o7.zz".to_owned(),
                    Shown::Behind(_) => number.map_or_else(String::new, |n| offsets[n].to_string()),
                };
                let restored = log
                    .restore(clock, &pid.to_string(), &offset)
                    .map(|restored| {
                        let missed = restored.missed.inspect(|(offset, payload)| {
                            assert_eq!(offsets[**payload + 1], *offset);
                        });
                        (
                            restored.session,
                            missed.map(|(_, payload)| *payload).collect(),
                        )
                    });
                assert_eq!(restored, model.restore(*pid, number), "{call:?}");
            }
            Call::Timeout => assert_eq!(log.handle_timeout(clock), model.end()),
            Call::Pass(_) | Call::Back(_) => {}
        }
        assert_eq!(log.newest(), *offsets.last().expect("at least one"));
        assert_eq!(log.entries(), model.held().len());
        let weight: usize = model.held().iter().map(|(_, weight)| weight).sum();
        assert_eq!(log.bytes(), weight);
        assert_eq!(log.sessions(), model.saved.len());
        assert_eq!(log.poll_timeout(), model.timeout());
    }
    model.now += DURATION;
    assert_eq!(log.handle_timeout(model.now), model.end());
    assert_eq!(log.poll_timeout(), None);
    assert_eq!((log.entries(), log.bytes(), log.sessions()), (0, 0, 0));
}

proptest! {
    #![proptest_config(Runs {
        cases: 400,
        rng_seed: RngSeed::Fixed(13),
        failure_persistence: None,
        ..Runs::default()
    })]

    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(calls in vec(call(), 0..60)) {
        run(&calls);
    }

    #[test]
    fn offsets_come_back_from_their_text_and_nothing_else_does(
        text in prop_oneof![any::<String>(), "o[0-9A-Za-z_-]{0,12}\\.[0-9A-Za-z_-]{0,12}"],
    ) {
        if let Some(offset) = Offset::parse(&text) {
            prop_assert_eq!(offset.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_anything_panic(pid: String, offset: String, auth: String) {
        let mut log = Log::<(), ()>::new(0, &Config::default());
        log.save(0, &pid, ());
        prop_assert!(log.restore(0, &auth, &offset).is_none() || pid == auth);
        let _ = log.restore(0, &pid, &offset);
        let _ = Claim::of(Revision::V5, Some(&auth));
        let quoted = format!("[{}, \"{auth}\"]", serde_json::Value::from(pid));
        let mut bookmark = Bookmark::default();
        bookmark.handle_connected(Some(&offset));
        if let Ok(args) = socketio_proto::Args::new(quoted, Vec::new()) {
            bookmark.handle_event(None, &args);
        }
    }
}
