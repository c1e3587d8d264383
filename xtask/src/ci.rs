//! `cargo xtask ci`: what every commit must satisfy, as steps.
//!
//! Compiles and lints; runs no test (that is `test.rs`).

use std::{path::Path, process::Command, time::Duration};

use crate::{
    features,
    process::{self, Stop},
    steps::Step,
    tidy,
    workspace::Workspace,
};

/// How long one call of cargo may take, from a cold start on a slow machine.
pub(crate) const BUILD_DEADLINE: Duration = Duration::from_secs(30 * 60);

/// The steps, in the order in which they report soonest.
pub(crate) const STEPS: &[Step] = &[
    Step::new("fmt", &[], fmt),
    Step::new("tidy", &[], tidy::run),
    Step::new("clippy", &[], clippy),
    Step::new("doc", &[], doc),
    Step::new("alone", &[], alone),
    Step::new("tls-native", &[], tls_native),
    Step::new("wasm", &[], wasm),
    Step::new("deny", &[], deny),
];

fn fmt(workspace: &Workspace) -> Result<(), Stop> {
    cargo(workspace, &["fmt", "--all", "--check", "--", "-l"])
}

fn clippy(workspace: &Workspace) -> Result<(), Stop> {
    let features = features::all(workspace);
    let everything = ["clippy", "--workspace", "--all-targets"];
    let everything = [&everything[..], &["--features", &features]].concat();
    cargo(workspace, &[&everything[..], DENY_WARNINGS].concat())
}

fn doc(workspace: &Workspace) -> Result<(), Stop> {
    let features = features::all(workspace);
    let mut doc = workspace.cargo(&["doc", "--workspace", "--no-deps", "--features", &features]);
    process::run(doc.env("RUSTDOCFLAGS", "-D warnings"), BUILD_DEADLINE)
}

/// Each crate on its own, without features and with each one: a neighbour's features cannot help it.
fn alone(workspace: &Workspace) -> Result<(), Stop> {
    for (package, features) in features::buildable(workspace) {
        let bare = ["clippy", "--quiet", "-p", package];
        let bare = [&bare[..], &["--no-default-features"]].concat();
        println!("{package}");
        cargo(workspace, &[&bare[..], DENY_WARNINGS].concat())?;
        for feature in features {
            println!("{package} with {feature}");
            let with = [&bare[..], &["--features", feature], DENY_WARNINGS].concat();
            cargo(workspace, &with)?;
        }
    }
    Ok(())
}

/// The client with the system's own TLS and no other.
fn tls_native(workspace: &Workspace) -> Result<(), Stop> {
    features::TLS_NATIVE.require()?;
    let client = ["clippy", "-p", "socketio-client", "--no-default-features"];
    let features = ["--features", "async,blocking,tls-native"];
    let client = [&client[..], &features].concat();
    cargo(workspace, &[&client[..], DENY_WARNINGS].concat())
}

/// The cores need no operating system, so they build where there is none.
fn wasm(workspace: &Workspace) -> Result<(), Stop> {
    let mut libraries = Command::new("rustc");
    libraries.args(["--print", "target-libdir", "--target", WASM]);
    let libraries = process::output(&mut libraries, BUILD_DEADLINE)?;
    if !Path::new(libraries.trim()).exists() {
        let why = format!("the target is missing: rustup target add {WASM}");
        return Err(Stop::NotRun(why));
    }
    let check = [
        "check",
        "--target",
        WASM,
        "-p",
        "engineio-proto",
        "-p",
        "socketio-proto",
    ];
    cargo(workspace, &check)
}

/// A target without files, sockets, threads and clocks.
const WASM: &str = "wasm32-unknown-unknown";

/// Licences, sources and bans; advisories change without a commit and are checked on a schedule.
fn deny(workspace: &Workspace) -> Result<(), Stop> {
    if !process::is_installed(&mut workspace.cargo(&["deny"])) {
        let why = "cargo-deny is missing: cargo install --locked cargo-deny";
        return Err(Stop::NotRun(why.to_owned()));
    }
    let deny = ["deny", "--config", ".config/deny.toml", "check"];
    let checks = ["bans", "licenses", "sources"];
    cargo(workspace, &[&deny[..], &checks].concat())
}

/// After the options of `cargo clippy`: a warning fails the step.
const DENY_WARNINGS: &[&str] = &["--", "-D", "warnings"];

/// One call of cargo, from the root folder.
pub(crate) fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<(), Stop> {
    process::run(&mut workspace.cargo(arguments), BUILD_DEADLINE)
}
