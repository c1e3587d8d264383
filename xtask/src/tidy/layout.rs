//! Which files exist: the agreed top level, and no golden file that no test reads.

use std::{fs, io, path::Path};

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
    fn a_vector_file_is_named_by_a_test() {
        let text = "const V4: &str = include_str!(\"../vectors/v4.json\");".to_owned();
        let source = |role| Source::new("a.rs".to_owned(), "a", role, text.clone());
        assert!(is_named("v4.json", &[source(Role::Test)]));
        assert!(!is_named("v3.json", &[source(Role::Test)]));
        assert!(!is_named("v4.json", &[source(Role::Product)]));
    }
}
