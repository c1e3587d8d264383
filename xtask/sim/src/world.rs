//! The world of a seed: its clock, what is under way, and the loop that lets one thing happen
//! after the other and checks the rules after each.

use std::collections::BTreeMap;

use bytes::Bytes;
use engineio_proto::server::LinkEnd;
use engineio_proto::{CloseReason, Tick};
use socketio_proto::NamespaceId;

use crate::client::Client;
use crate::fate::{Causes, End, Side, check_end};
use crate::fault::{Check, check};
use crate::http::{Answer, Exchange};
use crate::lane::Lane;
use crate::recovery::Recovery;
use crate::rng::Rng;
use crate::scenario::{Hazard, Scenario};
use crate::server::Server;
use crate::trace::Trace;
use crate::wire::Wire;

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) rng: Rng,
    pub(crate) now: Tick,
    /// Whether hazards and applications have come to rest.
    pub(crate) calm: bool,
    agenda: BTreeMap<(Tick, u64), Happening>,
    launched: u64,
    pub(crate) lives: Vec<Life>,
    pub(crate) client: Client,
    pub(crate) servers: Vec<Server>,
    pub(crate) exchanges: Vec<Exchange>,
    pub(crate) wires: Vec<Wire>,
    /// What each side's clock shows beyond the world's.
    skew: [i64; 2],
    pub(crate) recovery: Recovery,
    pub(crate) trace: Trace,
    pub(crate) tally: Tally,
}

/// A session of the client, or one that only the server knows.
#[derive(Default)]
pub(crate) struct Life {
    pub(crate) server: Option<usize>,
    /// What is under way, by receiver.
    pub(crate) lanes: [Lane; 2],
    pub(crate) causes: Causes,
    pub(crate) ends: [Option<End>; 2],
}

/// Something that is going to happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A request reaches the server.
    Request { exchange: usize, doubled: bool },
    /// A response reaches the client.
    Response { exchange: usize, answer: Answer },
    /// The client learns that a request has failed.
    RequestFails { exchange: usize },
    /// The server learns that a request was given up.
    Abandoned { exchange: usize },
    /// The request for a link reaches the server.
    LinkRequest { wire: usize, query: String },
    /// The client learns that a link is open.
    LinkOpens { wire: usize },
    /// Bytes of a link arrive.
    Bytes { wire: usize, to: Side, bytes: Bytes },
    /// What has arrived on a link is looked at.
    Look { wire: usize, to: Side },
    /// An end of a link learns that it has failed.
    LinkFails { wire: usize, to: Side, end: LinkEnd },
    /// A link breaks.
    Cut { wire: usize },
    /// The server's application makes up its mind about a CONNECT.
    Decision {
        server: usize,
        nsp: usize,
        id: NamespaceId,
    },
    /// A side reads again.
    Resume { side: Side, index: usize },
    /// The client opens its next session.
    Reconnect,
    /// An application does something.
    Action(Side),
    /// A hazard strikes.
    Strike(Hazard),
}

/// What a run has seen, to tell whether it saw enough.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) sessions: u64,
    pub(crate) upgrades: u64,
    pub(crate) messages: u64,
    pub(crate) recovered: u64,
    pub(crate) ends: BTreeMap<String, u64>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.sessions += other.sessions;
        self.upgrades += other.upgrades;
        self.messages += other.messages;
        self.recovered += other.recovered;
        for (end, count) in &other.ends {
            *self.ends.entry(end.clone()).or_default() += count;
        }
    }
}

/// When the world begins: clocks may step back from here.
const BEGINNING: Tick = 10_000;

/// Steps within one millisecond that are too many: the sides keep each other busy.
const MAX_STEPS_AT_ONCE: u64 = 20_000;

