//! What is measured: one table.

use std::net::SocketAddr;

use anyhow::Result;

use crate::{
    load::{
        Ack, Binary, Broadcast, CHAT, Echo, Exchange, Exchanges, Polling, Traffic,
        client::Client,
        open::{upgraded, websockets},
    },
    peer::Role,
};

/// All of them, in the order of the report.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "idle",
        unit: "KiB/connection",
        what: "memory of a connected client by websocket, to which nothing happens",
        work: Work::Memory {
            connections: 4_000,
            open: websockets,
            burst: false,
        },
        goals: Goals::new(3.0, 0.11),
    },
    Scenario {
        name: "upgraded",
        unit: "KiB/connection",
        what: "memory of a connected client that was upgraded from polling",
        work: Work::Memory {
            connections: 2_000,
            open: upgraded,
            burst: false,
        },
        goals: Goals::NONE,
    },
    Scenario {
        name: "burst-memory",
        unit: "KiB/connection",
        what: "memory of a connected client after 16 messages of 1 KiB to everyone",
        work: Work::Memory {
            connections: 2_000,
            open: websockets,
            burst: true,
        },
        goals: Goals::NONE,
    },
    Scenario {
        name: "echo-1",
        unit: "µs/echo",
        what: "an event comes back; 100 clients, one event at a time each",
        work: Work::Traffic(|server| exchanges::<Echo>(server, 1)),
        goals: Goals::new(5.8, 0.8),
    },
    Scenario {
        name: "echo-16",
        unit: "µs/echo",
        what: "an event comes back; 100 clients, 16 events under way each",
        work: Work::Traffic(|server| exchanges::<Echo>(server, 16)),
        goals: Goals {
            p99_ms: Some(Goal::new(3.0, 0.35)),
            inversions: Some(0),
            ..Goals::absolute(0.8)
        },
    },
    Scenario {
        name: "ack-1",
        unit: "µs/ack",
        what: "an event is acknowledged; 100 clients, one event at a time each",
        work: Work::Traffic(|server| exchanges::<Ack>(server, 1)),
        goals: Goals::new(5.7, 0.75),
    },
    Scenario {
        name: "binary",
        unit: "µs/echo",
        what: "an event with 1 KiB of bytes comes back; 100 clients, one event at a time each",
        work: Work::Traffic(|server| exchanges::<Binary>(server, 1)),
        goals: Goals::new(7.0, 0.87),
    },
    Scenario {
        name: "broadcast",
        unit: "µs/delivery",
        what: "an event goes to all of 1,000 clients; one at a time",
        work: Work::Traffic(|server| broadcast(server, 1)),
        goals: Goals::new(4.3, 0.75),
    },
    Scenario {
        name: "broadcast-4",
        unit: "µs/delivery",
        what: "an event goes to all of 1,000 clients; 4 under way",
        work: Work::Traffic(|server| broadcast(server, 4)),
        goals: Goals {
            inversions: Some(0),
            ..Goals::new(1.4, 0.8)
        },
    },
    Scenario {
        name: "polling",
        unit: "µs/echo",
        what: "an event comes back by long-polling; 100 clients, two connections and one event at a time each",
        work: Work::Traffic(polling),
        goals: Goals::new(10.0, 0.66),
    },
    Scenario {
        name: "connect",
        unit: "µs/cycle",
        what: "a client connects by websocket, joins and leaves; 16 at the same time",
        work: Work::Cycles,
        goals: Goals::new(40.0, 0.88),
    },
    Scenario {
        name: "client-memory",
        unit: "KiB/client",
        what: "memory of a client that is connected by websocket, to which nothing happens",
        work: Work::Clients(500),
        goals: Goals::NONE,
    },
    Scenario {
        name: "client-alone",
        unit: "µs/echo",
        what: "a client's event comes back to it; one client, one event at a time",
        work: Work::Echoes {
            clients: 1,
            depth: 1,
        },
        goals: Goals::NONE,
    },
    Scenario {
        name: "client-echo-1",
        unit: "µs/echo",
        what: "a client's event comes back to it; 100 clients, one event at a time each",
        work: Work::Echoes {
            clients: 100,
            depth: 1,
        },
        goals: Goals::NONE,
    },
    Scenario {
        name: "client-echo-16",
        unit: "µs/echo",
        what: "a client's event comes back to it; 100 clients, 16 events under way each",
        work: Work::Echoes {
            clients: 100,
            depth: 16,
        },
        goals: Goals::NONE,
    },
];

/// Something to measure.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Of the figure; smaller is better.
    pub(crate) unit: &'static str,
    pub(crate) what: &'static str,
    pub(crate) work: Work,
    pub(crate) goals: Goals,
}

/// Traffic that is about to start, and its connections.
type Started = Result<(Box<dyn Traffic>, Vec<Client>)>;

/// How servers and clients are made to work.
pub(crate) enum Work {
    /// Connections that stay, on which events flow.
    Traffic(fn(SocketAddr) -> Started),
    /// Clients that come and go.
    Cycles,
    /// Connections that stay and whose memory is looked at.
    Memory {
        connections: usize,
        open: fn(SocketAddr, usize) -> Result<Vec<Client>>,
        /// Whether something is sent to them first.
        burst: bool,
    },
    /// So many clients of a program under test, whose memory is looked at.
    Clients(usize),
    /// Such clients that send events and get them back, so many of them under way.
    Echoes { clients: usize, depth: usize },
}

impl Scenario {
    /// Of what it is.
    pub(crate) fn role(&self) -> Role {
        match self.work {
            Work::Traffic(_) | Work::Cycles | Work::Memory { .. } => Role::Server,
            Work::Clients(_) | Work::Echoes { .. } => Role::Client,
        }
    }
}

/// What our own figures should be at most.
pub(crate) struct Goals {
    pub(crate) figure: Option<Goal>,
    pub(crate) p99_ms: Option<Goal>,
    pub(crate) inversions: Option<u64>,
}

/// A figure on the machine for which it was set, and in relation to the yardstick on any.
#[derive(Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) absolute: f64,
    pub(crate) ratio: Option<f64>,
}

impl Goal {
    const fn new(absolute: f64, ratio: f64) -> Self {
        Self {
            absolute,
            ratio: Some(ratio),
        }
    }
}

impl Goals {
    const NONE: Self = Self {
        figure: None,
        p99_ms: None,
        inversions: None,
    };

    const fn new(absolute: f64, ratio: f64) -> Self {
        Self {
            figure: Some(Goal::new(absolute, ratio)),
            ..Self::NONE
        }
    }

    const fn absolute(absolute: f64) -> Self {
        let figure = Goal {
            absolute,
            ratio: None,
        };
        Self {
            figure: Some(figure),
            ..Self::NONE
        }
    }
}

const EXCHANGING: usize = 100;
const RECEIVERS: usize = 1_000;

fn exchanges<E: Exchange>(server: SocketAddr, depth: usize) -> Started {
    let clients = websockets(server, EXCHANGING)?;
    Ok((Box::new(Exchanges::new::<E>(EXCHANGING, depth)), clients))
}

fn broadcast(server: SocketAddr, depth: usize) -> Started {
    let clients = websockets(server, RECEIVERS)?;
    Ok((Box::new(Broadcast::new(RECEIVERS, depth, CHAT)), clients))
}

fn polling(server: SocketAddr) -> Started {
    let (polling, clients) = Polling::open(server, EXCHANGING)?;
    Ok((Box::new(polling), clients))
}
