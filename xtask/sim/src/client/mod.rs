//! The client: its session, all around that, and what goes into it.

mod outputs;
mod rules;

use bytes::Bytes;
use engineio_proto::client::Session;
use engineio_proto::record::{Input, Recorder};
use engineio_proto::server::{LinkEnd, LinkId, RequestId};
use engineio_proto::{CloseReason, Message, Tick, Transport};

use crate::app::ClientApp;
use crate::fate::{Causes, GIVEN_UP, Side};
use crate::fault::{Check, check};
use crate::http::{Answer, Inbox, Kind, kind_of};
use crate::pulse::{Due, Pulse};
use crate::scenario::{Hazard, Pair, Scenario};
use crate::trace::Trace;
use crate::world::World;

/// A session of the client and all around it.
pub(crate) struct Client {
    pub(crate) life: usize,
    pub(crate) session: Session,
    pub(crate) app: ClientApp,
    recorder: Recorder,
    /// Exchanges under way, as the session must see them: at most one of each kind.
    pub(crate) get: Option<usize>,
    pub(crate) post: Option<usize>,
    /// The link it asked for.
    pub(crate) wire: Option<usize>,
    pub(crate) opened: bool,
    pub(crate) opened_at: Tick,
    pub(crate) reading: bool,
    /// What is left of the response that is being read.
    pub(crate) inbox: Inbox,
    /// Upgrade under way: when it began, by its own clock and the world's.
    pub(crate) upgrade: Option<(Tick, Tick)>,
    moved: bool,
    /// The probe was answered.
    probed: bool,
    /// Its application has yet to begin.
    begins: bool,
    /// Whether something was in the way of the upgrade.
    pub(crate) hindered: bool,
    /// When it was told to close.
    closing: Option<Tick>,
    ended: bool,
    started: Tick,
    pulse: Pulse,
    /// The largest time the session was told.
    seen: Tick,
}

impl Client {
    pub(crate) fn new(scenario: &Scenario, life: usize, now: Tick, trace: &Trace) -> Self {
        Self {
            life,
            session: Session::new(scenario.client.clone(), scenario.format, now),
            app: ClientApp::new(scenario.pair, "", trace.tape(above(life))),
            recorder: Recorder::new(format!("client {life}"), scenario.format),
            get: None,
            post: None,
            wire: None,
            opened: false,
            opened_at: now,
            reading: true,
            inbox: Inbox::default(),
            upgrade: None,
            moved: false,
            probed: false,
            begins: false,
            hindered: false,
            closing: None,
            ended: false,
            started: now,
            pulse: Pulse::new(),
            seen: now,
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        self.session.poll_timeout()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.ended
    }

    /// Whether what is sent now is not dropped.
    pub(crate) fn takes_messages(&self) -> bool {
        !self.ended && self.closing.is_none()
    }

    /// Whether its application has begun.
    pub(crate) fn is_up(&self, scenario: &Scenario) -> bool {
        self.opened || !scenario.pair.implicit
    }

    /// The application can be set up as soon as the link has an id, if it needs that.
    fn learn_link(&mut self, pair: Pair, trace: &Trace) {
        if pair.implicit
            && self.app.link().is_empty()
            && let Some(handshake) = self.session.handshake()
        {
            self.app = ClientApp::new(pair, &handshake.sid, trace.tape(above(self.life)));
        }
    }

    /// When the session must be woken next.
    fn deadline(&self, scenario: &Scenario) -> Option<Tick> {
        let config = &scenario.client;
        if self.ended {
            return None;
        }
        if let Some(closing) = self.closing {
            return Some(closing + config.close_timeout);
        }
        if !self.opened {
            return Some(self.started + config.open_timeout);
        }
        let upgrade = self
            .upgrade
            .map(|(began, _)| began + config.upgrade_timeout);
        [self.pulse.deadline(), upgrade].into_iter().flatten().min()
    }
}

/// What the connection above a session is called in the trace.
fn above(life: usize) -> String {
    format!("client {life} above")
}

impl World {
    /// What the client's clock shows, for its session.
    fn client_now(&mut self) -> Tick {
        let now = self.clock(Side::Client);
        self.client.seen = self.client.seen.max(now);
        now
    }

