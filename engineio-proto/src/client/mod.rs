//! The client's end of a session.
//!
//! ```text
//!             opens on polling                 opens on websocket
//!                    │ GET without sid                │ link without sid
//!             ┌──────▼────────────────────────────────▼──────┐
//!             │                   Opening                    │
//!             └──────┬────────────────────────────────┬──────┘
//!                    │ 0{handshake}                   │ 0{handshake}
//!             ┌──────▼──────┐  upgrade.rs      ┌──────▼──────┐
//!             │   Polling   ├─────────────────►│    Link     │
//!             └──────┬──────┘  probe, switch   └──────┬──────┘
//!   close(): messages│                                │close(): messages leave,
//!   leave, then `1`  │                                │then the link closes
//!             ┌──────▼────────────────────────────────▼──────┐
//!             │                   Closing                    │
//!             └──────────────────────┬───────────────────────┘
//!    server gone, pings missing, ────┤
//!    rules broken, from any state    ▼
//!                                 Closed
//! ```

mod config;
mod handshake;
mod heartbeat;
mod links;
mod output;
mod polling;
mod requests;
mod upgrade;

use std::collections::VecDeque;
use std::sync::Arc;

use form_urlencoded::Serializer;

pub use self::config::Config;
pub use self::handshake::Handshake;
pub use self::output::{Control, Item, Output};
pub use crate::server::{LinkEnd, LinkId, RequestId};

use self::heartbeat::{Due, Heartbeat};
use self::polling::Polling;
use self::upgrade::Upgrade;
use crate::error::{CloseReason, DecodeError};
use crate::format::Format;
use crate::packet::{PacketType, Tick, Transport};
use crate::prepared::Prepared;

/// Where a session is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The server has not answered yet.
    Opening { deadline: Tick },
    /// The handshake is done.
    Open,
    /// [`Session::close`] was called; messages that were queued before still leave.
    Closing { deadline: Tick },
    /// Nothing happens any more.
    Closed,
}

/// What carries the session.
#[derive(Debug)]
enum Carrier {
    Polling(Polling),
    Link(LinkId),
}

/// One Engine.IO session, client side. See the [crate docs](crate) for the loop around it.
#[derive(Debug)]
pub struct Session {
    config: Arc<Config>,
    format: Format,
    state: State,
    carrier: Carrier,
    upgrade: Option<Upgrade>,
    /// What the server said; boxed, for it is seldom looked at.
    handshake: Option<Box<Handshake>>,
    heartbeat: Heartbeat,
    /// A ping or pong to be sent; it overtakes messages.
    beat: Option<Control>,
    /// Messages the carrier has not taken yet.
    queue: VecDeque<Prepared>,
    /// Bytes of `queue`, as on a websocket.
    queued_bytes: usize,
    /// How many packets of the first message have left in POSTs. Such a message is finished there,
    /// whatever happens.
    taken: usize,
    /// Everything else, in order.
    outputs: VecDeque<Output>,
    /// The name of the next request.
    next_request: u32,
    /// The largest time seen: a driver's clock that steps back must not move deadlines.
    now: Tick,
}

/// A session asks for one link at most.
const LINK: LinkId = LinkId(0);

impl Session {
    /// A session that is about to be opened: the first output asks for a GET or a link, as the
    /// configuration says.
    #[must_use]
    pub fn new(config: Arc<Config>, format: impl Into<Format>, now: Tick) -> Self {
        let format = format.into();
        let (carrier, outputs) = match config.transport {
            Transport::Polling => (Carrier::Polling(Polling::default()), VecDeque::new()),
            Transport::Websocket => {
                let open = Output::OpenLink { link: LINK };
                (Carrier::Link(LINK), VecDeque::from([open]))
            }
        };
        Self {
            state: State::Opening {
                deadline: now.saturating_add(config.open_timeout),
            },
            config,
            carrier,
            upgrade: None,
            handshake: None,
            heartbeat: Heartbeat::new(format.revision.rules().pinger),
            format,
            beat: None,
            queue: VecDeque::new(),
            queued_bytes: 0,
            taken: 0,
            outputs,
            next_request: 0,
            now,
        }
    }

