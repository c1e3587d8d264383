//! HTTP between client and server: requests and responses on their way, each its own time, and
//! what may become of them.

use std::collections::VecDeque;

use engineio_proto::server::{RequestId, Response};
use engineio_proto::{Content, Format, Message, Packet, PacketType, Payload, Revision};

use crate::fate::{Causes, Side};
use crate::fault::{Check, check};
use crate::scenario::Hazard;
use crate::world::{Happening, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    Post,
}

/// A request and what became of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) life: usize,
    pub(crate) kind: Kind,
    /// The client's name for it.
    pub(crate) request: RequestId,
    pub(crate) query: String,
    pub(crate) body: (Content, Vec<u8>),
    /// The server it reached, and that one's name for it.
    pub(crate) at: Option<(usize, RequestId)>,
    /// Whether it arrives a second time.
    pub(crate) doubled: bool,
    pub(crate) arrived: bool,
    answers: u32,
    /// The client no longer wants it, or its connection is gone.
    pub(crate) dropped: bool,
    /// Its answer gets lost: whether the client learns of that.
    loses_answer: Option<bool>,
}

impl Exchange {
    /// Every request is answered once, whoever still listens.
    pub(crate) fn check_outcome(&self) -> Check {
        let due = u32::from(self.arrived);
        check(self.answers == due || self.dropped, "requests", || {
            let Self { kind, request, .. } = self;
            format!("{kind:?} {} has got {} answers", request.0, self.answers)
        })
    }
}

/// The packets of a body that have not been taken, as far as heartbeats are concerned.
#[derive(Debug, Default)]
pub(crate) struct Inbox(VecDeque<PacketType>);

impl Inbox {
    /// The packets of a POST.
    pub(crate) fn of_post(format: Format, content: Content, body: &[u8]) -> Self {
        match format.jsonp {
            None => Self::read(format, content, body),
            Some(_) => {
                let form = form_urlencoded::parse(body);
                let payload: String = form.map(|(_, value)| value).collect();
                Self::read(format, Content::Text, payload.as_bytes())
            }
        }
    }

    /// The packets of a response.
    pub(crate) fn of_answer(format: Format, answer: &Answer) -> Self {
        let body = &answer.body[..];
        match format.jsonp {
            None => Self::read(format, answer.content, body),
            Some(_) => {
                let script = String::from_utf8_lossy(body);
                let literal = script.split_once('(').map_or("", |it| it.1);
                let literal = literal.strip_suffix(");").unwrap_or_default();
                let payload: String = serde_json::from_str(literal).unwrap_or_default();
                Self::read(format, Content::Text, payload.as_bytes())
            }
        }
    }

    fn read(format: Format, content: Content, body: &[u8]) -> Self {
        let mut kinds = VecDeque::new();
        let body = body.to_vec().into();
        if let Ok(mut payload) = Payload::new(format.revision, content, body) {
            while let Ok(Some(packet)) = payload.next_packet() {
                kinds.push_back(match packet {
                    Packet::Text(kind, _) => kind,
                    Packet::Binary(_) => PacketType::Message,
                });
            }
        }
        Self(kinds)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn has(&self, kind: PacketType) -> bool {
        self.0.contains(&kind)
    }

    /// The packets up to the next message, and it too; without a message, all that are left.
    pub(crate) fn take(&mut self, message: bool) -> impl Iterator<Item = PacketType> {
        let next = self.0.iter().position(|&kind| kind == PacketType::Message);
        let count = match next {
            Some(index) if message => index + 1,
            _ => self.0.len(),
        };
        self.0.drain(..count)
    }
}

/// What kind of packet a message of a link is.
pub(crate) fn kind_of(revision: Revision, message: &Message<'_>) -> Option<PacketType> {
    let packet = match message {
        Message::Text(text) => revision.decode_text(text),
        Message::Binary(data) => revision.decode_binary(data),
    };
    packet.ok().map(|packet| match packet {
        Packet::Text(kind, _) => kind,
        Packet::Binary(_) => PacketType::Message,
    })
}

/// A response as the client sees it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content: Content,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// To a POST that is larger than the server takes.
    pub(crate) const TOO_LARGE: Self = Self {
        status: 413,
        content: Content::Text,
        body: Vec::new(),
    };
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        let mut headers = response.headers.iter();
        let header = headers.find(|(name, _)| *name == "content-type");
        Self {
            status: response.status,
            content: Content::from_header(header.map(|(_, value)| value.as_bytes())),
            body: response.body,
        }
    }
}

impl World {
    /// The client sends a request.
    pub(crate) fn send_request(
        &mut self,
        kind: Kind,
        request: RequestId,
        query: String,
        body: (Content, Vec<u8>),
    ) -> usize {
        let life = self.client.life;
        let exchange = self.exchanges.len();
        self.note(&"client", || {
            format!("{kind:?} {} of {} bytes", request.0, body.1.len())
        });
        let at = self.now + self.delay(life);
        let doubled = self.hit(Hazard::Duplicates, 60);
        let loses_answer = match self.hit(Hazard::LostRequests, 25) {
            true => Some(self.rng.chance(700)),
            false => None,
        };
        self.exchanges.push(Exchange {
            life,
            kind,
            request,
            query,
            body,
            at: None,
            doubled,
            arrived: false,
            answers: 0,
            dropped: false,
            loses_answer,
        });
        if self.hit(Hazard::LostRequests, 25) {
            self.cause(life, Causes::LOST);
            self.fail_later(exchange, 800);
            return exchange;
        }
        self.schedule(
            at,
            Happening::Request {
                exchange,
                doubled: false,
            },
        );
        if doubled && kind == Kind::Get {
            let at = at + self.rng.below(100);
            self.schedule(
                at,
                Happening::Request {
                    exchange,
                    doubled: true,
                },
            );
        }
        exchange
    }

