//! Random schedules for both ends of a session, and what must hold in each of them.
//!
//! Started by `cargo xtask sim`. [`world`] is the loop, [`scenario`] what there is to draw,
//! [`fate`] the table of how sessions may end; the README says the rest.

mod actions;
mod app;
mod client;
mod fate;
mod fault;
mod http;
mod lane;
mod pulse;
mod recovery;
mod replay;
mod rng;
mod route;
mod run;
mod scenario;
mod server;
mod trace;
mod wire;
mod world;

use std::{num::NonZero, path::PathBuf, process::ExitCode, thread};

use clap::Parser;

/// Runs both ends of sessions over a network that misbehaves, on a virtual clock.
#[derive(Parser)]
#[command(bin_name = "cargo xtask sim")]
struct Cli {
    /// Runs what this file has recorded instead, and compares.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// How many seeds to run, from the first on.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    seeds: u64,
    /// The first seed of many.
    #[arg(long, value_name = "S", default_value_t = 0)]
    first: u64,
    /// Only this seed, with its whole trace.
    #[arg(long, value_name = "S", conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Threads; all cores unless given.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Succeeds only if a rule is broken, and says by which seed: the code has a fault.
    #[arg(long)]
    expect_fault: bool,
    /// Where the trace of a failure goes.
    #[arg(long, value_name = "FOLDER", default_value = "target/sim")]
    traces: PathBuf,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(file) = cli.replay {
        return replay::run(&file);
    }
    run::quieten_panics();
    if let Some(seed) = cli.seed {
        return run::one(seed, &cli.traces);
    }
    if cli.expect_fault {
        return run::expect_fault(cli.first, cli.seeds, &cli.traces);
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    run::many(cli.first, cli.seeds, cli.jobs.unwrap_or(cores), &cli.traces)
}
