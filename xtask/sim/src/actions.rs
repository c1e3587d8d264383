//! What applications do and what hazards do to the world, drawn at random; and how a run begins,
//! comes to rest and ends.

use engineio_proto::record::Input;
use engineio_proto::server::LinkEnd;
use engineio_proto::{Tick, Transport};

use crate::app::{NAMES, Size, absent_event};
use crate::fate::{Causes, GONE, Side};
use crate::fault::Check;
use crate::scenario::Hazard;
use crate::wire::Stage;
use crate::world::{Happening, World};

/// Hazards that strike at a moment of their own; the others lie in wait for what passes.
const STRIKING: [Hazard; 9] = [
    Hazard::Cuts,
    Hazard::HalfOpen,
    Hazard::Pauses,
    Hazard::Strays,
    Hazard::Restarts,
    Hazard::Clocks,
    Hazard::Closes,
    Hazard::Garbage,
    Hazard::BrokenRequests,
];

impl World {
    /// Opens the first session and decides when something is going to be done.
    pub(crate) fn begin(&mut self) -> Check {
        for _ in 0..self.scenario.actions {
            let side = self.rng.pick(&[Side::Client, Side::Server]);
            let at = self.moment();
            self.schedule(at, Happening::Action(side));
        }
        for hazard in STRIKING {
            if self.scenario.hazards.has(hazard) {
                for _ in 0..self.rng.within(1..=3) {
                    let at = self.moment();
                    self.schedule(at, Happening::Strike(hazard));
                }
            }
        }
        self.open_client()
    }

    fn moment(&mut self) -> Tick {
        self.now + self.rng.below(self.scenario.active)
    }

    /// An application does something.
    pub(crate) fn act(&mut self, side: Side) -> Check {
        match side {
            Side::Client => {
                if !self.client.takes_messages() || !self.client.is_up(&self.scenario) {
                    return Ok(());
                }
                let what = self.rng.below(100);
                let nsp = self.rng.index(NAMES.len());
                match what {
                    0..15 => self.client.app.join(nsp, self.rng.chance(500))?,
                    15..20 => self.client.app.leave(&mut self.rng)?,
                    20..25 => self.client.app.forget(&mut self.rng)?,
                    25..28 => self.client.app.act_late(&mut self.rng)?,
                    28..32 => self.client.app.answer(&mut self.rng)?,
                    _ => {
                        for _ in 0..self.rng.pick(&[1, 1, 1, 2, 6]) {
                            let (size, call) = (self.size(side), self.rng.chance(300));
                            self.client.app.emit(&size, call, &mut self.rng)?;
                        }
                    }
                }
                self.drain_client()
            }
            Side::Server => {
                let now = self.clock(side);
                if let Some((nsp, socket)) = self.recovery.some_saved(&mut self.rng) {
                    let (size, pair) = (self.size(side), self.scenario.pair);
                    absent_event(pair, nsp, socket, &size, now, &mut self.recovery)?;
                }
                let open = |index: &usize| self.servers[*index].takes_messages();
                let Some(index) = (0..self.servers.len()).rev().find(open) else {
                    return Ok(());
                };
                let what = self.rng.below(100);
                let app = &mut self.servers[index].app;
                match what {
                    0..6 => app.expel(&mut self.rng)?,
                    6..11 => app.forget(&mut self.rng)?,
                    11..16 => app.answer(&mut self.rng)?,
                    16..19 => app.act_late(&mut self.rng)?,
                    19..22 => {
                        self.tape_server(index, &Input::ReleasePoll);
                        self.servers[index].session.release_poll();
                    }
                    _ => {
                        for _ in 0..self.rng.pick(&[1, 1, 1, 2, 6]) {
                            let (size, call) = (self.size(side), self.rng.chance(300));
                            let app = &mut self.servers[index].app;
                            let (rng, recovery) = (&mut self.rng, &mut self.recovery);
                            app.emit(&size, call, rng, now, recovery)?;
                        }
                    }
                }
                self.drain_server(index)
            }
        }
    }