    /// The client learns, or so many times out of a thousand not, that a request has failed.
    pub(crate) fn fail_later(&mut self, exchange: usize, per_mille: u64) {
        if self.rng.chance(per_mille) {
            let at = self.now + self.rng.within(1..=500);
            self.schedule(at, Happening::RequestFails { exchange });
        }
    }

    /// A request arrives; its second arrival counts only while the first one waits.
    pub(crate) fn request_arrives(&mut self, exchange: usize, doubled: bool) -> Check {
        let it = &self.exchanges[exchange];
        if it.dropped || (doubled && !self.is_waiting(exchange)) {
            return Ok(());
        }
        self.exchanges[exchange].arrived = true;
        self.serve_request(exchange, doubled)?;
        let it = &self.exchanges[exchange];
        let Some((server, _)) = it.at else {
            return Ok(());
        };
        // A GET that is given up while it waits, or whose connection is dead and nobody knows.
        if it.kind == Kind::Get && !doubled && self.hit(Hazard::BrokenRequests, 25) {
            self.cause(self.servers[server].life, Causes::BROKEN);
            let (server_learns, client_learns) = (self.rng.chance(500), self.rng.chance(500));
            self.exchanges[exchange].loses_answer = Some(false);
            if server_learns {
                let at = self.now + self.rng.within(0..=500);
                self.schedule(at, Happening::Abandoned { exchange });
            }
            if client_learns {
                self.fail_later(exchange, 1000);
            }
        }
        Ok(())
    }

    /// The connection of a request is gone; its client learns of it, mostly.
    pub(crate) fn break_off(&mut self, exchange: usize) {
        self.exchanges[exchange].arrived = false;
        self.exchanges[exchange].at = None;
        self.fail_later(exchange, 800);
    }

    /// Whether the server has not answered it yet.
    pub(crate) fn is_waiting(&self, exchange: usize) -> bool {
        let it = &self.exchanges[exchange];
        it.at.is_some() && it.answers == 0
    }

    /// The server answers a request.
    pub(crate) fn respond(&mut self, exchange: usize, answer: Answer) -> Check {
        let it = &mut self.exchanges[exchange];
        it.answers += 1;
        check(it.answers == 1, "requests", || {
            format!("{:?} {} is answered twice", it.kind, it.request.0)
        })?;
        if it.dropped {
            return Ok(());
        }
        let life = it.life;
        if let Some(known) = it.loses_answer {
            self.cause(life, Causes::LOST);
            self.fail_later(exchange, if known { 1000 } else { 0 });
            return Ok(());
        }
        let at = self.now + self.delay(life);
        self.schedule(at, Happening::Response { exchange, answer });
        Ok(())
    }

    /// Whether the client still runs this exchange, of which it hears only once.
    fn take_running(&mut self, exchange: usize) -> bool {
        let it = &self.exchanges[exchange];
        if it.dropped || it.life != self.client.life || self.client.is_closed() {
            return false;
        }
        let running = match it.kind {
            Kind::Get => &mut self.client.get,
            Kind::Post => &mut self.client.post,
        };
        running.take_if(|running| *running == exchange).is_some()
    }

    pub(crate) fn response_arrives(&mut self, exchange: usize, answer: Answer) -> Check {
        if !self.take_running(exchange) {
            return Ok(());
        }
        let Exchange { kind, request, .. } = self.exchanges[exchange];
        self.note(&"client", || {
            let Answer { status, body, .. } = &answer;
            format!(
                "{kind:?} {} answered: {status}, {} bytes",
                request.0,
                body.len()
            )
        });
        self.client_response(request, answer, kind)
    }

    pub(crate) fn request_fails(&mut self, exchange: usize) -> Check {
        if !self.take_running(exchange) {
            return Ok(());
        }
        let Exchange { kind, request, .. } = self.exchanges[exchange];
        self.note(&"client", || format!("{kind:?} {} failed", request.0));
        self.client_request_failed(request)
    }

    /// The client's session has ended: it gives up what still runs, and the server notices, mostly.
    pub(crate) fn drop_requests(&mut self) {
        for exchange in [self.client.get.take(), self.client.post.take()] {
            let Some(exchange) = exchange else {
                continue;
            };
            if self.calm || self.rng.chance(900) {
                let at = self.now + self.delay(self.client.life);
                self.schedule(at, Happening::Abandoned { exchange });
            }
        }
    }

    /// The server notices that a client has given up a request.
    pub(crate) fn request_abandoned(&mut self, exchange: usize) -> Check {
        let waiting = self.is_waiting(exchange);
        let it = &mut self.exchanges[exchange];
        it.dropped = true;
        match it.at {
            Some((server, request)) if waiting => {
                let kind = it.kind;
                self.note(&Side::Server, || {
                    format!("{kind:?} {} abandoned", request.0)
                });
                self.server_abandoned(server, request)
            }
            _ => Ok(()),
        }
    }
}
