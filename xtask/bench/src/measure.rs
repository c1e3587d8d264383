//! One measurement: a fresh process, a scenario, a figure.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde::Serialize;

use crate::{
    clock::now,
    driven::Driven,
    load::{
        Broadcast, Load, Silence, Tally, Traffic,
        client::{Client, PATIENCE},
        open,
    },
    machine::Cores,
    peer::{self, Folders, Peer, Role},
    process::{Cpu, Process},
    scenario::{Scenario, Work},
    server::Server,
};

/// How long and how much.
pub(crate) struct Plan {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
    /// By what the number of connections is divided where their memory is looked at.
    pub(crate) fewer: usize,
}

/// What one measurement has found.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Figure {
    /// In the unit of the scenario.
    pub(crate) value: f64,
    /// The part of the CPU time that was the program's own, from 0 to 1.
    pub(crate) user_share: Option<f64>,
    /// How busy its core was with it, from 0 to 1.
    pub(crate) busy: Option<f64>,
    /// Units of work, or connections.
    pub(crate) units: u64,
    /// Answers that came before an earlier one.
    pub(crate) inversions: Option<u64>,
    /// Of the time from sending to answer.
    pub(crate) p99_ms: Option<f64>,
}

/// Measures a peer once.
pub(crate) fn measure(
    scenario: &Scenario,
    peer: &Peer,
    plan: &Plan,
    folders: &Folders,
    cores: &Cores,
) -> Result<Figure> {
    let mut command = peer.command(folders);
    if let Role::Client = peer.role {
        // The same for all of them.
        let server = Server::start(&mut peer::ours().command(folders), cores.opposite())?;
        let driven = Driven::start(&mut command, server.address, cores.measured())?;
        return of_clients(driven, &scenario.work, plan);
    }
    let server = Server::start(&mut command, cores.measured())?;
    match &scenario.work {
        Work::Traffic(open) => {
            let (mut traffic, clients) = open(server.address)?;
            let mut load = Load::new(clients)?;
            load.start(&mut *traffic)?;
            of_traffic(&server, &mut load, &mut *traffic, plan)
        }
        Work::Cycles => of_cycles(&server, plan),
        Work::Memory {
            connections,
            open,
            burst,
        } => {
            let clients = WARM + connections / plan.fewer;
            of_memory(&server, clients, *open, *burst)
        }
        Work::Echoes { .. } | Work::Clients(_) => bail!("no work for a server"),
    }
}

fn of_clients(mut driven: Driven, work: &Work, plan: &Plan) -> Result<Figure> {
    match *work {
        Work::Echoes { clients, depth } => {
            driven.connect(clients)?;
            driven.echo(depth)?;
            thread::park_timeout(plan.warm_up);
            let before = driven.count()?;
            let start = Mark::set(&driven.process)?;
            thread::park_timeout(plan.measured);
            let echoes = driven.count()? - before;
            start.figure(&driven.process, echoes)
        }
        Work::Clients(clients) => {
            driven.connect(WARM)?;
            let before = settled(&driven.process)?;
            let counted = clients / plan.fewer;
            driven.connect(counted)?;
            memory(before, settled(&driven.process)?, counted)
        }
        _ => bail!("no work for clients"),
    }
}

fn of_traffic(
    server: &Server,
    load: &mut Load,
    traffic: &mut dyn Traffic,
    plan: &Plan,
) -> Result<Figure> {
    load.run(traffic, now() + plan.warm_up)?;
    let before = std::mem::take(traffic.tally());
    let start = Mark::set(&server.process)?;
    load.run(traffic, start.at + plan.measured)?;
    let tally = std::mem::take(traffic.tally());
    let figure = start.figure(&server.process, tally.done)?;
    load.finish(traffic)?;
    Ok(Figure {
        inversions: Some(before.inversions + tally.inversions),
        p99_ms: p99(tally),
        ..figure
    })
}

