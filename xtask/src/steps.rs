//! Named steps: which of them run, in what order, and the account at the end.
//!
//! A failing step stops only the steps that need it. Owns no step.

use std::{collections::BTreeSet, process::ExitCode, time::Duration};

use crate::{
    process::{self, Stop},
    workspace::Workspace,
};

/// One thing to do, by name.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// The steps whose result this one uses; they stand earlier in the list.
    pub(crate) needs: &'static [&'static str],
    /// Whether it runs with `--full` only.
    pub(crate) full: bool,
    pub(crate) run: fn(&Workspace) -> Result<(), Stop>,
}

impl Step {
    pub(crate) const fn new(
        name: &'static str,
        needs: &'static [&'static str],
        run: fn(&Workspace) -> Result<(), Stop>,
    ) -> Self {
        Self {
            name,
            needs,
            full: false,
            run,
        }
    }

    /// The same step, with `--full` only.
    pub(crate) const fn full(self) -> Self {
        Self { full: true, ..self }
    }
}

/// What of a list is asked for.
#[derive(Default)]
pub(crate) struct Selection {
    /// Whether steps for `--full` run.
    pub(crate) full: bool,
    /// Part of the names of the steps to run; what they need runs as well.
    pub(crate) filter: Option<String>,
}

/// Runs the selected steps and prints the account, whose last line counts them. The code is a
/// failure if any of them failed.
pub(crate) fn run_steps(
    workspace: &Workspace,
    steps: &[Step],
    selection: &Selection,
) -> Result<ExitCode, Stop> {
    let selected = selection.of(steps);
    if selected.is_empty() {
        let names: Vec<_> = steps.iter().map(|step| step.name).collect();
        let names = names.join(", ");
        return Err(Stop::Failed(format!("no such step; there are {names}")));
    }

    let mut account = Account::default();
    for step in selected {
        let started = process::now();
        let result = if step.full && !selection.full {
            Err(Stop::NotRun("only with --full".to_owned()))
        } else if let Some(missing) = step.needs.iter().find(|need| !account.passed(need)) {
            Err(Stop::NotRun(format!("it needs `{missing}`")))
        } else {
            println!("\n── {} ──", step.name);
            (step.run)(workspace)
        };
        if let Err(Stop::Failed(why)) = &result {
            println!("{}: {why}", step.name);
        }
        account.lines.push(Line {
            name: step.name,
            result,
            time: started.elapsed(),
        });
    }
    account.print();
    Ok(match account.failed() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

impl Selection {
    /// The steps whose name fits, and what they need, in the order of the list.
    fn of<'a>(&self, steps: &'a [Step]) -> Vec<&'a Step> {
        let mut wanted = BTreeSet::new();
        // From the end: what a step needs stands before it.
        for step in steps.iter().rev() {
            let fits = match &self.filter {
                Some(part) => step.name.contains(part.as_str()),
                None => true,
            };
            if fits || wanted.contains(step.name) {
                wanted.insert(step.name);
                wanted.extend(step.needs);
            }
        }
        steps
            .iter()
            .filter(|step| wanted.contains(step.name))
            .collect()
    }
}

/// What became of each step so far.
#[derive(Default)]
struct Account {
    lines: Vec<Line>,
}

struct Line {
    name: &'static str,
    result: Result<(), Stop>,
    time: Duration,
}

impl Account {
    fn passed(&self, name: &str) -> bool {
        self.lines
            .iter()
            .any(|line| line.name == name && line.result.is_ok())
    }

    fn failed(&self) -> usize {
        let failed = |line: &&Line| matches!(line.result, Err(Stop::Failed(_)));
        self.lines.iter().filter(failed).count()
    }

    fn print(&self) {
        println!();
        for line in &self.lines {
            let word = match &line.result {
                Ok(()) => "passed",
                Err(Stop::Failed(_)) => "FAILED",
                Err(Stop::NotRun(_)) => continue,
            };
            let seconds = line.time.as_secs();
            println!(
                "{:<12} {word} {:>3}m {:02}s",
                line.name,
                seconds / 60,
                seconds % 60
            );
        }
        for line in &self.lines {
            if let Err(Stop::NotRun(why)) = &line.result {
                println!("not run: {} ({why})", line.name);
            }
        }
        let passed = self.lines.iter().filter(|line| line.result.is_ok()).count();
        println!("{passed} passed, {} failed", self.failed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(_: &Workspace) -> Result<(), Stop> {
        Ok(())
    }

    const STEPS: &[Step] = &[
        Step::new("fmt", &[], pass),
        Step::new("build", &[], pass),
        Step::new("examples", &["build"], pass),
        Step::new("js-3", &["examples"], pass),
        Step::new("js-4", &["examples"], pass),
    ];

    fn names(filter: Option<&str>) -> Vec<&'static str> {
        let selection = Selection {
            full: false,
            filter: filter.map(str::to_owned),
        };
        selection.of(STEPS).iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_filter_brings_what_its_steps_need() {
        assert_eq!(names(Some("js-3")), ["build", "examples", "js-3"]);
        assert_eq!(names(Some("js")), ["build", "examples", "js-3", "js-4"]);
        assert_eq!(names(Some("fmt")), ["fmt"]);
        assert!(names(Some("nonsense")).is_empty());
        assert_eq!(names(None).len(), STEPS.len());
    }

    #[test]
    fn only_a_passed_step_is_of_use_to_others() {
        let line = |name, result| Line {
            name,
            result,
            time: Duration::ZERO,
        };
        let account = Account {
            lines: vec![
                line("good", Ok(())),
                line("bad", Err(Stop::Failed(String::new()))),
                line("absent", Err(Stop::NotRun(String::new()))),
            ],
        };
        assert!(account.passed("good"));
        assert!(!account.passed("bad"));
        assert!(!account.passed("absent"));
        assert!(!account.passed("unknown"));
        assert_eq!(account.failed(), 1);
    }
}
