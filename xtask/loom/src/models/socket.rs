//! A client in its namespace: what `socketio-server/src/socket/` does with its gate and its session.

use std::collections::BTreeSet;

use socketio_adapter::Room;
use socketio_proto::NamespaceId;

use super::outbox::strict;
use crate::{
    Mutex,
    entry::Entry,
    gate::{Admission, Gate},
    outbox::{Outbox, PushError, Urgency},
};

pub(super) struct Socket<E = Entry, D = &'static str> {
    pub(super) nsp: NamespaceId,
    pub(super) gate: Gate<(E, usize)>,
    pub(super) outbox: Outbox<E, D>,
    /// The adapter's side, of which every call is one step. The socket is not there before it is let in, nor after it has left.
    rooms: Mutex<Option<BTreeSet<Room>>>,
}

/// How an entry fared.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It passed the gate, and this is what the session said.
    Passed(Result<(), PushError>),
    /// The gate keeps it.
    Kept,
    /// The gate is closed.
    Refused,
}

impl<E, D> Socket<E, D> {
    pub(super) fn new(nsp: NamespaceId) -> Self {
        Self {
            nsp,
            gate: Gate::new(),
            outbox: Outbox::new(),
            rooms: Mutex::new(None),
        }
    }

    pub(super) fn push(&self, entry: E, bytes: usize) -> Pushed {
        match self.gate.admit((entry, bytes)) {
            Admission::Open((entry, bytes)) => Pushed::Passed(self.queue(entry, bytes)),
            Admission::Kept => Pushed::Kept,
            Admission::Closed => Pushed::Refused,
        }
    }

    pub(super) fn push_volatile(&self, entry: E) -> Result<(), PushError> {
        if self.gate.is_open() {
            let bounds = strict();
            let pushed = self.outbox.push(entry, 0, Urgency::Volatile, &bounds, || 0);
            pushed.map(drop)
        } else {
            Err(PushError::NotReady)
        }
    }

    pub(super) fn leave_with(&self, entry: E) -> Pushed {
        match self.gate.admit_last((entry, 0)) {
            Admission::Open((entry, bytes)) => {
                let pushed = self.queue(entry, bytes);
                self.become_invisible();
                Pushed::Passed(pushed)
            }
            Admission::Kept => Pushed::Kept,
            Admission::Closed => Pushed::Refused,
        }
    }

    pub(super) fn open(&self, answer: E, is_leave: impl Fn(&E) -> bool) {
        let _ = self.queue(answer, 0);
        while let Some(entries) = self.gate.take_or_open(|rooms| self.enter(rooms)) {
            for (entry, bytes) in entries {
                let leaves = is_leave(&entry);
                let _ = self.queue(entry, bytes);
                if leaves {
                    return self.close();
                }
            }
        }
    }

    pub(super) fn close(&self) {
        self.gate.close();
        self.become_invisible();
    }

    /// Whether the client was not let in yet.
    pub(super) fn join(&self, room: &Room) -> bool {
        let kept = self.gate.rooms(|kept| kept.push(Room::clone(room)));
        if kept.is_none()
            && let Some(rooms) = &mut *self.rooms.lock()
        {
            rooms.insert(Room::clone(room));
        }
        kept.is_some()
    }

    /// Whether the client was not let in yet.
    pub(super) fn leave(&self, room: &Room) -> bool {
        let kept = self.gate.rooms(|kept| kept.retain(|other| other != room));
        if kept.is_none()
            && let Some(rooms) = &mut *self.rooms.lock()
        {
            rooms.remove(room);
        }
        kept.is_some()
    }

    /// Where others see it, if they do.
    pub(super) fn rooms(&self) -> Option<Vec<Room>> {
        self.rooms
            .lock()
            .as_ref()
            .map(|rooms| Vec::from_iter(rooms.iter().cloned()))
    }

    fn queue(&self, entry: E, bytes: usize) -> Result<(), PushError> {
        let bounds = strict();
        let pushed = self
            .outbox
            .push(entry, bytes, Urgency::Queue, &bounds, || 0);
        pushed.map(drop)
    }

    fn enter(&self, rooms: Vec<Room>) {
        *self.rooms.lock() = Some(BTreeSet::from_iter(rooms));
    }

    fn become_invisible(&self) {
        *self.rooms.lock() = None;
    }
}
