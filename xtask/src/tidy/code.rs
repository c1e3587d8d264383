//! What Rust sources may say, rule by rule.
//!
//! A rule gets a file and hands back lines with what is wrong there; which files it concerns is
//! part of the rule.

use super::{
    Violation,
    arrows::{IMPURE_CRATES, PROTO_CRATES},
    source::{Role, Source},
};

/// Lines and what is wrong there.
type Findings = Vec<(usize, String)>;

const RULES: [fn(&Source) -> Findings; 7] = [
    opening,
    purity,
    thread_locals,
    revisions,
    panics,
    patience,
    foreign_types,
];

/// Applies every rule to a file.
pub(super) fn check(source: &Source) -> Vec<Violation> {
    RULES
        .iter()
        .flat_map(|rule| rule(source))
        .map(|(line, what)| Violation {
            path: source.path.clone(),
            line,
            what,
        })
        .collect()
}

/// Every file opens with what it owns.
fn opening(source: &Source) -> Findings {
    if source.text.starts_with("//!") {
        return Vec::new();
    }
    vec![(
        1,
        "does not open with `//!`: say what the file owns".to_owned(),
    )]
}

const STD_IO: &[&str] = &["std", "io"];

/// What a proto crate may not touch: the outside world, time, threads and locks.
const IMPURE_PATHS: [&[&str]; 9] = [
    &["std", "env"],
    &["std", "fs"],
    STD_IO,
    &["std", "net"],
    &["std", "sync", "Condvar"],
    &["std", "sync", "Mutex"],
    &["std", "sync", "RwLock"],
    &["std", "thread"],
    &["std", "time"],
];

/// The proto crates do no I/O, read no clock, and know no thread, lock or randomness.
fn purity(source: &Source) -> Findings {
    if !is_proto_product(source) {
        return Vec::new();
    }
    source
        .paths()
        .into_iter()
        .filter(|path| !source.is_test(path.at) && is_impure(&path.segments))
        // What is imported is reported once, at the import.
        .filter(|path| path.imported == 0 || !is_impure(&path.segments[..path.imported]))
        .filter(|path| !(source.path == FORMATTER_FILE && starts_with(&path.segments, STD_IO)))
        .map(|path| {
            let path_text = path.segments.join("::");
            let what = format!("`{path_text}` in a proto crate: let the caller hand the value in");
            (path.line, what)
        })
        .collect()
}

fn is_impure(segments: &[String]) -> bool {
    let (spelled, is_glob) = match segments {
        [spelled @ .., last] if last == "*" => (spelled, true),
        all => (all, false),
    };
    let touches = |impure: &&[&str]| {
        starts_with(spelled, impure)
            || (is_glob && spelled.iter().zip(*impure).all(|(a, b)| a == b))
    };
    IMPURE_PATHS.iter().any(touches)
        || IMPURE_CRATES
            .iter()
            .any(|name| starts_with(spelled, &[name]))
}

fn starts_with(segments: &[String], start: &[&str]) -> bool {
    segments.len() >= start.len() && segments.iter().zip(start).all(|(a, b)| a == b)
}

/// serde_json's `Formatter` takes an `io::Write`, which is a `Vec` here; no I/O comes of it.
const FORMATTER_FILE: &str = "socketio-proto/src/draft.rs";

/// serde's visitors have no argument through which attachments could travel to a nested value, so
/// one file hands them over beside the call; everywhere else state is passed on.
const THREAD_LOCAL_FILE: &str = "socketio-proto/src/binary.rs";

/// The proto crates keep no state beside their values.
fn thread_locals(source: &Source) -> Findings {
    if !is_proto_product(source) || source.path == THREAD_LOCAL_FILE {
        return Vec::new();
    }
    let what = format!("`thread_local!` is for {THREAD_LOCAL_FILE} alone: pass the value on");
    find(source, &what, |at| {
        !source.is_test(at) && source.reads(at, &["thread_local", "!"])
    })
}

