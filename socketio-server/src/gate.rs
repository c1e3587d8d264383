//! What may pass to a client: nothing before its connect handler has let it in, nothing after it
//! has been sent away.
//!
//! ```text
//!   Pending ──► Open ──► Closed        the task opens, anybody closes
//!      └───────────────────▲
//! ```
//!
//! The lock covers the decision alone, never what follows from it: pushing can drop entries, which
//! are user data, and wake whoever waits for their answers. An entry that was let pass may thus
//! come behind the one that sends the client away; the task then drops it.
//!
//! Lock order: this one, then those of the namespace's sockets and of its adapter, when a client
//! enters its rooms.

use std::mem;

use parking_lot::Mutex;
use socketio_adapter::Room;

pub(crate) struct Gate<E>(Mutex<State<E>>);

enum State<E> {
    /// The connect handler has not decided yet: everything is kept for after the CONNECT answer.
    Pending(Box<Pending<E>>),
    Open,
    /// The socket is disconnected, or is about to be: nothing follows.
    Closed,
}

/// What a client that is not let in yet has been sent, and where it is to be.
struct Pending<E> {
    entries: Vec<E>,
    rooms: Vec<Room>,
}

/// How a gate stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Pending,
    Open,
    Closed,
}

/// What becomes of an entry.
pub(crate) enum Admission<E> {
    /// It is for the caller to push.
    Open(E),
    /// The gate keeps it.
    Kept,
    /// Nothing passes any longer.
    Closed,
}

impl<E> Gate<E> {
    /// A gate that keeps everything.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State::Pending(Box::new(Pending {
            entries: Vec::new(),
            rooms: Vec::new(),
        }))))
    }

    /// Whether entries pass.
    pub(crate) fn is_open(&self) -> bool {
        matches!(*self.0.lock(), State::Open)
    }

    /// How it stands, for those who keep others from changing it meanwhile.
    pub(crate) fn standing(&self) -> Standing {
        match *self.0.lock() {
            State::Pending(_) => Standing::Pending,
            State::Open => Standing::Open,
            State::Closed => Standing::Closed,
        }
    }

    /// Whether nothing passes any longer.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(*self.0.lock(), State::Closed)
    }

    /// Keeps the entry, or says whether it may pass.
    pub(crate) fn admit(&self, entry: E) -> Admission<E> {
        let mut state = self.0.lock();
        match &mut *state {
            State::Open => Admission::Open(entry),
            State::Pending(pending) => {
                pending.entries.push(entry);
                Admission::Kept
            }
            // The entry is dropped behind the lock, as it came first.
            State::Closed => Admission::Closed,
        }
    }

    /// As [`admit`](Self::admit), for the entry that is the last one.
    pub(crate) fn admit_last(&self, entry: E) -> Admission<E> {
        let mut state = self.0.lock();
        match &mut *state {
            State::Open => {
                *state = State::Closed;
                Admission::Open(entry)
            }
            State::Pending(pending) => {
                pending.entries.push(entry);
                Admission::Kept
            }
            State::Closed => Admission::Closed,
        }
    }

    /// The rooms of a client that is not let in yet; `None` afterwards.
    pub(crate) fn rooms<T>(&self, change: impl FnOnce(&mut Vec<Room>) -> T) -> Option<T> {
        match &mut *self.0.lock() {
            State::Pending(pending) => Some(change(&mut pending.rooms)),
            State::Open | State::Closed => None,
        }
    }

    /// Takes the entries that have been kept. Once there are none left, the client `enter`s its
    /// rooms and the gate opens: what is admitted meanwhile is thus taken in its turn. Entering
    /// needs the lock, so that nobody leaves a room in between.
    pub(crate) fn take_or_open(&self, enter: impl FnOnce(Vec<Room>)) -> Option<Vec<E>> {
        let mut state = self.0.lock();
        let State::Pending(pending) = &mut *state else {
            return None;
        };
        if !pending.entries.is_empty() {
            return Some(mem::take(&mut pending.entries));
        }
        enter(mem::take(&mut pending.rooms));
        *state = State::Open;
        None
    }

    /// Lets nothing pass any longer. Returns what has been kept, to be dropped without a lock.
    pub(crate) fn close(&self) -> Vec<E> {
        match mem::replace(&mut *self.0.lock(), State::Closed) {
            State::Pending(pending) => pending.entries,
            State::Open | State::Closed => Vec::new(),
        }
    }
}
