//! Whether the simulator finds faults: puts one at a time into a copy of the proto crates, and runs
//! seeds until a rule is broken. The record of that run should lead to the same again, and shows the
//! fault to the code without it, unless that is outside of the state machines.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{PROFILE, table::MUTATIONS};
use crate::{
    install,
    process::{self, Stop},
    workspace::Workspace,
};

/// A fault to be found.
pub(crate) struct Mutation {
    /// What it breaks.
    pub(super) what: &'static str,
    /// Where, from the workspace's root.
    pub(super) file: &'static str,
    /// Text that stands there once.
    pub(super) find: &'static str,
    /// What stands there instead.
    pub(super) replace: &'static str,
}

/// What is copied, faults and all.
const COPIED: [&str; 3] = ["engineio-proto", "socketio-proto", "xtask/sim"];

/// Seeds after which a fault counts as not found.
const SEEDS: &str = "20000";

/// Where the record of a failure goes.
const RECORDS: &str = "records";

const BUILD_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How long the seeds of one fault may take.
const RUN_DEADLINE: Duration = Duration::from_secs(5 * 60);

/// Builds are many and runs are short.
const BUILD_FASTER: [(&str, &str); 5] = [
    ("CARGO_INCREMENTAL", "1"),
    ("CARGO_PROFILE_CHECKED_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_CHECKED_DEBUG", "false"),
    ("CARGO_PROFILE_CHECKED_LTO", "off"),
    ("CARGO_PROFILE_CHECKED_OPT_LEVEL", "1"),
];

/// All of them.
pub(crate) fn run_all(workspace: &Workspace) -> Result<(), Stop> {
    run(workspace, "")
}

/// Those whose description contains these words.
pub(crate) fn run(workspace: &Workspace, words: &str) -> Result<(), Stop> {
    let copy = Copy::make(workspace)?;
    let wanted = MUTATIONS.iter().filter(|it| it.what.contains(words));
    let mut survived = Vec::new();
    let mut caught = 0;
    for mutation in wanted {
        match copy.judge(mutation)? {
            Verdict::Caught(by) => {
                caught += 1;
                println!("caught    {}: {by}", mutation.what);
            }
            Verdict::Survived => {
                survived.push(mutation.what);
                println!("SURVIVED  {}", mutation.what);
            }
        }
    }
    println!("{caught} caught, {} survived", survived.len());
    match (survived.len(), caught) {
        (0, 0) => Err(Stop::Failed(format!("no mutation is about `{words}`"))),
        (0, _) => Ok(()),
        (count, _) => Err(Stop::Failed(format!("{count} faults were not found"))),
    }
}

enum Verdict {
    /// By which seed and rule.
    Caught(String),
    Survived,
}

/// A workspace of nothing but what is to be mutated and what runs it.
struct Copy {
    root: PathBuf,
    target: PathBuf,
    original: PathBuf,
}

impl Copy {
    fn make(workspace: &Workspace) -> Result<Self, Stop> {
        let folder = workspace.target.join("mutations");
        let copy = Self {
            root: folder.join("workspace"),
            target: folder.join("target"),
            original: workspace.root.clone(),
        };
        for package in COPIED {
            install::mirror(&workspace.root.join(package), &copy.root.join(package))?;
        }
        let manifest = read(&workspace.root.join("Cargo.toml"))?;
        write(&copy.root.join("Cargo.toml"), &only_members(&manifest)?)?;
        let lock = "Cargo.lock";
        write(&copy.root.join(lock), &read(&workspace.root.join(lock))?)?;
        // Before any fault is in: what fails now is no fault of theirs.
        copy.build(workspace)?;
        let arguments = ["--seeds", "100"];
        process::run(&mut copy.sim(&arguments), RUN_DEADLINE)?;
        let (faultless, sim) = (copy.faultless(), copy.target.join(PROFILE).join("sim"));
        fs::copy(&sim, &faultless).map_err(|error| Stop::unusable(&faultless, &error))?;
        Ok(copy)
    }

