//! What `cargo metadata` says about this workspace, as far as the commands need it.
//!
//! Owns no rule about it: what may depend on what is `tidy`'s business.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::Deserialize;

use crate::process::{self, Stop};

const METADATA_DEADLINE: Duration = Duration::from_secs(120);

/// The workspace and its members.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where cargo builds, and where the commands keep what they install.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The members, in cargo's order.
    pub(crate) packages: Vec<Package>,
}

/// One member.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of its `Cargo.toml`.
    #[serde(rename = "manifest_path")]
    pub(crate) manifest: PathBuf,
    /// The registries it may go to: `None` is any, an empty list is none.
    pub(crate) publish: Option<Vec<String>>,
    /// Feature names and what each turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a member's dependency tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `None` for a normal dependency, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self, Stop> {
        let arguments = ["metadata", "--format-version", "1", "--no-deps"];
        let answer = process::output(cargo().args(arguments), METADATA_DEADLINE)?;
        serde_json::from_str(&answer)
            .map_err(|error| Stop::Failed(format!("cargo metadata is not understood: {error}")))
    }

    /// `cargo` in the root folder with these arguments.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = cargo();
        cargo.current_dir(&self.root).args(arguments);
        cargo
    }

    /// The executable of an example, built or not.
    pub(crate) fn example(&self, name: &str) -> PathBuf {
        self.target.join("debug/examples").join(name)
    }

    /// The executable of a package, built or not.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// `path` as seen from the root folder.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

impl Package {
    /// Whether the package is meant for a registry.
    pub(crate) fn is_published(&self) -> bool {
        self.publish
            .as_ref()
            .is_none_or(|registries| !registries.is_empty())
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest.parent().unwrap_or(&self.manifest)
    }
}

impl Dependency {
    /// Whether only tests, examples and benches see it.
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

/// The cargo that runs this command, so that its children use the same toolchain.
fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
