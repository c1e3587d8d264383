//! `cargo xtask vectors`: the golden vectors, made again by the reference packages and compared
//! with what is committed.
//!
//! What runs the packages is written in `xtask/vectors`; what a vector means is the business of
//! the crate whose tests read it.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;

use crate::{
    install,
    process::{self, Stop},
    workspace::Workspace,
};

/// How long one file may take.
const FILE_DEADLINE: Duration = Duration::from_secs(5 * 60);
/// How long the printing of one diff may take.
const DIFF_DEADLINE: Duration = Duration::from_secs(60);

/// What the generator prints before the name of a vector that it left as it was.
const LEFT: &str = "not regenerated: ";

/// Vectors of one kind.
struct File {
    /// What `generate.mjs` calls it.
    kind: &'static str,
    /// Where it is committed. Crates are packed alone, so each that reads it has a copy.
    copies: &'static [&'static str],
}

const FILES: [File; 7] = [
    File {
        kind: "engineio-v3",
        copies: &["engineio-proto/tests/vectors/v3.json"],
    },
    File {
        kind: "engineio-v4",
        copies: &["engineio-proto/tests/vectors/v4.json"],
    },
    File {
        kind: "socketio-v4",
        copies: &["socketio-proto/tests/vectors/v4.json"],
    },
    File {
        kind: "socketio-v5",
        copies: &["socketio-proto/tests/vectors/v5.json"],
    },
    File {
        kind: "socketio-msgpack",
        copies: &["socketio-proto/tests/vectors/msgpack.json"],
    },
    File {
        kind: "engineio-http",
        copies: &[
            "engineio-proto/tests/vectors/http.json",
            "engineio-server/tests/vectors/engineio-http.json",
        ],
    },
    File {
        kind: "socketio-flows",
        copies: &[
            "socketio-proto/tests/vectors/flows.json",
            "socketio-server/tests/vectors/flows.json",
        ],
    },
];

/// The step: a difference is a failure.
pub(crate) fn check(workspace: &Workspace) -> Result<(), Stop> {
    run(workspace, false)
}

/// Regenerates every file and prints what differs, as diffs and as counts. With `write` the new
/// files replace the committed ones; without, a difference is a failure.
pub(crate) fn run(workspace: &Workspace, write: bool) -> Result<(), Stop> {
    let folder = install_node(workspace)?;
    let mut lines = Vec::new();
    let mut differing = 0;
    for file in &FILES {
        let fresh = folder.join("fresh").join(file.kind).with_extension("json");
        let counts = file.regenerate(workspace, &folder, &fresh)?;
        for copy in file.copies {
            let committed = workspace.root.join(copy);
            if read(&committed)? == read(&fresh)? {
                continue;
            }
            differing += 1;
            print_diff(&committed, &fresh)?;
            if write {
                fs::copy(&fresh, &committed).map_err(|error| Stop::unusable(&committed, &error))?;
            }
        }
        lines.push(format!("{:<17}{counts}", file.kind));
    }
    println!("\n{}", lines.join("\n"));
    match (differing, write) {
        (0, _) => Ok(()),
        (_, true) => {
            println!("{differing} replaced");
            Ok(())
        }
        (_, false) => Err(Stop::Failed(format!(
            "{differing} differ from what the reference packages do (`--write` replaces them)"
        ))),
    }
}

impl File {
    /// Makes the file again, as `fresh`.
    fn regenerate(
        &self,
        workspace: &Workspace,
        folder: &Path,
        fresh: &Path,
    ) -> Result<Counts, Stop> {
        let committed = workspace.root.join(self.copies[0]);
        let mut generator = Command::new("node");
        generator
            .arg(folder.join("generate.mjs"))
            .arg(self.kind)
            .args([&committed, fresh]);
        let printed = process::output(&mut generator, FILE_DEADLINE)?;
        print!("{printed}");
        let left = printed.lines().filter(|line| line.starts_with(LEFT));
        let outdated = vectors_of(&committed)?;
        Ok(Counts::new(&outdated, &vectors_of(fresh)?, left.count()))
    }
}

