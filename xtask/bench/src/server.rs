//! A server under test: its process, and what the kernel says about it.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::machine::Cores;

/// What a server prints, and its address after it, once it listens.
const READY: &str = "listening on http://";
/// How long that may take.
const START: Duration = Duration::from_secs(10);

/// A running server; it ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

/// CPU time of a process so far.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// All of it, to the nanosecond.
    pub(crate) total: Duration,
    /// Its parts, in ticks of the kernel's clock: only good for their ratio.
    pub(crate) user: u64,
    pub(crate) system: u64,
}

impl Server {
    /// Starts a server on its core and waits until it listens.
    pub(crate) fn start(command: &mut Command, cores: &Cores) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = cores.of_server(|| command.spawn())?;
        let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take();
        let (lines, printed) = mpsc::channel();
        // Reads on after the awaited line, so that the server never blocks on a full pipe.
        thread::spawn(move || {
            for line in stdout
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines())
            {
                let Ok(line) = line else { break };
                _ = lines.send(line);
            }
        });
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        loop {
            let line = printed.recv_timeout(START);
            let line = line.with_context(|| format!("{command:?} does not listen"))?;
            if let Some(address) = line.strip_prefix(READY) {
                server.address = address.trim().parse()?;
                return Ok(server);
            }
        }
    }

    /// CPU time of all its threads.
    pub(crate) fn cpu(&self) -> Result<Cpu> {
        let mut total = 0;
        for task in fs::read_dir(self.proc("task"))? {
            // A thread may end meanwhile.
            if let Ok(schedstat) = fs::read_to_string(task?.path().join("schedstat")) {
                total += field(&schedstat, 0)?;
            }
        }
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name, in brackets, may hold spaces.
        let (_, stat) = stat.rsplit_once(')').context("no name in stat")?;
        Ok(Cpu {
            total: Duration::from_nanos(total),
            user: field(stat, 11)?,
            system: field(stat, 12)?,
        })
    }

    /// Bytes of memory it occupies.
    pub(crate) fn resident(&self) -> Result<u64> {
        // Counted page by page; the figures of `status` lag behind.
        let rollup = fs::read_to_string(self.proc("smaps_rollup"))?;
        let line = rollup.lines().find(|line| line.starts_with("Rss:"));
        Ok(field(line.context("no Rss in smaps_rollup")?, 1)? * 1024)
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn field(line: &str, index: usize) -> Result<u64> {
    match line.split_whitespace().nth(index).map(str::parse) {
        Some(Ok(number)) => Ok(number),
        _ => bail!("no number in field {index} of {line:?}"),
    }
}
