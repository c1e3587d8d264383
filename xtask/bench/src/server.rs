//! A server: a process, and where it listens.

use std::{net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context as _, Result};

use crate::{machine::Core, process::Process};

/// What a server prints, and its address after it, once it listens.
const READY: &str = "listening on http://";
/// How long that may take.
const START: Duration = Duration::from_secs(10);

/// A running server; it ends with this value.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server on a core and waits until it listens.
    pub(crate) fn start(command: &mut Command, core: Core<'_>) -> Result<Self> {
        let process = Process::start(command, core)?;
        loop {
            let line = process.line(START);
            let line = line.with_context(|| format!("{command:?} does not listen"))?;
            if let Some(address) = line.strip_prefix(READY) {
                let address = address.trim().parse()?;
                return Ok(Self { process, address });
            }
        }
    }
}