    /// Mostly small, sometimes as large as the limit; larger only if that is a hazard.
    fn size(&mut self, side: Side) -> Size {
        let limit = self.scenario.server.max_payload;
        let usual = match (self.scenario.format.jsonp, self.scenario.pair.packed) {
            (None, false) => limit.min(4000) - self.scenario.pair.wrapping,
            // Bytes take a third more in base64, which forms escape.
            (None, true) => limit.min(4000) * 2 / 3,
            (Some(_), _) => limit.min(4000) / 4,
        };
        let mut size = Size {
            pad: self.rng.index(40),
            filler: 'x',
            attachments: Vec::new(),
            exactly: None,
        };
        match self.rng.below(100) {
            0..20 => {
                let most = if limit < 1000 { 3 } else { 10 };
                let count = self.rng.pick(&[1, 1, 2, most]);
                let len = self.rng.pick(&[0, 1, 7, 60]);
                size.attachments = (0..count).map(|_| self.rng.index(len + 1)).collect();
            }
            20..23 => size.exactly = Some(usual),
            23..26 => size.attachments = vec![usual * 3 / 5],
            26..30 => size.pad = self.rng.index(usual / 2),
            30..40 => size.filler = self.rng.pick(&['é', '€', '😀']),
            40..43 if side == Side::Client && limit <= 4000 && self.hit(Hazard::Oversize, 1000) => {
                size.exactly = Some(limit + 1);
            }
            43 if limit > 100_000 && self.rng.chance(20) => size.pad = 400_000,
            _ => {}
        }
        size
    }

