//! What a seed decides before anything happens: revisions, limits, the pace, and which hazards
//! there are.

use std::sync::Arc;

use engineio_proto::{Format, Prepared, Tick, Transport, client, server};

use socketio_proto::{MsgPack, Parser};

use crate::rng::Rng;

/// Something that goes wrong, or is unusual, while it is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hazard {
    /// Some deliveries take seconds.
    Spikes,
    /// Requests or their responses get lost.
    LostRequests,
    /// Requests break off: half sent, given up, or never noticed to be dead.
    BrokenRequests,
    /// Requests arrive twice.
    Duplicates,
    /// Links break, and their ends notice sooner, later or never.
    Cuts,
    /// Links swallow everything in one direction or both.
    HalfOpen,
    /// Applications stop reading for a while.
    Pauses,
    /// Links take few bytes at once.
    Congestion,
    /// Bytes arrive in pieces or in heaps, messages in fragments.
    Splits,
    /// Upgrades are refused, unanswered, slow or broken off.
    Upgrades,
    /// Other websockets turn up with the session's id.
    Strays,
    /// The server forgets all sessions.
    Restarts,
    /// Clocks jump ahead or step back a little.
    Clocks,
    /// Either side closes or gives up at any moment.
    Closes,
    /// Messages exceed the server's limit.
    Oversize,
    /// Somebody sends what is no packet or no frame.
    Garbage,
}

impl Hazard {
    pub(crate) const ALL: [Self; 16] = [
        Self::Spikes,
        Self::LostRequests,
        Self::BrokenRequests,
        Self::Duplicates,
        Self::Cuts,
        Self::HalfOpen,
        Self::Pauses,
        Self::Congestion,
        Self::Splits,
        Self::Upgrades,
        Self::Strays,
        Self::Restarts,
        Self::Clocks,
        Self::Closes,
        Self::Oversize,
        Self::Garbage,
    ];
}

/// The hazards of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hazards(u32);

impl Hazards {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn has(self, hazard: Hazard) -> bool {
        self.0 & (1 << hazard as u32) != 0
    }

    const fn with(self, hazard: Hazard) -> Self {
        Self(self.0 | (1 << hazard as u32))
    }

    /// Mostly a few, sometimes none, sometimes all.
    fn draw(rng: &mut Rng) -> Self {
        let count = match rng.below(100) {
            0..10 => 0,
            10..95 => rng.within(1..=3),
            95..98 => rng.within(4..=9),
            _ => return Hazard::ALL.into_iter().fold(Self::NONE, Self::with),
        };
        (0..count).fold(Self::NONE, |hazards, _| {
            hazards.with(rng.pick(&Hazard::ALL))
        })
    }

    pub(crate) fn names(self) -> Vec<String> {
        let on = Hazard::ALL.into_iter().filter(|&hazard| self.has(hazard));
        on.map(|hazard| format!("{hazard:?}")).collect()
    }
}

/// A revision of each protocol, as they go together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) engine: engineio_proto::Revision,
    pub(crate) socket: socketio_proto::Revision,
    /// Whether heartbeats are the client's to begin.
    pub(crate) client_asks: bool,
    /// Whether the server opens the default namespace unasked, and ids come from the link's.
    pub(crate) implicit: bool,
    /// Bytes that a polling payload puts around a packet at most.
    pub(crate) wrapping: usize,
    /// Whether packets are MessagePack, each of them bytes.
    pub(crate) packed: bool,
}

/// The newer one more often, for it is the usual one.
const PAIRS: &[Pair] = &[NEW, NEW, NEW, PACKED, OLD, OLD];

const NEW: Pair = Pair {
    engine: engineio_proto::Revision::V4,
    socket: socketio_proto::Revision::V5,
    client_asks: false,
    implicit: false,
    wrapping: 0,
    packed: false,
};

const PACKED: Pair = Pair {
    packed: true,
    ..NEW
};

