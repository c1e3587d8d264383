//! A client's session under a driver that may do anything a driver can do, for a server that sends
//! anything: one GET and one POST at a time, messages leave in order and once, and its end is its
//! last word.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use engineio_proto::client::{Config, Item, Output, Session};
use engineio_proto::server::{LinkEnd, LinkId, RequestId};
use engineio_proto::{CloseReason, Content, Format, PacketType, Tick, Transport};

use super::body::{self, FORMATS, Owned};
use super::outgoing::{Outgoing, arrive};
use crate::input::{Input, as_text};

pub(in crate::targets) fn client(input: &[u8]) {
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
    get: Option<RequestId>,
    post: Option<RequestId>,
    link: Link,
    opened: bool,
    upgraded: bool,
    closed: bool,
    /// Bytes of the largest POST the server takes.
    limit: usize,
    outgoing: Outgoing,
    /// Messages of the response that is being taken.
    polled: VecDeque<Owned>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    None,
    Asked,
    Open,
    Closed,
    Ended,
}

const LINK: LinkId = LinkId(0);

const HANDSHAKES: &[&str] = &[
    r#"0{"sid":"abc","upgrades":["websocket"],"pingInterval":1000,"pingTimeout":500,"maxPayload":100}"#,
    r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#,
    r#"0{"sid":"a","upgrades":["websocket"],"pingInterval":0,"pingTimeout":0,"maxPayload":1}"#,
    r#"0{"sid":"a","pingInterval":18446744073709551615,"pingTimeout":18446744073709551615}"#,
];

const TEXTS: &[&str] = &[
    "3probe", "2", "4hello", "6", "1", "5", "3", "2probe", "", "x",
];

impl Driver {
    fn open(input: &mut Input<'_>) -> Self {
        let format = input.pick(&FORMATS);
        let mut config = Config {
            transport: input.pick(&[Transport::Polling, Transport::Websocket]),
            upgrade: !input.flag(),
            ..Config::default()
        };
        if input.flag() {
            config = Config {
                open_timeout: input.number(),
                upgrade_timeout: input.number(),
                close_timeout: input.number(),
                ..config
            };
        }
        Self {
            format,
            session: Session::new(Arc::new(config), format, 0),
            now: 0,
            get: None,
            post: None,
            link: Link::None,
            opened: false,
            upgraded: false,
            closed: false,
            limit: usize::MAX,
            outgoing: Outgoing::default(),
            polled: VecDeque::new(),
        }
    }

    /// Something happens.
    fn act(&mut self, choice: u8, input: &mut Input<'_>) {
        let now = self.now;
        match choice % 16 {
            0 => {
                let time = input.pick(&[0, 1, 100, 500, 1000, 1500, 10_000, 45_000, 90_000]);
                self.now = self.now.saturating_add(time);
            }
            1 => {
                self.now = self.now.max(self.session.poll_timeout().unwrap_or(0));
                self.handle_timeouts();
            }
            2..=4 => {
                if let Some(get) = self.get.take() {
                    self.respond(get, input);
                }
            }
            5 => {
                if let Some(post) = self.post.take() {
                    let status = input.pick(&[200, 200, 200, 400]);
                    let body = Bytes::copy_from_slice(input.pick(&[&b"ok"[..], b"", b"4x"]));
                    self.session
                        .handle_response(now, post, status, Content::Text, body);
                }
            }
            6 => {
                let request = if input.flag() {
                    self.get.take()
                } else {
                    self.post.take()
                };
                if let Some(request) = request {
                    self.session.handle_request_failed(now, request);
                }
            }
            7 => self.take_messages(1 + input.below(4)),
            8 => self.take_messages(usize::MAX),
            9 => {
                if self.link == Link::Asked {
                    self.link = Link::Open;
                    self.session.handle_link(now, LINK);
                }
            }
            10 | 11 => self.receive(input),
            12 => {
                if self.link != Link::None && self.link != Link::Ended {
                    self.link = Link::Ended;
                    let end = input.pick(&[LinkEnd::Closed, LinkEnd::Failed("cut")]);
                    self.session.handle_link_end(now, LINK, end);
                }
            }
            13 | 14 => {
                let (message, packets) = self.outgoing.draw(input);
                let before = self.session.queued_bytes();
                self.session.send(message.clone());
                // One that is closing takes no more.
                if self.session.queued_bytes() > before {
                    self.outgoing.push(&message, packets);
                }
            }
            _ => match input.below(8) {
                0 => self
                    .session
                    .abort(now, CloseReason::TransportError, "the driver's choice"),
                1 => self.session.close(now),
                2..5 => self.session.set_reading(now, input.flag()),
                _ => self.session.handle_timeout(now),
            },
        }
    }

