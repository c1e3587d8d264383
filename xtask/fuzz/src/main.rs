//! `cargo xtask fuzz` on the stable toolchain: reads the command line and prints what happens.

use std::{
    fs,
    hash::{BuildHasher, Hasher, RandomState},
    io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{
    Parser,
    builder::{PossibleValuesParser, TypedValueParser},
};
use fuzz::{Campaign, Failure, TARGETS, Target};

/// Throws bytes at decoders and state machines.
#[derive(Parser)]
#[command(bin_name = "cargo xtask fuzz")]
enum Command {
    /// What there is to fuzz.
    List,
    /// One target.
    Run {
        #[arg(value_parser = target())]
        target: &'static Target,
        /// Seconds to go on for; 0 replays what is in the repository.
        #[arg(long, value_name = "S", default_value_t = 60)]
        time: u64,
        /// Draws the same inputs as an earlier run.
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Every target for a short time.
    Ci {
        /// Seconds for each of them.
        #[arg(long, value_name = "S", default_value_t = 5)]
        time: u64,
        /// Draws other inputs than those of 1.
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// What libFuzzer begins with: seeds, regressions and the dictionary as files in a folder.
    Export {
        #[arg(value_parser = target())]
        target: &'static Target,
        folder: PathBuf,
    },
    /// Shortens an input that libFuzzer found and makes a regression of it.
    Keep {
        #[arg(value_parser = target())]
        target: &'static Target,
        input: PathBuf,
    },
    /// Makes seeds of the inputs in a folder.
    Plant {
        #[arg(value_parser = target())]
        target: &'static Target,
        folder: PathBuf,
    },
}

fn target() -> impl TypedValueParser<Value = &'static Target> {
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.name))
        .try_map(|name| Target::find(&name).ok_or("no such target"))
}

fn main() -> ExitCode {
    match run(Command::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that must hold did.
fn run(command: Command) -> io::Result<bool> {
    match command {
        Command::List => {
            for target in TARGETS {
                println!("{:<20} {}", target.name, target.about);
            }
        }
        Command::Run { target, time, seed } => {
            return fuzz(target, seed.unwrap_or_else(any_seed), time);
        }
        Command::Ci { time, seed } => {
            let mut all_hold = true;
            for target in TARGETS {
                // One mistake must not hide another.
                all_hold &= fuzz(target, seed, time)?;
            }
            return Ok(all_hold);
        }
        Command::Export { target, folder } => fuzz::export(target, &folder)?,
        Command::Keep { target, input } => return keep(target, &input),
        Command::Plant { target, folder } => fuzz::plant(target, &folder)?,
    }
    Ok(true)
}

fn fuzz(target: &'static Target, seed: u64, seconds: u64) -> io::Result<bool> {
    let name = target.name;
    let campaign = Campaign::new(target, seed, Duration::from_secs(seconds));
    match campaign.run() {
        Ok(report) => {
            let (executions, corpus) = (report.executions, report.corpus);
            println!("{name:<20} {executions:>9} executions, {corpus:>4} inputs, seed {seed}");
            Ok(true)
        }
        Err(Failure::Io(error)) => Err(error),
        Err(Failure::Found(found)) => {
            println!("{name:<20} FAILED, seed {seed}\n{found}");
            println!("  again   cargo xtask fuzz run {name} --time 0");
            Ok(false)
        }
    }
}

/// Whether the target holds against this input after all.
fn keep(target: &'static Target, input: &Path) -> io::Result<bool> {
    let input = fs::read(input)?;
    match Campaign::new(target, 0, Duration::ZERO).shrink(&input) {
        Ok(()) => {
            println!("{} holds against it", target.name);
            Ok(true)
        }
        Err(Failure::Io(error)) => Err(error),
        Err(Failure::Found(found)) => {
            println!("{found}");
            Ok(false)
        }
    }
}

/// The standard library's own randomness: nothing here depends on its quality.
fn any_seed() -> u64 {
    RandomState::new().build_hasher().finish()
}
