//! The servers that are compared: how they are started, and which versions they are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::machine::said_by;

/// The one that others are compared with.
pub(crate) const YARDSTICK: &str = "socketioxide";
/// The one that has goals.
pub(crate) const OURS: &str = "ours";

/// All of them, in the order in which they take turns.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: OURS,
        kind: Kind::Rust("bench-socketio-server"),
        lacks: &[],
    },
    Peer {
        name: YARDSTICK,
        kind: Kind::Rust("bench-socketioxide"),
        lacks: &[],
    },
    Peer {
        name: "socket.io",
        kind: Kind::Node,
        lacks: &[],
    },
    Peer {
        name: "floor",
        kind: Kind::Rust("bench-floor"),
        lacks: &["idle", "upgraded", "burst-memory", "polling"],
    },
];

/// One server.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    kind: Kind,
    /// The scenarios it knows nothing of.
    lacks: &'static [&'static str],
}

#[derive(Debug)]
enum Kind {
    /// A program of this workspace, by its name.
    Rust(&'static str),
    /// The script in the folder `servers/socket.io`, installed beside what it needs.
    Node,
}

/// Where things are.
pub(crate) struct Folders {
    /// Of the programs.
    programs: PathBuf,
    /// Of what is installed and reported.
    pub(crate) bench: PathBuf,
}

impl Folders {
    /// As seen from this program, in cargo's target folder.
    pub(crate) fn find() -> Result<Self> {
        let this = std::env::current_exe()?;
        let programs = this.parent().context("no folder")?.to_owned();
        let bench = programs.parent().context("no folder")?.join("bench");
        Ok(Self { programs, bench })
    }

    fn node(&self) -> PathBuf {
        self.bench.join("socket.io")
    }
}

impl Peer {
    pub(crate) fn can(&self, scenario: &str) -> bool {
        !self.lacks.contains(&scenario)
    }

    /// Whether it was built or installed.
    pub(crate) fn is_there(&self, folders: &Folders) -> bool {
        match self.kind {
            Kind::Rust(name) => folders.programs.join(name).exists(),
            Kind::Node => folders.node().join("node_modules").exists(),
        }
    }

    pub(crate) fn command(&self, folders: &Folders) -> Command {
        match self.kind {
            Kind::Rust(name) => Command::new(folders.programs.join(name)),
            Kind::Node => {
                let mut node = Command::new("node");
                node.arg(folders.node().join("server.mjs"));
                node.env("NODE_ENV", "production");
                node
            }
        }
    }

    pub(crate) fn version(&self, folders: &Folders) -> String {
        match self.kind {
            Kind::Rust(_) if self.name == OURS => {
                let commit = ["describe", "--always", "--dirty", "--exclude=*"];
                format!("commit {}", said_by("git", &commit))
            }
            Kind::Rust(_) => locked_version(self.name).unwrap_or_else(|| "no library".to_owned()),
            Kind::Node => {
                let package = folders.node().join("node_modules/socket.io/package.json");
                package_version(&package).unwrap_or_default()
            }
        }
    }
}

/// The version of a crate in the workspace's lock file.
fn locked_version(name: &str) -> Option<String> {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
    let lock = fs::read_to_string(lock).ok()?;
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(after.split_once('"')?.0.to_owned())
}

fn package_version(package: &Path) -> Option<String> {
    let package: Value = serde_json::from_slice(&fs::read(package).ok()?).ok()?;
    Some(package["version"].as_str()?.to_owned())
}