fn of_cycles(server: &Server, plan: &Plan) -> Result<Figure> {
    cycle(server, now() + plan.warm_up)?;
    let start = Mark::set(&server.process)?;
    let cycles = cycle(server, start.at + plan.measured)?;
    start.figure(&server.process, cycles)
}

/// Has clients come and go until then, and counts them.
fn cycle(server: &Server, until: Instant) -> Result<u64> {
    let mut cycles = 0;
    while now() < until {
        cycles += open::come_and_go(server.address)? as u64;
    }
    Ok(cycles)
}

/// Connections that are there before the others are counted, so that what a server sets up once
/// counts as little as possible.
const WARM: usize = 100;

/// What everybody receives in a burst.
const MESSAGES: usize = 16;
const MESSAGE: usize = 1024;

/// How long a server that sends a first ping may take for it.
const LAST_PINGS: Duration = Duration::from_millis(100);

fn of_memory(
    server: &Server,
    clients: usize,
    open: fn(SocketAddr, usize) -> Result<Vec<Client>>,
    burst: bool,
) -> Result<Figure> {
    let mut connected = open(server.address, WARM)?;
    let before = settled(&server.process)?;
    connected.extend(open(server.address, clients - WARM)?);
    let mut load = Load::new(connected)?;
    if burst {
        let mut burst = Broadcast::new(clients, MESSAGES, &"x".repeat(MESSAGE));
        load.start(&mut burst)?;
        load.finish(&mut burst)?;
    }
    load.run(&mut Silence::default(), now() + LAST_PINGS)?;
    let after = settled(&server.process)?;
    memory(before, after, clients - WARM)
}

/// What each of so many has added.
fn memory(before: u64, after: u64, counted: usize) -> Result<Figure> {
    ensure!(after >= before, "memory shrank");
    Ok(Figure {
        value: (after - before) as f64 / 1024.0 / counted as f64,
        units: counted as u64,
        ..Figure::default()
    })
}

/// Its memory, once that has stopped changing.
fn settled(process: &Process) -> Result<u64> {
    let started = now();
    let mut latest = process.resident()?;
    loop {
        thread::park_timeout(Duration::from_millis(150));
        let resident = process.resident()?;
        if resident.abs_diff(latest) * 500 <= latest {
            return Ok(resident);
        }
        ensure!(started.elapsed() < PATIENCE, "its memory does not settle");
        latest = resident;
    }
}

/// Where the measured time starts.
struct Mark {
    at: Instant,
    cpu: Cpu,
}

impl Mark {
    fn set(process: &Process) -> Result<Self> {
        Ok(Self {
            cpu: process.cpu()?,
            at: now(),
        })
    }

    /// CPU time per unit since then.
    fn figure(self, process: &Process, units: u64) -> Result<Figure> {
        let cpu = process.cpu()?;
        let elapsed = self.at.elapsed();
        ensure!(units > 0, "nothing was done");
        let used = (cpu.total - self.cpu.total).as_secs_f64();
        let (user, system) = (cpu.user - self.cpu.user, cpu.system - self.cpu.system);
        Ok(Figure {
            value: used * 1e6 / units as f64,
            user_share: Some(user as f64 / (user + system).max(1) as f64),
            busy: Some(used / elapsed.as_secs_f64()),
            units,
            ..Figure::default()
        })
    }
}

fn p99(tally: Tally) -> Option<f64> {
    let mut latencies = tally.latencies;
    let index = (latencies.len() * 99).div_ceil(100).checked_sub(1)?;
    let (_, latency, _) = latencies.select_nth_unstable(index);
    Some(latency.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_is_above_the_p99() {
        let p99_of = |latencies: Vec<u64>| {
            p99(Tally {
                latencies: latencies.into_iter().map(Duration::from_millis).collect(),
                ..Tally::default()
            })
        };
        assert_eq!(p99_of((1..=200).rev().collect()), Some(198.0));
        assert_eq!(p99_of(vec![7]), Some(7.0));
        assert_eq!(p99_of(Vec::new()), None);
    }
}
