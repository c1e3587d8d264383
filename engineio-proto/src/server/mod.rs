//! The server's end of a session.
//!
//! ```text
//!                    GET without sid                 websocket without sid
//!                          │                                  │
//!                   ┌──────▼──────┐  upgrade.rs        ┌──────▼──────┐
//!                   │   Polling   ├───────────────────►│    Link     │
//!                   └──────┬──────┘  probe, switch     └──────┬──────┘
//!       close(): messages  │                                  │  close(): messages
//!       leave with the     │                                  │  leave first
//!       next poll      ┌───▼──────────────────────────────────▼───┐
//!                      │                 Closing                  │
//!                      └────────────────────┬─────────────────────┘
//!       peer gone, heartbeat missed, ───────┤
//!       rules broken, from any state        ▼
//!                                        Closed
//! ```

mod config;
mod heartbeat;
mod links;
mod output;
mod polling;
mod requests;
mod upgrade;

use std::collections::VecDeque;
use std::sync::Arc;

pub use self::config::Config;
pub use self::output::{Control, Item, LinkId, Output, RequestId, Response};

use self::heartbeat::{Due, Heartbeat};
use self::polling::Polling;
use self::upgrade::Upgrade;
use crate::error::CloseReason;
use crate::format::Format;
use crate::packet::{PacketType, Sid, Tick, Transport};
use crate::prepared::Prepared;
use crate::revision::Revision;

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// [`Session::close`] was called; messages that were queued before still leave.
    Closing {
        deadline: Tick,
    },
    Closed,
}

/// What carries the session.
#[derive(Debug)]
enum Carrier {
    Polling(Polling),
    Link(LinkId),
}

/// How a link came to its end, as the driver saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkEnd {
    /// The peer closed it, or the byte stream ended.
    Closed,
    /// The byte stream failed, or carried what its framing forbids, such as a message over the
    /// limit.
    Failed(&'static str),
}

/// One Engine.IO session, server side. See the [crate docs](crate) for the loop around it.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    format: Format,
    state: State,
    carrier: Carrier,
    upgrade: Option<Box<Upgrade>>,
    heartbeat: Heartbeat,
    /// A ping or pong to be sent; it overtakes messages.
    beat: Option<Control>,
    /// A poll is to be released, even if there is nothing to send.
    noop: bool,
    /// The driver has as much for the link as it wants to hold: messages wait here.
    congested: bool,
    /// Messages the carrier has not taken yet.
    queue: VecDeque<Prepared>,
    /// Bytes of `queue`, as on a websocket.
    queued_bytes: usize,
    /// Everything else, in order.
    outputs: VecDeque<Output>,
    /// The largest time seen: a driver's clock that steps back must not move deadlines.
    now: Tick,
}

impl Session {
    /// A session opened by a GET: the handshake is its answer.
    #[must_use]
    pub fn open_polling(
        config: Arc<Config>,
        format: impl Into<Format>,
        sid: &Sid,
        request: RequestId,
        now: Tick,
    ) -> Self {
        let polling = Polling {
            get: Some(request),
            post: None,
        };
        Self::begin(config, format.into(), sid, Carrier::Polling(polling), now)
    }

    /// A session opened on a websocket, or any link of that kind: the handshake is the first
    /// message on it.
    #[must_use]
    pub fn open_link(
        config: Arc<Config>,
        format: impl Into<Format>,
        sid: &Sid,
        link: LinkId,
        now: Tick,
    ) -> Self {
        Self::begin(config, format.into(), sid, Carrier::Link(link), now)
    }

    /// A session on either transport, opened by the [`RequestId`] or [`LinkId`] of `id`: for drivers
    /// that number requests and links alike, as [`handle_request`](Self::handle_request) is.
    #[must_use]
    pub fn open(
        config: Arc<Config>,
        transport: Transport,
        format: impl Into<Format>,
        sid: &Sid,
        id: u32,
        now: Tick,
    ) -> Self {
        match transport {
            Transport::Polling => Self::open_polling(config, format, sid, RequestId(id), now),
            Transport::Websocket => Self::open_link(config, format, sid, LinkId(id), now),
        }
    }

