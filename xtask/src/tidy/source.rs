//! A Rust file as the rules see it: which tokens are test code, which are patterns or signatures,
//! and the paths they spell.
//!
//! Not a parser: brackets and a few keywords are all it understands. Owns no rule.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use super::lexer::{Token, is_word, tokenize};

/// What a file is for, by its place in the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Part of the library or the program.
    Product,
    /// Only compiled for tests.
    Test,
    /// An example, a bench or a build script.
    Other,
}

impl Role {
    /// The role of a file, whose path starts at the package's folder.
    pub(super) fn of(path: &Path) -> Self {
        let part = |name: &str| path.iter().any(|part| part == name);
        if part("tests") || path.ends_with("tests.rs") {
            Self::Test
        } else if path.starts_with("src") {
            Self::Product
        } else {
            Self::Other
        }
    }
}

/// One Rust file.
pub(super) struct Source {
    /// From the workspace's root.
    pub(super) path: String,
    /// The package it belongs to.
    pub(super) package: String,
    pub(super) role: Role,
    pub(super) text: String,
    pub(super) tokens: Vec<Token>,
    /// Ranges of tokens below `#[cfg(test)]`.
    test_items: Vec<Range<usize>>,
}

/// A path as written in a `use` or in code, such as `std::sync::Arc`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spelled {
    /// Its segments; through an import, those of the import first.
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
    /// The index of its first token.
    pub(super) at: usize,
    /// How many of its segments stand in an import and not here.
    pub(super) imported: usize,
}

impl Source {
    pub(super) fn new(path: String, package: &str, role: Role, text: String) -> Self {
        let tokens = tokenize(&text);
        let test_items = test_items(&tokens);
        Self {
            path,
            package: package.to_owned(),
            role,
            text,
            tokens,
            test_items,
        }
    }

    /// Whether the token at `index` is compiled for tests only.
    pub(super) fn is_test(&self, index: usize) -> bool {
        self.role == Role::Test || self.test_items.iter().any(|item| item.contains(&index))
    }

    /// The modules in files of their own that are compiled for tests only: their paths from the
    /// workspace's root, without `.rs` or `/mod.rs`.
    pub(super) fn test_modules(&self) -> impl Iterator<Item = PathBuf> {
        let file = Path::new(&self.path);
        let folder = if ["lib.rs", "main.rs", "mod.rs"]
            .iter()
            .any(|root| file.ends_with(root))
        {
            file.with_file_name("")
        } else {
            file.with_extension("")
        };
        self.test_items.iter().filter_map(move |item| {
            let name = item.end.checked_sub(2)?;
            let is_module = self.word_before(name) == "mod" && self.word(name + 1) == ";";
            is_module.then(|| folder.join(self.word(name)))
        })
    }

