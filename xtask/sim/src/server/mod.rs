//! The server: its sessions, all around each, and what goes into them.

mod outputs;
mod rules;

use bytes::Bytes;
use engineio_proto::record::{Input, Opening, Recorder};
use engineio_proto::server::{LinkEnd, LinkId, RequestId, Session};
use engineio_proto::{CloseReason, Content, Format, Message, PacketType, Sid, Tick, Transport};
use socketio_proto::NamespaceId;

use crate::app::{Served, ServerApp};
use crate::fate::{Causes, GIVEN_UP, Side};
use crate::fault::{Check, broken, check};
use crate::http::{Inbox, kind_of};
use crate::pulse::{Due, Pulse};
use crate::scenario::Hazard;
use crate::world::{Happening, World};

/// A session of the server and all around it.
pub(crate) struct Server {
    pub(crate) life: usize,
    pub(crate) sid: Sid,
    pub(crate) session: Session,
    pub(crate) app: ServerApp,
    recorder: Recorder,
    /// Whether the server still knows it.
    pub(crate) alive: bool,
    pub(crate) reading: bool,
    /// Requests without an answer: the session's name, the exchange, whether the client waits for it.
    pub(crate) requests: Vec<(RequestId, usize, bool)>,
    next_request: u32,
    /// Its links, by the wires that carry them.
    pub(crate) links: Vec<(LinkId, usize)>,
    pub(crate) carrier: Option<LinkId>,
    /// The link it may move to, and since when.
    pub(crate) upgrade: Option<(LinkId, Tick)>,
    /// It has moved, and has not said so yet.
    moved: bool,
    /// What is left of the POST that is being read.
    inbox: Inbox,
    closing: Option<Tick>,
    ended: bool,
    pulse: Pulse,
    seen: Tick,
}

impl Server {
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        if !self.alive {
            return None;
        }
        let app = match self.takes_messages() {
            true => self.app.poll_timeout(),
            false => None,
        };
        [self.session.poll_timeout(), app]
            .into_iter()
            .flatten()
            .min()
    }

    /// Whether the session has ended, or was forgotten.
    pub(crate) fn is_closed(&self) -> bool {
        self.ended || !self.alive
    }

    /// Whether what is sent now is not dropped.
    pub(crate) fn takes_messages(&self) -> bool {
        !self.is_closed() && self.closing.is_none()
    }

    fn wire(&self, link: LinkId) -> Check<usize> {
        match self.links.iter().find(|(id, _)| *id == link) {
            Some(&(_, wire)) => Ok(wire),
            None => broken("links", format!("the server has no link {}", link.0)),
        }
    }

    fn feel(&mut self, kind: PacketType) {
        self.pulse.feel(kind, self.seen);
    }
}

impl World {
    fn server_now(&mut self, index: usize) -> Tick {
        let now = self.clock(Side::Server);
        let server = &mut self.servers[index];
        server.seen = server.seen.max(now);
        now
    }

    pub(crate) fn tape_server(&self, index: usize, input: &Input<'_>) {
        let at = self.clock(Side::Server);
        self.trace
            .line(|| self.servers[index].recorder.input(at, input));
    }