/// Revisions are tables: only `revision.rs` of a proto crate asks which one it is.
fn revisions(source: &Source) -> Findings {
    let is_home = is_proto(source) && source.path.ends_with("/revision.rs");
    if is_home {
        return Vec::new();
    }
    let patterns = source.patterns();
    let is_comparison = |word: &str| word == "==" || word == "!=";
    let what = "asks which revision it is: put the difference into the table of `revision.rs`";
    find(source, what, |at| {
        source.reads(at, &["Revision", "::"])
            && !source.is_test(at)
            && (is_comparison(source.word_before(source.path_start(at)))
                || is_comparison(source.word(at + 3))
                || patterns.iter().any(|pattern| pattern.contains(&at)))
    })
}

/// No input makes the product panic; what cannot fail says why.
fn panics(source: &Source) -> Findings {
    let what = "may panic: return an error, or say above why it cannot fail, after `// Invariant:`";
    find(source, what, |at| {
        source.role == Role::Product
            && !source.is_test(at)
            && ["unwrap", "expect"].contains(&source.word(at))
            && [".", "::"].contains(&source.word_before(at))
            && !source.is_excused(source.tokens[at].line, "Invariant:")
    })
}

/// Tests run to their end, all of them, and wait for nothing but events.
fn patience(source: &Source) -> Findings {
    let in_tests =
        |words: &'static [&str]| move |at: usize| source.is_test(at) && source.reads(at, words);
    let ignored = "an ignored test tests nothing: assert what happens today, or delete it";
    let unfinished = "is not finished: write it or leave it out";
    let blocking = "sleeps: wait for the event itself";
    let sleeping = "sleeps: wait for the event, or say `// Virtual time:` above";
    [
        find(source, ignored, in_tests(&["#", "[", "ignore"])),
        find(source, unfinished, |at| source.reads(at, &["todo", "!"])),
        find(source, blocking, in_tests(&["thread", "::", "sleep"])),
        find(source, sleeping, |at| {
            in_tests(&["sleep", "("])(at)
                && !["fn", "."].contains(&source.word_before(at))
                && !source.reads(at.saturating_sub(2), &["thread", "::"])
                && !source.is_excused(source.tokens[at].line, "Virtual time:")
        }),
    ]
    .concat()
}

/// Crates whose types must not become a promise of the proto crates.
const PRIVATE_CRATES: [&str; 4] = ["hyper", "hyper_util", "nom", "tungstenite"];

/// What a proto crate makes public is its own or the standard library's.
fn foreign_types(source: &Source) -> Findings {
    if !is_proto_product(source) {
        return Vec::new();
    }
    let public: Vec<_> = (0..source.tokens.len())
        .filter(|&at| source.word(at) == "pub" && source.word(at + 1) != "(" && !source.is_test(at))
        .map(|at| at..source.end_of_signature(at))
        .collect();
    source
        .paths()
        .into_iter()
        .filter(|path| public.iter().any(|signature| signature.contains(&path.at)))
        .filter(|path| PRIVATE_CRATES.contains(&path.segments[0].as_str()))
        .map(|path| {
            let path_text = path.segments.join("::");
            (
                path.line,
                format!("`{path_text}` in a public signature: wrap it in a type of ours"),
            )
        })
        .collect()
}

fn is_proto(source: &Source) -> bool {
    PROTO_CRATES.contains(&source.package.as_str())
}

fn is_proto_product(source: &Source) -> bool {
    is_proto(source) && source.role == Role::Product
}

