//! Pages of documentation that name tests as evidence: the tests exist.
//!
//! Such a page is a Markdown file in a folder `src/docs`. A test is named in code, as
//! `` `file::test` ``: the file `file.rs` of any package, or one in a folder `file`, has that test.

use std::{fs, io, path::Path};

use super::{Violation, files_under, source::Source};
use crate::workspace::Workspace;

/// Refuses a page of a package that names a test which is in none of the sources.
pub(super) fn evidence(
    workspace: &Workspace,
    package: &Path,
    sources: &[Source],
) -> io::Result<Vec<Violation>> {
    let folder = package.join("src/docs");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut violations = Vec::new();
    for page in files_under(&folder)? {
        let name = workspace.relative(&page).display().to_string();
        let text = fs::read_to_string(&page)?;
        violations.extend(check(&name, &text, sources));
    }
    Ok(violations)
}

fn check(page: &str, text: &str, sources: &[Source]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let spans = line.split('`').skip(1).step_by(2);
        for (file, test) in spans.filter_map(named) {
            if !sources.iter().any(|source| has(source, file, test)) {
                violations.push(Violation {
                    path: page.to_owned(),
                    line: index + 1,
                    what: format!("there is no test `{test}` in `{file}`: name one that shows it"),
                });
            }
        }
    }
    violations
}

/// The file and the test that a piece of code names, if it does.
fn named(code: &str) -> Option<(&str, &str)> {
    let (file, test) = code.split_once("::")?;
    let is_name = |it: &str| {
        !it.is_empty()
            && it
                .chars()
                .all(|c| c == '_' || c.is_ascii_alphanumeric() && !c.is_ascii_uppercase())
    };
    (is_name(file) && is_name(test)).then_some((file, test))
}

fn has(source: &Source, file: &str, test: &str) -> bool {
    let path = Path::new(&source.path).with_extension("");
    path.iter().any(|part| part == file) && source.text.contains(&format!("fn {test}("))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::source::Role;

    #[test]
    fn a_page_may_only_name_tests_that_exist() {
        let source = |path: &str| {
            let text = "#[test]\nfn it_holds() {}\n".to_owned();
            Source::new(path.to_owned(), "a", Role::Test, text)
        };
        let sources = [
            source("a/tests/it/rooms.rs"),
            source("b/tests/it/flows/ends.rs"),
        ];
        let missing = |text: &str| -> Vec<usize> {
            let violations = check("page.md", text, &sources);
            violations.iter().map(|it| it.line).collect()
        };
        let fine = "as `rooms::it_holds` and `flows::it_holds`, `ends::it_holds`";
        assert!(missing(fine).is_empty());
        assert_eq!(
            missing("fine\n`rooms::it_does_not`\n`acks::it_holds`"),
            [2, 3]
        );
        let others = "`Io::spawn`, [`Socket::call`], `a::b::c`, `x`";
        assert!(missing(others).is_empty());
    }
}
