//! Random schedules: links that are cut at any moment, refusals, late and failing credentials,
//! servers that expel, restart, forget to answer, with recovery and without; drivers that look late.
//! After each step and at the end the promises of the manager are checked. A failure names its seed.

mod application;
mod host;
mod run;

use super::super::backoff;
use run::Run;

const NAMES: [&str; 3] = ["/", "/a", "/b"];

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        let mut random = backoff::Random(self.0);
        let drawn = (random.next() * limit as f64) as u64;
        self.0 = random.0;
        drawn
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// The number of a client's event in a message.
fn number_of(text: &str) -> Option<u64> {
    let (_, list) = text.split_once('[')?;
    let number = list
        .strip_prefix(r#""e","#)
        .or_else(|| list.strip_prefix(r#""v","#))?;
    number.strip_suffix(']')?.parse().ok()
}

#[test]
fn whatever_happens_nothing_is_lost_silently_reordered_or_doubled() {
    for seed in 0..1_000 {
        let run = std::panic::catch_unwind(|| Run::new(seed).finish());
        assert!(run.is_ok(), "seed {seed}");
    }
}
