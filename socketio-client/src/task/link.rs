//! The link to the server: one session of the engine after the other.
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

use std::sync::Arc;
use std::task::{Context, Poll};

use super::Asked;
use super::shared::Shared;
use crate::engine::core::Memory;
use crate::engine::{
    self, CloseReason, Connection, ConnectionEvent as Event, Dialer, ErrorKind, Message, Prepared,
    Transport,
};
use crate::manager::Flow;
use crate::proto::{BoxError, Encoded, Revision};

/// Bytes that may wait in the session before the manager keeps what comes.
const QUEUE: usize = 64 << 10;

pub(crate) struct Link {
    shared: Arc<Shared>,
    state: State,
}

enum State {
    None(Memory),
    Configuring(Memory, Asked<Result<engine::Config, BoxError>>),
    Opening(Box<Connection>),
    Open(Box<Connection>),
    Closing {
        connection: Box<Connection>,
        reopen: bool,
    },
}

/// What the link has to say.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is moved once per link")]
pub(crate) enum Happened<'a> {
    /// The application has said how to open it.
    Configured(Result<engine::Config, BoxError>),
    Opened,
    Message(Message<'a>),
    Upgraded(Transport),
    Ended(CloseReason, Option<engine::Error>),
    /// It is being closed, and says more.
    Ignored,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            state: State::None(Memory::default()),
        }
    }

    /// Whether there is nothing to be done for it.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!(self.state, State::None(_))
    }

    /// Begins to open it.
    pub(crate) fn open(&mut self) {
        match &mut self.state {
            State::None(memory) => {
                let memory = std::mem::take(memory);
                self.state = State::Configuring(memory, self.shared.link_config());
            }
            State::Closing { reopen, .. } => *reopen = true,
            State::Configuring(..) | State::Opening(_) | State::Open(_) => {}
        }
    }

    /// Goes on with opening it.
    pub(crate) fn configure(
        &mut self,
        config: Result<engine::Config, BoxError>,
    ) -> Result<(), engine::Error> {
        let State::Configuring(memory, _) = &mut self.state else {
            return Ok(());
        };
        let memory = std::mem::take(memory);
        self.state = State::None(Memory::default());
        let config = config.map_err(|error| ErrorKind::Dial(std::io::Error::other(error)))?;
        let config = Arc::new(config);
        let dialer = Dialer::new(Arc::clone(&config), self.shared.connector());
        let connection = Connection::start(config, dialer, memory)?;
        self.state = State::Opening(Box::new(connection));
        Ok(())
    }

    /// It is open: the revision that is spoken, and the session's id.
    pub(crate) fn opened(&mut self) -> Option<(Revision, String)> {
        let old = std::mem::replace(&mut self.state, State::None(Memory::default()));
        match old {
            State::Opening(connection) => {
                let revision = Revision::over(connection.revision().as_str());
                let sid = connection.handshake().map(|it| it.sid.clone());
                self.state = State::Open(connection);
                Some((revision, sid.unwrap_or_default()))
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// It has ended. What is to be told of it, if anything: whether it had been open.
    pub(crate) fn ended(&mut self) -> Option<bool> {
        let old = std::mem::replace(&mut self.state, State::None(Memory::default()));
        let (memory, reopen, told) = match old {
            State::Opening(connection) => (connection.into_memory(), false, Some(false)),
            State::Open(connection) => (connection.into_memory(), false, Some(true)),
            State::Closing { connection, reopen } => (connection.into_memory(), reopen, None),
            State::None(memory) | State::Configuring(memory, _) => (memory, false, None),
        };
        self.state = State::None(memory);
        if reopen {
            self.open();
        }
        told
    }

    /// Begins to close it, behind what was sent.
    pub(crate) fn close(&mut self) {
        let old = std::mem::replace(&mut self.state, State::None(Memory::default()));
        self.state = match old {
            State::Configuring(memory, _) => State::None(memory),
            State::Opening(mut connection) | State::Open(mut connection) => {
                connection.set_reading(true);
                connection.start_close();
                let reopen = false;
                State::Closing { connection, reopen }
            }
            State::Closing { connection, .. } => {
                let reopen = false;
                State::Closing { connection, reopen }
            }
            State::None(memory) => State::None(memory),
        };
    }

    pub(crate) fn send(&mut self, message: Encoded) {
        if let State::Open(connection) = &mut self.state {
            connection.send(prepare(message));
        }
    }

    /// Whether messages are wanted.
    pub(crate) fn set_reading(&mut self, reading: bool) {
        if let State::Open(connection) = &mut self.state {
            connection.set_reading(reading);
        }
    }

    /// How it takes what is sent.
    pub(crate) fn flow(&self) -> Flow {
        match &self.state {
            State::Open(connection) if connection.is_writable() => Flow::Ready,
            State::Open(connection) if connection.queued_bytes() < QUEUE => Flow::Busy,
            _ => Flow::Full,
        }
    }

    pub(crate) fn transport(&self) -> Option<Transport> {
        match &self.state {
            State::Open(connection) => Some(connection.transport()),
            _ => None,
        }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened<'_>> {
        let (connection, closing) = match &mut self.state {
            State::None(_) => return Poll::Pending,
            State::Configuring(_, config) => {
                return config.as_mut().poll(cx).map(Happened::Configured);
            }
            State::Opening(connection) | State::Open(connection) => (connection, false),
            State::Closing { connection, .. } => (connection, true),
        };
        connection.poll_event(cx).map(|event| match event {
            Event::Opened if !closing => Happened::Opened,
            Event::Message(message) if !closing => Happened::Message(message),
            Event::Upgraded(to) => Happened::Upgraded(to),
            Event::Closed { reason, error } => Happened::Ended(reason, error.cloned()),
            // Nobody is told what comes while it is being closed.
            Event::Opened | Event::Message(_) => Happened::Ignored,
        })
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