    /// The text of the token at `index`; empty beyond the end.
    pub(super) fn word(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &token.text)
    }

    /// The text of the token before `index`; empty at the start.
    pub(super) fn word_before(&self, index: usize) -> &str {
        index.checked_sub(1).map_or("", |before| self.word(before))
    }

    /// Whether the tokens from `index` on are exactly `words`.
    pub(super) fn reads(&self, index: usize, words: &[&str]) -> bool {
        words
            .iter()
            .enumerate()
            .all(|(offset, word)| self.word(index + offset) == *word)
    }

    /// The index after the bracket that closes the one at `open`.
    pub(super) fn after_bracket(&self, open: usize) -> usize {
        after_bracket(&self.tokens, open)
    }

    /// Whether the comment `// MARKER…` stands on `line` or on one of the three above it.
    pub(super) fn is_excused(&self, line: usize, marker: &str) -> bool {
        let comment = format!("// {marker}");
        self.text
            .lines()
            .skip(line.saturating_sub(4))
            .take(line.min(4))
            .any(|line| line.contains(&comment))
    }

    /// Where the path starts that the token at `index` is part of.
    pub(super) fn path_start(&self, index: usize) -> usize {
        let mut start = index;
        while self.word_before(start) == "::" && start >= 2 {
            start -= 2;
        }
        start
    }

    /// Where the public part of what the `pub` at `index` stands on ends.
    pub(super) fn end_of_signature(&self, index: usize) -> usize {
        let keyword = self.word(index + 1);
        let has_public_body = ["enum", "trait"].contains(&keyword);
        let is_field = self.word(index + 2) == ":" || !ITEMS.contains(&keyword);
        let mut depth = 0_usize;
        for at in index..self.tokens.len() {
            match self.word(at) {
                "{" if depth == 0 && has_public_body => return self.after_bracket(at),
                "{" | "=" if depth == 0 && !["type", "use"].contains(&keyword) => return at,
                "(" | "[" | "<" | "{" => depth += 1,
                ")" | "]" | ">" | "}" if depth == 0 => return at,
                ")" | "]" | ">" | "}" => depth -= 1,
                "," if is_field && depth == 0 => return at,
                ";" if depth == 0 => return at,
                _ => {}
            }
        }
        self.tokens.len()
    }

    /// Where values are taken apart or told from each other: the arms of `match` up to `=>`, the
    /// left sides of `let`, the second part of `matches!`.
    pub(super) fn patterns(&self) -> Vec<Range<usize>> {
        let mut patterns = Vec::new();
        for index in 0..self.tokens.len() {
            if self.word(index) == "match" {
                self.arms(self.skip_to(index, &["{"]), &mut patterns);
            } else if self.word(index) == "let" {
                patterns.push(index..self.skip_to(index + 1, &["=", ";"]));
            } else if self.reads(index, &["matches", "!", "("]) {
                patterns.push(self.skip_to(index + 3, &[","])..self.after_bracket(index + 2));
            }
        }
        patterns
    }

    /// The patterns and guards of the `match` whose body opens at `open`.
    fn arms(&self, open: usize, patterns: &mut Vec<Range<usize>>) {
        let end = self.after_bracket(open);
        let mut at = open + 1;
        while at + 1 < end {
            let arrow = self.skip_to(at, &["=>"]);
            patterns.push(at..arrow);
            at = if self.word(arrow + 1) == "{" {
                self.after_bracket(arrow + 1)
            } else {
                self.skip_to(arrow + 1, &[",", "}"])
            };
            if self.word(at) == "," {
                at += 1;
            }
        }
    }

    /// The next of `signs` from `index` on that is not inside brackets.
    fn skip_to(&self, mut index: usize, signs: &[&str]) -> usize {
        while index < self.tokens.len() && !signs.contains(&self.word(index)) {
            index = match self.word(index) {
                "(" | "[" | "{" => self.after_bracket(index),
                _ => index + 1,
            };
        }
        index
    }

    /// Every path of two or more segments, and every import.
    pub(super) fn paths(&self) -> Vec<Spelled> {
        let mut imports = BTreeMap::new();
        let mut found = Vec::new();
        let mut in_code = Vec::new();
        let mut index = 0;
        while index < self.tokens.len() {
            if self.word(index) == "use" && self.word(index + 1) != "<" {
                index = self.imports(index + 1, &[], &mut found, &mut imports);
            } else if is_word(self.word(index)) && self.word_before(index) != "::" {
                let (segments, end) = self.segments(index);
                if segments.len() > 1 || imports.contains_key(&segments[0]) {
                    in_code.push((segments, index));
                }
                index = end;
            } else {
                index += 1;
            }
        }
        found.extend(in_code.into_iter().map(|(segments, at)| {
            let import = imports.get(&segments[0]);
            Spelled {
                imported: import.map_or(0, Vec::len),
                segments: match import {
                    Some(import) => import.iter().chain(&segments[1..]).cloned().collect(),
                    None => segments,
                },
                line: self.tokens[at].line,
                at,
            }
        }));
        found
    }

    /// One tree of a `use`, from `index` on; returns where it ends.
    fn imports(
        &self,
        mut index: usize,
        prefix: &[String],
        found: &mut Vec<Spelled>,
        imports: &mut BTreeMap<String, Vec<String>>,
    ) -> usize {
        let at = index;
        if self.word(index) == "::" {
            index += 1;
        }
        let mut segments = prefix.to_vec();
        while is_word(self.word(index)) || self.word(index) == "*" {
            if self.word(index) != "self" || prefix.is_empty() {
                segments.push(self.word(index).to_owned());
            }
            index += 1;
            if self.word(index) != "::" {
                break;
            }
            index += 1;
        }
        if self.word(index) == "{" {
            let end = self.after_bracket(index);
            index += 1;
            while index + 1 < end {
                index = self.imports(index, &segments, found, imports).max(index) + 1;
            }
            return end;
        }
        let mut name = segments.last().cloned().unwrap_or_default();
        if self.word(index) == "as" {
            name = self.word(index + 1).to_owned();
            index += 2;
        }
        imports.insert(name, segments.clone());
        found.push(Spelled {
            segments,
            line: self.tokens.get(at).map_or(0, |token| token.line),
            at,
            imported: 0,
        });
        index
    }

    fn segments(&self, start: usize) -> (Vec<String>, usize) {
        let mut segments = vec![self.word(start).to_owned()];
        let mut index = start + 1;
        while self.word(index) == "::" && is_word(self.word(index + 1)) {
            segments.push(self.word(index + 1).to_owned());
            index += 2;
        }
        (segments, index)
    }
}