    fn tape_client(&self, input: &Input<'_>) {
        let at = self.clock(Side::Client);
        self.trace.line(|| self.client.recorder.input(at, input));
    }

    /// The first session and what it begins with.
    pub(crate) fn open_client(&mut self) -> Check {
        let (at, config) = (self.clock(Side::Client), &self.scenario.client);
        self.trace.line(|| self.client.recorder.client(at, config));
        if self.scenario.pair.implicit {
            // Ids of sockets come from the link's, which is not known yet.
            return self.drain_client();
        }
        self.begin_client()
    }

    /// The client's application begins.
    fn begin_client(&mut self) -> Check {
        if self.rng.chance(950) {
            self.client.app.join(0, false)?;
        }
        if self.rng.chance(300) {
            let nsp = self.rng.index(crate::app::NAMES.len());
            self.client.app.join(nsp, true)?;
        }
        self.drain_client()
    }

    pub(crate) fn reconnect(&mut self) -> Check {
        if !self.client.is_closed() || self.lives.len() >= self.scenario.attempts {
            return Ok(());
        }
        self.lives.push(Default::default());
        let life = self.lives.len() - 1;
        let now = self.clock(Side::Client);
        let memory = std::mem::take(&mut self.client.app.memory);
        self.client = Client::new(&self.scenario, life, now, &self.trace);
        self.client.app.memory = memory;
        self.note(&"client", || format!("opens session {life}"));
        self.open_client()
    }

    pub(crate) fn client_timeout(&mut self) -> Check {
        let now = self.client_now();
        let client = &mut self.client;
        let open = client.opened && client.takes_messages();
        let right = match open {
            true => client.pulse.handle_timeout(client.seen),
            false => Due::Nothing,
        };
        self.tape_client(&Input::Timeout);
        let client = &mut self.client;
        client.session.handle_timeout(now);
        let dead = open && client.session.is_closed();
        check(dead == (right == Due::End), "heartbeat", || {
            format!("the client has given up: {dead}, and {right:?} was due")
        })?;
        self.drain_client()?;
        let (next, seen) = (self.client.poll_timeout(), self.client.seen);
        check(next.is_none_or(|at| at > seen), "timer", || {
            format!("the client wants to be woken at {next:?}, which it was at {seen}")
        })
    }

    pub(crate) fn close_client(&mut self) -> Check {
        if !self.client.takes_messages() {
            return Ok(());
        }
        self.cause(self.client.life, Causes::CLIENT_CLOSED);
        let now = self.client_now();
        self.client.closing = Some(self.client.seen);
        self.client.upgrade = None;
        self.tape_client(&Input::Close);
        self.client.session.close(now);
        self.drain_client()
    }

    pub(crate) fn abort_client(&mut self) -> Check {
        if !self.client.takes_messages() {
            return Ok(());
        }
        self.cause(self.client.life, Causes::CLIENT_ABORTED);
        let now = self.client_now();
        let reason = CloseReason::TransportError;
        let detail = GIVEN_UP;
        self.tape_client(&Input::Abort { reason, detail });
        self.client.session.abort(now, reason, detail);
        self.drain_client()
    }

    pub(crate) fn set_client_reading(&mut self, reading: bool) -> Check {
        let now = self.client_now();
        self.client.reading = reading;
        self.tape_client(&Input::SetReading { reading });
        self.client.session.set_reading(now, reading);
        let seen = self.client.seen;
        self.client.pulse.set_reading(reading, seen);
        if !reading {
            return Ok(());
        }
        self.take_polled()?;
        match self.client.wire {
            Some(wire) => self.read_wire(wire, Side::Client),
            None => Ok(()),
        }
    }

