//! A file of recorded sessions, run through the core again.

use std::{fs, path::Path, process::ExitCode};

use engineio_proto::record;

/// Reports the first difference, if there is one.
pub(crate) fn run(file: &Path) -> ExitCode {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    match record::replay(text.lines()) {
        Ok(outputs) => {
            println!("{outputs} outputs, all as recorded");
            ExitCode::SUCCESS
        }
        Err(divergence) => {
            println!("line {}", divergence.line);
            println!("recorded: {}", divergence.recorded);
            println!("replayed: {}", divergence.replayed);
            ExitCode::FAILURE
        }
    }
}
