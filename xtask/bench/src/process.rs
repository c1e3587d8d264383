//! A process under test, and what the kernel says about it.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::machine::Core;

/// A running process; it ends with this value.
pub(crate) struct Process {
    child: Child,
    printed: Receiver<String>,
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

impl Process {
    /// Starts a process that will stay on that core.
    pub(crate) fn start(command: &mut Command, core: Core<'_>) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let child = core.holds(|| command.spawn())?;
        let mut child = child.with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take();
        let (lines, printed) = mpsc::channel();
        // Reads on whoever waits for a line, so that the process never blocks on a full pipe.
        thread::spawn(move || {
            for line in stdout
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines())
            {
                let Ok(line) = line else { break };
                _ = lines.send(line);
            }
        });
        Ok(Self { child, printed })
    }

    /// The next line it prints.
    pub(crate) fn line(&self, patience: Duration) -> Result<String> {
        let line = self.printed.recv_timeout(patience);
        line.context("it does not say a word")
    }

    /// Where it is told something, if it has not been asked for before.
    pub(crate) fn input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
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

impl Drop for Process {
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