/// The lines with a token that `is_wrong`, each once.
fn find(source: &Source, what: &str, is_wrong: impl Fn(usize) -> bool) -> Findings {
    let mut lines: Vec<_> = (0..source.tokens.len())
        .filter(|&at| is_wrong(at))
        .map(|at| source.tokens[at].line)
        .collect();
    lines.dedup();
    lines
        .into_iter()
        .map(|line| (line, what.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {

    use super::*;

    const PROTO: &str = "engineio-proto/src/session.rs";
    const SERVER: &str = "engineio-server/src/driver.rs";
    const TEST: &str = "engineio-proto/tests/it/pair.rs";

    /// What a rule finds in a made-up file, by line.
    fn lines(rule: fn(&Source) -> Findings, path: &str, text: &str) -> Vec<usize> {
        let (package, rest) = path.split_once('/').unwrap();
        let role = Role::of(rest.as_ref());
        let source = Source::new(path.to_owned(), package, role, text.to_owned());
        rule(&source).into_iter().map(|(line, _)| line).collect()
    }

    fn check_table(rule: fn(&Source) -> Findings, table: &[(&str, &str, &[usize])]) {
        for (path, text, expected) in table {
            assert_eq!(&lines(rule, path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn a_file_opens_with_what_it_owns() {
        check_table(
            opening,
            &[
                (PROTO, "//! Sessions.\n", &[]),
                (PROTO, "use std::fmt;\n//! Sessions.\n", &[1]),
                (TEST, "// Sessions.\n", &[1]),
            ],
        );
    }

    #[test]
    fn proto_crates_are_pure() {
        check_table(
            purity,
            &[
                (PROTO, "use std::{fmt, sync::Arc};", &[]),
                (
                    PROTO,
                    "use std::{\n fmt,\n time::{Duration, Instant},\n};",
                    &[3, 3],
                ),
                (PROTO, "use std::sync::*;", &[1]),
                (PROTO, "use std::collections::*;", &[]),
                (PROTO, "use std::sync;\nstruct A(sync::Mutex<u8>);", &[2]),
                (PROTO, "use std::io;\nfn f() -> io::Result<()> {}", &[1]),
                (FORMATTER_FILE, "use std::io;\nuse std::fs;", &[2]),
                (PROTO, "fn f() { std::thread::yield_now() }", &[1]),
                (PROTO, "use tokio::sync::Notify;", &[1]),
                (PROTO, "fn f() { getrandom::fill(&mut []); }", &[1]),
                (
                    PROTO,
                    "/// Not `std::net`.\nfn f() { g(\"std::net\") }",
                    &[],
                ),
                (
                    PROTO,
                    "#[cfg(test)]\nmod tests {\n use std::time::Instant;\n}",
                    &[],
                ),
                (TEST, "use std::time::Instant;", &[]),
                (SERVER, "use std::time::Instant;", &[]),
            ],
        );
    }

    #[test]
    fn thread_locals_have_one_home() {
        let text = "thread_local! { static A: u8 = 0; }";
        check_table(
            thread_locals,
            &[
                (PROTO, text, &[1]),
                ("socketio-proto/src/packet.rs", text, &[1]),
                (THREAD_LOCAL_FILE, text, &[]),
                (SERVER, text, &[]),
            ],
        );
    }

    #[test]
    fn only_revision_rs_asks_for_the_revision() {
        let asks = "fn f(r: Revision) { match r { Revision::V3 => 1, Revision::V4 => 2 } }";
        check_table(
            revisions,
            &[
                ("engineio-proto/src/revision.rs", asks, &[]),
                ("engineio-server/src/revision.rs", asks, &[1]),
                (PROTO, asks, &[1]),
                (SERVER, "fn f() {\n if r == Revision::V3 {}\n}", &[2]),
                (SERVER, "fn f() {\n if proto::Revision::V3 != r {}\n}", &[2]),
                (SERVER, "fn f() {\n if r == proto::Revision::V3 {}\n}", &[2]),
                (SERVER, "fn f() { matches!(g(r, s), Revision::V3) }", &[1]),
                (SERVER, "fn f() { if let Some(Revision::V3) = r {} }", &[1]),
                (
                    SERVER,
                    "fn f() { match p {\n P { r, .. } => {}\n P { r: Revision::V3 } => {}\n} }",
                    &[3],
                ),
                (
                    SERVER,
                    "fn f() { match p { 1 => Revision::V3,\n _ => g(Revision::V4) } }",
                    &[],
                ),
                (
                    SERVER,
                    "fn f() { let r = Revision::V3; g(r, Revision::V4) }",
                    &[],
                ),
                (TEST, asks, &[]),
            ],
        );
    }

    #[test]
    fn the_product_does_not_panic() {
        check_table(
            panics,
            &[
                (PROTO, "fn f() {\n a.unwrap();\n b.expect(\"\")\n}", &[2, 3]),
                (PROTO, "fn f() { a.map(Option::unwrap) }", &[1]),
                (
                    PROTO,
                    "// Invariant: a is some.\nfn f() { a.unwrap() }",
                    &[],
                ),
                (PROTO, "fn f() { a.unwrap() } // Invariant: a is some.", &[]),
                (PROTO, "// Invariant: a is some.\n\n\n\na.unwrap()", &[5]),
                (PROTO, "fn f() { a.unwrap_or_default() }", &[]),
                (PROTO, "#[expect(dead_code)]\nfn f() {}", &[]),
                (PROTO, "/// `a.unwrap()`\nfn f() {}", &[]),
                (
                    PROTO,
                    "#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }",
                    &[],
                ),
                (TEST, "fn f() { a.unwrap() }", &[]),
                (
                    "engineio-server/examples/echo.rs",
                    "fn f() { a.unwrap() }",
                    &[],
                ),
            ],
        );
    }

    #[test]
    fn tests_neither_sleep_nor_sit_idle() {
        check_table(
            patience,
            &[
                (TEST, "#[test]\n#[ignore]\nfn f() {}", &[2]),
                (TEST, "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &[2]),
                (TEST, "fn f() { todo!() }", &[1]),
                (PROTO, "fn f() { todo!() }", &[1]),
                (TEST, "fn f() { std::thread::sleep(d) }", &[1]),
                (
                    TEST,
                    "// Virtual time: no.\nfn f() { thread::sleep(d) }",
                    &[2],
                ),
                (TEST, "fn f() { tokio::time::sleep(d).await }", &[1]),
                (TEST, "fn f() { sleep(d).await }", &[1]),
                (
                    TEST,
                    "// Virtual time: paused.\nfn f() { sleep(d).await }",
                    &[],
                ),
                (SERVER, "fn f() { tokio::time::sleep(d).await }", &[]),
                (
                    SERVER,
                    "#[cfg(test)] mod tests { fn f() { sleep(d).await } }",
                    &[1],
                ),
            ],
        );
    }

    #[test]
    fn public_signatures_of_proto_crates_are_our_own() {
        check_table(
            foreign_types,
            &[
                (PROTO, "pub fn f(a: u8) -> nom::Err<u8> { g() }", &[1]),
                (
                    PROTO,
                    "use nom::IResult;\npub fn f() -> IResult<u8> {}",
                    &[2],
                ),
                (PROTO, "use nom::IResult;\nfn f() -> IResult<u8> {}", &[]),
                (PROTO, "pub(crate) fn f() -> nom::Err<u8> {}", &[]),
                (PROTO, "pub fn f() -> u8 { nom::parse() }", &[]),
                (
                    PROTO,
                    "pub struct A {\n pub a: B<u8, nom::C>,\n b: nom::D,\n}",
                    &[2],
                ),
                (PROTO, "pub struct A(u8, nom::B);", &[1]),
                (PROTO, "pub enum A {\n B(tungstenite::Error),\n}", &[2]),
                (PROTO, "pub trait A {\n fn f(a: hyper::Body);\n}", &[2]),
                (PROTO, "pub type A = nom::B;", &[1]),
                (PROTO, "pub fn f(a: impl Iterator<Item = nom::B>) {}", &[1]),
                (PROTO, "pub use nom::{\n A,\n};", &[2]),
                (PROTO, "pub fn f<T>() where T: A, T: Into<nom::B> {}", &[1]),
                (SERVER, "pub fn f() -> hyper::Body {}", &[]),
            ],
        );
    }
}
