//! What a namespace remembers for clients that may come back. Everything in here happens under the
//! sequencer's lock; what must not be dropped there is handed out.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;

use socketio_adapter::Room;

use super::config::RecoveryConfig;
use super::message::{Draft, Message};
use super::session::{Pid, Position, Recoverable, Saved, Whom};
use crate::proto::Tick;
use crate::proto::recovery;
use crate::socket::{Socket, SocketId};

pub(super) struct Log {
    log: recovery::Log<Entry, Saved>,
    /// The messages of all entries once more: they hold users' bytes, of which the log is not to
    /// drop the last handle.
    kept: VecDeque<Arc<Message>>,
    /// Sockets whose clients know a pid.
    live: HashMap<Pid, Socket>,
    dropped: Vec<Arc<Message>>,
    /// Sockets that cannot go on, of which nobody has been told yet.
    given_up: Vec<Saved>,
}

struct Entry {
    whom: Whom,
    message: Arc<Message>,
}

/// What has been dropped, to be [let go](super::expiry::let_go) of without the lock.
#[derive(Default)]
#[must_use]
pub(super) struct Dropped {
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) sessions: Vec<Saved>,
}

impl Log {
    pub(super) fn new(config: &RecoveryConfig) -> Self {
        Self {
            log: recovery::Log::new(new_epoch(), &config.log()),
            kept: VecDeque::new(),
            live: HashMap::new(),
            dropped: Vec::new(),
            given_up: Vec::new(),
        }
    }

    // ---- Events ---------------------------------------------------------------------------

    /// Gives an event the next offset, and keeps it.
    pub(super) fn append(&mut self, now: Tick, whom: Whom, draft: Draft) -> Arc<Message> {
        let kept = &mut self.kept;
        self.log.append(now, draft.bytes(), |offset| {
            let message = Arc::new(draft.with_offset(offset));
            kept.push_back(Arc::clone(&message));
            Entry { whom, message }
        });
        // Invariant: the closure has run.
        let message = Arc::clone(self.kept.back().expect("just pushed"));
        self.bury();
        message
    }

    /// Gives an event that is not kept the last offset there was.
    pub(super) fn pass_by(&self, draft: Draft) -> Arc<Message> {
        Arc::new(draft.with_offset(self.log.newest()))
    }

    /// What a socket has missed that goes on; `None` if nobody knows any more, or if there is no
    /// `room` for so many bytes.
    pub(super) fn missed(
        &mut self,
        now: Tick,
        id: &SocketId,
        since: &Position,
        room: usize,
    ) -> Option<Vec<Arc<Message>>> {
        let missed = self.log.since(now, since.offset);
        let missed = missed.map(|missed| {
            let own = own(missed, id, &since.rooms);
            own.map(Arc::clone).collect::<Vec<_>>()
        });
        self.bury();
        missed.filter(|missed| fits(missed, room))
    }

    // ---- Sockets --------------------------------------------------------------------------

    /// A client has been told its pid.
    pub(super) fn insert(&mut self, pid: &Pid, socket: &Socket) {
        self.live.insert(pid.clone(), socket.clone());
    }

    /// A socket has come to its end. The caller has another handle to it.
    pub(super) fn remove(&mut self, pid: &Pid) -> Option<Socket> {
        self.live.remove(pid)
    }

    pub(super) fn save(&mut self, now: Tick, pid: &Pid, saved: Saved) {
        self.log.save(now, pid.as_str(), saved);
        self.bury();
    }

    /// The socket of this `pid`, if there is `room` for all bytes it has missed. If there is not,
    /// there never will be: it is given up.
    pub(super) fn restore(
        &mut self,
        now: Tick,
        pid: &str,
        offset: &str,
        room: usize,
    ) -> Option<(Saved, Position)> {
        let restored = self.log.restore(now, pid, offset);
        let restored = restored.map(|restored| {
            let saved = restored.session;
            let id = saved.socket.id();
            let fits = fits(own(restored.missed, &id, &saved.rooms), room);
            (saved, fits)
        });
        self.bury();
        let (saved, fits) = restored?;
        if !fits {
            self.give_up(saved);
            return None;
        }
        let offset = recovery::Offset::parse(offset)?;
        let rooms = saved.rooms.clone();
        Some((saved, Position { offset, rooms }))
    }

    // ---- The end of things ----------------------------------------------------------------

    /// A socket cannot go on. It is handed out as those who have not come back in time.
    pub(super) fn give_up(&mut self, saved: Saved) {
        self.given_up.push(saved);
    }

    pub(super) fn poll_timeout(&self) -> Option<Tick> {
        self.log.poll_timeout()
    }

    /// Lets time pass. Those who have not come back are gone for good.
    pub(super) fn handle_timeout(&mut self, now: Tick) -> Dropped {
        let mut sessions = self.log.handle_timeout(now);
        sessions.append(&mut self.given_up);
        let recoverable = sessions.iter().map(|saved| saved.socket.recoverable());
        recoverable.flatten().for_each(Recoverable::leave);
        self.bury();
        Dropped {
            sessions,
            ..self.take_dropped()
        }
    }

    /// Messages that have been dropped.
    pub(super) fn take_dropped(&mut self) -> Dropped {
        Dropped {
            messages: mem::take(&mut self.dropped),
            sessions: Vec::new(),
        }
    }

    /// Starts over, with nobody and nothing to come back. What there was is returned.
    pub(super) fn clear(&mut self, config: &RecoveryConfig) -> Self {
        mem::replace(self, Self::new(config))
    }

    fn bury(&mut self) {
        let excess = self.kept.len() - self.log.entries();
        self.dropped.extend(self.kept.drain(..excess));
        // A burst does not leave its memory behind.
        if self.kept.len() <= self.kept.capacity() / 4 {
            self.kept.shrink_to(self.kept.len() * 2);
        }
    }
}

/// Those of the messages that were for a socket in these rooms.
fn own<'a>(
    missed: recovery::Missed<'a, Entry>,
    id: &SocketId,
    rooms: &[Room],
) -> impl Iterator<Item = &'a Arc<Message>> {
    let own = missed.filter(|(_, entry)| entry.whom.includes(id, rooms));
    own.map(|(_, entry)| &entry.message)
}

/// Whether there is room for these messages.
fn fits<'a>(messages: impl IntoIterator<Item = &'a Arc<Message>>, room: usize) -> bool {
    let mut left = Some(room);
    messages.into_iter().all(|message| {
        left = left.and_then(|left| left.checked_sub(message.bytes()));
        left.is_some()
    })
}

/// What tells the offsets of this log from those of any other, before a restart as well. 48 bits keep
/// them short.
fn new_epoch() -> u64 {
    let mut epoch = [0; 8];
    // Invariant: a system without randomness has no ids for its clients, so it has none.
    getrandom::fill(&mut epoch[..6]).expect("the system provides randomness");
    u64::from_le_bytes(epoch)
}
