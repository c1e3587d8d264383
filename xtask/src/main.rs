//! `cargo xtask`: the workspace's own commands, as one table.
//!
//! Each command has a file of its own; this one only reads the command line. Unix only, because
//! child processes are ended by process group.

mod bench;
mod ci;
mod clients;
mod conformance;
mod features;
mod fuzz;
mod install;
mod matrix;
mod process;
mod replay;
mod sim;
mod steps;
mod test;
mod tidy;
mod vectors;
mod workspace;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    conformance::Layer,
    fuzz::Fuzz,
    process::Stop,
    steps::{Selection, run_steps},
    workspace::Workspace,
};

/// The workspace's own commands.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Formatting, lints, docs, house rules, and each crate alone with each of its features.
    Ci,
    /// Everything deterministic: `ci`, all tests, the real clients, the budgets.
    Test {
        /// Also run what takes long or needs files from elsewhere.
        #[arg(long)]
        full: bool,
        /// Run only the steps whose name contains this, and what they need.
        #[arg(long, value_name = "STEP")]
        filter: Option<String>,
    },
    /// The house rules, as checks.
    Tidy,
    /// An official protocol suite against this workspace's example servers.
    Conformance {
        /// The `test-suite` folder of a checkout of socketio/engine.io-protocol or
        /// socketio/socket.io-protocol.
        #[arg(long, value_name = "PATH")]
        suite: PathBuf,
        /// Take the folder as it is in this commit or branch of the checkout.
        #[arg(long, value_name = "COMMIT")]
        at: Option<String>,
        /// Run only the cases of this layer.
        #[arg(long, value_name = "LAYER")]
        only: Option<Layer>,
    },
    /// The golden vectors, made again by the reference packages, beside the committed ones.
    Vectors {
        /// Replace the committed ones.
        #[arg(long)]
        write: bool,
    },
    /// Inputs nobody thought of, for every decoder and every state machine.
    Fuzz {
        #[command(subcommand)]
        command: Fuzz,
    },
    /// Both ends of sessions in random schedules, on a virtual clock.
    #[command(disable_help_flag = true)]
    Sim {
        /// Instead, put faults into a copy, those about WORDS or all, and see each of them found.
        #[arg(long, value_name = "WORDS", num_args = 0..=1, default_missing_value = "")]
        mutations: Option<String>,
        /// Handed on: `cargo xtask sim --help` says what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// A record of sessions, such as a trace of the simulator, run through the core again.
    Replay {
        /// Lines of JSON.
        file: PathBuf,
    },
    /// Figures of the server beside those of other Socket.IO servers.
    #[command(disable_help_flag = true)]
    Bench {
        /// Handed on: `cargo xtask bench --help` says what there is.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(stop) => {
            eprintln!("error: {stop}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Stop> {
    process::end_children_on_signals()?;
    let workspace = Workspace::load()?;
    match command {
        Command::Ci => run_steps(&workspace, ci::STEPS, &Selection::default()),
        Command::Test { full, filter } => {
            run_steps(&workspace, &test::steps(), &Selection { full, filter })
        }
        Command::Tidy => tidy::run(&workspace).map(|()| ExitCode::SUCCESS),
        Command::Conformance { suite, at, only } => {
            conformance::run(&workspace, &suite, at.as_deref(), only).map(|()| ExitCode::SUCCESS)
        }
        Command::Vectors { write } => vectors::run(&workspace, write).map(|()| ExitCode::SUCCESS),
        Command::Fuzz { command } => fuzz::run(&workspace, &command).map(|()| ExitCode::SUCCESS),
        Command::Sim {
            mutations,
            arguments,
        } => match mutations {
            Some(words) => sim::run_mutations(&workspace, &words),
            None => sim::run(&workspace, &arguments),
        }
        .map(|()| ExitCode::SUCCESS),
        Command::Replay { file } => replay::run(&workspace, &file).map(|()| ExitCode::SUCCESS),
        Command::Bench { arguments } => {
            bench::run(&workspace, &arguments).map(|()| ExitCode::SUCCESS)
        }
    }
}
