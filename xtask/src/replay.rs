//! `cargo xtask replay`: what a flight recorder wrote, run through the core again. The simulator does
//! it, for its traces are such records as well.

use std::{env, path::Path};

use crate::{process::Stop, sim, workspace::Workspace};

/// Runs what a file has recorded and compares.
pub(crate) fn run(workspace: &Workspace, file: &Path) -> Result<(), Stop> {
    // The simulator runs in the root folder, the file is named from here.
    let here = env::current_dir().map_err(|error| Stop::unusable(file, &error))?;
    sim::run(workspace, &["--replay".into(), here.join(file).into()])
}
