//! A server's and a client's session joined by a network on a virtual clock.
//!
//! Requests and responses take their time independently of each other; a link keeps its order in
//! each direction, can be held like a stalled connection and cut like a broken one.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use bytes::Bytes;
use engineio_proto::server::{self, LinkEnd, LinkId, RequestId};
use engineio_proto::{
    Action, Content, Format, Head, Message, Prepared, Request, Revision, Tick, Transport, client,
};

use crate::trace::{closed, show, sid};

/// Every way the two can talk.
pub(crate) const FORMATS: [Format; 6] = [
    Format::new(Revision::V4),
    Format::new(Revision::V4).with_base64(),
    Format::new(Revision::V4).with_jsonp(1),
    Format::new(Revision::V3),
    Format::new(Revision::V3).with_base64(),
    Format::new(Revision::V3).with_jsonp(23),
];

pub(crate) struct Pair {
    pub(crate) now: Tick,
    pub(crate) client: Peer<client::Session>,
    /// Exists once the client's first request has arrived.
    pub(crate) server: Option<Peer<server::Session>>,
    /// As the request for the link asked.
    link_format: Format,
    server_config: Arc<server::Config>,
    latency: RangeInclusive<Tick>,
    rng: Rng,
    flights: BTreeMap<(Tick, u64), Flight>,
    launched: u64,
    /// When the last of what was sent on the link arrives, by direction.
    last: [Tick; 2],
    held: Option<Vec<Flight>>,
}

/// One end and what its application has seen.
pub(crate) struct Peer<S> {
    pub(crate) session: S,
    pub(crate) received: Vec<String>,
    pub(crate) upgraded: bool,
    pub(crate) closed: Option<String>,
    /// Set when the link it writes to is closed from here.
    hung_up: bool,
}

/// Something on its way.
enum Flight {
    Get(RequestId, String),
    Post(RequestId, String, Content, Bytes),
    Response(RequestId, u16, Content, Bytes),
    ToServer(LinkId, Wire),
    ToClient(LinkId, Wire),
}

enum Wire {
    /// To the server: the request for the link; to the client: it is open.
    Open(String),
    Text(String),
    Binary(Vec<u8>),
    Closed,
}

impl Pair {
    pub(crate) fn new(server: server::Config, client: client::Config) -> Self {
        Self::speaking(Revision::V4.into(), server, client)
    }

    pub(crate) fn speaking(format: Format, server: server::Config, client: client::Config) -> Self {
        let client = client::Session::new(Arc::new(client), format, 0);
        Self {
            now: 0,
            client: Peer::new(client),
            server: None,
            link_format: format,
            server_config: Arc::new(server),
            latency: 10..=10,
            rng: Rng(1),
            flights: BTreeMap::new(),
            launched: 0,
            last: [0; 2],
            held: None,
        }
    }

    pub(crate) fn with_latency(mut self, latency: RangeInclusive<Tick>, seed: u64) -> Self {
        self.latency = latency;
        self.rng = Rng(seed);
        self
    }

    pub(crate) fn server(&mut self) -> &mut Peer<server::Session> {
        self.server
            .as_mut()
            .expect("the client's first request has arrived")
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, ms: Tick) {
        self.run_until(self.now + ms);
    }