const OLD: Pair = Pair {
    engine: engineio_proto::Revision::V3,
    socket: socketio_proto::Revision::V4,
    client_asks: true,
    implicit: true,
    wrapping: 10,
    packed: false,
};

impl Pair {
    /// How packets are spelled, if not as text.
    pub(crate) fn parser(self) -> Option<Arc<dyn Parser>> {
        match self.packed {
            true => Some(Arc::new(MsgPack)),
            false => None,
        }
    }
}

/// All that is fixed for a seed.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) pair: Pair,
    pub(crate) format: Format,
    pub(crate) hazards: Hazards,
    pub(crate) server: Arc<server::Config>,
    pub(crate) client: Arc<client::Config>,
    pub(crate) connections: socketio_proto::server::Config,
    /// Milliseconds a delivery takes at least and at most.
    pub(crate) latency: (Tick, Tick),
    /// How long applications and hazards are at work, in milliseconds.
    pub(crate) active: Tick,
    /// What applications do in that time.
    pub(crate) actions: u64,
    /// Sessions the client opens at most, one after the other.
    pub(crate) attempts: usize,
    /// Bytes under way in one direction of a link before its sender waits.
    pub(crate) window: usize,
}

impl Scenario {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let hazards = Hazards::draw(rng);
        let server = server::Config {
            ping_interval: rng.pick(&[300, 1000, 5000, 25_000]),
            ping_timeout: rng.pick(&[500, 2000, 20_000]),
            upgrade_timeout: rng.pick(&[1500, 3000, 10_000]),
            close_timeout: rng.pick(&[1000, 30_000]),
            max_payload: rng.pick(&[400, 1000, 4000, 4000, 1_000_000]),
            polling: true,
            websocket: rng.chance(950),
            allow_upgrades: rng.chance(900),
            ..Default::default()
        };
        let client = client::Config {
            transport: match server.websocket && rng.chance(250) {
                true => Transport::Websocket,
                false => Transport::Polling,
            },
            upgrade: rng.chance(900),
            open_timeout: rng.pick(&[2000, 20_000]),
            upgrade_timeout: rng.pick(&[1500, 3000, 10_000]),
            close_timeout: rng.pick(&[1000, 30_000]),
        };
        let mut connections = socketio_proto::server::Config::default();
        connections.headroom = Prepared::HEADROOM;
        connections.connect_timeout = rng.pick(&[1000, 45_000]);
        let slowest = rng.pick(&[1, 10, 40]);
        let pair = rng.pick(PAIRS);
        let format = Format::new(pair.engine);
        let format = match rng.below(20) {
            0 => format.with_base64(),
            // Forms take more room than what is in them.
            1 if server.max_payload >= 4000 => format.with_jsonp(rng.below(3) as u32),
            _ => format,
        };
        connections.parser = pair.parser();
        Self {
            pair,
            format,
            hazards,
            server: Arc::new(server),
            client: Arc::new(client),
            connections,
            latency: (rng.below(slowest + 1), slowest),
            active: rng.pick(&[300, 1000, 4000, 15_000]),
            actions: rng.pick(&[5, 15, 40]),
            attempts: rng.pick(&[1, 2, 4]),
            window: match hazards.has(Hazard::Congestion) {
                true => rng.pick(&[1, 300, 3000]),
                false => usize::MAX,
            },
        }
    }

    /// One line that says what this seed is about.
    pub(crate) fn describe(&self) -> String {
        let Self { server, client, .. } = self;
        format!(
            "{:?}{}, hazards [{}], opens on {}{}, latency {}..={} ms, ping {}+{} ms, limit {} bytes, {} actions in {} ms, {} sessions at most",
            self.format,
            if self.pair.packed { " packed" } else { "" },
            self.hazards.names().join(" "),
            client.transport,
            match client.upgrade && server.allow_upgrades && server.websocket {
                true => " and may move",
                false => "",
            },
            self.latency.0,
            self.latency.1,
            server.ping_interval,
            server.ping_timeout,
            server.max_payload,
            self.actions,
            self.active,
            self.attempts,
        )
    }
}
