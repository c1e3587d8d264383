//! `cargo xtask bench`: builds and installs what is measured, and starts the measuring.
//!
//! What is measured, and how, is the business of the package `bench`; it gets the command line.

use std::{ffi::OsString, process::Command, time::Duration};

use crate::{
    ci::cargo,
    install,
    process::{self, Stop},
    workspace::Workspace,
};

/// What is built, each on its own: one must not get features because another wants them.
const PACKAGES: [&str; 4] = [
    "bench-socketio-server",
    "bench-socketioxide",
    "bench-floor",
    "bench",
];

/// How long all measurements may take; each of them has a deadline of its own.
const BENCH_DEADLINE: Duration = Duration::from_secs(2 * 60 * 60);

/// Builds, installs, measures.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<(), Stop> {
    for package in PACKAGES {
        cargo(workspace, &["build", "--release", "-p", package])?;
    }
    if let Err(stop) = install_node(workspace) {
        println!("without socket.io: {stop}");
    }
    let mut bench = Command::new(workspace.target.join("release/bench"));
    process::run(bench.args(arguments), BENCH_DEADLINE)
}

/// The official server, beside a copy of the program that uses it.
fn install_node(workspace: &Workspace) -> Result<(), Stop> {
    install::present("node")?;
    let folder = workspace.target.join("bench/socket.io");
    install::mirror(
        &workspace.root.join("xtask/bench/servers/socket.io"),
        &folder,
    )?;
    install::npm_ci(&folder)
}
