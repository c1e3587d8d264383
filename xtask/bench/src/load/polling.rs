//! Echoes by long-polling: each client has one connection for its polls and one for what it sends,
//! as a browser would.

use std::{mem, net::SocketAddr, time::Instant};

use anyhow::{Result, ensure};

use super::{
    Streams, Tally, Traffic,
    client::{Client, Response, poll, post},
    echo::CHAT,
    open,
    template::{PLACE, Template},
};

/// Between the packets of one response.
const SEPARATOR: u8 = 0x1e;

/// One client.
struct Exchange {
    poll: String,
    post: Template,
    pong: String,
    count: u64,
    /// Whether a request has no response yet.
    is_polling: bool,
    is_posting: bool,
    /// Whether the event with this count came back.
    has_answer: bool,
    /// Whether a ping came that could not be answered yet.
    owes_pong: bool,
}

/// All clients. Connections with even numbers poll, those with odd ones send.
pub(crate) struct Polling {
    answer: Template,
    exchanges: Vec<Exchange>,
    is_stopped: bool,
    tally: Tally,
}

impl Polling {
    /// Connects clients.
    pub(crate) fn open(server: SocketAddr, clients: usize) -> Result<(Self, Vec<Client>)> {
        let event = format!(r#"42["echo","{PLACE} {CHAT}"]"#);
        let mut connections = Vec::new();
        let mut exchanges = Vec::new();
        for session in open::sessions(server, clients)? {
            exchanges.push(Exchange {
                poll: poll(&session.id),
                post: Template::plain(&post(&session.id, &event)),
                pong: post(&session.id, "3"),
                count: 0,
                is_polling: false,
                is_posting: false,
                has_answer: false,
                owes_pong: false,
            });
            connections.push(session.client);
            connections.push(Client::connect(server)?);
        }
        let polling = Self {
            answer: Template::plain(&event),
            exchanges,
            is_stopped: false,
            tally: Tally::default(),
        };
        Ok((polling, connections))
    }

    fn send(&mut self, client: usize, streams: &Streams) -> Result<()> {
        let exchange = &mut self.exchanges[client];
        exchange.is_polling = true;
        exchange.is_posting = true;
        exchange.has_answer = false;
        streams.send(2 * client, exchange.poll.as_bytes())?;
        streams.send(2 * client + 1, exchange.post.with(exchange.count))
    }
}

impl Traffic for Polling {
    fn start(&mut self, streams: &Streams) -> Result<()> {
        (0..self.exchanges.len()).try_for_each(|client| self.send(client, streams))
    }

    fn take(&mut self, index: usize, arrived: &[u8], _: Instant) -> Result<usize> {
        let Some(response) = Response::parse(arrived)? else {
            return Ok(0);
        };
        let exchange = &mut self.exchanges[index / 2];
        let mut body = response.body;
        let is_right = if index % 2 == 1 {
            mem::take(&mut exchange.is_posting) && body == b"ok"
        } else {
            if let Some(rest) = body.strip_prefix(b"2") {
                exchange.owes_pong = true;
                body = rest.strip_prefix(&[SEPARATOR]).unwrap_or(rest);
            }
            let is_answer = self.answer.distance(body, exchange.count) == Some(0);
            exchange.has_answer |= is_answer;
            mem::take(&mut exchange.is_polling) && (is_answer || body.is_empty())
        };
        ensure!(
            is_right,
            "wrong answer: {}",
            String::from_utf8_lossy(response.body)
        );
        Ok(response.length)
    }

    fn answer(&mut self, index: usize, streams: &Streams, _: Instant) -> Result<()> {
        let client = index / 2;
        let exchange = &mut self.exchanges[client];
        if !exchange.is_posting && mem::take(&mut exchange.owes_pong) {
            exchange.is_posting = true;
            return streams.send(2 * client + 1, exchange.pong.as_bytes());
        }
        if !exchange.has_answer && !exchange.is_polling {
            exchange.is_polling = true;
            return streams.send(2 * client, exchange.poll.as_bytes());
        }
        if exchange.is_complete() {
            exchange.count += 1;
            self.tally.done += 1;
            if !self.is_stopped {
                return self.send(client, streams);
            }
        }
        Ok(())
    }

    fn stop(&mut self) {
        self.is_stopped = true;
    }

    fn is_complete(&self) -> bool {
        self.exchanges.iter().all(Exchange::is_complete)
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

impl Exchange {
    fn is_complete(&self) -> bool {
        self.has_answer && !self.is_polling && !self.is_posting
    }
}
