//! A server's and a client's session joined by a network in which the input decides what arrives
//! next: nothing is lost, doubled or overtaken, and as long as nothing breaks neither end complains.

mod network;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use engineio_proto::server::{LinkEnd, LinkId, RequestId};
use engineio_proto::{CloseReason, Content, Format, Sid, Tick, Transport, client, server};

use super::body::{FORMATS, Owned};
use super::outgoing::{Outgoing, Wire};
use crate::input::Input;

pub(in crate::targets) fn pair(input: &[u8]) {
    let mut input = Input::new(input);
    let mut pair = Pair::open(&mut input);
    pair.drain();
    while !input.is_empty() {
        let choice = input.byte();
        pair.act(choice, &mut input);
        pair.drain();
    }
    pair.finish();
}

struct Pair {
    /// As the request for the link asked.
    link_format: Format,
    now: Tick,
    client: End<client::Session>,
    /// Exists once the client's first request has arrived.
    server: Option<End<server::Session>>,
    config: Arc<server::Config>,
    requests: Vec<Sent>,
    responses: Vec<(RequestId, server::Response)>,
    to_server: VecDeque<OnLink>,
    to_client: VecDeque<OnLink>,
    /// A link was asked for.
    linked: bool,
    /// It broke.
    cut: bool,
    /// Milliseconds in which something was under way.
    delay: Tick,
    /// Nothing broke, and nothing was late.
    calm: bool,
}

/// One end and what its application has seen.
struct End<S> {
    session: S,
    messages: Outgoing,
    /// What it sent that the other end has not received.
    missing: VecDeque<Owned>,
    close_called: bool,
    closed: Option<CloseReason>,
}

enum Sent {
    Get(RequestId, String),
    Post(RequestId, String, Content, Bytes),
}

#[derive(Debug)]
enum OnLink {
    /// To the server: the request for the link; to the client: it is open.
    Open(String),
    Message(Wire),
    Closed,
}

const LINK: LinkId = LinkId(0);

/// Milliseconds something may be under way without anybody taking it for lost.
const PATIENCE: Tick = 4000;

fn sid() -> Sid {
    Sid::from_random([7; 15])
}

impl<S> End<S> {
    const fn new(session: S, messages: Outgoing) -> Self {
        Self {
            session,
            messages,
            missing: VecDeque::new(),
            close_called: false,
            closed: None,
        }
    }

    fn close(&mut self, reason: CloseReason) {
        assert_eq!(self.closed.replace(reason), None, "a session ends once");
    }
}

impl Pair {
    fn open(input: &mut Input<'_>) -> Self {
        let format = input.pick(&FORMATS);
        let client = client::Config {
            transport: input.pick(&[Transport::Polling, Transport::Websocket]),
            upgrade: !input.flag(),
            ..client::Config::default()
        };
        let config = server::Config {
            allow_upgrades: !input.flag(),
            max_payload: input.pick(&[1_000_000, 100, 1]),
            ..server::Config::default()
        };
        let client = client::Session::new(Arc::new(client), format, 0);
        Self {
            link_format: format,
            now: 0,
            client: End::new(client, Outgoing::default()),
            server: None,
            config: Arc::new(config),
            requests: Vec::new(),
            responses: Vec::new(),
            to_server: VecDeque::new(),
            to_client: VecDeque::new(),
            linked: false,
            cut: false,
            delay: 0,
            calm: true,
        }
    }

