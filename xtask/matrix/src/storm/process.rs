//! What this process uses and may use.

use std::{fmt, fs};

use anyhow::{Context as _, Result};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Memory and descriptors.
pub(crate) struct Usage {
    /// Bytes.
    pub(crate) memory: u64,
    pub(crate) files: usize,
}

impl Usage {
    pub(crate) fn now() -> Result<Self> {
        // Counted page by page; the figures of `status` lag behind.
        let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
        let line = rollup.lines().find(|line| line.starts_with("Rss:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        let kib: u64 = kib.context("no Rss in smaps_rollup")?.parse()?;
        Ok(Self {
            memory: kib * 1024,
            files: fs::read_dir("/proc/self/fd")?.count(),
        })
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB and {} files", self.memory / 1024, self.files)
    }
}

/// Allows this process, and the servers it starts, as many descriptors as the system does.
pub(crate) fn raise_limits() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}
