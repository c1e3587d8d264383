//! The inputs that are kept in the repository: seeds, one escaped input a line, and regressions,
//! one file each.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use crate::Target;

/// Inputs that once found a mistake, by file. None is an empty list.
pub fn regressions(target: &Target) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let folder = regressions_folder(target);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        paths.push(entry?.path());
    }
    paths.sort();
    let read = |path: PathBuf| fs::read(&path).map(|input| (path, input));
    paths.into_iter().map(read).collect()
}

/// Keeps an input that found a mistake and says where.
pub(crate) fn keep(target: &Target, input: &[u8]) -> io::Result<PathBuf> {
    let folder = regressions_folder(target);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{:016x}", hash(input)));
    fs::write(&path, input)?;
    Ok(path)
}

/// Writes the seeds and the regressions of a target as one file each, its dictionary and the options
/// that go with it, all in the way libFuzzer reads them.
pub fn export(target: &Target, folder: &Path) -> io::Result<()> {
    let inputs = folder.join("seeds");
    fs::create_dir_all(&inputs)?;
    let regressions = regressions(target)?.into_iter().map(|(_, input)| input);
    for input in seeds(target)?.into_iter().chain(regressions) {
        fs::write(inputs.join(format!("{:016x}", hash(&input))), input)?;
    }
    let tokens = target.dictionary.iter();
    let lines: String = tokens
        .map(|token| format!("\"{}\"\n", in_hex(token)))
        .collect();
    fs::write(folder.join("dictionary"), lines)?;
    let options = format!("-dict=dictionary\n-max_len={}\n", target.max_len);
    fs::write(folder.join("options"), options)
}

/// The inputs a target begins with.
pub fn seeds(target: &Target) -> io::Result<Vec<Vec<u8>>> {
    let text = fs::read_to_string(seed_file(target))?;
    Ok(text.lines().map(unescape).collect())
}

/// Makes the inputs in a folder the seeds of a target, the shortest first, as long as the file does
/// not become too large to be looked at.
pub fn plant(target: &Target, folder: &Path) -> io::Result<()> {
    let mut lines = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let line = escape(&fs::read(entry?.path())?);
        lines.insert((line.len(), line));
    }
    let mut text = String::new();
    for (_, line) in lines {
        if text.len() + line.len() < SEED_FILE {
            text = text + &line + "\n";
        }
    }
    fs::write(seed_file(target), text)
}

/// Bytes a file of seeds may have.
const SEED_FILE: usize = 16 * 1024;

/// The line of a seed file that stands for `input`.
fn escape(input: &[u8]) -> String {
    input.escape_ascii().to_string()
}

/// The inverse of [`escape`]. What is no escape stands for itself.
fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len());
    let mut rest = line.as_bytes();
    loop {
        rest = match rest {
            [] => return bytes,
            [b'\\', b'x', high, low, rest @ ..] => {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest
            }
            [b'\\', escaped, rest @ ..] => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                rest
            }
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).unwrap_or(0) as u8
}

fn in_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}

fn seed_file(target: &Target) -> PathBuf {
    let file = home().join("seeds").join(target.name);
    file.with_extension("txt")
}

fn regressions_folder(target: &Target) -> PathBuf {
    home().join("regressions").join(target.name)
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// FNV-1a: a name for an input, the same everywhere.
fn hash(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_survives_being_a_line() {
        let all: Vec<u8> = (0..=255).collect();
        for input in [&b""[..], b"#\\\"'\n", &all] {
            let line = escape(input);
            assert!(!line.contains('\n'));
            assert_eq!(unescape(&line), input);
        }
    }
}
