//! Figures of this workspace's server and client beside those of others.
//!
//! Started by `cargo xtask bench`, which builds and installs what is measured. What is measured and
//! its other end have a core of Linux each; [`scenario`] is the table of what is measured, [`peer`] that of whom.

mod clock;
mod driven;
mod load;
mod machine;
mod measure;
mod peer;
mod process;
mod report;
mod scenario;
mod server;

use std::{process::ExitCode, time::Duration};

use anyhow::{Result, ensure};
use clap::{Parser, builder::PossibleValuesParser};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    machine::Cores,
    measure::{Plan, measure},
    peer::{Folders, PEERS, Peer},
    report::{Fact, Outcome, Record, Report},
    scenario::{SCENARIOS, Scenario},
};

/// Measures what a Socket.IO server and client cost, ours beside others.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Cli {
    /// Two minutes instead of fifteen, for figures that are less certain.
    #[arg(long)]
    quick: bool,
    /// Only this; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = names(SCENARIOS, |it| it.name))]
    scenario: Vec<String>,
    /// Only this; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = names(PEERS, |it| it.name))]
    peer: Vec<String>,
    /// How often each is measured; what comes out is the median.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
}

fn names<T>(table: &'static [T], name: fn(&T) -> &'static str) -> PossibleValuesParser {
    PossibleValuesParser::new(table.iter().map(name))
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    machine::raise_limits()?;
    let cores = Cores::choose()?;
    let folders = Folders::find()?;
    let (plan, rounds) = match cli.quick {
        true => (QUICK, 2),
        false => (FULL, 5),
    };
    let rounds = cli.rounds.unwrap_or(rounds);

    let peers = peers(&cli, &folders)?;
    let records = run(&cli, rounds, &plan, &peers, &folders, &cores);
    let report = Report {
        facts: facts(&peers, rounds, &folders, &cores),
        records,
    };
    report.write(&folders.bench)?;
    println!("{}", report.to_text());
    println!("More in {}", folders.bench.display());
    if !cores.are_apart() {
        println!("Both ends shared one core: the figures are not comparable.");
    }
    let errors = report.errors();
    for error in &errors {
        eprintln!("error: {error}");
    }
    Ok(match errors.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

const FULL: Plan = Plan {
    warm_up: Duration::from_millis(500),
    measured: Duration::from_secs(2),
    fewer: 1,
};

const QUICK: Plan = Plan {
    warm_up: Duration::from_millis(200),
    measured: Duration::from_millis(600),
    fewer: 4,
};

/// Measures what was asked for. Peers take turns, so that what changes on the machine meanwhile
/// changes all of them.
fn run(
    cli: &Cli,
    rounds: usize,
    plan: &Plan,
    peers: &[&Peer],
    folders: &Folders,
    cores: &Cores,
) -> Vec<Record> {
    let scenarios: Vec<&Scenario> = selected(SCENARIOS, &cli.scenario, |it| it.name);
    let measured = scenarios.iter().flat_map(|scenario| {
        let can = |peer: &&&Peer| peer.can(scenario);
        peers.iter().filter(can)
    });
    let progress = progress(rounds * measured.count());
    let mut records = Vec::new();
    for round in 1..=rounds {
        for scenario in &scenarios {
            for peer in peers.iter().filter(|peer| peer.can(scenario)) {
                let (name, who) = (scenario.name, peer.name);
                progress.set_message(format!("round {round}: {name} of {who}"));
                let outcome = match measure(scenario, peer, plan, folders, cores) {
                    Ok(figure) => Outcome::Figure(figure),
                    Err(error) => Outcome::Error(format!("{error:#}")),
                };
                records.push(Record {
                    scenario: name,
                    peer: who,
                    round,
                    outcome,
                });
                progress.inc(1);
            }
        }
    }
    progress.finish_and_clear();
    records
}

/// The peers that were asked for, or those that are there if none was.
fn peers(cli: &Cli, folders: &Folders) -> Result<Vec<&'static Peer>> {
    let mut peers = selected(PEERS, &cli.peer, |it| it.name);
    if cli.peer.is_empty() {
        peers.retain(|peer| peer.is_there(folders));
    }
    for peer in &peers {
        ensure!(peer.is_there(folders), "{} is not installed", peer.name);
    }
    Ok(peers)
}

/// What ran where, and how.
fn facts(peers: &[&Peer], rounds: usize, folders: &Folders, cores: &Cores) -> Vec<Fact> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let command = format!("`cargo xtask bench {}`", arguments.join(" "));
    let mut facts = vec![("command", command), ("rounds", rounds.to_string())];
    facts.extend(machine::facts(cores));
    for peer in peers {
        let started = peer.command(folders);
        facts.push((
            peer.name,
            format!("{}; `{started:?}`", peer.version(folders)),
        ));
    }
    let fact = |(name, fact)| Fact { name, fact };
    facts.into_iter().map(fact).collect()
}

/// Those of a table that are named; all of them if none is.
fn selected<T>(
    table: &'static [T],
    names: &[String],
    name: fn(&T) -> &'static str,
) -> Vec<&'static T> {
    table
        .iter()
        .filter(|it| names.is_empty() || names.iter().any(|wanted| wanted == name(it)))
        .collect()
}

/// On standard error, and only if that is a terminal.
fn progress(steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({eta} left)");
    let bar = ProgressBar::new(steps as u64);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
