//! A core and its driver. Every stream opens at once; what is written on it the test takes, what
//! comes back the test says, in pieces of whatever size.

use std::io;
use std::sync::Arc;

use engineio_proto::{Message, Tick};
use tungstenite::handshake::derive_accept_key;

use super::super::{Core, Input, Memory, Output, StreamId};
use crate::engine::{Config, Target};

pub(super) const OPEN: &str =
    r#"0{"sid":"abc","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;

pub(super) struct Bench {
    pub(super) core: Core,
    pub(super) now: Tick,
    pub(super) input: Input,
    /// Every stream that was asked for.
    pub(super) dialed: Vec<(StreamId, Target)>,
    pub(super) hung_up: Vec<StreamId>,
    /// Streams that are to be dialed in vain.
    pub(super) unreachable: bool,
    /// What the application sees, in words.
    pub(super) seen: Vec<String>,
    /// The most that one read gives.
    pub(super) piece: usize,
}

/// A request as it was written.
pub(super) struct Written {
    pub(super) stream: StreamId,
    pub(super) text: String,
}

impl Bench {
    pub(super) fn new(config: Config) -> Self {
        Self::remembering(config, Memory::default())
    }

    pub(super) fn remembering(config: Config, memory: Memory) -> Self {
        let mut seed = 0;
        let random = Box::new(move || {
            seed += 1;
            seed
        });
        let mut bench = Self {
            core: Core::new(Arc::new(config), memory, random, 0).unwrap(),
            now: 0,
            input: Input::new(vec![0; 64 * 1024]),
            dialed: Vec::new(),
            hung_up: Vec::new(),
            unreachable: false,
            seen: Vec::new(),
            piece: usize::MAX,
        };
        bench.run();
        bench
    }

    /// Acts on everything that is wanted.
    pub(super) fn run(&mut self) {
        loop {
            while self.core.advance(self.now, &mut self.input) {
                self.seen.push(show(&self.core.message(&self.input)));
            }
            let Some(output) = self.core.poll_output() else {
                if self.input.is_empty() {
                    return;
                }
                continue;
            };
            match output {
                Output::Dial { stream, target } => {
                    self.dialed.push((stream, target));
                    if self.unreachable {
                        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
                        self.core.handle_dial_failed(self.now, stream, error);
                    } else {
                        self.core.handle_dialed(self.now, stream);
                    }
                }
                Output::Hangup { stream } => self.hung_up.push(stream),
                Output::Opened => self.seen.push("opened".into()),
                Output::Upgraded { to } => self.seen.push(format!("upgraded to {to}")),
                Output::Closed { reason, error } => self.seen.push(match error {
                    Some(error) => format!("closed: {reason}: {error}"),
                    None => format!("closed: {reason}"),
                }),
            }
        }
    }

    /// What is written on a stream.
    pub(super) fn written_on(&mut self, stream: StreamId) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let bytes = self.core.outgoing(stream).to_vec();
            if bytes.is_empty() {
                return all;
            }
            self.core.handle_written(self.now, stream, bytes.len());
            all.extend(bytes);
            self.run();
        }
    }

    /// The next request that is written, on whatever stream.
    pub(super) fn request(&mut self) -> Written {
        self.requests().into_iter().next().expect("a request")
    }

    pub(super) fn requests(&mut self) -> Vec<Written> {
        let streams: Vec<_> = self.dialed.iter().map(|(stream, _)| *stream).collect();
        let written = streams.into_iter().map(|stream| {
            let text = String::from_utf8_lossy(&self.written_on(stream)).into_owned();
            Written { stream, text }
        });
        written.filter(|it| !it.text.is_empty()).collect()
    }

    /// The server says something.
    pub(super) fn say(&mut self, stream: StreamId, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        for piece in bytes.chunks(self.piece.min(64 * 1024)) {
            if !self.core.wants_bytes(stream) {
                return;
            }
            self.input.room(stream)[..piece.len()].copy_from_slice(piece);
            self.input.fill(piece.len());
            self.run();
        }
    }

    /// The server answers with a body.
    pub(super) fn answer(&mut self, stream: StreamId, body: &str) {
        let len = body.len();
        self.say(
            stream,
            format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n{body}"),
        );
    }

    /// The server answers the next request.
    pub(super) fn reply(&mut self, body: &str) -> String {
        let request = self.request();
        self.answer(request.stream, body);
        request.text
    }

    /// The server accepts the websocket that is asked for next; returns its stream.
    pub(super) fn accept(&mut self) -> StreamId {
        let request = self.request();
        self.say(request.stream, accepted(&request.text, ""));
        request.stream
    }

    pub(super) fn end(&mut self, stream: StreamId) {
        self.core.handle_end(self.now, stream, None);
        self.run();
    }

    pub(super) fn break_off(&mut self, stream: StreamId) {
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        self.core.handle_end(self.now, stream, Some(error));
        self.run();
    }

    /// Lets time pass, deadline by deadline.
    pub(super) fn sleep(&mut self, ms: Tick) {
        let end = self.now + ms;
        while let Some(at) = self.core.poll_timeout().filter(|&at| at <= end) {
            self.now = self.now.max(at);
            self.core.handle_timeout(self.now);
            self.run();
        }
        self.now = end;
    }

    pub(super) fn last(&self) -> &str {
        self.seen.last().map(String::as_str).unwrap_or_default()
    }
}

/// The 101 for a request, with more headers.
pub(super) fn accepted(request: &str, headers: &str) -> String {
    let key = header(request, "sec-websocket-key").expect("a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {}\r\n{headers}\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// A redirect.
pub(super) fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n")
}

/// The first line of a request.
pub(super) fn line(request: &str) -> &str {
    request.split("\r\n").next().unwrap_or_default()
}

/// The value of a header in a request.
pub(super) fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = request.split("\r\n").skip(1);
    lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The unmasked frame of a short text.
pub(super) fn frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, text.len() as u8];
    frame.extend(text.bytes());
    frame
}

/// The texts in masked frames, and `close` for a close frame.
pub(super) fn unmasked(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    while let [opcode, len, k0, k1, k2, k3, rest @ ..] = bytes {
        let key = [k0, k1, k2, k3];
        let len = usize::from(len & 0x7f);
        let data: Vec<_> = rest[..len]
            .iter()
            .zip((0..4).cycle())
            .map(|(b, i)| b ^ key[i])
            .collect();
        texts.push(match opcode {
            0x88 => "close".into(),
            0x8a => format!("pong {}", String::from_utf8_lossy(&data)),
            _ => String::from_utf8_lossy(&data).into_owned(),
        });
        bytes = &rest[len..];
    }
    texts
}

fn show(message: &Message<'_>) -> String {
    match message {
        Message::Text(text) => (*text).to_owned(),
        Message::Binary(data) => format!("{data:?}"),
    }
}
