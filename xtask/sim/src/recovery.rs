//! Connection state recovery on the server: logs, saved sockets, and what must come of them: a
//! socket that goes on has missed nothing and gets nothing twice.

use bytes::Bytes;
use engineio_proto::{CloseReason, Tick};
use socketio_proto::recovery::{self, Bookmark, Claim, Config, Log};
use socketio_proto::{Args, Encoded, Revision};

use crate::app::{NAMES, Outgoing, outgoing};
use crate::fault::{Check, broken, check};
use crate::lane::What;
use crate::rng::Rng;

/// The server's part, which outlives sessions.
pub(crate) struct Recovery {
    pub(crate) on: bool,
    config: Config,
    epoch: u64,
    logs: Vec<Log<Logged, u32>>,
    /// By socket: the events that were logged for it, by their numbers.
    sockets: Vec<Vec<u32>>,
    /// Sockets that are saved, with their namespaces.
    saved: Vec<(usize, u32)>,
    /// When the oldest packet there can be was logged.
    born: Tick,
    events: u32,
    pub(crate) recovered: u64,
}

struct Logged {
    socket: u32,
    number: u32,
    encoded: Encoded,
    attachments: Vec<Bytes>,
}

/// What a client remembers of its socket in a namespace.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) bookmark: Bookmark,
    socket: Option<u32>,
    /// How many of the socket's events have arrived.
    arrived: usize,
}

/// An event that came ahead of the answer to a CONNECT.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) socket: Option<u32>,
    pub(crate) number: u32,
    pub(crate) id: Option<u64>,
    pub(crate) args: Args<'static>,
}

impl Recovery {
    pub(crate) fn draw(possible: bool, rng: &mut Rng, now: Tick) -> Self {
        let mut config = Config::default();
        config.max_disconnection_duration = rng.pick(&[1500, 120_000, 120_000]);
        config.max_entries = rng.pick(&[4, 1 << 18, 1 << 18]);
        let mut recovery = Self {
            on: possible && rng.chance(600),
            config,
            epoch: 0,
            logs: Vec::new(),
            sockets: Vec::new(),
            saved: Vec::new(),
            born: now,
            events: 0,
            recovered: 0,
        };
        recovery.forget(now);
        recovery
    }

    /// The server restarts: everything is lost.
    pub(crate) fn forget(&mut self, now: Tick) {
        self.epoch += 1;
        let log = |_| Log::new(self.epoch, &self.config);
        self.logs = (0..NAMES.len()).map(log).collect();
        self.saved.clear();
        self.born = now;
    }

    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        self.logs.iter().filter_map(Log::poll_timeout).min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Check {
        for (nsp, log) in self.logs.iter_mut().enumerate() {
            for socket in log.handle_timeout(now) {
                self.saved.retain(|saved| *saved != (nsp, socket));
            }
        }
        let next = self.poll_timeout();
        check(next.is_none_or(|at| at > now), "timer", || {
            format!("a log wants to be woken at {next:?}, which it was at {now}")
        })
    }

    /// A new socket.
    pub(crate) fn open(&mut self) -> u32 {
        self.sockets.push(Vec::new());
        self.sockets.len() as u32 - 1
    }

    /// The number of the next event of any server session.
    pub(crate) fn number(&mut self) -> u32 {
        self.events += 1;
        self.events
    }

    /// Logs an event and gives it its offset.
    pub(crate) fn log(
        &mut self,
        now: Tick,
        nsp: usize,
        socket: u32,
        number: u32,
        mut encoded: Encoded,
        attachments: Vec<Bytes>,
    ) -> Outgoing {
        self.sockets[socket as usize].push(number);
        let bytes = encoded.buffer.len();
        self.logs[nsp].append(now, bytes, |offset| {
            recovery::append_offset(&mut encoded, offset);
            Logged {
                socket,
                number,
                encoded: encoded.clone(),
                attachments: attachments.clone(),
            }
        });
        logged(nsp, socket, number, encoded, attachments)
    }

    /// A link has ended while this socket was on it.
    pub(crate) fn save(&mut self, now: Tick, nsp: usize, socket: u32, reason: CloseReason) {
        if self.on && recovery::is_recoverable(reason.as_str()) {
            self.logs[nsp].save(now, &pid(socket), socket);
            self.saved.push((nsp, socket));
        }
    }

