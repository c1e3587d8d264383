//! When to stop waiting for which acknowledgement.

use std::collections::BTreeSet;

use super::SocketKey;
use crate::proto::Tick;

#[derive(Debug, Default)]
pub(super) struct Deadlines(BTreeSet<(Tick, SocketKey, u64)>);

impl Deadlines {
    pub(super) fn insert(&mut self, at: Option<Tick>, socket: SocketKey, id: u64) {
        if let Some(at) = at {
            self.0.insert((at, socket, id));
        }
    }

    pub(super) fn remove(&mut self, at: Option<Tick>, socket: SocketKey, id: u64) {
        if let Some(at) = at {
            self.0.remove(&(at, socket, id));
        }
    }

    pub(super) fn next(&self) -> Option<Tick> {
        self.0.first().map(|(at, _, _)| *at)
    }

    /// Takes one that has passed.
    pub(super) fn pop(&mut self, now: Tick) -> Option<(SocketKey, u64)> {
        if self.next()? > now {
            return None;
        }
        let (_, socket, id) = self.0.pop_first()?;
        Some((socket, id))
    }
}
