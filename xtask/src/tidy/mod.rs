//! `cargo xtask tidy`: the house rules, as checks, so that nobody has to remember them.
//!
//! [`arrows`] judges manifests, [`layout`] judges which files exist, [`code`] judges what Rust
//! sources say as read by [`source`], [`pages`] judges what documentation claims. Formatting and lints are rustfmt's and clippy's business.

mod arrows;
mod code;
mod layout;
mod lexer;
mod pages;
mod source;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use self::source::{Role, Source};
use crate::{process::Stop, workspace::Workspace};

/// A broken rule.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    /// What is wrong and what to do.
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Checks everything and prints each violation; an error if there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Stop> {
    let violations = check(workspace).map_err(|error| Stop::Failed(error.to_string()))?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => Err(Stop::Failed("one violation of a house rule".to_owned())),
        many => Err(Stop::Failed(format!("{many} violations of house rules"))),
    }
}

fn check(workspace: &Workspace) -> io::Result<Vec<Violation>> {
    let mut violations = arrows::check(workspace);
    violations.extend(layout::top_level(&workspace.root)?);
    let mut all = Vec::new();
    for package in &workspace.packages {
        let sources = sources(workspace, package.folder(), &package.name)?;
        violations.extend(layout::vectors(workspace, package.folder(), &sources)?);
        violations.extend(sources.iter().flat_map(code::check));
        violations.extend(layout::brevity(&sources));
        all.extend(sources);
    }
    for package in &workspace.packages {
        violations.extend(pages::evidence(workspace, package.folder(), &all)?);
    }
    violations.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    Ok(violations)
}

/// Every Rust file of a package, without those of a package nested in its folder.
fn sources(workspace: &Workspace, folder: &Path, package: &str) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in files_under(folder)? {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let role = Role::of(path.strip_prefix(folder).unwrap_or(&path));
            let name = workspace.relative(&path).display().to_string();
            let text = fs::read_to_string(&path)?;
            sources.push(Source::new(name, package, role, text));
        }
    }
    let test_modules: Vec<_> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let path = Path::new(&source.path).with_extension("");
        if test_modules.iter().any(|module| path.starts_with(module)) {
            source.role = Role::Test;
        }
    }
    Ok(sources)
}

/// All files below `folder`, except in hidden folders, in what tools install or build there, and
/// in nested packages.
fn files_under(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if !name.starts_with('.')
            && !["target", "node_modules", "venv"].contains(&&*name)
            && !path.join("Cargo.toml").exists()
        {
            files.extend(files_under(&path)?);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let workspace = Workspace::load().unwrap();
        let violations = check(&workspace).unwrap();
        let lines: Vec<_> = violations.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    #[test]
    fn a_violation_reads_like_a_compiler_error() {
        let violation = Violation {
            path: "a/src/lib.rs".to_owned(),
            line: 7,
            what: "wrong: mend it".to_owned(),
        };
        assert_eq!(violation.to_string(), "a/src/lib.rs:7: wrong: mend it");
    }
}
