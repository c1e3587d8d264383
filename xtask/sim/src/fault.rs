//! A broken rule: what a run stops at.

use std::fmt;

/// Which rule was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) rule: &'static str,
    pub(crate) what: String,
}

/// What a step that checks something returns.
pub(crate) type Check<T = ()> = Result<T, Fault>;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// Breaks `rule` unless `holds`.
pub(crate) fn check(holds: bool, rule: &'static str, what: impl FnOnce() -> String) -> Check {
    match holds {
        true => Ok(()),
        false => Err(Fault { rule, what: what() }),
    }
}

/// A session has so many things to do at once, and no more.
pub(crate) fn check_outputs(count: usize) -> Check {
    const MOST: usize = 10_000;
    check(count < MOST, "livelock", || {
        format!("{count} outputs at once")
    })
}

/// Breaks `rule`.
pub(crate) fn broken<T>(rule: &'static str, what: impl Into<String>) -> Check<T> {
    let what = what.into();
    Err(Fault { rule, what })
}