impl World {
    pub(crate) fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let scenario = Scenario::draw(&mut rng);
        let trace = Trace::new(trace);
        trace.note(BEGINNING, &"seed", || {
            format!("{seed}: {}", scenario.describe())
        });
        let client = Client::new(&scenario, 0, BEGINNING, &trace);
        let recovery = Recovery::draw(
            !scenario.pair.implicit && !scenario.pair.packed,
            &mut rng,
            BEGINNING,
        );
        Self {
            scenario,
            rng,
            now: BEGINNING,
            calm: false,
            agenda: BTreeMap::new(),
            launched: 0,
            lives: vec![Life::default()],
            client,
            servers: Vec::new(),
            exchanges: Vec::new(),
            wires: Vec::new(),
            skew: [0; 2],
            recovery,
            trace,
            tally: Tally::default(),
        }
    }

    /// Runs everything; an error is a broken rule.
    pub(crate) fn run(&mut self) -> Check {
        self.begin()?;
        let active = self.now + self.scenario.active;
        self.run_until(active, |_| false)?;
        self.calm_down()?;
        let settled = self.now + self.patience();
        self.run_until(settled, Self::is_settled)?;
        check(self.is_settled(), "liveness", || {
            let life = &self.lives[self.client.life];
            format!(
                "not at rest {} ms after everything calmed down; what happened is [{:?}]",
                self.patience(),
                life.causes
            )
        })?;
        if !self.client.is_closed() {
            self.client.app.check_complete(&self.recovery)?;
        }
        self.tally.recovered = self.recovery.recovered;
        self.part()?;
        let over = self.now + self.patience();
        self.run_until(over, Self::is_over)?;
        check(self.is_over(), "liveness", || {
            format!("a session has not ended after {} ms", self.patience())
        })?;
        self.check_outcome()
    }

    /// The longest any timer may take, three times, and some more.
    fn patience(&self) -> Tick {
        let server = &self.scenario.server;
        let client = &self.scenario.client;
        let beat = server.ping_interval + 2 * server.ping_timeout;
        let timeouts = [
            server.close_timeout,
            client.close_timeout,
            client.open_timeout,
            server.upgrade_timeout.max(client.upgrade_timeout),
        ];
        3 * beat + 2 * timeouts.iter().sum::<Tick>() + 10_000
    }

    fn run_until(&mut self, end: Tick, enough: fn(&Self) -> bool) -> Check {
        let mut at_once = 0;
        while !enough(self) {
            let Some(next) = self.next().filter(|&next| next <= end) else {
                break;
            };
            at_once = if next > self.now { 0 } else { at_once + 1 };
            check(at_once < MAX_STEPS_AT_ONCE, "livelock", || {
                format!("{at_once} steps within one millisecond")
            })?;
            self.now = self.now.max(next);
            self.tally.steps += 1;
            self.step()?;
            self.check_rules()?;
        }
        if !enough(self) {
            self.now = self.now.max(end);
        }
        Ok(())
    }

    /// When the next thing happens.
    fn next(&self) -> Option<Tick> {
        let agenda = self.agenda.keys().next().map(|&(at, _)| at);
        let client = self.client.poll_timeout();
        let client = client.map(|at| self.at(Side::Client, at));
        let servers = self.servers.iter().filter_map(Server::poll_timeout);
        let servers = servers.min().map(|at| self.at(Side::Server, at));
        let logs = self.recovery.poll_timeout();
        let logs = logs.map(|at| self.at(Side::Server, at));
        let all = [agenda, client, servers, logs];
        all.into_iter().flatten().min()
    }

    fn step(&mut self) -> Check {
        let (client, server) = (self.clock(Side::Client), self.clock(Side::Server));
        if self.client.poll_timeout().is_some_and(|at| at <= client) {
            return self.client_timeout();
        }
        let due = |it: &Server| it.poll_timeout().is_some_and(|at| at <= server);
        if let Some(index) = self.servers.iter().position(due) {
            return self.server_timeout(index);
        }
        if self.recovery.poll_timeout().is_some_and(|at| at <= server) {
            return self.recovery.handle_timeout(server);
        }
        match self.agenda.pop_first() {
            Some((_, happening)) => self.happen(happening),
            None => Ok(()),
        }
    }

    fn happen(&mut self, happening: Happening) -> Check {
        match happening {
            Happening::Request { exchange, doubled } => self.request_arrives(exchange, doubled),
            Happening::Response { exchange, answer } => self.response_arrives(exchange, answer),
            Happening::RequestFails { exchange } => self.request_fails(exchange),
            Happening::Abandoned { exchange } => self.request_abandoned(exchange),
            Happening::LinkRequest { wire, query } => self.link_requested(wire, &query),
            Happening::LinkOpens { wire } => self.link_opens(wire),
            Happening::Bytes { wire, to, bytes } => self.bytes_arrive(wire, to, &bytes),
            Happening::Look { wire, to } => self.read_wire(wire, to),
            Happening::LinkFails { wire, to, end } => self.link_fails(wire, to, end),
            Happening::Cut { wire } => {
                self.cut(wire);
                Ok(())
            }
            Happening::Decision { server, nsp, id } => self.decide(server, nsp, id),
            Happening::Resume { side, index } => self.resume(side, index),
            Happening::Reconnect => self.reconnect(),
            Happening::Action(side) => self.act(side),
            Happening::Strike(hazard) => self.strike(hazard),
        }
    }

    pub(crate) fn schedule(&mut self, at: Tick, happening: Happening) {
        self.launched += 1;
        self.agenda.insert((at, self.launched), happening);
    }

    /// What a side's clock shows.
    pub(crate) fn clock(&self, side: Side) -> Tick {
        self.now.saturating_add_signed(self.skew[side as usize])
    }

    /// When a side's clock shows a time.
    fn at(&self, side: Side, clock: Tick) -> Tick {
        let at = clock.saturating_add_signed(-self.skew[side as usize]);
        at.max(self.now)
    }

    pub(crate) fn skew(&mut self, side: Side, by: i64) {
        self.skew[side as usize] += by;
    }

    /// Whether a hazard strikes now, so many times out of a thousand.
    pub(crate) fn hit(&mut self, hazard: Hazard, per_mille: u64) -> bool {
        !self.calm && self.scenario.hazards.has(hazard) && self.rng.chance(per_mille)
    }

    /// How long something takes on the network.
    pub(crate) fn delay(&mut self, life: usize) -> Tick {
        let (least, most) = self.scenario.latency;
        let delay = self.rng.within(least..=most);
        if self.hit(Hazard::Spikes, 15) {
            self.cause(life, Causes::SLOW);
            return delay + self.rng.within(200..=6000);
        }
        delay
    }

    pub(crate) fn cause(&mut self, life: usize, cause: Causes) {
        if !self.lives[life].causes.any(cause) {
            self.note(&format_args!("life {life}"), || format!("{cause:?}"));
        }
        self.lives[life].causes.add(cause);
    }

    pub(crate) fn note(&self, who: &dyn std::fmt::Display, what: impl FnOnce() -> String) {
        self.trace.note(self.now, who, what);
    }

    /// A session has ended on one side.
    pub(crate) fn ended(&mut self, life: usize, side: Side, end: End) -> Check {
        self.note(&side, || {
            let detail = end.detail.unwrap_or_default();
            format!("session {life} ended: {} {detail}", end.reason)
        });
        let entry = match end.detail {
            Some(detail) => format!("{side}: {}, {detail}", end.reason),
            None => format!("{side}: {}", end.reason),
        };
        *self.tally.ends.entry(entry).or_default() += 1;
        let life = &mut self.lives[life];
        let earlier = life.ends[side as usize].replace(end);
        check(earlier.is_none(), "end", || {
            format!("{side} ended twice: {earlier:?}, {end:?}")
        })?;
        check_end(side, end, life.causes)?;
        life.causes.add(Causes::ended(side));
        Ok(())
    }

    /// Whether everything that was sent has arrived, and nothing is about to change.
    fn is_settled(&self) -> bool {
        let client = &self.client;
        if client.is_closed() {
            return self.lives.len() >= self.scenario.attempts;
        }
        let life = &self.lives[client.life];
        let Some(server) = life.server.map(|index| &self.servers[index]) else {
            return false;
        };
        client.opened
            && client.upgrade.is_none()
            && server.upgrade.is_none()
            && !server.is_closed()
            && life.lanes.iter().all(Lane::is_empty)
    }

    fn is_over(&self) -> bool {
        self.client.is_closed() && self.servers.iter().all(Server::is_closed)
    }

    /// What must hold at all times.
    fn check_rules(&self) -> Check {
        self.check_client()?;
        for server in &self.servers {
            self.check_server(server)?;
        }
        self.check_pace()
    }

    /// Messages do not lie about while nothing is in their way.
    fn check_pace(&self) -> Check {
        let life = &self.lives[self.client.life];
        let hazards = self.scenario.hazards;
        let peaceful = life.causes == Causes::NONE && !hazards.has(Hazard::Congestion);
        if !peaceful || !self.client.opened || life.server.is_none() {
            return Ok(());
        }
        // A client that prepares to move holds back what it has, for as long as that may take.
        let held = match self.client.hindered {
            true => self.scenario.client.upgrade_timeout,
            false => 0,
        };
        let bound = 1000 + 40 * self.scenario.latency.1 + held;
        for lane in &life.lanes {
            if let Some(parcel) = lane.oldest() {
                let since = parcel.sent_at.max(self.client.opened_at);
                check(self.now < since + bound, "liveness", || {
                    format!("{:?} is under way for {bound} ms", parcel.what)
                })?;
            }
        }
        Ok(())
    }

    /// What must hold when all sessions have ended.
    fn check_outcome(&mut self) -> Check {
        for index in 0..self.lives.len() {
            let life = &self.lives[index];
            self.tally.sessions += 1;
            for lane in &life.lanes {
                self.tally.messages += lane.delivered;
            }
            let closed = [Causes::CLIENT_CLOSED, Causes::SERVER_CLOSED];
            let by = [life.causes.any(closed[0]), life.causes.any(closed[1])];
            check(
                life.causes == Causes::NONE || by != [false; 2] || !life.causes.are_peaceful(),
                "end",
                || format!("session {index} ended, and nobody wanted it to"),
            )?;
            // Who is left hears of a peaceful end in good order, and not from a silence.
            for side in [Side::Client, Side::Server] {
                let alone = by[side as usize] && !by[side.other() as usize];
                let end = life.ends[side.other() as usize];
                let silent = end.is_some_and(|end| {
                    end.reason == CloseReason::PingTimeout || end.detail == Some("poll was refused")
                });
                check(
                    !(life.causes.are_peaceful() && alone && silent),
                    "reason",
                    || format!("the {side} of session {index} closed, and was not heard to"),
                )?;
            }
            // Whoever closes a session in peace has said everything before, unless the other side
            // broke off first: a POST that arrives behind the end is refused.
            for side in [Side::Client, Side::Server] {
                let alone = by[side as usize] && !by[side.other() as usize];
                let told = life.ends[side.other() as usize]
                    .is_some_and(|end| end.reason == CloseReason::TransportClose);
                let lane = &life.lanes[side.other() as usize];
                let in_order = life.causes.are_peaceful() && alone && told;
                check(!in_order || lane.is_empty(), "order", || {
                    let lost = lane.oldest();
                    format!("the {side} of session {index} closed, and {lost:?} was lost")
                })?;
            }
        }
        for exchange in &self.exchanges {
            exchange.check_outcome()?;
        }
        Ok(())
    }
}
