//! `cargo xtask fuzz`: builds the targets and lets them run, on the stable toolchain alone or guided
//! by coverage.
//!
//! What is fuzzed, and how without coverage, is the business of the package `fuzz`. With coverage
//! libFuzzer does it: its passes are flags of the stable compiler.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::{Args, Subcommand};

use crate::{
    ci::{BUILD_DEADLINE, cargo},
    install,
    process::{self, Stop},
    workspace::Workspace,
};

#[derive(Subcommand)]
pub(crate) enum Fuzz {
    /// What there is to fuzz.
    List,
    /// One target.
    Run {
        target: String,
        #[command(flatten)]
        how: How,
    },
    /// Every target for a short time.
    Ci {
        #[command(flatten)]
        how: How,
    },
    /// Makes seeds of the inputs that runs with coverage have found.
    Plant { target: String },
}

#[derive(Args)]
pub(crate) struct How {
    /// Seconds for each target; 0 replays what is in the repository. Default 60, and 5 for `ci`.
    #[arg(long, value_name = "S")]
    time: Option<u64>,
    /// Draws the same inputs as an earlier run.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Guided by coverage: finds more and takes a C++ compiler.
    #[arg(long)]
    coverage: bool,
}

/// How much longer than it is told to a run may take.
const GRACE: Duration = Duration::from_secs(10 * 60);

/// What makes LLVM count branches and report comparisons, in the way libFuzzer reads them.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The program that runs with coverage: a workspace of its own.
const GUIDED: [&str; 2] = ["--manifest-path", "xtask/fuzz/coverage/Cargo.toml"];

/// Builds what the command takes, and does it.
pub(crate) fn run(workspace: &Workspace, command: &Fuzz) -> Result<(), Stop> {
    let fuzz = Program::build(workspace)?;
    match command {
        Fuzz::List => fuzz.run(&["list"], 0),
        Fuzz::Run { target, how } if how.coverage => {
            Guided::build(workspace, fuzz)?.run(target, how, 60)
        }
        Fuzz::Run { target, how } => fuzz.run_for(&["run", target], how),
        Fuzz::Ci { how } if how.coverage => {
            let targets = fuzz.targets()?;
            let guided = Guided::build(workspace, fuzz)?;
            let run = |target: &String| guided.run(target, how, 5);
            // One mistake must not hide another.
            let results: Vec<_> = targets.iter().map(run).collect();
            results.into_iter().collect()
        }
        Fuzz::Ci { how } => fuzz.run_for(&["ci"], how),
        Fuzz::Plant { target } => Guided::build(workspace, fuzz)?.plant(target),
    }
}

/// Every target for a short time. What runs with coverage is not built, but its lock file, which no
/// other command looks at, has to fit.
pub(crate) fn step(workspace: &Workspace) -> Result<(), Stop> {
    let arguments = [
        &["metadata", "--format-version", "1", "--locked"],
        &GUIDED[..],
    ]
    .concat();
    process::output(&mut workspace.cargo(&arguments), BUILD_DEADLINE)?;
    Program::build(workspace)?.run(&["ci"], 0)
}

/// The program of the package `fuzz`.
struct Program(PathBuf);

impl Program {
    fn build(workspace: &Workspace) -> Result<Self, Stop> {
        cargo(workspace, &["build", "--profile", "checked", "-p", "fuzz"])?;
        Ok(Self(workspace.target.join("checked/fuzz")))
    }

    fn run(&self, arguments: &[&str], seconds: u64) -> Result<(), Stop> {
        let deadline = Duration::from_secs(seconds) + GRACE;
        process::run(Command::new(&self.0).args(arguments), deadline)
    }

    fn run_for(&self, arguments: &[&str], how: &How) -> Result<(), Stop> {
        let mut arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        arguments.extend(how.time.map(|time| format!("--time={time}")));
        arguments.extend(how.seed.map(|seed| format!("--seed={seed}")));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        // `ci` takes as long for each of them.
        let targets = self.targets()?.len() as u64;
        self.run(&arguments, how.time.unwrap_or(60) * targets)
    }

    fn targets(&self) -> Result<Vec<String>, Stop> {
        let list = process::output(Command::new(&self.0).arg("list"), GRACE)?;
        let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
        Ok(list.lines().filter_map(first).collect())
    }
}

/// The targets in libFuzzer's hands.
struct Guided {
    fuzz: Program,
    program: PathBuf,
    /// A folder for each target: what libFuzzer begins with, what it found, what it said.
    folder: PathBuf,
}

impl Guided {
    fn build(workspace: &Workspace, fuzz: Program) -> Result<Self, Stop> {
        install::present("c++")?;
        let host = host()?;
        let folder = workspace.target.join("fuzz");
        let flags = ["--locked", "--release", "--target", &host];
        let mut build = workspace.cargo(&[&["build"], &GUIDED[..], &flags].concat());
        let triple = host.to_uppercase().replace('-', "_");
        // Flags for the target alone: what runs while building is not to be counted.
        build
            .env("CARGO_TARGET_DIR", folder.join("build"))
            .env(format!("CARGO_TARGET_{triple}_RUSTFLAGS"), COVERAGE)
            .env_remove("RUSTFLAGS");
        process::run(&mut build, BUILD_DEADLINE)?;
        let program = folder
            .join("build")
            .join(host)
            .join("release/fuzz-coverage");
        Ok(Self {
            fuzz,
            program,
            folder,
        })
    }