    fn begin(config: Arc<Config>, format: Format, sid: &Sid, carrier: Carrier, now: Tick) -> Self {
        let transport = match carrier {
            Carrier::Polling(_) => Transport::Polling,
            Carrier::Link(_) => Transport::Websocket,
        };
        let handshake = config.handshake(sid, transport);
        let mut buffer = vec![0; Prepared::HEADROOM];
        buffer.extend_from_slice(handshake.as_bytes());
        let open = Prepared::packet(PacketType::Open, buffer, Prepared::HEADROOM, Vec::new());
        Self {
            heartbeat: Heartbeat::new(format.revision.rules().pinger, &config, now),
            config,
            format,
            state: State::Open,
            carrier,
            upgrade: None,
            beat: None,
            noop: false,
            congested: false,
            queued_bytes: open.wire_len(),
            queue: VecDeque::from([open]),
            outputs: VecDeque::new(),
            now,
        }
    }

    /// Queues a message. It leaves with [`poll_output`](Self::poll_output) as soon as the
    /// transport can take it, behind all messages queued before. On a session that is closing it
    /// is dropped.
    pub fn send(&mut self, message: Prepared) {
        if self.state == State::Open {
            self.queued_bytes += message.wire_len();
            self.queue.push_back(message);
        }
    }

