//! A server's session under a driver that may do anything a driver can do, for a client that sends
//! anything: every request gets one answer, messages leave in order and once, and it comes to an end.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use engineio_proto::server::{
    Config, Control, Item, LinkEnd, LinkId, Output, RequestId, Response, Session,
};
use engineio_proto::{CloseReason, Content, Format, PacketType, Sid, Tick, Transport};

use super::body::{self, FORMATS, Owned};
use super::outgoing::{Outgoing, arrive};
use crate::input::{Input, as_text};

pub(in crate::targets) fn server(input: &[u8]) {
    let mut input = Input::new(input);
    let mut driver = Driver::open(&mut input);
    driver.drain(usize::MAX);
    while !input.is_empty() {
        let choice = input.byte();
        driver.act(choice & 0x3f, &mut input);
        // A driver that cannot write more stops asking.
        driver.drain(match choice {
            0..0xc0 => usize::MAX,
            _ => usize::from(choice & 3),
        });
    }
    driver.finish();
}

/// A session, and what its driver knows.
struct Driver {
    format: Format,
    session: Session,
    now: Tick,
    requests: BTreeMap<u32, Request>,
    links: BTreeMap<u32, Link>,
    names: u32,
    /// The handshake has left.
    opened: bool,
    handshake_bytes: usize,
    outgoing: Outgoing,
    /// Messages of the POST that is being taken.
    posted: VecDeque<Owned>,
    upgraded: bool,
    closed: bool,
}

/// A request without an answer.
#[derive(Default)]
struct Request {
    is_get: bool,
    abandoned: bool,
}

/// A link the session knows of.
#[derive(Default)]
struct Link {
    closed: bool,
    ended: bool,
}

const TEXTS: &[&str] = &[
    "2probe", "5", "3", "4hello", "6", "2", "1", "0{}", "3probe", "", "x",
];

impl Driver {
    fn open(input: &mut Input<'_>) -> Self {
        let format = input.pick(&FORMATS);
        let mut config = Config::default();
        if input.flag() {
            config = Config {
                ping_interval: input.number(),
                ping_timeout: input.number(),
                upgrade_timeout: input.number(),
                close_timeout: input.number(),
                ..config
            };
        }
        let config = Arc::new(config);
        let sid = Sid::from_random([7; 15]);
        let mut requests = BTreeMap::new();
        let mut links = BTreeMap::new();
        let session = match input.flag() {
            true => {
                links.insert(0, Link::default());
                Session::open_link(config, format, &sid, LinkId(0), 0)
            }
            false => {
                let is_get = true;
                requests.insert(
                    0,
                    Request {
                        is_get,
                        ..Request::default()
                    },
                );
                Session::open_polling(config, format, &sid, RequestId(0), 0)
            }
        };
        Self {
            format,
            handshake_bytes: session.queued_bytes(),
            session,
            now: 0,
            requests,
            links,
            names: 0,
            opened: false,
            outgoing: Outgoing::default(),
            posted: VecDeque::new(),
            upgraded: false,
            closed: false,
        }
    }

    /// Something happens.
    fn act(&mut self, choice: u8, input: &mut Input<'_>) {
        let now = self.now;
        match choice % 18 {
            0 => {
                let time = input.pick(&[0, 1, 20, 99, 100, 101, 1000, 5000, 25_000, 90_000]);
                self.now = self.now.saturating_add(time);
            }
            1 => self.now = self.now.max(self.session.poll_timeout().unwrap_or(0)),
            2 | 3 => {
                self.now = self.now.max(self.session.poll_timeout().unwrap_or(0));
                self.handle_timeouts();
            }
            4 => {
                let request = self.request(true);
                self.session.handle_get(now, request);
            }
            5 => self.post(input),
            6 => self.take_messages(1 + input.below(4)),
            7 => self.take_messages(usize::MAX),
            8 => self.abandon(input),
            9 => match input.below(3) {
                0 => {
                    let request = self.request(false);
                    self.session.handle_post_overlap(now, request);
                }
                1 => {
                    let request = self.request(false);
                    self.session.handle_post_invalid(now, request);
                }
                _ => self.session.handle_post_broken(now),
            },
            10 => {
                let link = self.name();
                self.links.insert(link, Link::default());
                self.session.handle_link(now, LinkId(link));
            }
            11 | 12 => self.receive(input),
            13 => {
                if let Some((&link, state)) = nth(&mut self.links, input, |link| !link.ended) {
                    state.ended = true;
                    let end = input.pick(&[LinkEnd::Closed, LinkEnd::Failed("cut")]);
                    self.session.handle_link_end(now, LinkId(link), end);
                }
            }
            14 | 15 => {
                let (message, packets) = self.outgoing.draw(input);
                let before = self.session.queued_bytes();
                self.session.send(message.clone());
                // One that is closing takes no more.
                if self.session.queued_bytes() > before {
                    self.outgoing.push(&message, packets);
                }
            }
            16 => match input.below(4) {
                0 => self.session.set_reading(now, input.flag()),
                1 => self.session.set_congested(input.flag()),
                _ => self.session.release_poll(),
            },
            _ => match input.below(8) {
                0 => self
                    .session
                    .abort(now, CloseReason::TransportError, "the driver's choice"),
                1 => self.session.close(now),
                _ => self.session.handle_timeout(now),
            },
        }
    }