    /// A session is opened, for the life of the client's attempt unless that has one already.
    pub(crate) fn open_server(&mut self, life: usize, format: Format, opening: Opening) -> usize {
        let index = self.servers.len();
        let life = match self.lives[life].server {
            None => life,
            Some(_) => {
                self.lives.push(Default::default());
                self.lives.len() - 1
            }
        };
        self.lives[life].server = Some(index);
        if life != self.client.life || self.client.is_closed() {
            self.cause(life, Causes::ORPHAN);
        }
        let sid = Sid::from_random(self.rng.bytes());
        let now = self.clock(Side::Server);
        let config = self.scenario.server.clone();
        let recorder = Recorder::new(format!("server {index}"), format);
        self.trace.line(|| recorder.server(now, &config, opening));
        let session = match opening {
            Opening::Polling(request) => Session::open_polling(config, format, &sid, request, now),
            Opening::Link(link) => Session::open_link(config, format, &sid, link, now),
        };
        let connections = &self.scenario.connections;
        let tape = self.trace.tape(format!("server {index} above"));
        let app = ServerApp::new(self.scenario.pair, connections, sid.as_str(), now, tape);
        let config = &self.scenario.server;
        let beat = (config.ping_interval, config.ping_timeout);
        let mut pulse = Pulse::new();
        pulse.start_server(beat, self.scenario.pair.client_asks, now);
        self.servers.push(Server {
            life,
            sid,
            session,
            app,
            recorder,
            alive: true,
            reading: true,
            requests: Vec::new(),
            next_request: 0,
            links: Vec::new(),
            carrier: None,
            upgrade: None,
            moved: false,
            inbox: Inbox::default(),
            closing: None,
            ended: false,
            pulse,
            seen: now,
        });
        self.note(&Side::Server, || {
            format!("opens session {index} for life {life}")
        });
        index
    }

    /// The driver has all a new session needs: its application begins, its first outputs leave.
    pub(crate) fn begin_server(&mut self, index: usize) -> Check {
        let served = self.servers[index].app.begin()?;
        self.served(index, served)?;
        self.drain_server(index)
    }

    /// The session of an id, if there is one.
    pub(crate) fn find_server(&self, sid: Option<Sid>) -> Option<usize> {
        let known = |it: &Server| !it.is_closed() && Some(it.sid) == sid;
        self.servers.iter().position(known)
    }

    /// A request gets a name of the session's.
    pub(crate) fn name_request(
        &mut self,
        index: usize,
        exchange: usize,
        wanted: bool,
    ) -> RequestId {
        let server = &mut self.servers[index];
        let request = RequestId(server.next_request);
        server.next_request += 1;
        server.requests.push((request, exchange, wanted));
        if wanted {
            self.exchanges[exchange].at = Some((index, request));
        }
        request
    }

    pub(crate) fn server_gets(&mut self, index: usize, request: RequestId) -> Check {
        let now = self.server_now(index);
        self.tape_server(index, &Input::Get { request });
        self.servers[index].session.handle_get(now, request);
        self.drain_server(index)
    }

    /// A POST arrives with its body, perhaps twice at once.
    pub(crate) fn server_posts(
        &mut self,
        index: usize,
        request: RequestId,
        again: Option<RequestId>,
        (content, body): (Content, Vec<u8>),
    ) -> Check {
        let now = self.server_now(index);
        self.servers[index].inbox = Inbox::of_post(self.scenario.format, content, &body);
        let body = Bytes::from(body);
        self.tape_server(
            index,
            &Input::Post {
                request,
                content,
                body: &body,
            },
        );
        let session = &mut self.servers[index].session;
        session.handle_post(now, request, content, body.clone());
        if let Some(again) = again {
            self.cause(self.servers[index].life, Causes::DOUBLE_POST);
            self.post_again(index, again, content, &body);
        }
        self.take_posted(index)
    }

    fn post_again(&mut self, index: usize, request: RequestId, content: Content, body: &Bytes) {
        let now = self.server_now(index);
        if self.rng.chance(500) {
            self.tape_server(index, &Input::PostOverlap { request });
            let session = &mut self.servers[index].session;
            return session.handle_post_overlap(now, request);
        }
        let input = Input::Post {
            request,
            content,
            body,
        };
        self.tape_server(index, &input);
        let session = &mut self.servers[index].session;
        session.handle_post(now, request, content, body.clone());
    }

    pub(crate) fn server_post_broken(&mut self, index: usize) -> Check {
        let now = self.server_now(index);
        self.tape_server(index, &Input::PostBroken);
        self.servers[index].session.handle_post_broken(now);
        self.drain_server(index)
    }

