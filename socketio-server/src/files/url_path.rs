//! URL paths as text: decoding, and which of them are safe to look up in a folder. No file system.

use std::path::{Component, Path, PathBuf};

/// The path without its escapes. Decoded once: what is an escape afterwards is a name.
///
/// `None` if an escape is broken or the result is not UTF-8.
pub(super) fn percent_decoded(path: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let mut digit = || char::from(bytes.next()?).to_digit(16);
            (16 * digit()? + digit()?) as u8
        } else {
            byte
        });
    }
    String::from_utf8(decoded).ok()
}

/// A decoded path as one that leads downwards and nowhere else. The slash at the end of a folder's
/// path is left out.
pub(super) fn confined(path: &str) -> Option<PathBuf> {
    if path.is_empty() {
        return Some(PathBuf::new());
    }
    path.strip_suffix('/')
        .unwrap_or(path)
        .split('/')
        .map(|segment| is_name(segment).then_some(segment))
        .collect()
}

/// Whether a segment is the name of one file or folder, to every operating system.
fn is_name(segment: &str) -> bool {
    let first = Path::new(segment).components().next();
    matches!(first, Some(Component::Normal(name)) if name == segment)
        && !segment.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        let table = [
            ("/a.css", Some("/a.css")),
            ("/a%20b+c", Some("/a b+c")),
            ("/%C3%a4", Some("/ä")),
            ("/%2e%2E%2f", Some("/../")),
            ("/%252e", Some("/%2e")),
            ("/%", None),
            ("/%2", None),
            ("/%2g", None),
            ("/%+2", None),
            ("/%ff", None),
        ];
        for (path, expected) in table {
            assert_eq!(percent_decoded(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn only_names_lead_downwards() {
        let table = [
            ("", Some("")),
            ("a.css", Some("a.css")),
            ("css/a.css", Some("css/a.css")),
            ("css/", Some("css")),
            (".hidden/...", Some(".hidden/...")),
            ("%2e%2e/a", Some("%2e%2e/a")),
            ("/", None),
            ("/etc/passwd", None),
            ("css//", None),
            ("css//a.css", None),
            (".", None),
            ("./a.css", None),
            ("..", None),
            ("../", None),
            ("css/../a.css", None),
            ("css/..", None),
            ("..\\a.css", None),
            ("css\\a.css", None),
            ("a.css\0.html", None),
        ];
        for (path, expected) in table {
            assert_eq!(confined(path), expected.map(PathBuf::from), "{path}");
        }
    }
}