    /// Whether a message sent now would leave at once: nothing is queued, and a link or a waiting
    /// poll can take it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        let ready = match &self.carrier {
            Carrier::Polling(polling) => polling.get.is_some(),
            Carrier::Link(_) => !self.congested,
        };
        ready && self.state == State::Open && self.queue.is_empty()
    }

    /// Closes the session, reason [`CloseReason::ForcedClose`]. Queued messages leave first: on a
    /// link at once, on polling with the next polls, or on the link to which the client is about to
    /// move, all within [`close_timeout`](Config::close_timeout).
    pub fn close(&mut self, now: Tick) {
        self.advance(now);
        if self.state != State::Open {
            return;
        }
        let deadline = self.now.saturating_add(self.config.close_timeout);
        // An upgrade goes on: a client that has begun to move polls no more.
        self.state = State::Closing { deadline };
    }

    /// Ends the session now, without waiting for what is queued.
    pub fn abort(&mut self, now: Tick, reason: CloseReason, detail: &'static str) {
        self.advance(now);
        self.fail(reason, detail);
    }

    /// Tells whether the driver still reads what the peer sends. While it does not, a missing
    /// pong is nobody's fault and does not end the session.
    pub fn set_reading(&mut self, now: Tick, reading: bool) {
        self.advance(now);
        self.heartbeat.set_reading(reading, &self.config, self.now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. `None` once closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        let deadline = match self.state {
            State::Open => self.heartbeat.deadline(),
            State::Closing { deadline } => Some(deadline),
            State::Closed => None,
        };
        let upgrade = self.upgrade.as_ref();
        // On a session that closes every poll is answered anyway.
        let poll_waits = self.state == State::Open && self.poll_waits();
        let upgrade = upgrade.map(|upgrade| upgrade.deadline(poll_waits));
        [deadline, upgrade].into_iter().flatten().min()
    }

    /// Acts on all deadlines up to `now`.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.advance(now);
        if self
            .upgrade
            .as_ref()
            .is_some_and(|it| it.is_overdue(self.now))
        {
            self.abandon_upgrade();
        }
        match self.state {
            State::Open => {}
            State::Closing { deadline } if deadline <= self.now => {
                return self.finish(CloseReason::ForcedClose, None);
            }
            State::Closing { .. } | State::Closed => return,
        }
        match self.heartbeat.handle_timeout(&self.config, self.now) {
            Some(Due::Ping) => self.beat = Some(Control::Ping),
            Some(Due::Timeout) => self.finish(CloseReason::PingTimeout, None),
            None => self.release_upgrading_poll(),
        }
    }

    /// Tells whether the driver holds as much for the link as it wants to. While it does, messages
    /// stay here, where pings and the end of the session overtake them.
    pub const fn set_congested(&mut self, congested: bool) {
        self.congested = congested;
    }

    /// Whether messages wait because of the driver.
    #[must_use]
    pub const fn is_congested(&self) -> bool {
        self.congested
    }

    /// The next thing to do. Ask until there is nothing left.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        let Carrier::Link(link) = self.carrier else {
            // Receipt comes first, as with the reference: a client that sees answers to its events
            // before that, and leaves at once, may forget what it still had to send.
            self.answer_exhausted_post();
            if self.outputs.is_empty() {
                // Only here, so that all messages sent so far share the response.
                self.answer_get();
            }
            return self.outputs.pop_front();
        };
        if self.state == State::Closed {
            return None;
        }
        // On a link there is seldom anything but messages to send.
        if self.outputs.capacity() > 0 {
            self.outputs = VecDeque::new();
        }
        if let Some(beat) = self.beat.take() {
            let item = Item::Control(beat);
            return Some(Output::Send { link, item });
        }
        if self.congested {
            return None;
        }
        if let Some(message) = self.queue.pop_front() {
            self.queued_bytes -= message.wire_len();
            if self.queue.is_empty() && self.queue.capacity() > RETAINED_CAPACITY {
                self.queue = VecDeque::new();
            }
            let item = Item::Message(message);
            return Some(Output::Send { link, item });
        }
        if let State::Closing { .. } = self.state {
            self.finish(CloseReason::ForcedClose, None);
            return self.outputs.pop_front();
        }
        None
    }

    /// Whether the session has ended. Its remaining outputs are still to be acted on.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// What carries the session now.
    #[must_use]
    pub const fn transport(&self) -> Transport {
        match self.carrier {
            Carrier::Polling(_) => Transport::Polling,
            Carrier::Link(_) => Transport::Websocket,
        }
    }

    /// The revision the session speaks.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.format.revision
    }

    /// Bytes of the messages that wait for the transport, as they would be on a websocket.
    #[must_use]
    pub const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// How many messages wait for the transport.
    #[must_use]
    pub fn queued_messages(&self) -> usize {
        self.queue.len()
    }

    fn advance(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    /// A packet that is no message, on the transport that carries the session.
    fn handle_control(&mut self, kind: PacketType) {
        match kind {
            PacketType::Pong => {
                if !self.heartbeat.handle_pong(&self.config, self.now) {
                    self.fail_heartbeat();
                }
            }
            PacketType::Ping => {
                if self.heartbeat.handle_ping(&self.config, self.now) {
                    self.beat = Some(Control::Pong);
                } else {
                    self.fail_heartbeat();
                }
            }
            PacketType::Close => {
                self.answer_post();
                if !self.queue.is_empty() {
                    // A poll that came before this packet has a right to what was sent before both.
                    self.answer_get();
                }
                self.finish(CloseReason::TransportClose, None);
            }
            // Legal, and without a meaning here; the reference ignores them as well.
            PacketType::Open | PacketType::Upgrade | PacketType::Noop | PacketType::Message => {
                self.heartbeat.handle_packet(&self.config, self.now);
            }
        }
    }

    /// Who pings is settled by the revision.
    fn fail_heartbeat(&mut self) {
        self.answer_post();
        self.fail(CloseReason::TransportError, "invalid heartbeat direction");
    }

    fn fail(&mut self, reason: CloseReason, detail: &'static str) {
        self.finish(reason, Some(detail));
    }

    /// The end: nobody is left waiting, nothing is kept.
    fn finish(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        if self.state == State::Closed {
            return;
        }
        self.state = State::Closed;
        self.abandon_upgrade();
        self.queue = VecDeque::new();
        self.queued_bytes = 0;
        match &mut self.carrier {
            Carrier::Polling(polling) => {
                let polling = std::mem::take(polling);
                // A client that closed knows it; its poll is merely released.
                let last = match reason {
                    CloseReason::TransportClose => NOOP_PACKET,
                    _ => CLOSE_PACKET,
                };
                self.reply_control(polling.get, last);
                if let Some(post) = polling.post {
                    self.reply(post.request, Response::bare(400));
                }
            }
            Carrier::Link(link) => {
                let link = *link;
                self.outputs.push_back(Output::CloseLink { link });
            }
        }
        self.outputs.push_back(Output::Closed { reason, detail });
    }

    fn reply(&mut self, request: RequestId, response: Response) {
        self.outputs.push_back(Output::Reply { request, response });
    }
}

const CLOSE_PACKET: &[u8] = b"1";
const NOOP_PACKET: &[u8] = b"6";

/// Queue capacity, in messages, that may stay allocated while the queue is empty.
const RETAINED_CAPACITY: usize = 16;