    pub(crate) fn server_abandoned(&mut self, index: usize, request: RequestId) -> Check {
        if !self.servers[index].alive {
            return Ok(());
        }
        let now = self.server_now(index);
        let server = &mut self.servers[index];
        server.requests.retain(|(id, ..)| *id != request);
        let polls = server.session.transport() == Transport::Polling;
        self.tape_server(index, &Input::Abandoned { request });
        let server = &mut self.servers[index];
        server.session.handle_abandoned(now, request);
        self.drain_server(index)?;
        match polls {
            true => self.must_have_ended(index, "a request that was given up"),
            false => Ok(()),
        }
    }

    /// Takes the messages of a POST, as long as the application reads.
    fn take_posted(&mut self, index: usize) -> Check {
        let now = self.server_now(index);
        while self.servers[index].reading {
            self.tape_server(index, &Input::NextMessage);
            let server = &mut self.servers[index];
            let lane = &mut self.lives[server.life].lanes[Side::Server as usize];
            let message = server.session.next_message(now);
            let lent = || server.recorder.message(message.as_ref());
            self.trace.line(lent);
            let more = message.is_some();
            let kinds: Vec<_> = server.inbox.take(more).collect();
            let served = match message {
                Some(message) => Some(server.app.receive(lane, message, &mut self.rng, now)?),
                None => None,
            };
            for kind in kinds {
                server.feel(kind);
            }
            let Some(served) = served else {
                break;
            };
            self.served(index, served)?;
            if self.hit(Hazard::Pauses, 20) {
                self.pause(Side::Server, index)?;
            }
        }
        self.drain_server(index)
    }

    /// What the application makes of a message.
    fn served(&mut self, index: usize, served: Served) -> Check {
        match served {
            Served::Nothing => Ok(()),
            Served::Asked(nsp, id) if !self.calm && self.rng.chance(200) => {
                let at = self.now + self.rng.within(1..=300);
                let server = index;
                self.schedule(at, Happening::Decision { server, nsp, id });
                Ok(())
            }
            Served::Asked(nsp, id) => {
                let now = self.clock(Side::Server);
                let recovery = &mut self.recovery;
                self.servers[index].app.decide(nsp, id, now, recovery)
            }
            Served::TooLate => self.close_server(index),
        }
    }

    pub(crate) fn decide(&mut self, index: usize, nsp: usize, id: NamespaceId) -> Check {
        if self.servers[index].is_closed() {
            return Ok(());
        }
        let now = self.clock(Side::Server);
        let recovery = &mut self.recovery;
        self.servers[index].app.decide(nsp, id, now, recovery)?;
        self.drain_server(index)
    }

    /// A websocket with the session's id opens.
    pub(crate) fn server_link_opened(&mut self, index: usize, link: LinkId) -> Check {
        let now = self.server_now(index);
        let server = &mut self.servers[index];
        let may_move = server.takes_messages()
            && server.session.transport() == Transport::Polling
            && server.upgrade.is_none();
        if may_move {
            server.upgrade = Some((link, server.seen));
        }
        self.tape_server(index, &Input::Link { link });
        let server = &mut self.servers[index];
        server.session.handle_link(now, link);
        self.drain_server(index)
    }

    pub(crate) fn server_link_ended(&mut self, index: usize, link: LinkId, end: LinkEnd) -> Check {
        let now = self.server_now(index);
        self.tape_server(index, &Input::LinkEnd { link, end });
        let server = &mut self.servers[index];
        server.session.handle_link_end(now, link, end);
        server.upgrade.take_if(|(id, _)| *id == link);
        self.drain_server(index)
    }

