//! The heartbeat as the protocol tells it (protocol.md §4), beside the one under test: when each
//! side must act, and when it must not. In revision 4 the server asks, in revision 3 the client.

use engineio_proto::{PacketType, Tick};

/// One side's part.
#[derive(Debug)]
pub(crate) struct Pulse {
    interval: Tick,
    timeout: Tick,
    part: Part,
    reading: bool,
    /// A ping or pong of this side is due and has not left yet.
    pub(crate) owed: Option<PacketType>,
}

#[derive(Debug, Clone, Copy)]
enum Part {
    /// Nothing has begun.
    Waiting,
    /// A server that asks: the next ping leaves at a time.
    PingDue { at: Tick },
    /// A server that has asked: another packet than the pong puts the deadline off, once.
    PongDue { at: Tick, extended: bool },
    /// A client that asks, and whom everything it hears keeps alive.
    Asks { ping: Option<Tick>, deadline: Tick },
    /// Pings must keep coming.
    Listens { deadline: Tick },
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    End,
}

/// A timer that is later than this has slept, and the peer with it.
const SLACK: Tick = 20;

impl Pulse {
    pub(crate) fn new() -> Self {
        Self {
            interval: 0,
            timeout: 0,
            part: Part::Waiting,
            reading: true,
            owed: None,
        }
    }

    /// The session is open on the server.
    pub(crate) fn start_server(&mut self, beat: (Tick, Tick), client_asks: bool, now: Tick) {
        (self.interval, self.timeout) = beat;
        self.part = match client_asks {
            true => self.listens(now),
            false => Part::PingDue {
                at: now + self.interval,
            },
        };
    }

    /// The session is open on the client.
    pub(crate) fn start_client(&mut self, beat: (Tick, Tick), client_asks: bool, now: Tick) {
        (self.interval, self.timeout) = beat;
        self.part = match client_asks {
            true => Part::Asks {
                ping: Some(now + self.interval),
                deadline: now + self.interval + self.timeout,
            },
            false => self.listens(now),
        };
    }

    fn listens(&self, now: Tick) -> Part {
        Part::Listens {
            deadline: now + self.interval + self.timeout,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Tick> {
        let heard = |at| Some(at).filter(|_| self.reading);
        match self.part {
            Part::Waiting => None,
            Part::PingDue { at } => Some(at),
            Part::PongDue { at, .. } | Part::Listens { deadline: at } => heard(at),
            Part::Asks { ping, deadline } => [ping, heard(deadline)].into_iter().flatten().min(),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Due {
        match &mut self.part {
            Part::PingDue { at } if *at <= now => {
                let left = (*at).max(now - SLACK.min(now));
                self.part = Part::PongDue {
                    at: left + self.timeout,
                    extended: false,
                };
                self.owed = Some(PacketType::Ping);
                Due::Ping
            }
            // It asks before it gives up, even if both are due.
            Part::Asks { ping, deadline } if ping.is_some_and(|at| at <= now) => {
                *ping = None;
                *deadline = now + self.timeout;
                self.owed = Some(PacketType::Ping);
                Due::Ping
            }
            Part::PongDue { at, .. }
            | Part::Listens { deadline: at }
            | Part::Asks { deadline: at, .. }
                if self.reading && *at <= now =>
            {
                Due::End
            }
            _ => Due::Nothing,
        }
    }

    /// A packet has arrived.
    pub(crate) fn feel(&mut self, kind: PacketType, now: Tick) {
        match (&mut self.part, kind) {
            (Part::PingDue { .. } | Part::PongDue { .. }, PacketType::Pong) => {
                self.part = Part::PingDue {
                    at: now + self.interval,
                };
            }
            (
                Part::PongDue {
                    extended: false, ..
                },
                kind,
            ) if !matches!(kind, PacketType::Ping | PacketType::Close) => {
                self.extend(now);
            }
            (Part::Listens { .. }, PacketType::Ping) => {
                self.part = self.listens(now);
                self.owed = Some(PacketType::Pong);
            }
            (Part::Asks { ping, deadline }, kind) => {
                *deadline = now + self.interval + self.timeout;
                if kind == PacketType::Pong {
                    *ping = Some(now + self.interval);
                }
            }
            _ => {}
        }
    }

    /// A ping or pong has left.
    pub(crate) fn left(&mut self, kind: PacketType) {
        self.owed.take_if(|owed| *owed == kind);
    }

    /// A ping of the server that is unanswered is repeated on the new transport.
    pub(crate) fn handle_upgrade(&mut self, now: Tick) {
        if let Part::PongDue { .. } = self.part {
            self.part = Part::PingDue { at: now };
            self.owed = None;
        }
    }

    pub(crate) fn set_reading(&mut self, reading: bool, now: Tick) {
        if reading && !self.reading {
            match &mut self.part {
                Part::PongDue { .. } => self.extend(now),
                Part::Listens { deadline } | Part::Asks { deadline, .. } => {
                    *deadline = now + self.interval + self.timeout;
                }
                Part::Waiting | Part::PingDue { .. } => {}
            }
        }
        self.reading = reading;
    }

    fn extend(&mut self, now: Tick) {
        self.part = Part::PongDue {
            at: now + self.timeout,
            extended: true,
        };
    }
}
