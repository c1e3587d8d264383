//! The link to the server, in either client: one session of the engine after the other.
//!
//! ```text
//!            open                  configured             opened
//!  (none) ─────────► (configuring) ──────────► (opening) ────────► (open)
//!     ▲                   │ close                  │ close, ended    │ close, ended
//!     └───────────────────┴────────────────────────┴─────────────────┘
//! ```
//!
//! A session that is being closed stands aside, with what it still has to send, and the next one
//! does not wait for it: a server that does not answer costs nobody any time. The two share what is
//! known of the server, cookies above all.

use std::collections::VecDeque;

use crate::engine::core::Memory;
use crate::engine::{self, Handshake, Prepared, Tape, Transport};
use crate::manager::Flow;
use crate::proto::{Encoded, Revision, record};

/// Bytes that may wait in the session before the manager keeps what comes.
const QUEUE: usize = 64 << 10;

/// Sessions that may be on their way out at once. Who closes and opens faster than a server answers
/// loses the oldest: it is cut off.
const LEAVING: usize = 8;

/// What a link needs of a session, whoever drives it.
pub(crate) trait Session {
    fn handshake(&self) -> Option<&Handshake>;
    fn tape(&self) -> Option<&Tape>;
    fn revision(&self) -> engine::Revision;
    fn transport(&self) -> Transport;
    fn is_writable(&self) -> bool;
    fn queued_bytes(&self) -> usize;
    fn send(&mut self, message: Prepared);
    fn set_reading(&mut self, reading: bool);
    fn start_close(&mut self);
}

/// `C` is what finds out how to open it.
pub(crate) struct Link<S, C> {
    memory: Memory,
    state: State<S, C>,
    /// Sessions that are being closed, oldest first. Nobody is told what comes from them.
    leaving: VecDeque<Box<S>>,
}

enum State<S, C> {
    None,
    Configuring(C),
    Opening(Box<S>),
    Open(Box<S>),
}

/// What the driver has to look after, besides those that leave.
pub(crate) enum Work<'a, S, C> {
    Nothing,
    Configure(&'a mut C),
    Session(&'a mut S),
}

/// What is known of a link that is open.
pub(crate) struct Opened {
    /// Of Socket.IO.
    pub(crate) revision: Revision,
    /// The session's id.
    pub(crate) sid: String,
    pub(crate) tape: Option<record::Tape>,
}

impl<S, C> Default for Link<S, C> {
    fn default() -> Self {
        Self {
            memory: Memory::default(),
            state: State::None,
            leaving: VecDeque::new(),
        }
    }
}

impl<S: Session, C> Link<S, C> {
    /// Whether there is nothing to be done for it.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::None) && self.leaving.is_empty()
    }

    pub(crate) fn work(&mut self) -> Work<'_, S, C> {
        match &mut self.state {
            State::None => Work::Nothing,
            State::Configuring(configuring) => Work::Configure(configuring),
            State::Opening(session) | State::Open(session) => Work::Session(session),
        }
    }

    /// Sessions that are being closed, to be driven to their ends and dropped.
    pub(crate) const fn leaving(&mut self) -> &mut VecDeque<Box<S>> {
        &mut self.leaving
    }

    /// All sessions there are.
    #[cfg(feature = "blocking")]
    pub(crate) fn sessions(&mut self) -> impl Iterator<Item = &mut S> {
        let current = match &mut self.state {
            State::Opening(session) | State::Open(session) => Some(session),
            State::None | State::Configuring(_) => None,
        };
        current
            .into_iter()
            .chain(&mut self.leaving)
            .map(|it| &mut **it)
    }

    /// Begins to open it.
    pub(crate) fn open(&mut self, configure: impl FnOnce() -> C) {
        if matches!(self.state, State::None) {
            self.state = State::Configuring(configure());
        }
    }

    /// Goes on with opening it, if it is still wanted.
    pub(crate) fn configured(
        &mut self,
        start: impl FnOnce(Memory) -> Result<S, engine::Error>,
    ) -> Result<(), engine::Error> {
        if let State::Configuring(_) = &self.state {
            self.state = State::None;
            self.state = State::Opening(Box::new(start(self.memory.clone())?));
        }
        Ok(())
    }

    /// It is open.
    pub(crate) fn opened(&mut self) -> Option<Opened> {
        let old = std::mem::replace(&mut self.state, State::None);
        let State::Opening(session) = old else {
            self.state = old;
            return None;
        };
        let sid = session.handshake().map(|it| it.sid.clone());
        let opened = Opened {
            revision: Revision::over(session.revision().as_str()),
            sid: sid.unwrap_or_default(),
            tape: session.tape().map(of_connection),
        };
        self.state = State::Open(session);
        Some(opened)
    }

    /// It has ended. Says whether it had been open.
    pub(crate) fn ended(&mut self) -> bool {
        let old = std::mem::replace(&mut self.state, State::None);
        matches!(old, State::Open(_))
    }

    /// Begins to close it, behind what was sent.
    pub(crate) fn close(&mut self) {
        let old = std::mem::replace(&mut self.state, State::None);
        if let State::Opening(mut session) | State::Open(mut session) = old {
            session.set_reading(true);
            session.start_close();
            if self.leaving.len() == LEAVING {
                self.leaving.pop_front();
            }
            self.leaving.push_back(session);
        }
    }

    pub(crate) fn send(&mut self, message: Encoded) {
        if let State::Open(session) = &mut self.state {
            session.send(prepare(message));
        }
    }

    /// Whether messages are wanted.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        if let State::Open(session) = &mut self.state {
            session.set_reading(reading);
        }
    }

    /// How it takes what is sent.
    pub(crate) fn flow(&self) -> Flow {
        match &self.state {
            State::Open(session) if session.is_writable() => Flow::Ready,
            State::Open(session) if session.queued_bytes() < QUEUE => Flow::Busy,
            _ => Flow::Full,
        }
    }

    /// What carries it, while it is open.
    pub(crate) fn transport(&self) -> Option<Transport> {
        match &self.state {
            State::Open(session) => Some(session.transport()),
            _ => None,
        }
    }
}

/// Where what is told to a link's connection is recorded.
fn of_connection(tape: &Tape) -> record::Tape {
    let file = tape.clone();
    let own = record::Tape::new("socket", move |line| file.write(line));
    match tape.has_payloads() {
        true => own.with_payloads(),
        false => own,
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