    /// The socket a client claims, and what it has missed.
    pub(crate) fn restore(
        &mut self,
        now: Tick,
        nsp: usize,
        auth: &str,
    ) -> Check<Option<(u32, Vec<Outgoing>)>> {
        let Some(claim) = Claim::of(Revision::V5, Some(auth)).filter(|_| self.on) else {
            return Ok(None);
        };
        let saved = self
            .saved
            .iter()
            .position(|&(of, it)| of == nsp && pid(it) == claim.pid);
        let saved = saved.map(|index| self.saved.swap_remove(index));
        let restored = self.logs[nsp].restore(now, &claim.pid, &claim.offset);
        let unbounded = self.config.max_entries > 1000
            && now < self.born + self.config.max_disconnection_duration;
        let Some(restored) = restored else {
            return match (saved, unbounded) {
                (Some(socket), true) => broken(
                    "recovery",
                    format!("{socket:?} was saved, {claim:?} refused"),
                ),
                _ => Ok(None),
            };
        };
        check(saved == Some((nsp, restored.session)), "recovery", || {
            format!(
                "{claim:?} brought back {}, saved: {saved:?}",
                restored.session
            )
        })?;
        self.recovered += 1;
        let socket = restored.session;
        let missed = restored.missed.filter(|(_, it)| it.socket == socket);
        let missed = missed.map(|(_, it)| {
            let (encoded, attachments) = (it.encoded.clone(), it.attachments.clone());
            logged(nsp, socket, it.number, encoded, attachments)
        });
        Ok(Some((socket, missed.collect())))
    }

    /// Some socket that is saved.
    pub(crate) fn some_saved(&self, rng: &mut Rng) -> Option<(usize, u32)> {
        match self.saved.len() {
            0 => None,
            len => Some(self.saved[rng.index(len)]),
        }
    }
}

fn logged(
    nsp: usize,
    socket: u32,
    number: u32,
    encoded: Encoded,
    attachments: Vec<Bytes>,
) -> Outgoing {
    let what = What::Event {
        nsp,
        seq: number,
        call: None,
        socket: Some(socket),
    };
    outgoing(encoded, attachments, what)
}

/// The public id of a socket.
pub(crate) fn sid(socket: u32) -> String {
    format!("socket-{socket}")
}

/// The secret id of a socket.
pub(crate) fn pid(socket: u32) -> String {
    format!("pid-{socket}")
}

impl Memory {
    /// The answer to a CONNECT, and the events that were held until it.
    pub(crate) fn handle_connected(
        &mut self,
        told: Option<&str>,
        held: Vec<Held>,
        recovery: &Recovery,
    ) -> Check {
        let socket = told.and_then(|it| it.strip_prefix("pid-")?.parse().ok());
        check(socket.is_some() == recovery.on, "recovery", || {
            format!("the pid is {told:?}")
        })?;
        let goes_on = self.bookmark.handle_connected(told);
        check(!goes_on || self.socket == socket, "recovery", || {
            format!("{:?} goes on as {socket:?}", self.socket)
        })?;
        if !goes_on {
            self.socket = socket;
            self.arrived = 0;
        }
        for held in held {
            // What was under way for a socket before this one cannot be told from what it missed.
            if held.socket == self.socket {
                self.count(held.number, recovery)?;
            }
            self.bookmark.handle_event(held.id, &held.args);
        }
        Ok(())
    }

    pub(crate) fn handle_event(
        &mut self,
        socket: Option<u32>,
        number: u32,
        (id, args): (Option<u64>, &Args<'_>),
        recovery: &Recovery,
    ) -> Check {
        self.bookmark.handle_event(id, args);
        let Some(socket) = socket else {
            return Ok(());
        };
        check(self.socket == Some(socket), "recovery", || {
            format!("an event for {socket} reached {:?}", self.socket)
        })?;
        self.count(number, recovery)
    }

    /// A socket's events arrive in order, each once, on however many links.
    fn count(&mut self, number: u32, recovery: &Recovery) -> Check {
        let Some(socket) = self.socket else {
            return Ok(());
        };
        let next = recovery.sockets[socket as usize].get(self.arrived);
        check(next == Some(&number), "recovery", || {
            format!("event {number} reached socket {socket}, {next:?} was to come")
        })?;
        self.arrived += 1;
        Ok(())
    }

    /// Nothing is missing.
    pub(crate) fn check_complete(&self, recovery: &Recovery) -> Check {
        let Some(socket) = self.socket else {
            return Ok(());
        };
        let all = recovery.sockets[socket as usize].len();
        check(self.arrived == all, "recovery", || {
            format!(
                "{} of {all} events have reached socket {socket}",
                self.arrived
            )
        })
    }
}
