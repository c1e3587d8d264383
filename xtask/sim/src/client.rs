//! The client and its driver: what goes into the session, what is done about its outputs, and what
//! must hold for it.

use bytes::Bytes;
use engineio_proto::client::{Control, Item, Output, Session};
use engineio_proto::record::{Input, Recorder};
use engineio_proto::server::{LinkEnd, LinkId, RequestId};
use engineio_proto::{CloseReason, Content, Message, PacketType, Tick, Transport};

use crate::app::ClientApp;
use crate::fate::{Causes, End, GIVEN_UP, Side};
use crate::fault::{Check, broken, check, check_outputs};
use crate::http::{Answer, Inbox, Kind, kind_of};
use crate::lane::Parcel;
use crate::pulse::{Due, Pulse};
use crate::scenario::{Hazard, Pair, Scenario};
use crate::wire::Stage;
use crate::world::{Happening, World};

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
    pub(crate) fn new(scenario: &Scenario, life: usize, now: Tick) -> Self {
        Self {
            life,
            session: Session::new(scenario.client.clone(), scenario.format, now),
            app: ClientApp::new(scenario.pair, ""),
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
    fn learn_link(&mut self, pair: Pair) {
        if pair.implicit
            && self.app.link().is_empty()
            && let Some(handshake) = self.session.handshake()
        {
            self.app = ClientApp::new(pair, &handshake.sid);
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

impl World {
    /// What the client's clock shows, for its session.
    fn client_now(&mut self) -> Tick {
        let now = self.clock(Side::Client);
        self.client.seen = self.client.seen.max(now);
        now
    }

    fn tape_client(&mut self, input: &Input<'_>) {
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
        self.client = Client::new(&self.scenario, life, now);
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
            client.learn_link(self.scenario.pair);
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
            client.learn_link(self.scenario.pair);
            let lane = &mut self.lives[client.life].lanes[Side::Client as usize];
            let (rng, recovery) = (&mut self.rng, &self.recovery);
            client.app.receive(lane, lent, rng, recovery)?;
        }
        Ok(())
    }

    /// Sends what the application has to say, then acts on everything the session wants.
    pub(crate) fn drain_client(&mut self) -> Check {
        let takes = self.client.takes_messages() && self.client.is_up(&self.scenario);
        for mut outgoing in std::mem::take(&mut self.client.app.outbox) {
            if !takes {
                continue;
            }
            outgoing.parcel.sent_at = self.now;
            self.note_sent(Side::Client, &outgoing.parcel);
            let lane = &mut self.lives[self.client.life].lanes[Side::Server as usize];
            lane.send(outgoing.parcel);
            let message = &outgoing.prepared;
            self.tape_client(&Input::Send { message });
            self.client.session.send(outgoing.prepared);
        }
        let mut outputs = 0;
        while !self.is_client_blocked() {
            let output = self.client.session.poll_output();
            let recorder = &self.client.recorder;
            self.trace.line(|| recorder.client_output(output.as_ref()));
            let Some(output) = output else {
                break;
            };
            outputs += 1;
            check_outputs(outputs)?;
            self.act_for_client(output)?;
        }
        if std::mem::take(&mut self.client.begins) {
            return self.begin_client();
        }
        match self.client.wire {
            Some(wire) => self.flush(wire, Side::Client),
            None => Ok(()),
        }
    }

    /// A driver whose link takes no more does not ask for more.
    fn is_client_blocked(&self) -> bool {
        let client = &self.client;
        client.opened
            && !client.session.is_closed()
            && client.session.transport() == Transport::Websocket
            && client
                .wire
                .is_some_and(|wire| self.wires[wire].in_flight(Side::Server) > self.scenario.window)
    }

    fn act_for_client(&mut self, output: Output) -> Check {
        check(!self.client.ended, "end", || {
            format!("{output:?} after the client's end")
        })?;
        match output {
            Output::Get { request } => {
                let transport = self.client.session.query(Transport::Polling);
                check(self.client.get.is_none(), "requests", || {
                    format!("GET {} while another one runs", request.0)
                })?;
                let pausing = self.client.upgrade.is_some() && self.client.probed;
                check(!pausing, "upgrade", || {
                    format!("GET {} while the client prepares to move", request.0)
                })?;
                let nothing = (Content::Text, Vec::new());
                let exchange = self.send_request(Kind::Get, request, transport, nothing);
                self.client.get = Some(exchange);
            }
            Output::Post {
                request,
                content,
                body,
            } => {
                let query = self.client.session.query(Transport::Polling);
                check(self.client.post.is_none(), "requests", || {
                    format!("POST {} while another one runs", request.0)
                })?;
                self.check_post(content, &body)?;
                let exchange = self.send_request(Kind::Post, request, query, (content, body));
                self.client.post = Some(exchange);
            }
            Output::OpenLink { link } => {
                let query = self.client.session.query(Transport::Websocket);
                if self.client.opened {
                    self.client.upgrade = Some((self.client.seen, self.now));
                }
                self.client.wire = Some(self.open_wire(link, query));
            }
            Output::Send { link, item } => return self.client_sends(link, item),
            Output::CloseLink { link } => {
                self.client.upgrade = None;
                if let Some(wire) = self.wire_of_client(link)? {
                    self.flush(wire, Side::Client)?;
                    self.hang_up(wire, Side::Client)?;
                }
            }
            Output::Opened { handshake } => {
                let config = &self.scenario.server;
                let told = (handshake.ping_interval, handshake.ping_timeout);
                check(
                    told == (config.ping_interval, config.ping_timeout),
                    "handshake",
                    || format!("{handshake:?}"),
                )?;
                self.client.opened = true;
                self.client.opened_at = self.now;
                let asks = self.scenario.pair.client_asks;
                self.client.pulse.start_client(told, asks, self.client.seen);
                self.client.begins = self.scenario.pair.implicit;
                self.client.learn_link(self.scenario.pair);
            }
            Output::Upgraded { to } => {
                check(
                    to == Transport::Websocket && self.client.moved,
                    "upgrade",
                    || format!("the client moved to {to} out of the blue"),
                )?;
                self.tally.upgrades += 1;
            }
            Output::Closed { reason, detail } => return self.client_ended(reason, detail),
            other => return broken("outputs", format!("unknown: {other:?}")),
        }
        Ok(())
    }

    fn client_ended(&mut self, reason: CloseReason, detail: Option<&'static str>) -> Check {
        let life = self.client.life;
        self.client.ended = true;
        self.ended(life, Side::Client, End { reason, detail })?;
        self.client.app.end()?;
        self.drop_requests();
        if self.lives.len() < self.scenario.attempts {
            let longest = self.rng.pick(&[700, 4000]);
            let at = self.now + self.rng.within(1..=longest);
            self.schedule(at, Happening::Reconnect);
        }
        Ok(())
    }

    fn client_sends(&mut self, link: LinkId, item: Item) -> Check {
        let Some(wire) = self.wire_of_client(link)? else {
            return Ok(());
        };
        let stage = self.wires[wire].stage(Side::Client);
        if stage == Stage::Ended {
            return Ok(());
        }
        check(stage == Stage::Open, "links", || {
            format!("the client writes on link {}, which is {stage:?}", link.0)
        })?;
        match item {
            Item::Message(message) => {
                for packet in message.packets(self.client.session.format()) {
                    if packet.len() > self.scenario.server.max_payload {
                        self.exceed(self.client.life)?;
                    }
                    self.write(wire, Side::Client, packet);
                }
            }
            Item::Control(control) => {
                match control {
                    Control::Ping => self.client.pulse.left(PacketType::Ping),
                    Control::Pong => self.client.pulse.left(PacketType::Pong),
                    Control::Upgrade => {
                        check(self.client.upgrade.take().is_some(), "upgrade", || {
                            "the client moves out of the blue".to_owned()
                        })?;
                        self.client.moved = true;
                        self.client_moved();
                    }
                    _ => {}
                }
                self.write(wire, Side::Client, Message::Text(control.packet()));
            }
        }
        Ok(())
    }

    fn wire_of_client(&self, link: LinkId) -> Check<Option<usize>> {
        let wire = self.client.wire;
        match wire.filter(|&wire| self.wires[wire].client == Some(link)) {
            Some(wire) => Ok(Some(wire)),
            None => broken(
                "links",
                format!("the client never asked for link {}", link.0),
            ),
        }
    }

    pub(crate) fn note_sent(&mut self, side: Side, parcel: &Parcel) {
        self.note(&side, || {
            let bytes: usize = parcel.binaries.iter().map(|it| it.len()).sum();
            let text = parcel.text.as_deref().unwrap_or_default();
            let start: String = text.chars().take(40).collect();
            let more = text.len() - start.len();
            format!("sends {start}… +{more} bytes, binary: {bytes} bytes")
        });
    }

    /// No POST is larger than the server takes, unless a single packet is.
    fn check_post(&mut self, content: Content, body: &[u8]) -> Check {
        let limit = self.scenario.server.max_payload;
        let inbox = Inbox::of_post(self.scenario.format, content, body);
        for kind in [PacketType::Ping, PacketType::Pong] {
            if inbox.has(kind) {
                self.client.pulse.left(kind);
            }
        }
        check(body.len() <= limit || inbox.len() == 1, "limits", || {
            format!("POST of {} bytes, {limit} are taken", body.len())
        })
    }

    /// What must hold for the client after each step.
    pub(crate) fn check_client(&self) -> Check {
        let client = &self.client;
        let session = &client.session;
        check(session.is_closed() == client.ended, "end", || {
            format!("closed: {}, said so: {}", session.is_closed(), client.ended)
        })?;
        let (told, right) = (session.poll_timeout(), client.deadline(&self.scenario));
        check(told == right, "timer", || {
            format!("the client wants to be woken at {told:?}, {right:?} is right")
        })?;
        let life = &self.lives[client.life];
        let (queued, most) = (
            session.queued_bytes(),
            life.lanes[Side::Server as usize].bytes(),
        );
        check(queued <= most, "memory", || {
            format!("the client holds {queued} bytes, {most} are under way")
        })?;
        let blocked = self.is_client_blocked();
        let silent = !client.ended && !blocked && session.transport() == Transport::Websocket;
        check(!silent || client.pulse.owed.is_none(), "heartbeat", || {
            format!("a {:?} does not leave", client.pulse.owed)
        })?;
        check(!silent || queued == 0 || !client.opened, "liveness", || {
            format!("{queued} bytes do not leave, and the link is free")
        })?;
        self.check_upgrade()
    }

    /// An upgrade that nothing hinders takes a few round trips.
    fn check_upgrade(&self) -> Check {
        let client = &self.client;
        let Some((_, began)) = client.upgrade else {
            return Ok(());
        };
        let bound = 300 + 12 * self.scenario.latency.1;
        let free = self.lives[client.life].causes == Causes::NONE && !client.hindered;
        check(!free || self.now <= began + bound, "upgrade", || {
            format!("it takes longer than {bound} ms")
        })
    }
}