    fn name(&mut self) -> u32 {
        self.names += 1;
        self.names
    }

    fn request(&mut self, is_get: bool) -> RequestId {
        let name = self.name();
        self.requests.insert(
            name,
            Request {
                is_get,
                ..Request::default()
            },
        );
        RequestId(name)
    }

    fn abandon(&mut self, input: &mut Input<'_>) {
        if let Some((&name, request)) = nth(&mut self.requests, input, |it| !it.abandoned) {
            request.abandoned = true;
            self.session.handle_abandoned(self.now, RequestId(name));
        }
    }

    fn post(&mut self, input: &mut Input<'_>) {
        let request = self.request(false);
        let (content, body) = match input.below(4) {
            0 => {
                let content = input.pick(&[Content::Text, Content::Binary, Content::Form]);
                (content, input.bytes().to_vec())
            }
            _ => body::write_post(self.format, &body::draw(self.format, TEXTS, input)),
        };
        let had = self.session.has_posted_messages();
        self.session
            .handle_post(self.now, request, content, Bytes::from(body.clone()));
        if self.session.has_posted_messages() && !had {
            let (packets, _) = body::read_post(self.format, content, &body);
            self.posted = packets.into_iter().filter(Owned::is_message).collect();
        }
    }

    fn take_messages(&mut self, most: usize) {
        for _ in 0..most {
            let Some(message) = self.session.next_message(self.now) else {
                // A client that moves before its POST is answered has no right to what is left of it.
                // The session has moved even if its driver has not asked for that output yet.
                let moved = self.session.transport() == Transport::Websocket;
                let lost = !self.posted.is_empty() && !self.session.is_closed() && !moved;
                assert!(!lost, "messages are missing: {:?}", self.posted);
                self.posted.clear();
                return;
            };
            let message = Owned::from(message);
            assert_eq!(self.posted.pop_front(), Some(message));
            assert!(!self.session.is_closed(), "nothing is lent behind the end");
        }
    }

    /// A message of a link arrives, also one that the session has closed.
    fn receive(&mut self, input: &mut Input<'_>) {
        let Some((&link, state)) = nth(&mut self.links, input, |link| !link.ended) else {
            return;
        };
        let (was_closed, id) = (state.closed, LinkId(link));
        let lent = match input.below(8) {
            0 => self
                .session
                .handle_binary(self.now, id, input.bytes())
                .is_some(),
            1 => {
                let text = as_text(input.bytes());
                self.session.handle_text(self.now, id, text).is_some()
            }
            _ => self
                .session
                .handle_text(self.now, id, input.pick(TEXTS))
                .is_some(),
        };
        assert!(!lent || !was_closed, "a closed link brings nothing");
    }

    /// What is due is done, and then nothing is due.
    fn handle_timeouts(&mut self) {
        for _ in 0..8 {
            if self.session.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            self.session.handle_timeout(self.now);
            self.drain(usize::MAX);
        }
        let due = self.session.poll_timeout();
        assert!(due.is_none_or(|at| at > self.now), "due for ever: {due:?}");
    }

    fn drain(&mut self, most: usize) {
        for _ in 0..most {
            self.give_up_at_the_end();
            let Some(output) = self.session.poll_output() else {
                break;
            };
            self.carry_out(output);
            self.give_up_at_the_end();
            let waiting = if self.opened { 0 } else { self.handshake_bytes };
            let queued = self.outgoing.queued_bytes() + waiting;
            assert_eq!(self.session.queued_bytes(), queued);
        }
    }

