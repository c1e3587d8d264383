//! `cargo xtask sim`: builds the simulator and runs it. What it does is the business of the package
//! `sim`, which gets the command line; whether it finds faults is shown by [`mutations`].

mod mutations;
mod table;

use std::{ffi::OsString, process::Command, time::Duration};

use crate::{
    ci::cargo,
    process::{self, Stop},
    workspace::Workspace,
};

pub(crate) use self::mutations::{run as run_mutations, run_all as run_all_mutations};

/// Optimised, with every assertion live.
const PROFILE: &str = "checked";

/// How long a million seeds may take.
const SIM_DEADLINE: Duration = Duration::from_secs(60 * 60);

/// Builds the simulator and hands the command line on.
pub(crate) fn run(workspace: &Workspace, arguments: &[OsString]) -> Result<(), Stop> {
    let build = ["build", "--quiet", "--profile", PROFILE, "-p", "sim"];
    cargo(workspace, &build)?;
    let mut sim = Command::new(workspace.target.join(PROFILE).join("sim"));
    sim.current_dir(&workspace.root).args(arguments);
    sim.arg("--traces").arg(workspace.target.join("sim"));
    process::run(&mut sim, SIM_DEADLINE)
}

/// As many seeds as every change has to pass.
pub(crate) fn run_some(workspace: &Workspace) -> Result<(), Stop> {
    run(workspace, &["--seeds".into(), "10000".into()])
}
