//! Our clients against every server they are meant for: one table of cases, by every transport,
//! directly and through a proxy that treats connections badly.
//!
//! Started by `cargo xtask test`, which installs the servers and says how they are started. Cases
//! are sentences; [`cases`] is the table, [`server`] tells what is known of the servers, [`peer`]
//! gives our clients one face, and [`storm`] is about many clients and many reconnections.

mod bench;
mod cases;
mod journal;
mod peer;
mod proxy;
mod random;
mod run;
mod server;
mod storm;
mod value;

use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use crate::{
    bench::{Path, Way},
    peer::Client,
    run::{Account, Selection},
    server::Kind,
};

/// Runs our clients against servers.
#[derive(Parser)]
struct Cli {
    /// A kind of server, and the shell command that starts it: `js-4=node server.mjs`.
    #[arg(long, value_name = "KIND=COMMAND", required = true)]
    server: Vec<String>,
    /// Only these; all of them by default.
    #[arg(long)]
    client: Vec<Client>,
    /// Only these; all of them by default.
    #[arg(long)]
    way: Vec<Way>,
    /// Only these; both by default.
    #[arg(long)]
    path: Vec<Path>,
    /// Only cases whose line contains this.
    #[arg(long, default_value = "")]
    filter: String,
    /// What the proxy does follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead, many clients and many reconnections.
    #[arg(long)]
    storm: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let selection = Selection {
        clients: these_or_all(cli.client, &Client::ALL),
        ways: these_or_all(cli.way, &Way::ALL),
        paths: these_or_all(cli.path, &Path::ALL),
        filter: cli.filter,
        seed: cli.seed,
    };
    let mut account = Account::default();
    for server in &cli.server {
        let (name, command) = server.split_once('=').context("no `=` in --server")?;
        let kind = Kind::of(name).with_context(|| format!("no server is called {name}"))?;
        match cli.storm {
            true => storm::run(kind, command, &selection, &mut account).await?,
            false => run::run(kind, command, &selection, &mut account).await?,
        }
    }
    println!("{} passed, {} failed", account.passed, account.failed);
    ensure!(account.passed + account.failed > 0, "nothing was run");
    Ok(match account.failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn these_or_all<T: Clone>(these: Vec<T>, all: &[T]) -> Vec<T> {
    match these.is_empty() {
        true => all.to_vec(),
        false => these,
    }
}
