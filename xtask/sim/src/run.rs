//! Seeds over threads, and the report: what was seen, or the first broken rule with its trace.

use std::{
    fs, io,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

use crate::fault::Fault;
use crate::replay::replay_all;
use crate::trace::readable;
use crate::world::{Tally, World};

/// Lines of a trace that a failure prints; the rest is in the file.
const SHOWN: usize = 60;

/// One seed out of so many is recorded and replayed as well.
const REPLAYED: u64 = 20;

/// The rule that nothing panics.
const PANIC: &str = "panic";

/// A seed whose run broke a rule.
struct Failure {
    seed: u64,
    fault: Fault,
}

/// Panics become faults, which are reported once and with their seed.
pub(crate) fn quieten_panics() {
    panic::set_hook(Box::new(|_| {}));
}

/// Runs one seed and prints all of its trace.
pub(crate) fn one(seed: u64, traces: &Path) -> ExitCode {
    let (lines, result) = traced(seed);
    show(&lines);
    match result {
        Ok(tally) => {
            print_tally(&tally);
            println!("seed {seed} keeps every rule");
            say_where(&lines, write(seed, &lines, traces));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            report(seed, &fault, &lines, traces, false);
            ExitCode::FAILURE
        }
    }
}

/// Runs seeds until one fails, one after the other: how many it takes is worth knowing. Its record is
/// written if it can be replayed.
pub(crate) fn expect_fault(first: u64, count: u64, traces: &Path) -> ExitCode {
    for seed in first..first + count {
        if let Err(fault) = quiet(seed) {
            let after = seed - first + 1;
            println!("after {after} seeds, {fault}");
            if fault.rule != PANIC && is_replayable(&World::new(seed, false)) {
                let (lines, _) = traced(seed);
                say_where(&lines, write(seed, &lines, traces));
            }
            return ExitCode::SUCCESS;
        }
    }
    ExitCode::FAILURE
}

/// Runs many seeds until one fails.
pub(crate) fn many(first: u64, count: u64, jobs: usize, traces: &Path) -> ExitCode {
    let started = now();
    let next = AtomicU64::new(0);
    // The smallest failing seed is reported, however the threads took turns.
    let failure = Mutex::new(None::<Failure>);
    let tally = Mutex::new(Tally::default());
    let work = || {
        let mut own = Tally::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let seed = first + index;
            match quiet(seed) {
                Ok(seen) => own.add(&seen),
                Err(fault) => {
                    next.fetch_max(count, Ordering::Relaxed);
                    let mut failure = lock(&failure);
                    if failure.as_ref().is_none_or(|it| seed < it.seed) {
                        *failure = Some(Failure { seed, fault });
                    }
                }
            }
        }
        lock(&tally).add(&own);
    };
    thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(work);
        }
    });
    let tally = lock(&tally);
    print_tally(&tally);
    let seconds = started.elapsed().as_secs_f64();
    if let Some(Failure { seed, fault }) = lock(&failure).as_ref() {
        let (lines, _) = traced(*seed);
        report(*seed, fault, &lines, traces, true);
        return ExitCode::FAILURE;
    }
    println!("{count} seeds from {first} keep every rule, {seconds:.1} s");
    ExitCode::SUCCESS
}

fn quiet(seed: u64) -> Result<Tally, Fault> {
    let mut world = World::new(seed, false);
    run(&mut world)?;
    if seed.is_multiple_of(REPLAYED) && is_replayable(&world) {
        replay(seed)?;
    }
    Ok(world.tally)
}

/// Forms are as long as their escapes make them, which no record tells.
fn is_replayable(world: &World) -> bool {
    world.scenario.format.jsonp.is_none()
}

/// What was recorded of a seed happens again.
fn replay(seed: u64) -> Result<(), Fault> {
    let (lines, _) = traced(seed);
    match replay_all(lines.iter().map(String::as_str)) {
        Ok(_) => Ok(()),
        Err(divergence) => Err(Fault {
            rule: "record",
            what: divergence.to_string(),
        }),
    }
}

fn traced(seed: u64) -> (Vec<String>, Result<Tally, Fault>) {
    let mut world = World::new(seed, true);
    let result = run(&mut world);
    let tally = world.tally.clone();
    (world.trace.into_lines(), result.map(|()| tally))
}

/// A panic of what is under test is a broken rule like any other.
fn run(world: &mut World) -> Result<(), Fault> {
    panic::catch_unwind(AssertUnwindSafe(|| world.run())).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        Err(Fault {
            rule: PANIC,
            what: text.unwrap_or_default(),
        })
    })
}

fn show(lines: &[String]) {
    for line in lines.iter().filter_map(|line| readable(line)) {
        println!("{line}");
    }
}

fn report(seed: u64, fault: &Fault, lines: &[String], traces: &Path, tail: bool) {
    if tail {
        show(&lines[lines.len().saturating_sub(SHOWN)..]);
    }
    println!("seed {seed} breaks a rule: {fault}");
    say_where(lines, write(seed, lines, traces));
    println!("again: cargo xtask sim --seed {seed}");
}

fn say_where(lines: &[String], written: io::Result<PathBuf>) {
    match written {
        Ok(file) => println!("all of its {} lines: {}", lines.len(), file.display()),
        Err(error) => println!("its trace could not be written: {error}"),
    }
}

fn write(seed: u64, lines: &[String], traces: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(traces)?;
    let file = traces.join(format!("{seed}.jsonl"));
    fs::write(&file, lines.join("\n") + "\n")?;
    Ok(file)
}

fn print_tally(tally: &Tally) {
    println!(
        "{} steps, {} sessions, {} upgrades, {} sockets recovered, {} messages; ends of sessions:",
        tally.steps, tally.sessions, tally.upgrades, tally.recovered, tally.messages
    );
    for (end, count) in &tally.ends {
        println!("{count:>9} {end}");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time a person waits.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime whose clock could be read"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_every_time() {
        let seeds = 0..20;
        let lines = |seed| traced(seed).0;
        assert!(seeds.clone().all(|seed| lines(seed) == lines(seed)));
        assert_ne!(lines(0), lines(1));
    }

    #[test]
    fn what_is_written_down_changes_nothing() {
        for seed in 0..20 {
            let steps = |result: Result<Tally, Fault>| result.map(|tally| tally.steps);
            assert_eq!(steps(quiet(seed)), steps(traced(seed).1), "{seed}");
        }
    }

    #[test]
    fn seeds_see_what_there_is_to_see() {
        let mut tally = Tally::default();
        for seed in 0..300 {
            tally.add(&quiet(seed).unwrap());
        }
        let ends = tally.ends.keys().map(|end| end.split(": ").next());
        assert!(ends.clone().any(|it| it == Some("client")));
        assert!(ends.clone().any(|it| it == Some("server")));
        assert!(tally.ends.len() > 15, "{:?}", tally.ends);
        assert!(tally.upgrades > 100 && tally.recovered > 0, "{tally:?}");
    }
}