    /// The query parameters for a request, as in `EIO=4&transport=polling&sid=…`. Parameters of
    /// the application may be put around them.
    ///
    /// Ask when the output that wants the request is acted on: the id is known from the handshake
    /// on.
    #[must_use]
    pub fn query(&self, transport: Transport) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("EIO", self.format.revision.as_str());
        query.append_pair("transport", transport.as_str());
        let jsonp = self
            .format
            .jsonp
            .filter(|_| transport == Transport::Polling);
        if self.format.base64 || jsonp.is_some() {
            query.append_pair("b64", "1");
        }
        if let Some(index) = jsonp {
            query.append_pair("j", &index.to_string());
        }
        if let Some(handshake) = &self.handshake {
            query.append_pair("sid", &handshake.sid);
        }
        query.finish()
    }

    /// Queues a message. It leaves with [`poll_output`](Self::poll_output) as soon as the session
    /// is open and the transport can take it, behind all messages queued before. On a session
    /// that is closing it is dropped.
    pub fn send(&mut self, message: Prepared) {
        if matches!(self.state, State::Opening { .. } | State::Open) {
            self.queued_bytes += message.wire_len();
            self.queue.push_back(message);
        }
    }

    /// Whether a message sent now would leave at once: the session is open, nothing is queued, and
    /// a link or a new POST can take it.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        let ready = match &self.carrier {
            Carrier::Polling(polling) => polling.post.is_none() && !self.is_pausing(),
            Carrier::Link(_) => true,
        };
        ready && self.state == State::Open && self.queue.is_empty()
    }

    /// Closes the session, reason [`CloseReason::ForcedClose`]. Queued messages leave first, then
    /// the server is told, all within [`close_timeout`](Config::close_timeout).
    ///
    /// A session that is still opening waits for the handshake if the server could not be told
    /// otherwise: it would keep the session until its heartbeat fails.
    pub fn close(&mut self, now: Tick) {
        self.advance(now);
        if !matches!(self.state, State::Opening { .. } | State::Open) {
            return;
        }
        let deadline = self.now.saturating_add(self.config.close_timeout);
        self.state = State::Closing { deadline };
        self.abandon_upgrade();
        let nothing_to_say = match &self.carrier {
            Carrier::Polling(polling) => polling.is_idle(),
            Carrier::Link(_) => self.queue.is_empty(),
        };
        if self.handshake.is_none() && nothing_to_say {
            self.finish(CloseReason::ForcedClose, None);
        }
    }

    /// Ends the session now, without waiting for what is queued and without telling the server on
    /// polling.
    pub fn abort(&mut self, now: Tick, reason: CloseReason, detail: &'static str) {
        self.advance(now);
        self.fail(reason, detail);
    }

    /// Tells whether the driver still reads what the server sends. While it does not, a missing
    /// ping is nobody's fault and does not end the session.
    pub fn set_reading(&mut self, now: Tick, reading: bool) {
        self.advance(now);
        self.heartbeat.set_reading(reading, self.now);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do. `None` once closed.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        match self.state {
            State::Opening { deadline } | State::Closing { deadline } => Some(deadline),
            State::Open => {
                let upgrade = self.upgrade.as_ref().map(|it| it.deadline);
                [self.heartbeat.deadline(), upgrade]
                    .into_iter()
                    .flatten()
                    .min()
            }
            State::Closed => None,
        }
    }

    /// Acts on all deadlines up to `now`.
    pub fn handle_timeout(&mut self, now: Tick) {
        self.advance(now);
        let now = self.now;
        match self.state {
            State::Opening { deadline } if deadline <= now => {
                self.fail(CloseReason::TransportError, "handshake timed out");
            }
            State::Closing { deadline } if deadline <= now => {
                self.finish(CloseReason::ForcedClose, None);
            }
            State::Open => {
                if self.upgrade.as_ref().is_some_and(|it| it.deadline <= now) {
                    self.abandon_upgrade();
                }
                match self.heartbeat.handle_timeout(now) {
                    Some(Due::Ping) => self.beat = Some(Control::Ping),
                    Some(Due::Timeout) => self.finish(CloseReason::PingTimeout, None),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// The next thing to do. A driver that cannot write more stops asking: messages stay here.
    pub fn poll_output(&mut self) -> Option<Output> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.state == State::Closed {
            return None;
        }
        match self.carrier {
            Carrier::Polling(_) => self.poll_polling(),
            Carrier::Link(link) => self.poll_link(link),
        }
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

    /// How messages are put on a link.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Bytes of the messages that wait for the transport, as they would be on a websocket without
    /// masks. A message counts until all of it has left.
    #[must_use]
    pub const fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// What the server said when it opened the session.
    #[must_use]
    pub fn handshake(&self) -> Option<&Handshake> {
        self.handshake.as_deref()
    }

    fn advance(&mut self, now: Tick) {
        self.now = self.now.max(now);
    }

    /// The first packet of the server. If the session is to be closed already, it is closed next.
    fn handle_handshake(&mut self, handshake: Result<Handshake, DecodeError>) {
        let Ok(handshake) = handshake else {
            return self.fail(CloseReason::ParseError, "handshake expected");
        };
        self.heartbeat.start(&handshake, self.now);
        let may_move = self.config.upgrade
            && self.transport() == Transport::Polling
            && handshake.upgrades.contains(&Transport::Websocket);
        self.handshake = Some(Box::new(handshake.clone()));
        if !matches!(self.state, State::Opening { .. }) {
            return;
        }
        self.state = State::Open;
        self.outputs.push_back(Output::Opened { handshake });
        if may_move {
            self.upgrade = Some(Upgrade::new(&self.config, LINK, self.now));
            self.outputs.push_back(Output::OpenLink { link: LINK });
        }
    }

    /// A packet that is no message, on the transport that carries the session.
    fn handle_control(&mut self, kind: PacketType) {
        match kind {
            PacketType::Ping => {
                if self.heartbeat.handle_ping(self.now) {
                    self.beat = Some(Control::Pong);
                }
            }
            PacketType::Pong => self.heartbeat.handle_pong(self.now),
            PacketType::Close => self.finish(CloseReason::TransportClose, None),
            // A noop has done its work by arriving; the others are legal and without a meaning
            // here, the reference ignores them as well. So it does with a heartbeat in the wrong
            // direction: only servers mind that.
            PacketType::Noop | PacketType::Open | PacketType::Upgrade | PacketType::Message => {}
        }
    }

    fn fail(&mut self, reason: CloseReason, detail: &'static str) {
        self.finish(reason, Some(detail));
    }

    /// The end: nothing is kept. Whatever ends a session that is being closed, this side wanted
    /// it.
    fn finish(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        let (reason, detail) = match self.state {
            State::Closed => return,
            State::Closing { .. } => (CloseReason::ForcedClose, None),
            State::Opening { .. } | State::Open => (reason, detail),
        };
        self.state = State::Closed;
        self.abandon_upgrade();
        self.queue = VecDeque::new();
        self.queued_bytes = 0;
        match &mut self.carrier {
            Carrier::Polling(polling) => *polling = Polling::default(),
            Carrier::Link(link) => {
                let link = *link;
                self.outputs.push_back(Output::CloseLink { link });
            }
        }
        self.outputs.push_back(Output::Closed { reason, detail });
    }
}

fn new_request(next: &mut u32) -> RequestId {
    let request = RequestId(*next);
    *next = next.wrapping_add(1);
    request
}

const CLOSE_PACKET: &[u8] = b"1";
