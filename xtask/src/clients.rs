//! The real clients, run against our examples.
//!
//! What they do there is written in `xtask/clients`; what they need to run is `install.rs`'s
//! business.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    install,
    process::{self, Server, Stop},
    workspace::Workspace,
};

/// How long one suite may run.
const SUITE_DEADLINE: Duration = Duration::from_secs(10 * 60);

/// The programs that drive the core without our own driver.
pub(crate) const EXAMPLE_SERVERS: [&str; 2] = ["engineio-example-std-net", "engineio-example-smol"];

/// The small examples of the server, each of which has a page.
pub(crate) const EXAMPLE_PAGES: [&str; 5] = ["counter", "rooms", "poll", "latency", "private"];

const CHROMIUM: &str = "/usr/bin/chromium";

/// The suite of socket.io-client 4 in Node against the testbed.
pub(crate) fn js_4(workspace: &Workspace) -> Result<(), Stop> {
    node(workspace, "js-4", &[])
}

/// The suite of socket.io-client 3 in Node against the testbed.
pub(crate) fn js_3(workspace: &Workspace) -> Result<(), Stop> {
    node(workspace, "js-3", &[])
}

/// The suite of the newest socket.io-client of Socket.IO 4, and of the oldest one, in Node against
/// the testbed; that of their Engine.IO client against the example `echo`.
pub(crate) fn js_2(workspace: &Workspace) -> Result<(), Stop> {
    node(workspace, "js-2", &["2.5", "1.7"])?;
    let mut suite = Command::new("node");
    suite.arg(install_node(workspace, "js-2")?.join("engine.mjs"));
    run_suite(workspace, &mut suite, "echo")
}

/// The suite of a socket.io-client between those of [`js_2`].
pub(crate) fn js_2_between(workspace: &Workspace) -> Result<(), Stop> {
    node(workspace, "js-2", &["2.0"])
}

/// The suite of socket.io-client 4 in Chromium against the testbed.
pub(crate) fn browser(workspace: &Workspace) -> Result<(), Stop> {
    chromium()?;
    node(workspace, "browser", &[])
}

/// The suite of the socket.io-clients of Socket.IO 4 in Chromium against the testbed: the only one
/// with JSONP and with binary over polling.
pub(crate) fn browser_2(workspace: &Workspace) -> Result<(), Stop> {
    chromium()?;
    node(workspace, "browser", &["2.5", "1.7"])
}

/// The chat example's page in Chromium.
pub(crate) fn chat(workspace: &Workspace) -> Result<(), Stop> {
    page(workspace, "chat", "chat.mjs")
}

/// The pages of the small examples in Chromium.
pub(crate) fn pages(workspace: &Workspace) -> Result<(), Stop> {
    for example in EXAMPLE_PAGES {
        println!("{example}");
        page(workspace, example, "examples.mjs")?;
    }
    Ok(())
}

/// The page of an example, driven by a script. The example serves the installed client instead of
/// sending the page to a CDN.
fn page(workspace: &Workspace, example: &str, script: &str) -> Result<(), Stop> {
    chromium()?;
    let folder = install_node(workspace, "browser")?;
    let mut server = Command::new(workspace.example(example));
    server
        .args(["--port", "0", "--client"])
        .arg(folder.join("node_modules/socket.io-client"));
    let server = Server::start(&mut server)?;
    let mut driver = Command::new("node");
    driver.arg(folder.join(script));
    driver.args(["--example", example, "--url", &server.url]);
    process::run(&mut driver, SUITE_DEADLINE)
}

/// The suite of Engine.IO's clients of both revisions, in Node, against the servers that drive the
/// core without our own driver.
pub(crate) fn transports(workspace: &Workspace) -> Result<(), Stop> {
    let folder = install_node(workspace, "transports")?;
    for name in EXAMPLE_SERVERS {
        println!("{name}");
        let mut server = Command::new(workspace.program(name));
        // Milliseconds from ping to ping, and for the answer to one: the cases wait for both.
        let server = Server::start(server.args(["0", "300", "1000"]))?;
        let mut suite = Command::new("node");
        suite
            .arg(folder.join("run.mjs"))
            .args(["--url", &server.url]);
        process::run(&mut suite, SUITE_DEADLINE)?;
    }
    Ok(())
}

/// The suite of python-socketio 5 against the testbed.
pub(crate) fn python(workspace: &Workspace) -> Result<(), Stop> {
    python_in(workspace, "python")
}

/// The suite of python-socketio 4 against the testbed.
pub(crate) fn python_4(workspace: &Workspace) -> Result<(), Stop> {
    python_in(workspace, "python-4")
}

fn python_in(workspace: &Workspace, folder: &str) -> Result<(), Stop> {
    let (folder, mut suite) = install_python(workspace, folder)?;
    suite.arg(folder.join("run.py"));
    run_suite(workspace, &mut suite, "testbed")
}

fn chromium() -> Result<(), Stop> {
    if Path::new(CHROMIUM).exists() {
        Ok(())
    } else {
        install::apt("chromium")
    }
}

/// The suite of a folder against the testbed, with those versions of its clients if it has several.
fn node(workspace: &Workspace, folder: &str, clients: &[&str]) -> Result<(), Stop> {
    let folder = install_node(workspace, folder)?;
    let mut suite = Command::new("node");
    suite.arg(folder.join("run.mjs"));
    for client in clients {
        suite.args(["--client", client]);
    }
    run_suite(workspace, &mut suite, "testbed")
}

pub(crate) fn install_node(workspace: &Workspace, folder: &str) -> Result<PathBuf, Stop> {
    install::present("node")?;
    let folder = copy(workspace)?.join(folder);
    install::npm_ci(&folder)?;
    Ok(folder)
}

/// A folder, and an interpreter that finds what it needs.
pub(crate) fn install_python(
    workspace: &Workspace,
    folder: &str,
) -> Result<(PathBuf, Command), Stop> {
    let folder = copy(workspace)?.join(folder);
    let python = install::python(&folder)?;
    Ok((folder, python))
}

/// Runs a suite, which starts the example itself, several times and with several options.
fn run_suite(workspace: &Workspace, suite: &mut Command, example: &str) -> Result<(), Stop> {
    // It takes a shell command, so the path is quoted.
    let server = format!("'{}'", workspace.example(example).display());
    process::run(suite.args(["--server", &server]), SUITE_DEADLINE)
}

/// A fresh copy of `xtask/clients` under the target folder; what was installed there stays.
fn copy(workspace: &Workspace) -> Result<PathBuf, Stop> {
    let here = workspace.root.join("xtask/clients");
    let there = workspace.target.join("clients");
    install::mirror(&here, &there)?;
    Ok(there)
}
