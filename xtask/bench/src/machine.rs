//! The machine: its cores, its limits, and what it is called in a report.

use std::{fs, process::Command};

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::Pid,
};

/// Descriptors that the largest scenario needs, with some to spare.
const DESCRIPTORS: u64 = 8_192;

/// This process.
const SELF: Pid = Pid::from_raw(0);

/// Two cores: what one process does must not be done at the expense of the other.
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// The first and the last core this process may use; goes to the latter.
    pub(crate) fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(SELF)?;
        let mut allowed =
            (0..CpuSet::count()).filter(|&core| allowed.is_set(core).is_ok_and(|set| set));
        let server = allowed.next().context("no core to run on")?;
        let load = allowed.next_back().unwrap_or(server);
        let cores = Self { server, load };
        pin(cores.load)?;
        Ok(cores)
    }

    /// Whether they are two.
    pub(crate) fn are_apart(&self) -> bool {
        self.server != self.load
    }

    /// The one of what is measured.
    pub(crate) fn measured(&self) -> Core<'_> {
        Core {
            core: self.server,
            cores: self,
        }
    }

    /// The one of the other end.
    pub(crate) fn opposite(&self) -> Core<'_> {
        Core {
            core: self.load,
            cores: self,
        }
    }
}

/// One of the two.
#[derive(Clone, Copy)]
pub(crate) struct Core<'a> {
    core: usize,
    cores: &'a Cores,
}

impl Core<'_> {
    /// Runs something that starts a process, which will stay on this core.
    pub(crate) fn holds<T>(self, start: impl FnOnce() -> T) -> Result<T> {
        pin(self.core)?;
        let started = start();
        pin(self.cores.load)?;
        Ok(started)
    }
}

fn pin(core: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(core)?;
    sched_setaffinity(SELF, &only).with_context(|| format!("cannot run on core {core}"))
}

/// Allows this process and the servers it starts as many descriptors as they need.
pub(crate) fn raise_limits() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let needed = DESCRIPTORS.min(hard);
    if soft < needed {
        setrlimit(Resource::RLIMIT_NOFILE, needed, hard)?;
    }
    Ok(())
}

/// What a report says about the machine.
pub(crate) fn facts(cores: &Cores) -> Vec<(&'static str, String)> {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<_> = info
        .lines()
        .filter_map(|line| line.strip_prefix("model name"))
        .map(|model| model.trim_start_matches(['\t', ' ', ':']))
        .collect();
    let used = match cores.are_apart() {
        true => format!(
            "what is measured on core {}, the other end on core {}",
            cores.server, cores.load
        ),
        false => "both ends share one".to_owned(),
    };
    vec![
        (
            "CPU",
            models.first().copied().unwrap_or("unknown").to_owned(),
        ),
        ("cores", format!("{}; {used}", models.len())),
        ("kernel", said_by("uname", &["-srm"])),
        ("date", said_by("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("rustc", said_by("rustc", &["--version"])),
        ("node", said_by("node", &["--version"])),
    ]
}

/// What a program prints about itself.
pub(crate) fn said_by(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "unknown".to_owned(),
    }
}
