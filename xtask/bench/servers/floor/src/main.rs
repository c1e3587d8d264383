//! The measured program on nothing but sockets: as little as can be done to be taken for a server.
//!
//! It answers what the load sends and understands nothing else: by websocket, one frame at a time,
//! without parsing a request or any JSON, and it trusts every client.

use std::io::{self, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// The load always sends the same key.
const SWITCH: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const OPEN: &[u8] = br#"0{"sid":"floor","upgrades":[],"pingInterval":300000,"pingTimeout":20000}"#;
const CONNECTED: &[u8] = br#"40{"sid":"floor"}"#;

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;

const LISTENER: Token = Token(usize::MAX);

fn main() -> io::Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut poll = Poll::new()?;
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut server = Server {
        listener,
        clients: Vec::new(),
        free: Vec::new(),
        scratch: vec![0; 1 << 16],
        answer: Vec::new(),
        news: Vec::new(),
    };
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&poll)?,
                Token(index) => server.read(index),
            }
        }
    }
}

struct Server {
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    /// Places among the clients that nobody has.
    free: Vec<usize>,
    scratch: Vec<u8>,
    /// What one client gets for what was read from it.
    answer: Vec<u8>,
    /// What everybody gets for it.
    news: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    is_websocket: bool,
    /// The start of something that has not arrived completely.
    rest: Vec<u8>,
}

impl Server {
    fn accept(&mut self, poll: &Poll) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let index = self.free.pop().unwrap_or(self.clients.len());
            let registry = poll.registry();
            registry.register(&mut stream, Token(index), Interest::READABLE)?;
            self.clients
                .resize_with(self.clients.len().max(index + 1), || None);
            self.clients[index] = Some(Client {
                stream,
                is_websocket: false,
                rest: Vec::new(),
            });
        }
    }

    /// Answers what a client has sent, and drops it when it is done.
    fn read(&mut self, index: usize) {
        let Some(client) = &mut self.clients[index] else {
            return;
        };
        self.answer.clear();
        self.news.clear();
        let stays = client.read(&mut self.scratch, &mut self.answer, &mut self.news);
        let stays = matches!(stays, Ok(true));
        // Buffers of the kernel are large enough for what the load leaves unread.
        let stays =
            (self.answer.is_empty() || client.stream.write_all(&self.answer).is_ok()) && stays;
        if !stays {
            self.clients[index] = None;
            self.free.push(index);
        }
        if !self.news.is_empty() {
            for client in self.clients.iter_mut().flatten() {
                _ = client.stream.write_all(&self.news);
            }
        }
    }
}

impl Client {
    /// Whether the connection stays open.
    fn read(
        &mut self,
        scratch: &mut [u8],
        answer: &mut Vec<u8>,
        news: &mut Vec<u8>,
    ) -> io::Result<bool> {
        loop {
            let length = match self.stream.read(scratch) {
                Ok(0) => return Ok(false),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            };
            let stays = if self.rest.is_empty() {
                let (taken, stays) = self.take(&mut scratch[..length], answer, news);
                self.rest.extend(&scratch[taken..length]);
                stays
            } else {
                let mut all = std::mem::take(&mut self.rest);
                all.extend(&scratch[..length]);
                let (taken, stays) = self.take(&mut all, answer, news);
                self.rest.extend(&all[taken..]);
                stays
            };
            if !stays || length < scratch.len() {
                return Ok(stays);
            }
        }
    }

    /// How many bytes were taken, and whether the connection stays open.
    fn take(
        &mut self,
        bytes: &mut [u8],
        answer: &mut Vec<u8>,
        news: &mut Vec<u8>,
    ) -> (usize, bool) {
        if !self.is_websocket {
            if !bytes.ends_with(b"\r\n\r\n") {
                return (0, true);
            }
            self.is_websocket = true;
            answer.extend(SWITCH);
            frame(answer, TEXT, &[OPEN]);
            return (bytes.len(), true);
        }
        let mut taken = 0;
        while let Some((start, end)) = payload_of(&bytes[taken..]) {
            let first = bytes[taken];
            unmask(&mut bytes[taken..][..end], start);
            respond(first, &bytes[taken..][start..end], answer, news);
            taken += end;
            if first == CLOSE {
                return (taken, false);
            }
        }
        (taken, true)
    }
}

/// Where the payload of a masked frame starts and ends, once all of it is there.
fn payload_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? & 0x7f {
        126 => (8, u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        short => (6, u16::from(short)),
    };
    let end = start + usize::from(length);
    (bytes.len() >= end).then_some((start, end))
}

fn unmask(frame: &mut [u8], start: usize) {
    let (head, payload) = frame.split_at_mut(start);
    let key = &head[start - 4..];
    let key = u64::from_ne_bytes(std::array::from_fn(|at| key[at % 4]));
    let (chunks, rest) = payload.as_chunks_mut::<8>();
    for chunk in chunks {
        *chunk = (u64::from_ne_bytes(*chunk) ^ key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.to_ne_bytes()) {
        *byte ^= key;
    }
}

fn respond(first: u8, payload: &[u8], answer: &mut Vec<u8>, news: &mut Vec<u8>) {
    if payload == b"40" {
        frame(answer, TEXT, &[CONNECTED]);
    } else if let Some(rest) = payload.strip_prefix(br#"42["broadcast""#) {
        frame(news, TEXT, &[br#"42["news""#, rest]);
    } else if payload.starts_with(b"42[") || first != TEXT || payload.starts_with(b"451-") {
        frame(answer, first, &[payload]);
    } else if let Some(event) = payload.strip_prefix(b"42") {
        let name = br#"["ask","#;
        let id = event
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let rest = event.get(id + name.len()..).unwrap_or_default();
        frame(answer, TEXT, &[b"43", &event[..id], b"[", rest]);
    }
}

fn frame(out: &mut Vec<u8>, first: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(first);
    match u8::try_from(length) {
        Ok(short @ ..126) => out.push(short),
        _ => {
            out.push(126);
            out.extend((length as u16).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| out.extend(*part));
}
