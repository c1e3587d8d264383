//! Our clients, run against every server they are meant for.
//!
//! What they do there is the business of the package `matrix`; what the servers need is installed
//! from `xtask/clients`.

use std::{process::Command, time::Duration};

use crate::{
    ci::cargo,
    clients::{install_node, install_python},
    process::{self, Stop},
    workspace::Workspace,
};

/// How long any of these steps may take.
const MATRIX_DEADLINE: Duration = Duration::from_secs(30 * 60);

/// Each server once, with the async client over each transport.
pub(crate) fn some(workspace: &Workspace) -> Result<(), Stop> {
    let directly = ["--client", "async", "--path", "direct"];
    run(workspace, &all_servers(workspace)?, &directly)?;
    let badly = ["--client", "async", "--path", "proxied"];
    run(workspace, &[ours(workspace)], &badly)
}

/// Every client, server, transport and path.
pub(crate) fn all(workspace: &Workspace) -> Result<(), Stop> {
    run(workspace, &all_servers(workspace)?, &[])
}

/// Many clients and many reconnections.
pub(crate) fn storm(workspace: &Workspace) -> Result<(), Stop> {
    let servers = [ours(workspace), official(workspace)?];
    run(workspace, &servers, &["--storm"])
}

fn run(workspace: &Workspace, servers: &[String], arguments: &[&str]) -> Result<(), Stop> {
    cargo(workspace, &["build", "-p", "matrix"])?;
    let mut matrix = Command::new(workspace.program("matrix"));
    for server in servers {
        matrix.args(["--server", server]);
    }
    process::run(matrix.args(arguments), MATRIX_DEADLINE)
}

/// Every kind of server, and the command that starts it.
fn all_servers(workspace: &Workspace) -> Result<Vec<String>, Stop> {
    let js_2 = install_node(workspace, "servers/js-2")?.join("server.mjs");
    let (folder, python) = install_python(workspace, "servers/python")?;
    let python = in_shell(&python);
    let flask = folder.join("flask_app.py");
    Ok(vec![
        ours(workspace),
        official(workspace)?,
        format!("js-2=node '{}'", js_2.display()),
        format!("asgi={python} '{}'", folder.join("asgi.py").display()),
        format!("gevent={python} '{}' --mode gevent", flask.display()),
        format!("threading={python} '{}' --mode threading", flask.display()),
    ])
}

fn ours(workspace: &Workspace) -> String {
    format!("ours='{}'", workspace.example("testbed").display())
}

/// The official server of the newest generation.
fn official(workspace: &Workspace) -> Result<String, Stop> {
    let server = install_node(workspace, "js-4")?.join("reference-server.mjs");
    Ok(format!("js-4=node '{}'", server.display()))
}

/// A command as a shell takes it, with the variables that are set for it.
fn in_shell(command: &Command) -> String {
    let mut words = vec!["env".to_owned()];
    for (name, value) in command.get_envs() {
        let value = value.unwrap_or_default();
        words.push(format!("'{}={}'", name.display(), value.display()));
    }
    words.push(format!("'{}'", command.get_program().display()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_sets_what_a_command_would() {
        let mut python = Command::new("/a b/python3");
        python.env("PYTHONPATH", "/c d");
        assert_eq!(in_shell(&python), "env 'PYTHONPATH=/c d' '/a b/python3'");
    }
}