    /// Something happens.
    fn act(&mut self, choice: u8, input: &mut Input<'_>) {
        match choice % 16 {
            0 | 1 => {
                let (message, packets) = self.client.messages.draw(input);
                let before = self.client.session.queued_bytes();
                self.client.session.send(message);
                if self.client.session.queued_bytes() > before {
                    self.client.missing.extend(packets);
                }
            }
            2 | 3 => {
                if let Some(server) = &mut self.server {
                    let (message, packets) = server.messages.draw(input);
                    let before = server.session.queued_bytes();
                    server.session.send(message);
                    if server.session.queued_bytes() > before {
                        server.missing.extend(packets);
                    }
                }
            }
            4 => self.deliver_to_server(),
            5 => self.deliver_to_client(),
            6 | 7 => {
                let index = input.below(self.requests.len().clamp(1, 2));
                self.deliver_request(index);
            }
            8 => {
                let index = input.below(self.responses.len().clamp(1, 2));
                self.deliver_response(index);
            }
            9 => self.pass(input.pick(&[1, 50, 100, 200])),
            10 => self.settle(),
            11 => {
                self.settle();
                self.pass_until_due();
            }
            12 => self.pass(input.pick(&[5_000, 10_000, 25_000, 45_000])),
            13 => match input.below(4) {
                0 => self.cut_link(),
                1 => self.break_request(),
                _ => {}
            },
            14 => {
                if let Some(server) = &mut self.server {
                    server.session.set_congested(input.flag());
                }
            }
            _ => match input.below(16) {
                0 => {
                    self.client.close_called = true;
                    self.client.session.close(self.now);
                }
                1 => {
                    if let Some(server) = &mut self.server {
                        server.close_called = true;
                        server.session.close(self.now);
                    }
                }
                2 => {
                    if let Some(server) = &mut self.server {
                        server.session.release_poll();
                    }
                }
                _ => {}
            },
        }
    }

    /// Everything arrives, until nothing is under way.
    fn settle(&mut self) {
        if let Some(server) = &mut self.server {
            server.session.set_congested(false);
        }
        for _ in 0..10_000 {
            self.drain();
            if !self.requests.is_empty() {
                self.deliver_request(0);
            } else if !self.responses.is_empty() {
                self.deliver_response(0);
            } else if !self.to_server.is_empty() {
                self.deliver_to_server();
            } else if !self.to_client.is_empty() {
                self.deliver_to_client();
            } else {
                self.delay = 0;
                return;
            }
        }
        panic!("the sessions keep each other busy");
    }

    fn pass(&mut self, time: Tick) {
        self.now += time;
        self.delay += time;
        self.calm &= self.delay <= PATIENCE;
        self.handle_timeouts();
    }

    fn pass_until_due(&mut self) {
        let server = self.server.as_ref();
        let server = server.and_then(|it| it.session.poll_timeout());
        let due = [server, self.client.session.poll_timeout()];
        if let Some(due) = due.into_iter().flatten().min() {
            self.now = self.now.max(due);
            self.handle_timeouts();
        }
    }

    fn handle_timeouts(&mut self) {
        self.client.session.handle_timeout(self.now);
        if let Some(server) = &mut self.server {
            server.session.handle_timeout(self.now);
        }
    }

    fn cut_link(&mut self) {
        if !self.linked {
            return;
        }
        if self.client.session.transport() == Transport::Websocket {
            self.calm = false;
        }
        self.cut = true;
        self.to_server.clear();
        self.to_client.clear();
        let end = LinkEnd::Failed("cut");
        self.client.session.handle_link_end(self.now, LINK, end);
        if let Some(server) = &mut self.server {
            if server.session.transport() == Transport::Websocket {
                self.calm = false;
            }
            server.session.handle_link_end(self.now, LINK, end);
        }
    }

    /// A request is lost; the server notices if it had arrived.
    fn break_request(&mut self) {
        self.calm = false;
        if let Some((request, _)) = self.responses.pop() {
            self.client.session.handle_request_failed(self.now, request);
        } else if let Some(Sent::Get(request, _) | Sent::Post(request, ..)) = self.requests.pop() {
            self.client.session.handle_request_failed(self.now, request);
        }
    }

    /// Both ends live on, and once everything has arrived nothing is missing; then one of them
    /// closes, and both end.
    fn finish(mut self) {
        self.settle();
        for _ in 0..8 {
            self.pass_until_due();
            self.settle();
        }
        self.check();
        self.client.session.close(self.now);
        self.client.close_called = true;
        self.settle();
        self.check();
        for _ in 0..8 {
            self.pass_until_due();
            self.settle();
        }
        assert!(self.client.closed.is_some());
        assert!(self.server.is_none_or(|server| server.closed.is_some()));
    }

    fn check(&self) {
        if !self.calm {
            return;
        }
        let Some(server) = &self.server else {
            return;
        };
        let client = &self.client;
        if !client.close_called && !server.close_called {
            assert_eq!((client.closed, server.closed), (None, None));
        }
        // Who does not close may lose what it says to one that does.
        if !server.close_called {
            assert!(client.missing.is_empty(), "lost: {:?}", client.missing);
        }
        if !client.close_called {
            assert!(server.missing.is_empty(), "lost: {:?}", server.missing);
        }
    }
}