    fn respond(&mut self, get: RequestId, input: &mut Input<'_>) {
        let (content, body) = match input.below(4) {
            0 => {
                let content = input.pick(&[Content::Text, Content::Binary]);
                (content, input.bytes().to_vec())
            }
            1 => {
                let handshake = input.pick(HANDSHAKES)[1..].to_owned();
                let mut packets = vec![Owned::Text(PacketType::Open, handshake)];
                if input.flag() {
                    packets.extend(body::draw(self.format, TEXTS, input));
                }
                body::write_response(self.format, &packets)
            }
            _ => body::write_response(self.format, &body::draw(self.format, TEXTS, input)),
        };
        let status = input.pick(&[200, 200, 200, 200, 200, 200, 200, 400]);
        let opened = self.session.handshake().is_some();
        let response = Bytes::from(body.clone());
        self.session
            .handle_response(self.now, get, status, content, response);
        if self.session.is_closed() {
            return;
        }
        let packets = body::read_body(self.format, content, &body).0.into_iter();
        let packets = packets.skip(usize::from(!opened));
        self.polled = packets.filter(Owned::is_message).collect();
    }

    fn take_messages(&mut self, most: usize) {
        for _ in 0..most {
            let Some(message) = self.session.next_message(self.now) else {
                let lost = !self.polled.is_empty() && !self.session.is_closed();
                assert!(!lost, "messages are missing: {:?}", self.polled);
                self.polled.clear();
                return;
            };
            let message = Owned::from(message);
            assert_eq!(self.polled.pop_front(), Some(message));
            assert!(!self.session.is_closed(), "nothing is lent behind the end");
        }
    }

    /// A message of the link arrives, also when the session has closed it.
    fn receive(&mut self, input: &mut Input<'_>) {
        let was_closed = match self.link {
            Link::Open => false,
            Link::Closed => true,
            Link::None | Link::Asked | Link::Ended => return,
        };
        let lent = match input.below(8) {
            0 => self
                .session
                .handle_binary(self.now, LINK, input.bytes())
                .is_some(),
            1 => {
                let text = as_text(input.bytes());
                self.session.handle_text(self.now, LINK, text).is_some()
            }
            2 => {
                let text = input.pick(HANDSHAKES);
                self.session.handle_text(self.now, LINK, text).is_some()
            }
            _ => self
                .session
                .handle_text(self.now, LINK, input.pick(TEXTS))
                .is_some(),
        };
        assert!(!lent || !was_closed, "a closed link brings nothing");
        assert!(
            !lent || self.session.handshake().is_some(),
            "nothing before the handshake"
        );
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
            assert_eq!(self.session.queued_bytes(), self.outgoing.queued_bytes());
        }
    }

    /// A session that has ended sends nothing more, and takes nothing.
    fn give_up_at_the_end(&mut self) {
        if self.session.is_closed() {
            self.polled.clear();
            self.outgoing.clear();
        }
    }

    fn carry_out(&mut self, output: Output) {
        assert!(!self.closed, "nothing comes behind the end: {output:?}");
        match output {
            Output::Get { request } => {
                assert_eq!(self.get.replace(request), None, "one GET at a time");
                assert_ne!(self.get, self.post);
            }
            Output::Post {
                request,
                content,
                body,
            } => {
                assert_eq!(self.post.replace(request), None, "one POST at a time");
                assert_ne!(self.get, self.post);
                self.posted(content, &body);
            }
            Output::OpenLink { .. } => {
                assert!(self.link == Link::None, "one link");
                self.link = Link::Asked;
            }
            Output::Send { item, .. } => {
                assert!(self.link != Link::None && self.link != Link::Closed);
                if let Item::Message(message) = item {
                    assert!(self.link != Link::Ended, "nobody is there to read it");
                    for packet in arrive(&message, self.format) {
                        self.outgoing.take(&packet);
                    }
                }
            }
            Output::CloseLink { .. } => {
                assert!(self.link != Link::None && self.link != Link::Closed);
                if self.link != Link::Ended {
                    self.link = Link::Closed;
                }
            }
            Output::Opened { handshake } => {
                assert!(!self.opened, "opened twice");
                self.opened = true;
                self.limit = handshake.max_payload.unwrap_or(usize::MAX);
            }
            Output::Upgraded { to } => {
                assert!(!self.upgraded && to == self.session.transport());
                self.upgraded = true;
            }
            Output::Closed { .. } => {
                self.closed = true;
            }
            other => panic!("{other:?}"),
        }
    }

    fn posted(&mut self, content: Content, body: &[u8]) {
        let (packets, complete) = body::read_post(self.format, content, body);
        assert!(complete && !packets.is_empty());
        assert!(packets.len() == 1 || body.len() <= self.limit, "too large");
        for packet in packets {
            match packet {
                packet if packet.is_message() => self.outgoing.take(&packet),
                Owned::Text(PacketType::Ping | PacketType::Pong | PacketType::Close, _) => {}
                other => panic!("a client does not post {other:?}"),
            }
        }
    }

    /// Left alone, a session ends, and that is its last word.
    fn finish(mut self) {
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
        assert!(
            !matches!(self.link, Link::Asked | Link::Open),
            "its link is closed"
        );
        self.session.handle_link(self.now, LINK);
        assert_eq!(self.session.handle_text(self.now, LINK, "4late"), None);
        assert_eq!(self.session.next_message(self.now), None);
        self.drain(usize::MAX);
        assert_eq!(
            (self.session.queued_bytes(), self.session.poll_timeout()),
            (0, None)
        );
    }
}