    /// Lets time pass until `end`, and everything happen that is due by then.
    pub(crate) fn run_until(&mut self, end: Tick) {
        let mut steps = 0;
        self.drain();
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            self.step();
            self.drain();
            steps += 1;
            assert!(steps < 100_000, "the sessions keep each other busy");
        }
        self.now = end;
    }

    /// What is sent on the link from now on, in either direction, waits until it is released.
    pub(crate) fn hold_link(&mut self) {
        self.held.get_or_insert_default();
    }

    pub(crate) fn release_link(&mut self) {
        for flight in self.held.take().unwrap_or_default() {
            self.launch(flight);
        }
    }

    /// The link breaks: what is on its way is lost, both ends notice.
    pub(crate) fn cut_link(&mut self, link: LinkId) {
        self.held = None;
        self.flights
            .retain(|_, it| !matches!(it, Flight::ToServer(..) | Flight::ToClient(..)));
        let now = self.now;
        self.client
            .session
            .handle_link_end(now, link, LinkEnd::Failed("cut"));
        if let Some(server) = &mut self.server {
            server
                .session
                .handle_link_end(now, link, LinkEnd::Failed("cut"));
        }
        self.drain();
    }

    fn next_event(&self) -> Option<Tick> {
        let flight = self.flights.keys().next().map(|&(at, _)| at);
        let server = self.server.as_ref();
        let server = server.and_then(|server| server.session.poll_timeout());
        let client = self.client.session.poll_timeout();
        [flight, server, client].into_iter().flatten().min()
    }

    /// One thing happens.
    fn step(&mut self) {
        let now = self.now;
        let due = |timeout: Option<Tick>| timeout.is_some_and(|at| at <= now);
        if due(self.client.session.poll_timeout()) {
            return self.client.session.handle_timeout(now);
        }
        if let Some(server) = &mut self.server
            && due(server.session.poll_timeout())
        {
            return server.session.handle_timeout(now);
        }
        if let Some((_, flight)) = self.flights.pop_first() {
            self.deliver(flight);
        }
    }

    fn deliver(&mut self, flight: Flight) {
        let now = self.now;
        match flight {
            Flight::Get(request, query) => match self.admit("GET", &query, false) {
                (Some(Action::Get), _) => self.server().session.handle_get(now, request),
                (Some(action), _) => panic!("GET taken for {action:?}"),
                (None, format) => {
                    let config = self.server_config.clone();
                    let session =
                        server::Session::open_polling(config, format, &sid(), request, now);
                    self.server = Some(Peer::new(session));
                }
            },
            Flight::Post(request, query, content, body) => {
                assert_eq!(self.admit("POST", &query, false).0, Some(Action::Post));
                let server = self.server();
                server.session.handle_post(now, request, content, body);
                while let Some(message) = server.session.next_message(now) {
                    server.received.push(show(message));
                }
            }
            Flight::Response(request, status, content, body) => {
                let client = &mut self.client;
                let session = &mut client.session;
                session.handle_response(now, request, status, content, body);
                while let Some(message) = client.session.next_message(now) {
                    client.received.push(show(message));
                }
            }
            Flight::ToServer(link, Wire::Open(query)) => {
                let (action, format) = self.admit("GET", &query, true);
                self.link_format = format;
                match action {
                    Some(Action::Websocket) => self.server().session.handle_link(now, link),
                    Some(action) => panic!("websocket taken for {action:?}"),
                    None => {
                        let config = self.server_config.clone();
                        let session = server::Session::open_link(config, format, &sid(), link, now);
                        self.server = Some(Peer::new(session));
                    }
                }
                self.launch(Flight::ToClient(link, Wire::Open(String::new())));
            }
            Flight::ToServer(link, wire) => {
                let server = self.server();
                match wire {
                    Wire::Open(_) => unreachable!("matched above"),
                    Wire::Closed => {
                        server.session.handle_link_end(now, link, LinkEnd::Closed);
                    }
                    Wire::Text(text) => {
                        let message = server.session.handle_text(now, link, &text);
                        server.received.extend(message.map(show));
                    }
                    Wire::Binary(data) => {
                        let message = server.session.handle_binary(now, link, &data);
                        server.received.extend(message.map(show));
                    }
                }
            }
            Flight::ToClient(link, wire) => {
                let client = &mut self.client;
                match wire {
                    Wire::Open(_) => client.session.handle_link(now, link),
                    Wire::Closed => {
                        client.session.handle_link_end(now, link, LinkEnd::Closed);
                    }
                    Wire::Text(text) => {
                        let message = client.session.handle_text(now, link, &text);
                        client.received.extend(message.map(show));
                    }
                    Wire::Binary(data) => {
                        let message = client.session.handle_binary(now, link, &data);
                        client.received.extend(message.map(show));
                    }
                }
            }
        }
    }

    /// What a request does to the session, `None` if it opens one, and the format it asks for.
    fn admit(&self, method: &str, query: &str, upgrade: bool) -> (Option<Action>, Format) {
        let head = Head {
            method,
            subpath: "",
            query,
            origin: None,
            upgrade,
        };
        match Request::read(&head, &self.server_config).expect("a client asks correctly") {
            Request::Session(request) => {
                assert_eq!(request.sid, Some(sid()));
                let session = self.server.as_ref().map(|server| &server.session);
                let session = session.map(|it| (it.revision(), it.transport()));
                let action = request.admit(session).expect("a client knows its session");
                (Some(action), request.format)
            }
            Request::Open { format, .. } => (None, format.expect("both are spoken")),
            _ => unreachable!("a request of a later version"),
        }
    }

    /// Acts on everything both sessions want.
    fn drain(&mut self) {
        while let Some(output) = self.client.session.poll_output() {
            self.act_for_client(output);
        }
        while let Some(output) = self.server.as_mut().and_then(|it| it.session.poll_output()) {
            self.act_for_server(output);
        }
    }

    fn act_for_client(&mut self, output: client::Output) {
        let query = |transport| self.client.session.query(transport);
        match output {
            client::Output::Get { request } => {
                let query = query(Transport::Polling);
                self.launch(Flight::Get(request, query));
            }
            client::Output::Post {
                request,
                content,
                body,
            } => {
                let query = query(Transport::Polling);
                self.launch(Flight::Post(request, query, content, body.into()));
            }
            client::Output::OpenLink { link } => {
                let query = query(Transport::Websocket);
                self.launch(Flight::ToServer(link, Wire::Open(query)));
            }
            client::Output::Send { link, item } => {
                assert!(!self.client.hung_up, "nothing is written behind the end");
                let wires = match item {
                    client::Item::Message(message) => wires(&message, self.client.session.format()),
                    client::Item::Control(it) => vec![Wire::Text(it.packet().to_owned())],
                };
                for wire in wires {
                    self.launch(Flight::ToServer(link, wire));
                }
            }
            client::Output::CloseLink { link } => {
                self.client.hung_up = true;
                self.launch(Flight::ToServer(link, Wire::Closed));
            }
            client::Output::Opened { handshake } => {
                assert_eq!(handshake.ping_interval, self.server_config.ping_interval);
            }
            client::Output::Upgraded { .. } => self.client.upgraded = true,
            client::Output::Closed { reason, detail } => self.client.close(reason.as_str(), detail),
            _ => unreachable!("an output of a later version"),
        }
    }

    fn act_for_server(&mut self, output: server::Output) {
        match output {
            server::Output::Reply { request, response } => {
                let content = response
                    .headers
                    .iter()
                    .find(|(name, _)| *name == "content-type");
                let content = Content::from_header(content.map(|(_, value)| value.as_bytes()));
                let body = response.body.into();
                self.launch(Flight::Response(request, response.status, content, body));
            }
            server::Output::Send { link, item } => {
                assert!(!self.server().hung_up, "nothing is written behind the end");
                let wires = match item {
                    server::Item::Message(message) => wires(&message, self.link_format),
                    server::Item::Control(it) => vec![Wire::Text(it.packet().to_owned())],
                };
                for wire in wires {
                    self.launch(Flight::ToClient(link, wire));
                }
            }
            server::Output::CloseLink { link } => {
                self.server().hung_up = true;
                self.launch(Flight::ToClient(link, Wire::Closed));
            }
            server::Output::Upgraded { .. } => self.server().upgraded = true,
            server::Output::Closed { reason, detail } => {
                self.server().close(reason.as_str(), detail);
            }
            _ => unreachable!("an output of a later version"),
        }
    }

    fn launch(&mut self, flight: Flight) {
        let mut at = self.now + self.rng.within(self.latency.clone());
        let direction = match flight {
            Flight::ToServer(..) => Some(0),
            Flight::ToClient(..) => Some(1),
            _ => None,
        };
        if let Some(direction) = direction {
            if let Some(held) = &mut self.held {
                return held.push(flight);
            }
            at = at.max(self.last[direction]);
            self.last[direction] = at;
        }
        self.launched += 1;
        self.flights.insert((at, self.launched), flight);
    }
}

impl<S> Peer<S> {
    fn new(session: S) -> Self {
        Self {
            session,
            received: Vec::new(),
            upgraded: false,
            closed: None,
            hung_up: false,
        }
    }

    fn close(&mut self, reason: &str, detail: Option<&str>) {
        let earlier = self.closed.replace(closed(reason, detail));
        assert_eq!(earlier, None, "a session ends once");
    }
}

fn wires(message: &Prepared, format: Format) -> Vec<Wire> {
    let packets = message.packets(format).map(|packet| match packet {
        Message::Text(text) => Wire::Text(text.to_owned()),
        Message::Binary(data) => Wire::Binary(data.to_vec()),
    });
    packets.collect()
}

/// SplitMix64: enough to draw schedules from a seed.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + self.next() % (range.end() - range.start() + 1)
    }
}