    /// A session that has ended sends nothing more, and takes nothing.
    fn give_up_at_the_end(&mut self) {
        if self.session.is_closed() {
            self.posted.clear();
            self.outgoing.clear();
            self.opened = true;
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Reply { request, response } => {
                let Some(request) = self.requests.remove(&request.0) else {
                    panic!("an answer to nothing");
                };
                if response.status == 200 && request.is_get {
                    self.polled(&response);
                } else if response.status == 200 {
                    assert_eq!(response.body, b"ok");
                }
            }
            Output::Send { link, item } => {
                let Some(link) = self.links.get(&link.0) else {
                    panic!("a link nobody has heard of");
                };
                assert!(!link.closed, "nothing is sent behind the end");
                match item {
                    Item::Message(message) => {
                        assert!(!link.ended, "nobody is there to read it");
                        for packet in arrive(&message, self.format) {
                            self.sent(packet);
                        }
                    }
                    Item::Control(Control::Ping | Control::Pong | Control::ProbePong) => {}
                }
            }
            Output::CloseLink { link } => {
                let Some(link) = self.links.get_mut(&link.0) else {
                    panic!("a link nobody has heard of");
                };
                assert!(!link.closed, "closed twice");
                link.closed = true;
            }
            Output::Upgraded { to } => {
                assert!(!self.upgraded && to == self.session.transport());
                self.upgraded = true;
            }
            Output::Closed { .. } => {
                assert!(!self.closed, "closed twice");
                assert!(self.session.is_closed());
                self.closed = true;
            }
            other => panic!("{other:?}"),
        }
    }

    fn polled(&mut self, response: &Response) {
        let (packets, complete) = body::read_response(self.format, response);
        assert!(complete && !packets.is_empty());
        for packet in packets {
            self.sent(packet);
        }
    }

    fn sent(&mut self, packet: Owned) {
        match packet {
            Owned::Text(PacketType::Open, _) => {
                assert!(!self.opened, "one handshake");
                self.opened = true;
            }
            packet if packet.is_message() => {
                assert!(self.opened, "the handshake comes first");
                self.outgoing.take(&packet);
            }
            Owned::Text(
                PacketType::Ping | PacketType::Pong | PacketType::Noop | PacketType::Close,
                _,
            ) => {}
            other => panic!("a server does not send {other:?}"),
        }
    }

    /// Left alone, a session ends: nobody waits for an answer, and nothing comes behind the end.
    fn finish(mut self) {
        self.session.set_congested(false);
        self.session.set_reading(self.now, true);
        self.drain(usize::MAX);
        self.take_messages(usize::MAX);
        self.drain(usize::MAX);
        for _ in 0..64 {
            let Some(at) = self.session.poll_timeout() else {
                break;
            };
            self.now = self.now.max(at);
            self.handle_timeouts();
        }
        assert!(self.session.is_closed() && self.closed, "it ends");
        let waiting = self.requests.values().filter(|it| !it.abandoned);
        assert_eq!(waiting.count(), 0, "every request is answered");
        let open = self.links.values().filter(|it| !it.closed && !it.ended);
        assert_eq!(open.count(), 0, "every link is closed");

        let late = self.request(true);
        self.session.handle_get(self.now, late);
        let late = self.request(false);
        let body = Bytes::from_static(b"4late");
        self.session
            .handle_post(self.now, late, Content::Text, body);
        assert_eq!(self.session.next_message(self.now), None);
        self.drain(usize::MAX);
        let waiting = self.requests.values().filter(|it| !it.abandoned);
        assert_eq!(waiting.count(), 0, "every request is answered");
        assert_eq!(
            (self.session.queued_bytes(), self.session.poll_timeout()),
            (0, None)
        );
    }
}

/// One of those that fit, as the input wants it.
fn nth<'m, T>(
    map: &'m mut BTreeMap<u32, T>,
    input: &mut Input<'_>,
    fits: impl Fn(&T) -> bool,
) -> Option<(&'m u32, &'m mut T)> {
    let count = map.values().filter(|value| fits(value)).count();
    let index = input.below(count.clamp(1, 256));
    map.iter_mut().filter(|(_, value)| fits(value)).nth(index)
}
