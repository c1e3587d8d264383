//! The servers and clients that are compared: how they are started, and which versions they are.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{machine::said_by, scenario::Scenario};

/// What a program under test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Server,
    Client,
}

impl Role {
    pub(crate) const ALL: [Self; 2] = [Self::Server, Self::Client];

    /// The one that others are compared with.
    pub(crate) const fn yardstick(self) -> &'static str {
        match self {
            Self::Server => "socketioxide",
            Self::Client => "rust_socketio",
        }
    }

    /// The one that has goals.
    pub(crate) const fn ours(self) -> &'static str {
        match self {
            Self::Server => "ours",
            Self::Client => "our-client",
        }
    }

    /// More than one of them.
    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Server => "servers",
            Self::Client => "clients",
        }
    }
}

/// All of them, in the order in which they take turns.
pub(crate) const PEERS: &[Peer] = &[
    Peer {
        name: Role::Server.ours(),
        role: Role::Server,
        kind: Kind::Rust("bench-socketio-server"),
        lacks: &[],
    },
    Peer {
        name: Role::Server.yardstick(),
        role: Role::Server,
        kind: Kind::Rust("bench-socketioxide"),
        lacks: &[],
    },
    Peer {
        name: "socket.io",
        role: Role::Server,
        kind: Kind::Node("server.mjs"),
        lacks: &[],
    },
    Peer {
        name: "floor",
        role: Role::Server,
        kind: Kind::Rust("bench-floor"),
        lacks: &["idle", "upgraded", "burst-memory", "polling"],
    },
    Peer {
        name: Role::Client.ours(),
        role: Role::Client,
        kind: Kind::Rust("bench-socketio-client"),
        lacks: &[],
    },
    Peer {
        name: Role::Client.yardstick(),
        role: Role::Client,
        kind: Kind::Rust("bench-rust_socketio"),
        lacks: &[],
    },
    Peer {
        name: "socket.io-client",
        role: Role::Client,
        kind: Kind::Node("client.mjs"),
        lacks: &[],
    },
];

/// Our server, which is also the other end of every client.
pub(crate) fn ours() -> &'static Peer {
    &PEERS[0]
}

/// One server, or one kind of client.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    kind: Kind,
    /// The scenarios it knows nothing of.
    lacks: &'static [&'static str],
}

#[derive(Debug)]
enum Kind {
    /// A program of this workspace, by its name.
    Rust(&'static str),
    /// A script in the folder that has the peer's name, installed beside what it needs.
    Node(&'static str),
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

    fn node(&self, name: &str) -> PathBuf {
        self.bench.join(name)
    }
}

impl Peer {
    pub(crate) fn can(&self, scenario: &Scenario) -> bool {
        self.role == scenario.role() && !self.lacks.contains(&scenario.name)
    }

    /// Whether it was built or installed.
    pub(crate) fn is_there(&self, folders: &Folders) -> bool {
        match self.kind {
            Kind::Rust(name) => folders.programs.join(name).exists(),
            Kind::Node(_) => folders.node(self.name).join("node_modules").exists(),
        }
    }

    pub(crate) fn command(&self, folders: &Folders) -> Command {
        match self.kind {
            Kind::Rust(name) => Command::new(folders.programs.join(name)),
            Kind::Node(script) => {
                let mut node = Command::new("node");
                node.arg(folders.node(self.name).join(script));
                node.env("NODE_ENV", "production");
                node
            }
        }
    }

    pub(crate) fn version(&self, folders: &Folders) -> String {
        match self.kind {
            Kind::Rust(_) if self.name == self.role.ours() => {
                let commit = ["describe", "--always", "--dirty", "--exclude=*"];
                format!("commit {}", said_by("git", &commit))
            }
            Kind::Rust(_) => locked_version(self.name).unwrap_or_else(|| "no library".to_owned()),
            Kind::Node(_) => {
                let packages = folders.node(self.name).join("node_modules");
                let package = packages.join(self.name).join("package.json");
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
