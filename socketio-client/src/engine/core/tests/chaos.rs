//! A client and a server over streams that take as long as they like, deliver in any pieces and, in
//! half of the worlds, break. Whatever happens: nothing is doubled, reordered or invented; without a
//! break nothing is lost; and every session comes to its end.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use engineio_proto::server::Config as ServerConfig;
use engineio_proto::{Prepared, Revision, Tick, Transport};

use super::super::{Core, Input, Memory, Output, StreamId};
use super::server::{Server, bytes};
use crate::engine::{Config, RevisionChoice};

const MESSAGES: usize = 12;

struct World {
    seed: u64,
    breaks: bool,
    now: Tick,
    core: Core,
    input: Input,
    server: Server,
    /// Streams of the client, and whether they are open yet.
    streams: BTreeMap<StreamId, bool>,
    sent: [Vec<Vec<u8>>; 2],
    received: Vec<Vec<u8>>,
    opened: bool,
    closed: Option<String>,
    broken: bool,
}

impl World {
    fn new(seed: u64, breaks: bool) -> Self {
        let mut rng = seed;
        let mut config = Config::new("http://a");
        config.transports = match next(&mut rng) % 3 {
            0 => vec![Transport::Polling, Transport::Websocket],
            1 => vec![Transport::Polling],
            _ => vec![Transport::Websocket],
        };
        config.revision = match next(&mut rng) % 3 {
            0 => RevisionChoice::Auto,
            1 => RevisionChoice::Only(Revision::V3),
            _ => RevisionChoice::Only(Revision::V4),
        };
        config.base64 = next(&mut rng).is_multiple_of(4);
        let mut keys = seed;
        let random = Box::new(move || next(&mut keys) as u32);
        Self {
            core: Core::new(Arc::new(config), Memory::default(), random, 0).unwrap(),
            input: Input::new(vec![0; 20 + next(&mut rng) as usize % 400]),
            seed: rng,
            breaks,
            now: 0,
            server: Server::new(ServerConfig::default()),
            streams: BTreeMap::new(),
            sent: [Vec::new(), Vec::new()],
            received: Vec::new(),
            opened: false,
            closed: None,
            broken: false,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        next(&mut self.seed) as usize % n
    }

    /// Lets the client take what it has and say what it wants.
    fn settle(&mut self) {
        loop {
            while self.core.advance(self.now, &mut self.input) {
                self.received.push(bytes(&self.core.message(&self.input)));
            }
            let Some(output) = self.core.poll_output() else {
                match self.input.is_empty() {
                    true => return,
                    false => continue,
                }
            };
            match output {
                Output::Dial { stream, .. } => {
                    self.streams.insert(stream, false);
                }
                Output::Hangup { stream } => {
                    self.streams.remove(&stream);
                    self.server.handle_end(self.now, stream);
                }
                Output::Opened => self.opened = true,
                Output::Upgraded { .. } => {}
                Output::Closed { reason, error } => {
                    assert!(self.closed.is_none(), "closed twice");
                    self.closed = Some(format!("{reason}: {error:?}"));
                }
            }
        }
    }

    /// One thing happens, if it can.
    fn step(&mut self) {
        let action = self.below(100);
        let streams: Vec<_> = self.streams.keys().copied().collect();
        let stream = match streams.len() {
            0 => None,
            len => Some(streams[self.below(len)]),
        };
        match (action, stream) {
            (0..10, _) => self.send(0),
            (10..20, _) => self.send(1),
            (20..98, Some(stream)) if !self.streams[&stream] => self.dial(stream),
            (20..55, Some(stream)) => self.carry_out(stream),
            (55..92, Some(stream)) => self.carry_in(stream),
            (92..98, Some(stream)) => self.close_idle(stream),
            (98.., Some(stream)) if self.breaks && self.below(40) == 0 => self.break_off(stream),
            (20..25, None) => self.pass_time(),
            _ => {}
        }
        self.settle();
    }

    fn send(&mut self, from: usize) {
        let is_open =
            from == 0 || (self.opened && self.server.peers.last().is_some_and(|it| !it.closed));
        let count = self.sent[from].len();
        if count == MESSAGES || !is_open {
            return;
        }
        let len = [0, 5, 50, 600][self.below(4)];
        let data = format!("{count}{}", "€".repeat(len)).into_bytes();
        let message = match self.below(3) {
            0 => Prepared::binary(data.clone().into()),
            _ => Prepared::text(str::from_utf8(&data).unwrap()),
        };
        self.sent[from].push(data);
        match from {
            0 => self.core.send(message),
            _ => {
                self.server.peers.last_mut().unwrap().session.send(message);
                self.server.act();
            }
        }
    }

    fn dial(&mut self, stream: StreamId) {
        if self.breaks && self.below(50) == 0 {
            self.broken = true;
            self.streams.remove(&stream);
            let error = io::ErrorKind::ConnectionRefused.into();
            return self.core.handle_dial_failed(self.now, stream, error);
        }
        self.streams.insert(stream, true);
        self.server.accept(stream);
        self.core.handle_dialed(self.now, stream);
    }

    fn carry_out(&mut self, stream: StreamId) {
        let len = 1 + self.below(400);
        let bytes = self.core.outgoing(stream);
        let bytes = bytes[..len.min(bytes.len())].to_vec();
        if !bytes.is_empty() {
            self.core.handle_written(self.now, stream, bytes.len());
            self.server.handle_bytes(self.now, stream, &bytes);
        }
    }

    fn carry_in(&mut self, stream: StreamId) {
        let len = 1 + self.below(400);
        let Some(connection) = self.server.connections.get_mut(&stream) else {
            return;
        };
        let room = self.input.room(stream);
        let len = len.min(room.len()).min(connection.output.len());
        if len > 0 {
            assert!(self.core.wants_bytes(stream));
            room[..len].copy_from_slice(&connection.output[..len]);
            connection.output.drain(..len);
            self.input.fill(len);
        } else if connection.ends {
            self.end(stream, None);
        }
    }

    /// Servers close streams that are idle, while a request may be on its way.
    fn close_idle(&mut self, stream: StreamId) {
        if self.breaks && self.below(20) == 0 && self.server.is_idle(stream) {
            self.broken = true;
            self.end(stream, None);
        }
    }

    fn break_off(&mut self, stream: StreamId) {
        if self.streams[&stream] {
            self.broken = true;
            // An end in good order comes behind everything that was said.
            let in_order = self.server.connections[&stream].output.is_empty();
            let breaks = !in_order || self.below(2) == 0;
            let error = breaks.then(|| io::ErrorKind::ConnectionReset.into());
            self.end(stream, error);
        }
    }

    fn end(&mut self, stream: StreamId, error: Option<io::Error>) {
        self.streams.remove(&stream);
        self.server.handle_end(self.now, stream);
        self.core.handle_end(self.now, stream, error);
    }

    fn pass_time(&mut self) {
        let timeouts = [self.core.poll_timeout(), self.server.poll_timeout()];
        if let Some(at) = timeouts.into_iter().flatten().min() {
            self.now = self.now.max(at);
            self.core.handle_timeout(self.now);
            self.server.handle_timeout(self.now);
        }
    }

    /// Whether everything that was sent has arrived.
    fn is_complete(&self) -> bool {
        self.sent[1] == self.received && self.arrived() == self.sent[0]
    }

    fn arrived(&self) -> &[Vec<u8>] {
        let mut peers = self.server.peers.iter().rev();
        peers
            .find(|it| !it.received.is_empty())
            .map(|it| &it.received[..])
            .unwrap_or_default()
    }

    fn check(&self) {
        assert!(self.sent[1].starts_with(&self.received), "from the server");
        assert!(self.sent[0].starts_with(self.arrived()), "from the client");
    }

    fn run(mut self) -> (bool, String) {
        self.settle();
        let mut steps = 0;
        while self.closed.is_none() && steps < 20_000 {
            let all_sent = self.sent.iter().all(|it| it.len() == MESSAGES);
            if all_sent && (self.is_complete() || self.broken) {
                break;
            }
            self.step();
            self.check();
            steps += 1;
        }
        let complete = self.is_complete() && self.sent[1].len() == MESSAGES;
        assert!(
            complete || self.broken,
            "after {steps} steps: {:?}",
            self.closed
        );
        self.core.close(self.now);
        self.settle();
        for _ in 0..20_000 {
            if self.closed.is_some() {
                break;
            }
            if self.below(500) == 0 {
                self.pass_time();
                self.settle();
            }
            self.step();
            self.check();
        }
        (complete, self.closed.expect("an end"))
    }
}

/// SplitMix64.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn nothing_is_lost_while_streams_hold() {
    for seed in 0..200 {
        let (complete, closed) = World::new(seed, false).run();
        assert!(complete, "seed {seed}");
        assert_eq!(closed, "forced close: None", "seed {seed}");
    }
}

#[test]
fn nothing_is_doubled_or_reordered_when_streams_break() {
    let (mut complete, mut broken) = (0, 0);
    for seed in 0..600 {
        let (all, closed) = World::new(seed, true).run();
        complete += usize::from(all);
        broken += usize::from(closed != "forced close: None");
        let has_cause = !closed.starts_with("transport error") || !closed.ends_with("None");
        assert!(has_cause, "seed {seed}: {closed}");
    }
    assert!(
        complete > 100 && broken > 100,
        "worlds of both kinds: {complete} {broken}"
    );
}
