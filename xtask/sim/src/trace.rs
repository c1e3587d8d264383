//! What happened, line by line, for whoever looks into a seed. Costs nothing while it is off.

use engineio_proto::Tick;

pub(crate) struct Trace {
    on: bool,
    lines: Vec<String>,
}

impl Trace {
    pub(crate) const fn new(on: bool) -> Self {
        Self {
            on,
            lines: Vec::new(),
        }
    }

    pub(crate) fn note(
        &mut self,
        at: Tick,
        who: &dyn std::fmt::Display,
        what: impl FnOnce() -> String,
    ) {
        if self.on {
            self.lines.push(format!("{at:>8} {who:<9} {}", what()));
        }
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}
