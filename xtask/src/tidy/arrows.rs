//! Which crate may depend on which: the picture of the workspace, as a table.
//!
//! Normal and build dependencies follow the arrows. Test code may also look at what is beside or
//! below a crate, never at what is above it.

use std::{collections::BTreeSet, fs};

use super::Violation;
use crate::workspace::{Dependency, Package, Workspace};

/// Each crate and the members it may depend on. A crate that is not here may not exist.
const ARROWS: &[(&str, &[&str])] = &[
    ("engineio-proto", &[]),
    ("socketio-proto", &[]),
    ("engineio-example-*", &["engineio-proto"]),
    ("engineio-server", &["engineio-proto"]),
    ("socketio-adapter", &["socketio-proto"]),
    ("socketio-macros", &[]),
    ("socketio-adapter-*", &["socketio-adapter"]),
    (
        "socketio-server",
        &[
            "engineio-proto", // the clients of its test kit, and nothing else: not built without it
            "engineio-server",
            "socketio-adapter",
            "socketio-macros",
            "socketio-proto",
        ],
    ),
    ("socketio-client", &["engineio-proto", "socketio-proto"]),
    ("socketio-example-*", &["socketio-server"]),
    ("xtask", &[]),
    (
        "loom-models",
        &["engineio-proto", "socketio-adapter", "socketio-proto"],
    ),
    ("sim", &["engineio-proto", "socketio-proto"]),
    ("fuzz", &["engineio-proto", "socketio-proto"]),
    ("matrix", &["socketio-client"]),
    ("bench", &[]),
    ("bench-*", &["socketio-client", "socketio-server"]),
];

/// The crates that do no I/O and keep no time.
pub(super) const PROTO_CRATES: [&str; 2] = ["engineio-proto", "socketio-proto"];

/// What a proto crate may only use in its tests: I/O, randomness, threads and locks.
pub(super) const IMPURE_CRATES: [&str; 6] = [
    "getrandom",
    "hyper",
    "parking_lot",
    "rand",
    "tokio",
    "tungstenite",
];

/// Judges every dependency line of every member.
pub(super) fn check(workspace: &Workspace) -> Vec<Violation> {
    let members: BTreeSet<_> = workspace.packages.iter().map(|p| p.name.as_str()).collect();
    let mut violations = Vec::new();
    for package in &workspace.packages {
        let path = workspace.relative(&package.manifest).display().to_string();
        let manifest = fs::read_to_string(&package.manifest).unwrap_or_default();
        for (dependency, what) in judge(package, &members) {
            violations.push(Violation {
                path: path.clone(),
                line: line_of(&manifest, dependency),
                what,
            });
        }
    }
    violations
}

/// The name to look for in the manifest, and what is wrong with it.
fn judge<'a>(package: &'a Package, members: &BTreeSet<&str>) -> Vec<(&'a str, String)> {
    let name = &package.name;
    let Some(allowed) = arrows_from(name) else {
        let what = format!("`{name}` is not in the picture: add it to ARROWS in tidy/arrows.rs");
        return vec![("name", what)];
    };
    let judge = |dependency: &'a Dependency| {
        let other = dependency.name.as_str();
        let what = if members.contains(other) {
            if dependency.is_dev() {
                let upward = other == "xtask" || (other != name && reaches(other, name));
                upward.then(|| format!("tests of `{name}` look up at `{other}`: test it up there"))
            } else {
                let arrow = allowed.iter().any(|pattern| matches(pattern, other));
                (!arrow)
                    .then(|| format!("no arrow leads from `{name}` to `{other}`: move the code"))
            }
        } else if PROTO_CRATES.contains(&name.as_str()) && !dependency.is_dev() {
            let impure = IMPURE_CRATES.contains(&other);
            impure.then(|| format!("`{other}` has no place in a proto crate: its driver does that"))
        } else {
            None
        };
        Some((other, what?))
    };
    package.dependencies.iter().filter_map(judge).collect()
}

fn arrows_from(name: &str) -> Option<&'static [&'static str]> {
    ARROWS
        .iter()
        .find_map(|(pattern, arrows)| matches(pattern, name).then_some(*arrows))
}

/// Whether the arrows lead from `name` to `target`, over any number of crates.
fn reaches(name: &str, target: &str) -> bool {
    arrows_from(name)
        .into_iter()
        .flatten()
        .any(|next| matches(next, target) || reaches(next, target))
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

fn line_of(manifest: &str, key: &str) -> usize {
    manifest
        .lines()
        .position(|line| {
            line.strip_prefix(key)
                .is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        })
        .map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(name: &str, dependencies: &[(&str, Option<&str>)]) -> Vec<String> {
        let package = Package {
            name: name.to_owned(),
            manifest: "Cargo.toml".into(),
            publish: None,
            features: Default::default(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: kind.map(str::to_owned),
                })
                .collect(),
        };
        let members = BTreeSet::from([
            "engineio-proto",
            "engineio-server",
            "socketio-adapter",
            "socketio-adapter-redis",
            "socketio-client",
            "socketio-proto",
            "socketio-server",
            "xtask",
        ]);
        judge(&package, &members)
            .into_iter()
            .map(|(_, what)| what)
            .collect()
    }

    #[test]
    fn arrows_of_the_picture_are_allowed() {
        for (from, to) in [
            ("engineio-server", "engineio-proto"),
            ("socketio-server", "socketio-adapter"),
            ("socketio-adapter", "socketio-proto"),
            ("socketio-adapter-redis", "socketio-adapter"),
            ("socketio-client", "engineio-proto"),
            ("engineio-proto", "bytes"),
            ("xtask", "tokio"),
        ] {
            assert_eq!(verdicts(from, &[(to, None)]), [""; 0], "{from} to {to}");
        }
    }

    #[test]
    fn every_other_arrow_is_refused() {
        for (from, to) in [
            ("engineio-proto", "socketio-proto"),
            ("socketio-proto", "engineio-proto"),
            ("socketio-adapter", "engineio-proto"),
            ("socketio-adapter", "socketio-server"),
            ("socketio-adapter-redis", "socketio-proto"),
            ("socketio-client", "socketio-server"),
            ("engineio-server", "xtask"),
            ("engineio-proto", "tokio"),
            ("socketio-proto", "parking_lot"),
        ] {
            assert_eq!(verdicts(from, &[(to, None)]).len(), 1, "{from} to {to}");
            assert_eq!(
                verdicts(from, &[(to, Some("build"))]).len(),
                1,
                "{from} to {to}"
            );
        }
    }

    #[test]
    fn tests_look_anywhere_but_up() {
        for (from, to, refused) in [
            ("socketio-client", "socketio-server", false),
            ("socketio-server", "engineio-proto", false),
            ("engineio-proto", "engineio-proto", false),
            ("engineio-proto", "tungstenite", false),
            ("engineio-proto", "engineio-server", true),
            ("socketio-proto", "socketio-adapter-redis", true),
            ("engineio-server", "socketio-server", true),
            ("engineio-server", "xtask", true),
        ] {
            let verdicts = verdicts(from, &[(to, Some("dev"))]);
            assert_eq!(!verdicts.is_empty(), refused, "{from} to {to}");
        }
    }

    #[test]
    fn a_crate_outside_the_picture_is_refused() {
        assert_eq!(verdicts("socketio-utils", &[]).len(), 1);
    }

    #[test]
    fn a_dependency_is_found_in_its_manifest() {
        let manifest = "[dependencies]\nhyper-util = \"1\"\nhyper.workspace = true\n";
        assert_eq!(line_of(manifest, "hyper"), 3);
        assert_eq!(line_of(manifest, "absent"), 1);
    }
}