    /// Puts a fault in, runs seeds and takes it out again.
    fn judge(&self, mutation: &Mutation) -> Result<Verdict, Stop> {
        let original = read(&self.original.join(mutation.file))?;
        let found = original.matches(mutation.find).count();
        if found != 1 {
            let Mutation { what, file, .. } = mutation;
            let why = format!("{what}: the text to replace stands {found} times in {file}");
            return Err(Stop::Failed(why));
        }
        let file = self.root.join(mutation.file);
        write(&file, &original.replace(mutation.find, mutation.replace))?;
        let workspace = Workspace {
            root: self.root.clone(),
            target: self.target.clone(),
            packages: Vec::new(),
        };
        let verdict = self.build(&workspace).and_then(|()| self.run());
        write(&file, &original)?;
        verdict
    }

    fn run(&self) -> Result<Verdict, Stop> {
        let records = self.root.join(RECORDS);
        // There are none before the first fault.
        let _ = fs::remove_dir_all(&records);
        let arguments = ["--seeds", SEEDS, "--expect-fault", "--traces", RECORDS];
        let Ok(found) = process::output(&mut self.sim(&arguments), RUN_DEADLINE) else {
            return Ok(Verdict::Survived);
        };
        let mut by = found.lines().next().unwrap_or_default().to_owned();
        let written = fs::read_dir(&records).into_iter().flatten();
        for record in written.filter_map(Result::ok) {
            let record = record.path();
            // Faults outside of the state machines do not show, and may garble what is written.
            by += match (
                replays(self.sim(&[]), &record),
                replays(Command::new(self.faultless()), &record),
            ) {
                (true, false) => " (its record shows it)",
                (true, true) => "",
                (false, _) => " (its record leads elsewhere)",
            };
        }
        Ok(Verdict::Caught(by))
    }

    /// The simulator from before the first fault.
    fn faultless(&self) -> PathBuf {
        self.target.join("sim-without-faults")
    }

    fn build(&self, workspace: &Workspace) -> Result<(), Stop> {
        let build = ["build", "--quiet", "--profile", PROFILE, "-p", "sim"];
        let mut cargo = workspace.cargo(&build);
        cargo
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            // A fault may well leave something unused.
            .env("RUSTFLAGS", "-Awarnings")
            .envs(BUILD_FASTER);
        process::run(&mut cargo, BUILD_DEADLINE)
    }

    fn sim(&self, arguments: &[&str]) -> Command {
        let mut sim = Command::new(self.target.join(PROFILE).join("sim"));
        sim.current_dir(&self.root).args(arguments);
        sim
    }
}

/// Whether what a record says happens again.
fn replays(mut sim: Command, record: &Path) -> bool {
    process::output(sim.arg("--replay").arg(record), RUN_DEADLINE).is_ok()
}

/// The root manifest with no other members than those that are copied.
fn only_members(manifest: &str) -> Result<String, Stop> {
    let members = manifest.find("members = [");
    let others = manifest.find("[workspace.package]");
    let (Some(from), Some(to)) = (members, others) else {
        return Err(Stop::Failed(
            "the root manifest is not understood".to_owned(),
        ));
    };
    let (before, after) = (&manifest[..from], &manifest[to..]);
    Ok(format!("{before}members = {COPIED:?}\n\n{after}"))
}

fn read(path: &Path) -> Result<String, Stop> {
    fs::read_to_string(path).map_err(|error| Stop::unusable(path, &error))
}

/// Writes a file unless it is the same already, so that nothing is built in vain.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| Stop::unusable(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_place() {
        let workspace = Workspace::load().unwrap();
        for Mutation {
            what,
            file,
            find,
            replace,
        } in MUTATIONS
        {
            let text = read(&workspace.root.join(file)).unwrap();
            assert_eq!(text.matches(find).count(), 1, "{what}");
            assert_ne!(find, replace, "{what}");
        }
    }

    #[test]
    fn the_copy_has_only_its_own_members() {
        let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\n \"a\",\n]\ndefault-members = [\n \"a\",\n]\n\n[workspace.package]\nversion = \"1\"\n";
        let members = r#"["engineio-proto", "socketio-proto", "xtask/sim"]"#;
        let expected = format!(
            "[workspace]\nresolver = \"3\"\nmembers = {members}\n\n[workspace.package]\nversion = \"1\"\n"
        );
        assert_eq!(only_members(manifest).unwrap(), expected);
    }
}
