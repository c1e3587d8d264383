//! One namespace: how it stands with the server, and what waits in it.

use std::{borrow::Cow, collections::VecDeque};

use super::{
    ReplyTo, SocketKey,
    backoff::Backoff,
    retry::{Progress, Queue},
};
use crate::proto::{Args, Encoded, NamespaceId, Tick, recovery::Bookmark};

/// What one namespace needs across links.
#[derive(Debug)]
pub(super) struct Socket<A> {
    pub(super) name: Box<str>,
    pub(super) phase: Phase,
    pub(super) sid: Option<Box<str>>,
    pub(super) recovered: bool,
    pub(super) bookmark: Bookmark,
    /// Between failures of the application to say what to authenticate with.
    pub(super) backoff: Backoff,
    pub(super) buffer: Buffer<A>,
    /// Events to be acknowledged one after the other, with [`Config::retries`](crate::Config).
    pub(super) queue: Queue<A>,
    /// Where the head of the queue is.
    pub(super) progress: Progress,
    pub(super) received: Received,
}

/// How a namespace stands with the server.
///
/// ```text
///          the link opens             handle_auth         CONNECT
///  (idle) ───────────────► authorizing ──────────► joining ──────► connected
///                             ▲    │ failed
///                             │    ▼
///                            retrying
/// ```
///
/// From everywhere back to `idle`: the link closes, the server refuses or disconnects, nobody wants
/// it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing is under way.
    Idle,
    /// The application is asked for credentials.
    Authorizing {
        /// Which question it is.
        ticket: u32,
    },
    /// The application will be asked again.
    Retrying {
        /// When.
        at: Tick,
    },
    /// The server is asked.
    Joining {
        /// The membership asked for.
        nsp: NamespaceId,
    },
    /// The server has granted it.
    Connected {
        /// The membership granted.
        nsp: NamespaceId,
        /// Which of all memberships it is, over all links.
        membership: u64,
    },
}

impl Phase {
    pub(super) fn is_connected(self) -> bool {
        matches!(self, Self::Connected { .. })
    }

    /// The membership on the present link.
    pub(super) fn nsp(self) -> Option<NamespaceId> {
        match self {
            Self::Joining { nsp } | Self::Connected { nsp, .. } => Some(nsp),
            Self::Idle | Self::Authorizing { .. } | Self::Retrying { .. } => None,
        }
    }
}

impl<A> Socket<A> {
    pub(super) fn new(name: &str, backoff: Backoff) -> Self {
        Self {
            name: name.into(),
            phase: Phase::Idle,
            sid: None,
            recovered: false,
            bookmark: Bookmark::default(),
            backoff,
            buffer: Buffer::new(),
            queue: Queue::new(),
            progress: Progress::default(),
            received: Received::default(),
        }
    }

    /// The membership has ended, or will never be.
    pub(super) fn end(&mut self) -> Phase {
        self.sid = None;
        self.received = Received::default();
        std::mem::replace(&mut self.phase, Phase::Idle)
    }
}

/// An acknowledgement that is due.
#[derive(Debug)]
pub(super) struct Awaited<A> {
    pub(super) socket: SocketKey,
    pub(super) id: u64,
    /// What to give back; `None` for the event whose turn it is in the queue of retries, which
    /// keeps it itself.
    pub(super) ack: Option<A>,
    pub(super) deadline: Option<Tick>,
}

/// Events that wait for their socket to be connected, oldest first.
#[derive(Debug)]
pub(super) struct Buffer<A> {
    events: VecDeque<Buffered<A>>,
    /// What they cost.
    bytes: usize,
}

#[derive(Debug)]
pub(super) struct Buffered<A> {
    pub(super) message: Encoded,
    pub(super) awaited: Option<Awaited<A>>,
}

impl<A> Buffer<A> {
    fn new() -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, event: Buffered<A>) {
        self.bytes += cost(&event.message);
        self.events.push_back(event);
    }

    pub(super) fn pop(&mut self) -> Option<Buffered<A>> {
        let event = self.events.pop_front()?;
        self.bytes -= cost(&event.message);
        Some(event)
    }

    /// Takes out an event by the acknowledgement it waits for. Those that time out are the oldest,
    /// or nearly.
    pub(super) fn remove(&mut self, id: u64) -> Option<Buffered<A>> {
        let mut events = self.events.iter();
        let index = events.position(|it| it.awaited.as_ref().is_some_and(|it| it.id == id))?;
        let event = self.events.remove(index)?;
        self.bytes -= cost(&event.message);
        Some(event)
    }

    /// All that is left, and the memory with it.
    pub(super) fn take(&mut self) -> VecDeque<Buffered<A>> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

/// Events that the server has sent ahead of its answer to the CONNECT.
#[derive(Debug, Default)]
pub(super) struct Received {
    pub(super) events: Vec<Held>,
    /// What they cost.
    pub(super) bytes: usize,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: Option<u64>,
    pub(super) name: Cow<'static, str>,
    pub(super) args: Args<'static>,
}

impl Received {
    pub(super) fn push(&mut self, event: Held) {
        let data = event.args.attachments().iter().map(|it| it.len());
        self.bytes += BOOKKEEPING + event.name.len() + event.args.raw().len() + data.sum::<usize>();
        self.events.push(event);
    }
}

/// What a waiting event counts for, in bytes.
pub(super) fn cost(message: &Encoded) -> usize {
    let data = message.attachments.iter().map(|it| it.len());
    BOOKKEEPING + message.buffer.len() - message.start + data.sum::<usize>()
}

/// What an event costs whatever its size.
const BOOKKEEPING: usize = 128;

/// The answer to an event belongs to a membership.
pub(super) fn reply_to(id: Option<u64>, membership: u64) -> Option<ReplyTo> {
    id.map(|id| ReplyTo { id, membership })
}
