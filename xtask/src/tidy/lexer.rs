//! Cuts Rust text into tokens that know their lines.
//!
//! Only what the rules need: numbers come apart at their points, and most signs are single
//! characters.

/// A word, a literal or a sign; a string literal is only its opening quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Counted from 1.
    pub(super) line: usize,
}

/// The tokens of a Rust source; comments and the insides of literals disappear.
pub(super) fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else if first.is_whitespace() {
            (first.len_utf8(), false)
        } else if let Some(length) = string(rest) {
            tokens.push(Token {
                text: "\"".to_owned(),
                line,
            });
            (length, false)
        } else if first == '\'' {
            (character_or_lifetime(rest), true)
        } else if is_word(rest) || first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            (end.unwrap_or(rest.len()), true)
        } else if PAIRS.iter().any(|pair| rest.starts_with(pair)) {
            (2, true)
        } else {
            (first.len_utf8(), true)
        };
        let (token, after) = rest.split_at(length);
        if is_token {
            tokens.push(Token {
                text: token.to_owned(),
                line,
            });
        }
        line += token.matches('\n').count();
        rest = after;
    }
    tokens
}

/// Whether a token is a name or a keyword.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Signs of two characters that mean something else than their parts.
const PAIRS: [&str; 8] = ["::", "=>", "==", "!=", "->", "<=", ">=", ".."];

/// The length of the block comment at the start, which may hold others.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string literal at the start, raw or not, if there is one.
fn string(text: &str) -> Option<usize> {
    let unprefixed = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = &text[..text.len() - unprefixed.len()];
    if !["", "b", "c", "r", "br", "cr"].contains(&prefix) {
        return None;
    }
    let body = if prefix.ends_with('r') {
        unprefixed.trim_start_matches('#')
    } else {
        unprefixed
    };
    let hashes = unprefixed.len() - body.len();
    let inside = body.strip_prefix('"')?;
    let length = if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        inside.find(&end).map(|at| at + end.len())
    } else {
        let mut escaped = false;
        let end = inside.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        end.map(|at| at + 1)
    };
    Some(text.len() - inside.len() + length.unwrap_or(inside.len()))
}

/// The length of `'x'`, `'\n'` or `'a` at the start.
fn character_or_lifetime(text: &str) -> usize {
    let inside = &text[1..];
    let first = inside.chars().next().map_or(0, char::len_utf8);
    if let Some(escape) = inside.strip_prefix('\\') {
        let escaped = escape.chars().next().map_or(0, char::len_utf8);
        let end = escape[escaped..].find('\'').unwrap_or(0);
        2 + escaped + end + 1
    } else if inside[first..].starts_with('\'') {
        1 + first + 1
    } else {
        let end = inside.find(|c: char| !c.is_alphanumeric() && c != '_');
        1 + end.unwrap_or(inside.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokenize(text).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_the_insides_of_literals_disappear() {
        for (text, expected) in [
            ("a // b\nc", &["a", "c"][..]),
            ("a /* b /* c */ d */ e", &["a", "e"]),
            (r#"f("a \" b", 'x')"#, &["f", "(", "\"", ",", "'x'", ")"]),
            ("r#\"a \" b\"# c", &["\"", "c"]),
            ("br\"a\\\" c", &["\"", "c"]),
            (
                r"'\'' '\\' '\u{1F600}' 'é'",
                &[r"'\''", r"'\\'", r"'\u{1F600}'", "'é'"],
            ),
            ("<'a, 'static>", &["<", "'a", ",", "'static", ">"]),
            ("a::b => c == d", &["a", "::", "b", "=>", "c", "==", "d"]),
            ("break b", &["break", "b"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn tokens_know_their_lines() {
        let lines: Vec<_> = tokenize("a\n\"b\nc\"\n/* d\n */ e")
            .into_iter()
            .map(|token| (token.text, token.line))
            .collect();
        let expected = [("a", 1), ("\"", 2), ("e", 5)].map(|(text, line)| (text.to_owned(), line));
        assert_eq!(lines, expected);
    }
}
