//! The link to the server, in either client: one session of the engine after the other.
//!
//! ```text
//!            open                  configured             opened
//!  (none) ─────────► (configuring) ──────────► (opening) ────────► (open)
//!     ▲                   │ close                  │ close           │ close
//!     │◄──────────────────┘                        └──► (closing) ◄──┘
//!     └─────────────────────── ended ───────────────────────┘ and opened anew if wanted meanwhile
//! ```
//!
//! A session is opened only when the one before has been closed, for it takes over the cookies.

use crate::engine::core::Memory;
use crate::engine::{self, Handshake, Prepared, Transport};
use crate::manager::Flow;
use crate::proto::{Encoded, Revision};

/// Bytes that may wait in the session before the manager keeps what comes.
const QUEUE: usize = 64 << 10;

/// What a link needs of a session, whoever drives it.
pub(crate) trait Session {
    fn into_memory(self) -> Memory;
    fn handshake(&self) -> Option<&Handshake>;
    fn revision(&self) -> engine::Revision;
    fn transport(&self) -> Transport;
    fn is_writable(&self) -> bool;
    fn queued_bytes(&self) -> usize;
    fn send(&mut self, message: Prepared);
    fn set_reading(&mut self, reading: bool);
    fn start_close(&mut self);
}

/// `C` is what finds out how to open it.
pub(crate) struct Link<S, C>(State<S, C>);

enum State<S, C> {
    None(Memory),
    Configuring(Memory, C),
    Opening(Box<S>),
    Open(Box<S>),
    Closing { session: Box<S>, reopen: bool },
}

/// What the driver has to look after.
pub(crate) enum Work<'a, S, C> {
    Nothing,
    Configure(&'a mut C),
    Session {
        session: &'a mut S,
        /// Nobody is told what comes while it is being closed.
        closing: bool,
    },
}

/// What a session has left.
pub(crate) struct Ended {
    /// Whether it had been open, if the manager is to be told at all.
    pub(crate) was_open: Option<bool>,
    /// Another is wanted by now.
    pub(crate) reopen: bool,
}

impl<S, C> Default for Link<S, C> {
    fn default() -> Self {
        Self(State::None(Memory::default()))
    }
}

impl<S: Session, C> Link<S, C> {
    /// Whether there is nothing to be done for it.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.0, State::None(_))
    }

    pub(crate) fn work(&mut self) -> Work<'_, S, C> {
        let (session, closing) = match &mut self.0 {
            State::None(_) => return Work::Nothing,
            State::Configuring(_, configuring) => return Work::Configure(configuring),
            State::Opening(session) | State::Open(session) => (session, false),
            State::Closing { session, .. } => (session, true),
        };
        Work::Session { session, closing }
    }

    /// Begins to open it.
    pub(crate) fn open(&mut self, configure: impl FnOnce() -> C) {
        match &mut self.0 {
            State::None(memory) => {
                self.0 = State::Configuring(std::mem::take(memory), configure());
            }
            State::Closing { reopen, .. } => *reopen = true,
            State::Configuring(..) | State::Opening(_) | State::Open(_) => {}
        }
    }

    /// Goes on with opening it, if it is still wanted.
    pub(crate) fn configured(
        &mut self,
        start: impl FnOnce(Memory) -> Result<S, engine::Error>,
    ) -> Result<(), engine::Error> {
        if let State::Configuring(memory, _) = &mut self.0 {
            let memory = std::mem::take(memory);
            self.0 = State::None(Memory::default());
            self.0 = State::Opening(Box::new(start(memory)?));
        }
        Ok(())
    }

    /// It is open: the revision of Socket.IO that is spoken, and the session's id.
    pub(crate) fn opened(&mut self) -> Option<(Revision, String)> {
        let old = std::mem::replace(&mut self.0, State::None(Memory::default()));
        let State::Opening(session) = old else {
            self.0 = old;
            return None;
        };
        let revision = Revision::over(session.revision().as_str());
        let sid = session.handshake().map(|it| it.sid.clone());
        self.0 = State::Open(session);
        Some((revision, sid.unwrap_or_default()))
    }

    /// It has ended.
    pub(crate) fn ended(&mut self) -> Ended {
        let old = std::mem::replace(&mut self.0, State::None(Memory::default()));
        let (memory, was_open, reopen) = match old {
            State::Opening(session) => (session.into_memory(), Some(false), false),
            State::Open(session) => (session.into_memory(), Some(true), false),
            State::Closing { session, reopen } => (session.into_memory(), None, reopen),
            State::None(memory) | State::Configuring(memory, _) => (memory, None, false),
        };
        self.0 = State::None(memory);
        Ended { was_open, reopen }
    }

    /// Begins to close it, behind what was sent.
    pub(crate) fn close(&mut self) {
        let old = std::mem::replace(&mut self.0, State::None(Memory::default()));
        self.0 = match old {
            State::None(memory) | State::Configuring(memory, _) => State::None(memory),
            State::Opening(mut session) | State::Open(mut session) => {
                session.set_reading(true);
                session.start_close();
                let reopen = false;
                State::Closing { session, reopen }
            }
            State::Closing { session, .. } => {
                let reopen = false;
                State::Closing { session, reopen }
            }
        };
    }

    pub(crate) fn send(&mut self, message: Encoded) {
        if let State::Open(session) = &mut self.0 {
            session.send(prepare(message));
        }
    }

    /// Whether messages are wanted.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        if let State::Open(session) = &mut self.0 {
            session.set_reading(reading);
        }
    }

    /// How it takes what is sent.
    pub(crate) fn flow(&self) -> Flow {
        match &self.0 {
            State::Open(session) if session.is_writable() => Flow::Ready,
            State::Open(session) if session.queued_bytes() < QUEUE => Flow::Busy,
            _ => Flow::Full,
        }
    }

    /// What carries it, while it is open.
    pub(crate) fn transport(&self) -> Option<Transport> {
        match &self.0 {
            State::Open(session) => Some(session.transport()),
            _ => None,
        }
    }
}

/// An encoded packet as the engine sends it.
fn prepare(encoded: Encoded) -> Prepared {
    let has_text = encoded.has_text();
    let mut attachments = encoded.attachments;
    match attachments.pop_if(|_| !has_text) {
        Some(data) => Prepared::binary(data),
        None => Prepared::from_parts(encoded.buffer, encoded.start, attachments),
    }
}