    /// A message of a link.
    pub(crate) fn server_message(
        &mut self,
        index: usize,
        link: LinkId,
        message: Message<'_>,
    ) -> Check {
        let now = self.server_now(index);
        let server = &mut self.servers[index];
        if server.carrier == Some(link)
            && !server.ended
            && let Some(kind) = kind_of(self.scenario.pair.engine, &message)
        {
            server.feel(kind);
        }
        let before = server.session.transport();
        self.tape_server(
            index,
            &match &message {
                Message::Text(text) => Input::Text { link, text },
                Message::Binary(data) => Input::Binary { link, data },
            },
        );
        let server = &mut self.servers[index];
        let lent = match &message {
            Message::Text(text) => server.session.handle_text(now, link, text),
            Message::Binary(data) => server.session.handle_binary(now, link, data),
        };
        self.trace.line(|| server.recorder.message(lent.as_ref()));
        if let Some(lent) = lent {
            let lane = &mut self.lives[server.life].lanes[Side::Server as usize];
            let served = server.app.receive(lane, lent, &mut self.rng, now)?;
            return self.served(index, served);
        }
        if server.session.transport() != before {
            server.carrier = Some(link);
            server.moved = server.upgrade.take().is_some();
            server.pulse.handle_upgrade(server.seen);
            let (life, wire) = (server.life, server.wire(link)?);
            if self.wires[wire].client.is_none() {
                self.cause(life, Causes::TAKEN);
            }
            self.weigh(wire);
        }
        Ok(())
    }

    pub(crate) fn server_timeout(&mut self, index: usize) -> Check {
        let now = self.server_now(index);
        let due = |at: Option<Tick>| at.is_some_and(|at| at <= now);
        let server = &mut self.servers[index];
        if due(server.session.poll_timeout()) {
            let open = server.takes_messages();
            let right = match open {
                true => server.pulse.handle_timeout(server.seen),
                false => Due::Nothing,
            };
            self.tape_server(index, &Input::Timeout);
            let server = &mut self.servers[index];
            server.session.handle_timeout(now);
            let dead = open && server.session.is_closed();
            check(dead == (right == Due::End), "heartbeat", || {
                format!("the server has given up: {dead}, and {right:?} was due")
            })?;
        }
        let server = &mut self.servers[index];
        if server.takes_messages() && due(server.app.poll_timeout()) {
            let served = server.app.handle_timeout(now)?;
            self.served(index, served)?;
        }
        self.drain_server(index)?;
        let (next, seen) = (self.servers[index].poll_timeout(), self.servers[index].seen);
        check(next.is_none_or(|at| at > seen.min(now)), "timer", || {
            format!("the server wants to be woken at {next:?}, which it was at {seen}")
        })
    }

    pub(crate) fn close_server(&mut self, index: usize) -> Check {
        if !self.servers[index].takes_messages() {
            return Ok(());
        }
        self.cause(self.servers[index].life, Causes::SERVER_CLOSED);
        let now = self.server_now(index);
        let server = &mut self.servers[index];
        server.closing = Some(server.seen);
        self.tape_server(index, &Input::Close);
        let server = &mut self.servers[index];
        server.session.close(now);
        self.drain_server(index)
    }

    pub(crate) fn abort_server(&mut self, index: usize) -> Check {
        if !self.servers[index].takes_messages() {
            return Ok(());
        }
        self.cause(self.servers[index].life, Causes::SERVER_ABORTED);
        let now = self.server_now(index);
        let reason = CloseReason::TransportError;
        let detail = GIVEN_UP;
        self.tape_server(index, &Input::Abort { reason, detail });
        let session = &mut self.servers[index].session;
        session.abort(now, reason, detail);
        self.drain_server(index)
    }

    pub(crate) fn set_server_reading(&mut self, index: usize, reading: bool) -> Check {
        if !self.servers[index].alive {
            return Ok(());
        }
        let now = self.server_now(index);
        self.tape_server(index, &Input::SetReading { reading });
        let server = &mut self.servers[index];
        server.reading = reading;
        server.session.set_reading(now, reading);
        server.pulse.set_reading(reading, server.seen);
        if !reading {
            return Ok(());
        }
        self.take_posted(index)?;
        for (_, wire) in self.servers[index].links.clone() {
            self.read_wire(wire, Side::Server)?;
        }
        Ok(())
    }
}
