//! `cargo xtask bench`: builds and installs what is measured, and starts the measuring.
//!
//! What is measured, and how, is the business of the package `bench`; it gets the command line.

use std::{ffi::OsString, path::Path, process::Command, time::Duration};

use crate::{
    ci::cargo,
    install,
    process::{self, Stop},
    workspace::Workspace,
};

/// What is built, each on its own: one must not get features because another wants them.
const PACKAGES: [&str; 6] = [
    "bench-socketio-server",
    "bench-socketioxide",
    "bench-floor",
    "bench-socketio-client",
    "bench-rust_socketio",
    "bench",
];

/// The folders of what is installed by npm.
const NODE: [&str; 2] = ["servers/socket.io", "clients/socket.io-client"];

/// How long all measurements may take; each of them has a deadline of its own.
const BENCH_DEADLINE: Duration = Duration::from_secs(2 * 60 * 60);

/// Builds, installs, measures.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<(), Stop> {
    for package in PACKAGES {
        cargo(workspace, &["build", "--release", "-p", package])?;
    }
    for folder in NODE {
        if let Err(stop) = install_node(workspace, Path::new(folder)) {
            println!("without {folder}: {stop}");
        }
    }
    let mut bench = Command::new(workspace.target.join("release/bench"));
    process::run(bench.args(arguments), BENCH_DEADLINE)
}

/// What a folder asks for, beside a copy of the program that uses it.
fn install_node(workspace: &Workspace, folder: &Path) -> Result<(), Stop> {
    install::present("node")?;
    let name = folder.file_name().unwrap_or_default();
    let copy = workspace.target.join("bench").join(name);
    install::mirror(&workspace.root.join("xtask/bench").join(folder), &copy)?;
    install::npm_ci(&copy)
}
