//! What a socket has to have in order to be recovered, and what is kept of it meanwhile.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use socketio_adapter::{Room, Target};

use crate::proto::recovery::Offset;
use crate::socket::{Socket, SocketId};

/// The secret by which a client gets its socket back: as random as the ids of sockets.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Pid(SocketId);

impl Pid {
    pub(super) fn random() -> Self {
        Self(SocketId::random())
    }

    /// One that is shown by a client.
    pub(super) fn claimed(pid: &str) -> Self {
        Self(SocketId::from(pid))
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Leaves out the secret.
impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pid")
    }
}

/// The part of a socket that can be recovered. It changes under the lock of its namespace's
/// [`Sequencer`](super::Sequencer) only.
pub(crate) struct Recoverable {
    pub(super) pid: Pid,
    /// Where the socket goes on, if it does: what is behind this offset is still to be sent.
    pub(super) goes_on: Option<Position>,
    /// The socket is gone for good: one of the sides has left, or nobody came back in time.
    gone: AtomicBool,
    /// The socket lives on another link now, which has said goodbye for this one.
    replaced: AtomicBool,
    /// The client cannot be sent what it has missed.
    given_up: AtomicBool,
}

/// How far a client had come, and where it was then.
pub(super) struct Position {
    pub(super) offset: Offset,
    pub(super) rooms: Vec<Room>,
}

impl Recoverable {
    pub(super) fn new(pid: Pid, goes_on: Option<Position>) -> Box<Self> {
        Box::new(Self {
            pid,
            goes_on,
            gone: AtomicBool::new(false),
            replaced: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        })
    }

    pub(crate) fn pid(&self) -> &str {
        self.pid.as_str()
    }

    pub(crate) const fn is_recovered(&self) -> bool {
        self.goes_on.is_some()
    }

    /// Nobody can have the socket back.
    pub(super) fn leave(&self) {
        self.gone.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// The socket goes on elsewhere.
    pub(super) fn replace(&self) {
        self.replaced.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Relaxed)
    }

    /// The client cannot be sent what it has missed: where it has been it will not get on, however
    /// often it tries.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Relaxed)
    }
}

/// A socket in the log: its last handle, with its id and data, and where it was.
pub(crate) struct Saved {
    pub(crate) socket: Socket,
    pub(crate) rooms: Vec<Room>,
}

/// Whom an event in the log was for.
pub(super) enum Whom {
    Socket(SocketId),
    Target(Target),
}

impl Whom {
    /// Whether it was for a socket that was in these rooms.
    pub(super) fn includes(&self, id: &SocketId, rooms: &[Room]) -> bool {
        let is_in = |room: &Room| **room == *id.as_str() || rooms.contains(room);
        match self {
            Self::Socket(one) => one == id,
            Self::Target(target) => {
                target.addressed().is_none_or(|to| to.iter().any(is_in))
                    && !target.excepted().iter().any(is_in)
            }
        }
    }
}