    /// Runs a target and says in a line what came of it.
    fn run(&self, target: &str, how: &How, default: u64) -> Result<(), Stop> {
        let folder = self.folder.join(target);
        let seconds = how.time.unwrap_or(default);
        self.fuzz.run(&["export", target, path(&folder)?], 0)?;
        let artifacts = folder.join("artifacts");
        _ = fs::remove_dir_all(&artifacts);
        let options = fs::read_to_string(folder.join("options"))
            .map_err(|error| Stop::unusable(&folder, &error))?;

        let mut fuzzer = self.start(target, &folder, &["corpus", "artifacts"])?;
        fuzzer
            .args(options.lines())
            .arg(format!("-max_total_time={seconds}"))
            .args([
                "-timeout=10",
                "-artifact_prefix=artifacts/",
                "-print_final_stats=1",
            ])
            .args(how.seed.map(|seed| format!("-seed={seed}")))
            .args(["corpus", "seeds"]);
        let result = process::run(&mut fuzzer, Duration::from_secs(seconds) + GRACE);

        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        println!("{target:<20} {}", summary(&log));
        if result.is_err() {
            self.keep(target, &artifacts)?;
        }
        result
    }

    /// What libFuzzer found becomes a regression.
    fn keep(&self, target: &str, artifacts: &Path) -> Result<(), Stop> {
        let unusable = |error| Stop::unusable(artifacts, &error);
        for entry in fs::read_dir(artifacts).map_err(unusable)? {
            let input = entry.map_err(unusable)?.path();
            // It fails if the input does, which is known.
            _ = self.fuzz.run(&["keep", target, path(&input)?], 0);
        }
        Ok(())
    }

    fn plant(&self, target: &str) -> Result<(), Stop> {
        let folder = self.folder.join(target);
        _ = fs::remove_dir_all(folder.join("distilled"));
        let mut merge = self.start(target, &folder, &["distilled", "corpus", "seeds"])?;
        merge.args(["-merge=1", "distilled", "seeds", "corpus"]);
        process::run(&mut merge, GRACE)?;
        self.fuzz
            .run(&["plant", target, path(&folder.join("distilled"))?], 0)
    }

    /// The program for this target, in a folder that has these folders, with its words in a file.
    fn start(&self, target: &str, folder: &Path, needs: &[&str]) -> Result<Command, Stop> {
        let unusable = |error| Stop::unusable(folder, &error);
        for need in needs {
            fs::create_dir_all(folder.join(need)).map_err(unusable)?;
        }
        let log = File::create(folder.join("log")).map_err(unusable)?;
        let mut command = Command::new(&self.program);
        command
            .current_dir(folder)
            .env("FUZZ_TARGET", target)
            .stderr(log);
        Ok(command)
    }
}

/// The machine cargo builds for.
fn host() -> Result<String, Stop> {
    let version = process::output(Command::new("rustc").arg("-vV"), GRACE)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Stop::Failed("rustc does not say what it builds for".to_owned()))
}

fn path(path: &Path) -> Result<&str, Stop> {
    path.to_str()
        .ok_or_else(|| Stop::Failed(format!("{} is no UTF-8", path.display())))
}

/// What libFuzzer says in many lines.
fn summary(log: &str) -> String {
    let stat = |name: &str| {
        let mut lines = log.lines().filter_map(|line| line.strip_prefix("stat::"));
        lines.find_map(|line| Some(line.strip_prefix(name)?.trim_start_matches(':').trim()))
    };
    let coverage = |name: &str| {
        let mut lines = log.lines().rev().filter(|line| line.starts_with('#'));
        lines.find_map(|line| line.split(name).nth(1)?.split_whitespace().next())
    };
    let or_none = |figure: Option<&str>| figure.unwrap_or("?").to_owned();
    format!(
        "{:>9} executions, {:>6}/s, {:>5} branches, {} new inputs",
        or_none(stat("number_of_executed_units")),
        or_none(stat("average_exec_per_sec")),
        or_none(coverage("cov: ")),
        or_none(stat("new_units_added")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_lines_become_one() {
        let log = "\
            INFO: Seed: 1\n\
            #2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 28Mb\n\
            #500\tDONE   cov: 17 ft: 30 corp: 9/80b lim: 512 exec/s: 50 rss: 30Mb\n\
            Done 500 runs in 9 second(s)\n\
            stat::number_of_executed_units: 500\n\
            stat::average_exec_per_sec:     50\n\
            stat::new_units_added:          8\n";
        let line = "      500 executions,     50/s,    17 branches, 8 new inputs";
        assert_eq!(summary(log), line);
    }
}
