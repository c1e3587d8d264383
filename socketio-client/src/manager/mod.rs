//! The client without I/O: which namespaces are wanted, credentials, acknowledgements, the send
//! buffer, retries, reconnection and recovery. What JavaScript splits into `Manager` and `Socket`,
//! over one [`client::Connection`] per link.
//!
//! ```text
//!            connect, open             handle_opened
//!  (closed) ───────────────► (opening) ─────────────► (open)
//!      ▲                      │      ▲                  │
//!      │    handle_open_failed│      │timeout, open     │handle_closed, parse error
//!      │                      ▼      │                  │
//!      └──────────────────── (waiting) ◄────────────────┘
//!        close, attempts exhausted; from all other states too
//! ```
//!
//! # The loop of a driver
//!
//! After each call, [`poll_event`](Manager::poll_event) until it is `None`, then
//! [`poll_output`](Manager::poll_output) until it is `None`; [`handle_timeout`](Manager::handle_timeout)
//! is due when [`poll_timeout`](Manager::poll_timeout) says. Times are milliseconds since any
//! instant ([`Tick`]). A driver has one link at a time: between [`Output::Open`] and
//! [`Output::Close`], `handle_closed` or `handle_open_failed`. What happens on a link after
//! [`Output::Close`] is not to be reported.
//!
//! Handle what the link has to say, its heartbeat above all, before taking outputs: what was
//! emitted on a link that turns out to be dead and not taken yet is then kept for the next. That is
//! why there is no look at the heartbeat's deadline when something is emitted, as in the reference.

mod backoff;
mod deadlines;
mod emit;
mod link;
mod membership;
mod outbox;
mod receive;
mod retry;
mod socket;
#[cfg(test)]
mod tests;
mod vocabulary;

use std::collections::{BTreeMap, VecDeque};

use backoff::{Backoff, Random};
use deadlines::Deadlines;
use outbox::Outbox;
use socket::{Awaited, Phase, Socket};

use crate::{
    Buffer, Config, Reconnection,
    proto::{Tick, client, record::Recorded},
};

pub(crate) use vocabulary::{AckFailure, Event, Flow, Outgoing, Output, ReplyTo, Sent};

/// One namespace of one manager. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SocketKey(u32);

/// The client's decisions. `A` is what the driver keeps for each awaited acknowledgement; none is
/// ever dropped in here, each comes back in an [`Event::Ack`] or from a call.
#[derive(Debug)]
pub(crate) struct Manager<A> {
    reconnection: Reconnection,
    buffer: Buffer,
    retries: u32,
    /// Milliseconds.
    ack_timeout: Option<u64>,
    connection: client::Config,
    link: Link<A>,
    flow: Flow,
    /// Between links that could not be opened.
    backoff: Backoff,
    random: Random,
    /// In the order in which they were asked for.
    sockets: BTreeMap<SocketKey, Socket<A>>,
    /// Those that are wanted, in the order in which they became so.
    active: Vec<SocketKey>,
    outbox: Outbox<A>,
    /// All outputs but [`Output::Send`].
    commands: VecDeque<Output>,
    events: VecDeque<Event<'static, A>>,
    deadlines: Deadlines,
    // How many there have been.
    keys: u32,
    tickets: u32,
    memberships: u64,
}

/// The link to the server.
#[derive(Debug)]
enum Link<A> {
    /// There is none.
    Closed,
    /// There will be one.
    Waiting {
        /// When the next attempt is due.
        until: Tick,
    },
    /// The driver has been asked for one.
    Opening,
    /// There is one.
    Open(Box<Recorded<client::Connection<Awaited<A>>>>),
}

impl<A> Manager<A> {
    /// A client that has not been asked for anything. `seed` decides about the delays between
    /// attempts, and should differ from client to client.
    pub(crate) fn new(config: &Config, seed: u64) -> Self {
        Self {
            reconnection: config.reconnection.clone(),
            buffer: config.buffer.clone(),
            retries: config.retries,
            ack_timeout: config.ack_timeout.map(|it| it.as_millis() as u64),
            connection: config.connection(),
            link: Link::Closed,
            flow: Flow::Ready,
            backoff: Backoff::new(&config.reconnection),
            random: Random(seed),
            sockets: BTreeMap::new(),
            active: Vec::new(),
            outbox: Outbox::new(),
            commands: VecDeque::new(),
            events: VecDeque::new(),
            deadlines: Deadlines::default(),
            keys: 0,
            tickets: 0,
            memberships: 0,
        }
    }

    /// Something to tell the application.
    #[must_use]
    pub(crate) fn poll_event(&mut self) -> Option<Event<'static, A>> {
        pop(&mut self.events)
    }

    /// Something for the driver to do.
    pub(crate) fn poll_output(&mut self) -> Option<Output> {
        let sends = match self.commands.front() {
            // Behind what has been sent.
            Some(Output::Close) => true,
            Some(_) => return self.commands.pop_front(),
            None => self.flow != Flow::Full,
        };
        let sent = if sends { self.take_parcel() } else { None };
        match sent {
            Some(message) => Some(Output::Send(message)),
            None => self.commands.pop_front(),
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        let attempt = match self.link {
            Link::Waiting { until } => Some(until),
            _ => None,
        };
        let retries = self.sockets.values().filter_map(|it| match it.phase {
            Phase::Retrying { at } => Some(at),
            _ => None,
        });
        let ack = self.deadlines.next();
        attempt.into_iter().chain(ack).chain(retries).min()
    }

    /// Does what is due.
    pub(crate) fn handle_timeout(&mut self, now: Tick) {
        while let Some((key, id)) = self.deadlines.pop(now) {
            self.ack_timed_out(now, key, id);
        }
        let due = self.sockets.iter().filter_map(|(key, it)| match it.phase {
            Phase::Retrying { at } if at <= now => Some(*key),
            _ => None,
        });
        for key in due.collect::<Vec<_>>() {
            self.authorize(now, key);
        }
        if matches!(self.link, Link::Waiting { until } if until <= now) {
            self.attempt();
        }
    }
}

/// Takes the first of a queue. What a burst has made of it is given back when it is empty.
fn pop<T>(queue: &mut VecDeque<T>) -> Option<T> {
    let first = queue.pop_front()?;
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
    Some(first)
}

/// Places that an empty queue keeps.
const KEPT: usize = 32;
