//! Which files exist, and how large they may be: the agreed top level, no golden file that no test
//! reads, short examples.

use std::{collections::BTreeMap, fs, io, path::Path};

use super::{
    Violation, files_under,
    source::{Role, Source},
};
use crate::workspace::Workspace;

/// What stands at the top level, besides hidden files and the licences.
const TOP_LEVEL: [&str; 11] = [
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "adapters",
    "engineio-proto",
    "engineio-server",
    "socketio-client",
    "socketio-proto",
    "socketio-server",
    "target",
    "xtask",
];

/// Refuses anything at the top level that was not agreed upon.
pub(super) fn top_level(root: &Path) -> io::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !is_agreed(&name) {
            violations.push(Violation {
                path: name,
                line: 1,
                what: "is not part of the agreed top level: move it into a crate".to_owned(),
            });
        }
    }
    Ok(violations)
}

fn is_agreed(name: &str) -> bool {
    name.starts_with('.') || name.starts_with("LICENSE") || TOP_LEVEL.contains(&name)
}

/// Refuses a file under `tests/vectors` that no test of its package names.
pub(super) fn vectors(
    workspace: &Workspace,
    package: &Path,
    sources: &[Source],
) -> io::Result<Vec<Violation>> {
    let folder = package.join("tests/vectors");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let unread = files_under(&folder)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension != "md"))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            !is_named(&name, sources)
        });
    Ok(unread
        .map(|path| Violation {
            path: workspace.relative(&path).display().to_string(),
            line: 1,
            what: "no test names this vector file: test it or delete it".to_owned(),
        })
        .collect())
}

/// What the core offers to be copied is short: all files of an example of a package together.
pub(super) fn brevity(sources: &[Source]) -> Vec<Violation> {
    const LIMIT: usize = 200;
    const EXAMPLES: &str = "engineio-proto/examples/";
    let mut drivers = BTreeMap::<&str, usize>::new();
    for source in sources.iter().filter(|source| source.role != Role::Test) {
        let name = source.path.strip_prefix(EXAMPLES);
        if let Some((name, _)) = name.and_then(|name| name.split_once('/')) {
            *drivers.entry(name).or_default() += source.text.lines().count();
        }
    }
    drivers.retain(|_, lines| *lines >= LIMIT);
    let too_long = |(name, lines)| Violation {
        path: format!("{EXAMPLES}{name}"),
        line: 1,
        what: format!("a driver to be copied has {lines} lines, {LIMIT} or more: let it do less"),
    };
    drivers.into_iter().map(too_long).collect()
}

fn is_named(file: &str, sources: &[Source]) -> bool {
    sources
        .iter()
        .filter(|source| source.role == Role::Test)
        .any(|source| source.text.contains(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_is_closed() {
        for (name, agreed) in [
            (".ci", true),
            ("Cargo.toml", true),
            ("LICENSE-MIT", true),
            ("socketio-client", true),
            ("docs", false),
            ("notes.md", false),
            ("socketio-utils", false),
        ] {
            assert_eq!(is_agreed(name), agreed, "{name}");
        }
    }

    #[test]
    fn drivers_to_be_copied_are_short() {
        let long = |files: &[(&str, usize)]| {
            let source = |&(path, lines): &(&str, usize)| {
                let role = Role::of(Path::new(path));
                Source::new(path.to_owned(), "any", role, "\n".repeat(lines))
            };
            let sources: Vec<_> = files.iter().map(source).collect();
            let violations = brevity(&sources);
            violations.into_iter().map(|it| it.path).collect::<Vec<_>>()
        };
        let [main, http] = ["main", "http"].map(|it| format!("engineio-proto/examples/a/{it}.rs"));
        let other = "engineio-proto/examples/b/src/main.rs";
        assert!(long(&[(&main, 100), (&http, 99), (other, 199)]).is_empty());
        assert_eq!(
            long(&[(&main, 100), (&http, 100)]),
            ["engineio-proto/examples/a"]
        );
        assert_eq!(long(&[(other, 200)]), ["engineio-proto/examples/b"]);
        let tests = "engineio-proto/examples/a/tests.rs";
        assert!(
            long(&[
                (&main, 199),
                (tests, 200),
                ("engineio-server/src/lib.rs", 200)
            ])
            .is_empty()
        );
    }

    #[test]
    fn a_vector_file_is_named_by_a_test() {
        let text = "const V4: &str = include_str!(\"../vectors/v4.json\");".to_owned();
        let source = |role| Source::new("a.rs".to_owned(), "a", role, text.clone());
        assert!(is_named("v4.json", &[source(Role::Test)]));
        assert!(!is_named("v3.json", &[source(Role::Test)]));
        assert!(!is_named("v4.json", &[source(Role::Product)]));
    }
}