/// What became of the vectors of a file.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    same: usize,
    changed: usize,
    left: usize,
}

impl Counts {
    /// `left` vectors were not regenerated, and thus are in `fresh` as they were.
    fn new(committed: &[Value], fresh: &[Value], left: usize) -> Self {
        let pairs = committed.iter().zip(fresh);
        let equal = pairs.filter(|(old, new)| old == new).count();
        Self {
            same: equal - left,
            changed: fresh.len() - equal,
            left,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            same,
            changed,
            left,
        } = self;
        let regenerated = same + changed;
        write!(
            f,
            "{regenerated:>4} regenerated: {same:>3} same, {changed} changed; {left} not regenerated"
        )
    }
}

/// The generator beside its packages, with an empty folder for what it makes.
fn install_node(workspace: &Workspace) -> Result<PathBuf, Stop> {
    install::present("node")?;
    install::present("git")?;
    let folder = workspace.target.join("vectors");
    install::mirror(&workspace.root.join("xtask/vectors"), &folder)?;
    install::npm_ci(&folder)?;
    let fresh = folder.join("fresh");
    fs::create_dir_all(&fresh).map_err(|error| Stop::unusable(&fresh, &error))?;
    Ok(folder)
}

fn print_diff(committed: &Path, fresh: &Path) -> Result<(), Stop> {
    let mut diff = Command::new("git");
    diff.args(["--no-pager", "diff", "--no-index", "--exit-code"])
        .args([committed, fresh]);
    match process::run(&mut diff, DIFF_DEADLINE) {
        // It says so with its status if there is a difference, and there is one.
        Ok(()) | Err(Stop::Failed(_)) => Ok(()),
        Err(stop) => Err(stop),
    }
}

/// The vectors of a file, or its flows.
fn vectors_of(path: &Path) -> Result<Vec<Value>, Stop> {
    let not_understood = |why: String| Stop::Failed(format!("{}: {why}", path.display()));
    let mut file: Value =
        serde_json::from_str(&read(path)?).map_err(|error| not_understood(error.to_string()))?;
    for list in ["vectors", "flows"] {
        if let Some(Value::Array(vectors)) = file.get_mut(list).map(Value::take) {
            return Ok(vectors);
        }
    }
    Err(not_understood("neither vectors nor flows".to_owned()))
}

fn read(path: &Path) -> Result<String, Stop> {
    fs::read_to_string(path).map_err(|error| Stop::unusable(path, &error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_vector_counts_as_same_changed_or_left() {
        let committed = [json!("a"), json!("b"), json!("c"), json!("d")];
        let fresh = [json!("a"), json!("B"), json!("c"), json!("d")];
        let counts = Counts::new(&committed, &fresh, 1);
        assert_eq!(
            counts,
            Counts {
                same: 2,
                changed: 1,
                left: 1
            }
        );
        assert_eq!(
            counts.to_string(),
            "   3 regenerated:   2 same, 1 changed; 1 not regenerated"
        );
    }

    #[test]
    fn the_copies_of_a_file_are_the_same() {
        let workspace = Workspace::load().unwrap();
        for file in &FILES {
            let texts = file
                .copies
                .iter()
                .map(|copy| read(&workspace.root.join(copy)).unwrap());
            let texts: Vec<_> = texts.collect();
            assert!(
                texts.windows(2).all(|two| two[0] == two[1]),
                "{}: copy one over the others",
                file.kind
            );
        }
    }

    #[test]
    fn every_committed_file_has_vectors() {
        let workspace = Workspace::load().unwrap();
        for copy in FILES.iter().flat_map(|file| file.copies) {
            let vectors = vectors_of(&workspace.root.join(copy)).unwrap();
            assert!(
                vectors.iter().all(|vector| vector["name"].is_string()),
                "{copy}"
            );
            assert!(!vectors.is_empty(), "{copy}");
        }
    }
}