    /// Hands a response to the session and takes its messages.
    pub(crate) fn client_response(
        &mut self,
        request: RequestId,
        answer: Answer,
        kind: Kind,
    ) -> Check {
        let now = self.client_now();
        if kind == Kind::Get && answer.status == 200 {
            self.client.inbox = Inbox::of_answer(self.scenario.format, &answer);
        }
        let Answer {
            status,
            content,
            body,
        } = answer;
        let body = Bytes::from(body);
        self.tape_client(&Input::Response {
            request,
            status,
            content,
            body: &body,
        });
        let session = &mut self.client.session;
        session.handle_response(now, request, status, content, body);
        self.take_polled()
    }

    pub(crate) fn client_request_failed(&mut self, request: RequestId) -> Check {
        let now = self.client_now();
        self.tape_client(&Input::RequestFailed { request });
        self.client.session.handle_request_failed(now, request);
        self.drain_client()
    }

    /// Takes the messages of a response, as long as the application reads.
    fn take_polled(&mut self) -> Check {
        let now = self.client_now();
        while self.client.reading {
            self.tape_client(&Input::NextMessage);
            let client = &mut self.client;
            let lane = &mut self.lives[client.life].lanes[Side::Client as usize];
            let message = client.session.next_message(now);
            let lent = || client.recorder.message(message.as_ref());
            self.trace.line(lent);
            let more = message.is_some();
            for kind in client.inbox.take(more) {
                client.pulse.feel(kind, client.seen);
            }
            // Copied, for the session may have to be asked for the link's id first.
            let text = match &message {
                Some(Message::Text(text)) => (*text).to_owned(),
                _ => String::new(),
            };
            let message = match message {
                None => break,
                Some(Message::Text(_)) => Message::Text(&text),
                Some(Message::Binary(data)) => Message::Binary(data.into_owned().into()),
            };
            client.learn_link(self.scenario.pair, &self.trace);
            let (rng, recovery) = (&mut self.rng, &self.recovery);
            client.app.receive(lane, message, rng, recovery)?;
            if self.hit(Hazard::Pauses, 20) {
                self.pause(Side::Client, 0)?;
            }
        }
        self.drain_client()
    }

    /// The link that was asked for is open.
    pub(crate) fn client_link_opened(&mut self, link: LinkId) -> Check {
        let now = self.client_now();
        self.tape_client(&Input::Link { link });
        self.client.session.handle_link(now, link);
        self.drain_client()
    }

    pub(crate) fn client_link_ended(&mut self, link: LinkId, end: LinkEnd) -> Check {
        let now = self.client_now();
        self.tape_client(&Input::LinkEnd { link, end });
        self.client.session.handle_link_end(now, link, end);
        self.client.upgrade = None;
        self.drain_client()
    }

    /// A message of the link.
    pub(crate) fn client_message(&mut self, link: LinkId, message: Message<'_>) -> Check {
        let now = self.client_now();
        let client = &mut self.client;
        let carries = client.session.transport() == Transport::Websocket && !client.ended;
        if carries && let Some(kind) = kind_of(self.scenario.pair.engine, &message) {
            client.pulse.feel(kind, client.seen);
        }
        client.probed |= message == Message::Text("3probe");
        self.tape_client(&match &message {
            Message::Text(text) => Input::Text { link, text },
            Message::Binary(data) => Input::Binary { link, data },
        });
        let client = &mut self.client;
        let lent = match &message {
            Message::Text(text) => client.session.handle_text(now, link, text),
            Message::Binary(data) => client.session.handle_binary(now, link, data),
        };
        self.trace.line(|| client.recorder.message(lent.as_ref()));
        if let Some(lent) = lent {
            client.learn_link(self.scenario.pair, &self.trace);
            let lane = &mut self.lives[client.life].lanes[Side::Client as usize];
            let (rng, recovery) = (&mut self.rng, &self.recovery);
            client.app.receive(lane, lent, rng, recovery)?;
        }
        Ok(())
    }
}