    /// A hazard strikes.
    pub(crate) fn strike(&mut self, hazard: Hazard) -> Check {
        if self.calm {
            return Ok(());
        }
        self.note(&"hazard", || format!("{hazard:?}"));
        match hazard {
            Hazard::Cuts => {
                if let Some(wire) = self.live_wire() {
                    self.cut(wire);
                }
                Ok(())
            }
            Hazard::HalfOpen => {
                if let Some(wire) = self.live_wire() {
                    let sides = self.rng.within(1..=3);
                    for side in [Side::Client, Side::Server] {
                        if sides & (1 << side as u64) != 0 {
                            self.wires[wire].swallow(side, self.now);
                        }
                    }
                    self.link_suffers(wire, Causes::SILENT);
                }
                Ok(())
            }
            Hazard::Pauses => match self.rng.chance(500) {
                true => self.pause(Side::Client, 0),
                false => match self.servers.len() {
                    0 => Ok(()),
                    count => self.pause(Side::Server, count - 1),
                },
            },
            Hazard::Strays => {
                if self.client.opened && !self.client.is_closed() {
                    self.client.hindered = true;
                    let query = self.client.session.query(Transport::Websocket);
                    self.open_stray(self.client.life, query);
                }
                Ok(())
            }
            Hazard::Restarts => {
                self.restart();
                Ok(())
            }
            Hazard::Clocks => {
                let side = self.rng.pick(&[Side::Client, Side::Server]);
                let by = match self.rng.chance(500) {
                    true => self.rng.within(1..=60_000) as i64,
                    false => -(self.rng.within(1..=300) as i64),
                };
                self.note(&side, || format!("clock jumps by {by} ms"));
                self.skew(side, by);
                for life in 0..self.lives.len() {
                    self.cause(life, Causes::CLOCK);
                }
                Ok(())
            }
            Hazard::Closes => self.close_something(),
            Hazard::Garbage => self.garble(),
            Hazard::BrokenRequests => {
                let running = [self.client.get, self.client.post];
                let at_server = running
                    .into_iter()
                    .flatten()
                    .find(|&it| self.is_waiting(it));
                if let Some(exchange) = at_server {
                    self.cause(self.client.life, Causes::BROKEN);
                    self.fail_later(exchange, 500);
                    return self.request_abandoned(exchange);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The client's link, if it is not closed at both ends.
    fn live_wire(&self) -> Option<usize> {
        self.client.wire.filter(|&wire| {
            let wire = &self.wires[wire];
            !wire.stage(Side::Client).is_over() || wire.stage(Side::Server) == Stage::Open
        })
    }

    /// An application stops reading for a while.
    pub(crate) fn pause(&mut self, side: Side, index: usize) -> Check {
        let life = match side {
            Side::Client if self.client.reading => self.client.life,
            Side::Server if self.servers[index].reading => self.servers[index].life,
            _ => return Ok(()),
        };
        self.cause(life, Causes::PAUSED);
        let at = self.now + self.rng.pick(&[5, 100, 1000, 4000]);
        self.schedule(at, Happening::Resume { side, index });
        match side {
            Side::Client => self.set_client_reading(false),
            Side::Server => self.set_server_reading(index, false),
        }
    }

    pub(crate) fn resume(&mut self, side: Side, index: usize) -> Check {
        match side {
            Side::Client if !self.client.reading => self.set_client_reading(true),
            Side::Server if !self.servers[index].reading => self.set_server_reading(index, true),
            _ => Ok(()),
        }
    }

    /// The server forgets everything.
    fn restart(&mut self) {
        let now = self.clock(Side::Server);
        self.recovery.forget(now);
        for index in 0..self.servers.len() {
            let server = &mut self.servers[index];
            if server.is_closed() {
                continue;
            }
            server.alive = false;
            let (life, links) = (server.life, server.links.clone());
            let requests = std::mem::take(&mut server.requests);
            self.cause(life, Causes::RESTART);
            for (_, exchange, _) in requests {
                self.break_off(exchange);
            }
            for (_, wire) in links {
                self.lose_end(wire, Side::Server);
                if self.rng.chance(900) {
                    let end = self.rng.pick(&[LinkEnd::Closed, LinkEnd::Failed(GONE)]);
                    self.link_fails_later(wire, Side::Client, end);
                }
            }
        }
    }

    fn close_something(&mut self) -> Check {
        let last = self.servers.len().checked_sub(1);
        match (self.rng.below(4), last) {
            (0, _) => self.close_client(),
            (1, _) => self.abort_client(),
            (2, Some(index)) => self.close_server(index),
            (3, Some(index)) => self.abort_server(index),
            _ => Ok(()),
        }
    }

    /// Somebody writes what does not belong there.
    fn garble(&mut self) -> Check {
        let Some(wire) = self.live_wire() else {
            return Ok(());
        };
        let life = self.client.life;
        let to_server = self.rng.chance(700);
        let from = if to_server {
            Side::Client
        } else {
            Side::Server
        };
        if self.wires[wire].stage(from) != Stage::Open {
            return Ok(());
        }
        self.client.hindered = true;
        if to_server {
            self.cause(life, Causes::GARBAGE_TO_SERVER);
            match self.rng.below(4) {
                0 => self.write(wire, from, engineio_proto::Message::Text("9")),
                1 => self.write(wire, from, engineio_proto::Message::Text("")),
                2 => {
                    let wrong = if self.scenario.pair.client_asks {
                        "3"
                    } else {
                        "2"
                    };
                    self.write(wire, from, engineio_proto::Message::Text(wrong));
                }
                // A frame without a mask.
                _ => return self.inject(wire, from, b"\x81\x014"),
            }
            return self.flush(wire, from);
        }
        self.cause(life, Causes::GARBAGE_TO_CLIENT);
        self.inject(wire, from, b"\x81\x019")
    }

    /// Hazards and applications come to rest; who had stopped reading goes on.
    pub(crate) fn calm_down(&mut self) -> Check {
        self.calm = true;
        self.note(&"world", || "calms down".to_owned());
        self.resume(Side::Client, 0)?;
        for index in 0..self.servers.len() {
            self.resume(Side::Server, index)?;
        }
        Ok(())
    }

    /// One side, or both, ends what is left in peace.
    pub(crate) fn part(&mut self) -> Check {
        self.note(&"world", || "parts".to_owned());
        self.scenario.attempts = 0;
        let who = self.rng.below(3);
        if who != 0 {
            for index in 0..self.servers.len() {
                if self.servers[index].life == self.client.life {
                    self.close_server(index)?;
                }
            }
        }
        if who != 1 {
            self.close_client()?;
        }
        Ok(())
    }
}
