//! `cargo xtask test`: everything deterministic, as steps.
//!
//! Begins with the steps of `ci.rs`. The real clients' own business is in `clients.rs`, our clients'
//! in `matrix.rs`, the official suites' in `conformance.rs`, the simulator's in `sim.rs` and the golden
//! vectors' in `vectors.rs`.

use std::collections::BTreeSet;

use crate::{
    ci::{self, BUILD_DEADLINE, cargo},
    clients, conformance, features, fuzz, matrix,
    process::{self, Stop},
    sim,
    steps::Step,
    vectors,
    workspace::Workspace,
};

/// How many crates a user of the server compiles at most, examples and tests included.
const CRATE_BUDGET: usize = 150;

/// All steps, in order.
pub(crate) fn steps() -> Vec<Step> {
    let own = [
        Step::new("build", &[], build),
        Step::new("test", &["build"], test),
        Step::new("loom", &[], loom),
        Step::new("fuzz", &[], fuzz::step),
        Step::new("sim", &[], sim::run_some),
        Step::new("mutations", &[], sim::run_all_mutations).full(),
        Step::new("budget", &[], budget),
        Step::new("package", &[], package),
        Step::new("examples", &["build"], examples),
        Step::new("js-4", &["examples"], clients::js_4),
        Step::new("js-3", &["examples"], clients::js_3),
        Step::new("js-2", &["examples"], clients::js_2),
        Step::new("js-2.0", &["examples"], clients::js_2_between).full(),
        Step::new("python", &["examples"], clients::python),
        Step::new("python-4", &["examples"], clients::python_4),
        Step::new("browser", &["examples"], clients::browser),
        Step::new("browser-2", &["examples"], clients::browser_2).full(),
        Step::new("chat", &["examples"], clients::chat),
        Step::new("pages", &["examples"], clients::pages),
        Step::new("transports", &[], transports),
        Step::new("matrix", &["examples"], matrix::some),
        Step::new("matrix-all", &["examples"], matrix::all).full(),
        Step::new("storm", &["examples"], matrix::storm).full(),
        Step::new("conformance", &["examples"], conformance::run_known).full(),
        Step::new("vectors", &[], vectors::check).full(),
    ];
    [ci::STEPS, &own].concat()
}

const WORKSPACE_TESTS: &[&str] = &["test", "--workspace", "--exclude", LOOM];

/// The models of what runs concurrently.
const LOOM: &str = "loom-models";

fn build(workspace: &Workspace) -> Result<(), Stop> {
    workspace_tests(workspace, "--no-run")
}

fn test(workspace: &Workspace) -> Result<(), Stop> {
    workspace_tests(workspace, "--no-fail-fast")
}

fn workspace_tests(workspace: &Workspace, option: &str) -> Result<(), Stop> {
    let features = features::all(workspace);
    let options = [option, "--features", &features];
    cargo(workspace, &[WORKSPACE_TESTS, &options].concat())
}

/// Every interleaving, within the models' bound.
fn loom(workspace: &Workspace) -> Result<(), Stop> {
    cargo(workspace, &["test", "-p", LOOM, "--no-fail-fast"])
}

/// The servers that the real clients and the official suites talk to, as a user would build them.
fn examples(workspace: &Workspace) -> Result<(), Stop> {
    cargo(workspace, &["build", "-p", "engineio-server", "--examples"])?;
    cargo(workspace, &["build", "-p", "socketio-server", "--examples"])
}

/// The servers that others would build on the core: none of them needs tokio, and all of them serve
/// the real clients.
fn transports(workspace: &Workspace) -> Result<(), Stop> {
    for server in clients::EXAMPLE_SERVERS {
        let kinds = ["-p", server, "-e", "normal,build"];
        let tree = [&["tree", "--prefix", "none"], &kinds[..]].concat();
        let tree = process::output(&mut workspace.cargo(&tree), BUILD_DEADLINE)?;
        if tree.lines().any(|line| line.starts_with("tokio ")) {
            return Err(Stop::Failed(format!("{server} depends on tokio")));
        }
        cargo(workspace, &["build", "-p", server])?;
    }
    clients::transports(workspace)
}

/// `cargo run -p socketio-server --example chat` stays a small download.
fn budget(workspace: &Workspace) -> Result<(), Stop> {
    let kinds = ["-p", "socketio-server", "-e", "normal,build,dev"];
    let tree = [&["tree", "--prefix", "none"], &kinds[..]].concat();
    let tree = process::output(&mut workspace.cargo(&tree), BUILD_DEADLINE)?;
    let crates = count_crates(&tree);
    println!("{crates} crates, fewer than {CRATE_BUDGET} are allowed");
    if crates < CRATE_BUDGET {
        Ok(())
    } else {
        Err(Stop::Failed(format!("{crates} crates are too many")))
    }
}

/// Distinct crates of a `cargo tree --prefix none`, each line of which is `NAME VERSION NOTES…`.
fn count_crates(tree: &str) -> usize {
    let crates: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    crates.len()
}

/// Every crate meant for a registry can be packed, and brings its README.
fn package(workspace: &Workspace) -> Result<(), Stop> {
    for package in workspace.packages.iter().filter(|p| p.is_published()) {
        let list = ["--list", "--no-verify", "--allow-dirty"];
        let list = [&["package", "--quiet", "-p", &package.name], &list[..]].concat();
        let files = process::output(&mut workspace.cargo(&list), BUILD_DEADLINE)?;
        for needed in ["Cargo.toml", "README.md", "src/lib.rs"] {
            if !files.lines().any(|file| file == needed) {
                let name = &package.name;
                return Err(Stop::Failed(format!("the package {name} lacks {needed}")));
            }
        }
        println!("{}: {} files", package.name, files.lines().count());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_per_version() {
        let tree = "\
            app v0.1.0 (/src/app)\n\
            bytes v1.12.0\n\
            syn v2.0.0 (proc-macro)\n\
            syn v1.0.0\n\
            bytes v1.12.0 (*)\n\
            \n";
        assert_eq!(count_crates(tree), 4);
    }

    #[test]
    fn steps_need_only_steps_before_them() {
        let steps = steps();
        for (index, step) in steps.iter().enumerate() {
            for need in step.needs {
                let earlier = steps[..index].iter().any(|step| step.name == *need);
                assert!(
                    earlier,
                    "{} needs {need}, which is not before it",
                    step.name
                );
            }
        }
    }
}
