//! A process of its own, for what concerns a whole process: the test runs itself once more, and is told
//! by a variable to play the other part.

use std::process::{Child, Command, Stdio};

const ROLE: &str = "ROLE_OF_THE_CHILD";

/// The part that this process is to play; none in the one that `cargo test` has started.
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Starts the child of the test with this path. All of its pipes are ours.
pub(crate) fn start(test: &str, role: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(ROLE, role)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
