//! Notices when a client takes nothing.

use proto::Tick;

/// Since when a client has taken nothing although bytes wait for it.
#[derive(Default)]
pub(super) struct Stall(Option<Tick>);

impl Stall {
    /// The client has taken something.
    pub(super) const fn end(&mut self) {
        self.0 = None;
    }

    /// Since when, if so many bytes wait now.
    pub(super) fn since(&mut self, unsent: usize, now: Tick) -> Option<Tick> {
        match unsent {
            0 => self.0 = None,
            _ => _ = self.0.get_or_insert(now),
        }
        self.0
    }
}
