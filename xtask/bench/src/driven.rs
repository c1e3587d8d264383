//! A program of clients under test, which does what it is told: what it understands is said in
//! `xtask/bench/README.md`.

use std::{
    io::Write as _,
    net::SocketAddr,
    process::{ChildStdin, Command},
    time::Duration,
};

use anyhow::{Context as _, Result};

use crate::{load::CHAT, machine::Core, process::Process};

/// How long it may take to do what it was told.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running program; it ends with this value.
pub(crate) struct Driven {
    pub(crate) process: Process,
    input: ChildStdin,
}

impl Driven {
    /// Starts it on a core; it has no client yet.
    pub(crate) fn start(command: &mut Command, server: SocketAddr, core: Core<'_>) -> Result<Self> {
        command.arg(format!("http://{server}")).arg(CHAT);
        let mut process = Process::start(command, core)?;
        let input = process.input().context("it takes no input")?;
        Ok(Self { process, input })
    }

    /// Connects so many more clients.
    pub(crate) fn connect(&mut self, clients: usize) -> Result<()> {
        self.tell("connect", clients).map(drop)
    }

    /// Has every client keep so many events under way from now on.
    pub(crate) fn echo(&mut self, depth: usize) -> Result<()> {
        self.tell("echo", depth).map(drop)
    }

    /// How many events have come back so far.
    pub(crate) fn count(&mut self) -> Result<u64> {
        self.tell("count", 0)
    }

    fn tell(&mut self, command: &str, number: usize) -> Result<u64> {
        writeln!(self.input, "{command} {number}")?;
        let line = self.process.line(PATIENCE);
        let line = line.with_context(|| format!("told to {command} {number}"))?;
        Ok(line.trim().parse()?)
    }
}