/// The words that begin an item after `pub`.
const ITEMS: [&str; 11] = [
    "async", "const", "enum", "fn", "mod", "static", "struct", "trait", "type", "unsafe", "use",
];

fn after_bracket(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The items that `#[cfg(test)]` or `#[cfg(all(test, …))]` stands on.
fn test_items(tokens: &[Token]) -> Vec<Range<usize>> {
    let reads = |start: usize, words: &[&str]| {
        words
            .iter()
            .zip(tokens.iter().skip(start))
            .filter(|(word, token)| token.text == **word)
            .count()
            == words.len()
    };
    (0..tokens.len())
        .filter(|&start| {
            reads(start, &["#", "[", "cfg", "(", "test", ")"])
                || reads(start, &["#", "[", "cfg", "(", "all", "(", "test"])
        })
        .map(|start| start..end_of_item(tokens, after_bracket(tokens, start + 1)))
        .collect()
}

/// Where the item that starts at `index` ends: after its `;` or its braces.
fn end_of_item(tokens: &[Token], mut index: usize) -> usize {
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            ";" => return index + 1,
            "{" => return after_bracket(tokens, index),
            "(" | "[" => index = after_bracket(tokens, index),
            _ => index += 1,
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        let path = "some/src/lib.rs".to_owned();
        Source::new(path, "some", Role::Product, text.to_owned())
    }

    #[test]
    fn test_code_is_told_from_the_product() {
        for (text, is_test) in [
            ("fn here() {}", false),
            ("#[cfg(test)] mod tests { fn here() {} }", true),
            ("#[cfg(test)] mod tests { fn a() {} } fn here() {}", false),
            ("#[cfg(all(test, unix))] #[doc(hidden)] fn here() {}", true),
            ("#[cfg(not(test))] fn here() {}", false),
            ("#[cfg(test)] mod tests; fn here() {}", false),
            ("#[cfg(feature = \"test\")] fn here() {}", false),
        ] {
            let source = source(text);
            let here = source
                .tokens
                .iter()
                .position(|token| token.text == "here")
                .unwrap();
            assert_eq!(source.is_test(here), is_test, "{text}");
        }
    }

    #[test]
    fn a_test_module_may_be_a_file() {
        let text = "#[cfg(test)] mod folder; #[cfg(test)] mod inline {} mod product;";
        for (path, module) in [
            ("a/src/lib.rs", "a/src/folder"),
            ("a/src/files/mod.rs", "a/src/files/folder"),
            ("a/src/files.rs", "a/src/files/folder"),
        ] {
            let source = Source::new(path.to_owned(), "a", Role::Product, text.to_owned());
            assert_eq!(
                source.test_modules().collect::<Vec<_>>(),
                [Path::new(module)]
            );
        }
    }

    #[test]
    fn paths_are_spelled_out() {
        for (text, expected) in [
            ("use std::net::IpAddr;", &["std::net::IpAddr"][..]),
            (
                "use std::{fmt, io::{self, Read as R}};",
                &["std::fmt", "std::io", "std::io::Read"],
            ),
            ("use std::sync::*;", &["std::sync::*"]),
            ("use ::std::fs;", &["std::fs"]),
            ("fn f() { std::env::args() }", &["std::env::args"]),
            (
                "use std::sync; type L = sync::Mutex;",
                &["std::sync", "std::sync::Mutex"],
            ),
            ("use a::B as C; fn f(c: C) {}", &["a::B", "a::B"]),
            ("fn f() -> impl Sized + use<'_> { a::b }", &["a::b"]),
        ] {
            let paths: Vec<_> = source(text)
                .paths()
                .into_iter()
                .map(|path| path.segments.join("::"))
                .collect();
            assert_eq!(paths, expected, "{text}");
        }
    }

    #[test]
    fn an_excuse_stands_on_the_line_or_within_three_above() {
        let source = source("// Invariant: a\n2\n3\n4\n5 // Invariant: b\n");
        let excused: Vec<_> = (1..=6)
            .map(|line| source.is_excused(line, "Invariant:"))
            .collect();
        assert_eq!(excused, [true, true, true, true, true, true]);
        assert!(!source.is_excused(4, "Virtual time:"));
    }
}
