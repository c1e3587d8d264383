//! What happened, line by line, for whoever looks into a seed: what the sessions' recorders say, and
//! notes of the world in between. Costs nothing while it is off.

use std::{
    fmt::Display,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use engineio_proto::Tick;
use serde_json::{Value, json};
use socketio_proto::record::Tape;

pub(crate) struct Trace(Option<Lines>);

/// Connections write their own.
type Lines = Arc<Mutex<Vec<String>>>;

impl Trace {
    pub(crate) fn new(on: bool) -> Self {
        Self(on.then(Lines::default))
    }

    /// A line of a recorder.
    pub(crate) fn line(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.0 {
            write(lines, line());
        }
    }

    /// For what writes its lines itself.
    pub(crate) fn tape(&self, name: String) -> Option<Tape> {
        let lines = Arc::clone(self.0.as_ref()?);
        Some(Tape::new(name, move |line| write(&lines, line)))
    }

    /// A note.
    pub(crate) fn note(&self, at: Tick, who: &dyn Display, what: impl FnOnce() -> String) {
        self.line(|| json!({ "at": at, "of": who.to_string(), "note": what() }).to_string());
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        let take = |lines: Lines| mem::take(&mut *lock(&lines));
        self.0.map(take).unwrap_or_default()
    }
}

fn write(lines: &Lines, line: String) {
    lock(lines).push(line);
}

fn lock(lines: &Lines) -> std::sync::MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A line as people read it: when, whose, and `<` for what goes in, `>` for what comes out. That
/// nothing (more) comes out is not worth a line.
pub(crate) fn readable(line: &str) -> Option<String> {
    let Ok(Value::Object(mut line)) = serde_json::from_str(line) else {
        return Some(line.to_owned());
    };
    if line.get("out").is_some_and(Value::is_null) {
        return None;
    }
    let mut take = |key: &str| match line.remove(key) {
        Some(Value::String(text)) => Some(text),
        Some(value) => Some(value.to_string()),
        None => None,
    };
    let at = take("at").unwrap_or_default();
    let of = take("of").unwrap_or_default();
    let (mark, what) = match (take("note"), take("in"), take("out"), take("role")) {
        (Some(note), ..) => ("", note),
        (_, Some(input), ..) => ("< ", input),
        (_, _, Some(output), _) => ("> ", output),
        (.., role) => ("= ", role.unwrap_or_default()),
    };
    let rest = line.iter().map(|(key, value)| format!(" {key}={value}"));
    let rest: String = rest.collect();
    Some(format!("{at:>8} {of:<9} {mark}{what}{rest}"))
}
