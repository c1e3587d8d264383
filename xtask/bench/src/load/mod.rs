//! The load: many connections from one thread, which waits for none of them.
//!
//! Everything that is sent is prepared, and every answer is compared byte for byte: the load must
//! cost less than the server under it, and no wrong answer may count.

mod broadcast;
pub(crate) mod client;
mod echo;
pub(crate) mod open;
mod polling;
mod silence;
mod template;
mod window;

use std::{
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use mio::{Events, Interest, Poll, Token, net::TcpStream};

use self::client::{Client, PATIENCE};
pub(crate) use self::{
    broadcast::Broadcast,
    echo::{Ack, Binary, CHAT, Echo, Exchange, Exchanges},
    polling::Polling,
    silence::Silence,
    template::{Frame, Template},
};
use crate::clock::now;

/// What clients do, again and again, and how they check it.
pub(crate) trait Traffic {
    /// Sends what starts it.
    fn start(&mut self, streams: &Streams) -> Result<()>;

    /// Takes the message at the start of what has arrived on a connection, and returns its length;
    /// 0 if it is not complete.
    fn take(&mut self, index: usize, arrived: &[u8], at: Instant) -> Result<usize>;

    /// Everything that had arrived on a connection was taken: what comes next is sent.
    fn answer(&mut self, index: usize, streams: &Streams, at: Instant) -> Result<()>;

    /// The same for all connections.
    fn answer_all(&mut self, _: &Streams) -> Result<()> {
        Ok(())
    }

    /// Sends nothing new from now on.
    fn stop(&mut self);

    /// Whether everything that was sent has had its answer.
    fn is_complete(&self) -> bool;

    /// What has been done so far.
    fn tally(&mut self) -> &mut Tally;
}

/// What traffic has achieved.
#[derive(Default)]
pub(crate) struct Tally {
    /// Units of work: answered and checked.
    pub(crate) done: u64,
    /// Answers that came before an earlier one.
    pub(crate) inversions: u64,
    /// From sending to answer, where the scenario asks for it.
    pub(crate) latencies: Vec<Duration>,
}

/// The connections, for sending.
pub(crate) struct Streams(Vec<TcpStream>);

impl Streams {
    /// Sends all of it at once, which works as long as the server reads.
    pub(crate) fn send(&self, index: usize, bytes: &[u8]) -> Result<()> {
        match (&self.0[index]).write(bytes) {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error.into()),
            _ => bail!("the server does not read what is sent"),
        }
    }
}

/// Connections that are polled together.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    streams: Streams,
    /// What has arrived on each connection and could not be taken yet.
    rests: Vec<Vec<u8>>,
    scratch: Box<[u8]>,
}

impl Load {
    pub(crate) fn new(clients: Vec<Client>) -> Result<Self> {
        let poll = Poll::new()?;
        let mut streams = Vec::with_capacity(clients.len());
        for (index, client) in clients.into_iter().enumerate() {
            let stream = client.into_stream()?;
            stream.set_nonblocking(true)?;
            let mut stream = TcpStream::from_std(stream);
            let registry = poll.registry();
            registry.register(&mut stream, Token(index), Interest::READABLE)?;
            streams.push(stream);
        }
        Ok(Self {
            poll,
            events: Events::with_capacity(1024),
            rests: vec![Vec::new(); streams.len()],
            streams: Streams(streams),
            scratch: vec![0; 1 << 16].into_boxed_slice(),
        })
    }

    pub(crate) fn start(&self, traffic: &mut dyn Traffic) -> Result<()> {
        traffic.start(&self.streams)
    }

    /// Lets the traffic flow until then.
    pub(crate) fn run(&mut self, traffic: &mut dyn Traffic, until: Instant) -> Result<()> {
        loop {
            let left = until.saturating_duration_since(now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(traffic, left)?;
        }
    }

    /// Waits for what is still missing: no answer may be lost.
    pub(crate) fn finish(&mut self, traffic: &mut dyn Traffic) -> Result<()> {
        traffic.stop();
        let deadline = now() + PATIENCE;
        while !traffic.is_complete() {
            let left = deadline.saturating_duration_since(now());
            ensure!(!left.is_zero(), "answers are missing");
            self.turn(traffic, left)?;
        }
        Ok(())
    }

    /// Takes what has arrived, or waits for it.
    fn turn(&mut self, traffic: &mut dyn Traffic, patience: Duration) -> Result<()> {
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let index = event.token().0;
            let connection = Connection {
                index,
                streams: &self.streams,
                rest: &mut self.rests[index],
            };
            connection.read(&mut self.scratch, traffic)?;
        }
        traffic.answer_all(&self.streams)
    }
}

/// One connection that has something to read.
struct Connection<'a> {
    index: usize,
    streams: &'a Streams,
    rest: &'a mut Vec<u8>,
}

/// What a server sends as a ping. Some send the first one soon after the handshake.
const PING: &[u8] = b"\x81\x012";

impl Connection<'_> {
    fn read(self, scratch: &mut [u8], traffic: &mut dyn Traffic) -> Result<()> {
        loop {
            let length = match (&self.streams.0[self.index]).read(scratch) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            let arrived = &scratch[..length];
            let at = now();
            if self.rest.is_empty() {
                let taken = self.take(arrived, traffic, at)?;
                self.rest.extend(&arrived[taken..]);
            } else {
                self.rest.extend(arrived);
                let taken = self.take(self.rest, traffic, at)?;
                self.rest.drain(..taken);
            }
            traffic.answer(self.index, self.streams, at)?;
            // Whatever comes after a short read makes an event of its own.
            if length < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Has the traffic take whole messages, and answers pings.
    fn take(&self, arrived: &[u8], traffic: &mut dyn Traffic, at: Instant) -> Result<usize> {
        let mut taken = 0;
        loop {
            let next = &arrived[taken..];
            taken += match next {
                [] => return Ok(taken),
                _ if next.starts_with(PING) => {
                    let mut pong = Template::from_client(&[Frame::Text("3")]);
                    self.streams.send(self.index, pong.with(0))?;
                    PING.len()
                }
                _ => match traffic.take(self.index, next, at)? {
                    0 => return Ok(taken),
                    length => length,
                },
            };
        }
    }
}
