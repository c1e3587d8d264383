//! The sessions a log has saved, by recovery id and in the order in which they expire, and those
//! that have ended meanwhile. What an offset has to be like is the log's business.

use std::{collections::BTreeMap, mem, sync::Arc};

use crate::Tick;

/// Trees, because they need no keys for hashing and an empty one owns no memory.
pub(super) struct Sessions<S> {
    by_pid: BTreeMap<Arc<str>, Saved<S>>,
    by_age: BTreeMap<Age, Arc<str>>,
    saves: u64,
    /// Nobody can have them back; waiting to be taken by the caller.
    ended: Vec<S>,
}

pub(super) struct Saved<S> {
    pub(super) session: S,
    /// The number of the newest packet when it was saved.
    pub(super) newest: u64,
    age: Age,
}

/// When a session expires, and which of all saves it was.
type Age = (Tick, u64);

impl<S> Sessions<S> {
    pub(super) fn new() -> Self {
        Self {
            by_pid: BTreeMap::new(),
            by_age: BTreeMap::new(),
            saves: 0,
            ended: Vec::new(),
        }
    }

    pub(super) fn save(&mut self, pid: &str, session: S, newest: u64, expires: Tick) {
        let pid: Arc<str> = pid.into();
        let age = (expires, self.saves);
        self.saves += 1;
        self.by_age.insert(age, Arc::clone(&pid));
        let saved = Saved {
            session,
            newest,
            age,
        };
        if let Some(earlier) = self.by_pid.insert(pid, saved) {
            self.by_age.remove(&earlier.age);
            self.ended.push(earlier.session);
        }
    }

    /// Takes a session unless it has expired.
    pub(super) fn take(&mut self, pid: &str, now: Tick) -> Option<Saved<S>> {
        let (expires, _) = self.by_pid.get(pid)?.age;
        if expires <= now {
            return None;
        }
        let saved = self.by_pid.remove(pid)?;
        self.by_age.remove(&saved.age);
        self.release();
        Some(saved)
    }

    pub(super) fn end(&mut self, session: S) {
        self.ended.push(session);
    }

    pub(super) fn end_oldest(&mut self) {
        if let Some((_, pid)) = self.by_age.pop_first()
            && let Some(saved) = self.by_pid.remove(&pid)
        {
            self.ended.push(saved.session);
        }
        self.release();
    }

    pub(super) fn take_ended(&mut self, now: Tick) -> Vec<S> {
        while self.next_expiry().is_some_and(|expires| expires <= now) {
            self.end_oldest();
        }
        mem::take(&mut self.ended)
    }

    pub(super) fn has_ended(&self) -> bool {
        !self.ended.is_empty()
    }

    pub(super) fn next_expiry(&self) -> Option<Tick> {
        let ((expires, _), _) = self.by_age.first_key_value()?;
        Some(*expires)
    }

    pub(super) fn len(&self) -> usize {
        self.by_pid.len()
    }

    /// An emptied tree would keep its last node.
    fn release(&mut self) {
        if self.by_pid.is_empty() {
            self.by_pid = BTreeMap::new();
            self.by_age = BTreeMap::new();
        }
    }
}
