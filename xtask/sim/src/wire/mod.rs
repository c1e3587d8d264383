//! WebSocket links between client and server, down to the bytes: real frames, in order, in pieces
//! or in heaps, until somebody hangs up or the link breaks.

mod arrival;

use bytes::Bytes;
use engineio_proto::server::{LinkEnd, LinkId};
use engineio_proto::ws::{self, ControlFrame, Decoder, Header, Opcode, Role};
use engineio_proto::{Format, Message, Tick, Transport};

use crate::fate::{CUT, Causes, REFUSED, Side};
use crate::fault::Check;
use crate::scenario::Hazard;
use crate::world::{Happening, World};

/// One link.
pub(crate) struct Wire {
    pub(crate) life: usize,
    /// The client's name for it; `None` if the client knows nothing of it.
    pub(crate) client: Option<LinkId>,
    /// The session it belongs to on the server, and that one's name for it.
    pub(crate) server: Option<(usize, LinkId)>,
    /// How the server spells what it sends.
    pub(crate) format: Format,
    ends: [WireEnd; 2],
    /// By receiver: what arrives from then on is swallowed.
    swallows: [Tick; 2],
    /// By receiver: when the last that is under way arrives.
    last: [Tick; 2],
    /// By receiver: bytes that were written and not read.
    in_flight: [usize; 2],
}

struct WireEnd {
    decoder: Decoder,
    stage: Stage,
    /// Written, and not yet on its way.
    out: Vec<u8>,
    /// Arrived, and not yet read.
    unread: Vec<u8>,
}

/// How far an end of a link is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Opening,
    Open,
    /// Its side has hung up.
    HungUp,
    /// It ended without its side's doing.
    Ended,
}

impl Stage {
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::HungUp | Self::Ended)
    }
}

impl Wire {
    fn new(life: usize, client: Option<LinkId>, format: Format, max_message: usize) -> Self {
        let end = |role, max_message| WireEnd {
            decoder: Decoder::new(role, max_message),
            stage: Stage::Opening,
            out: Vec::new(),
            unread: Vec::new(),
        };
        Self {
            life,
            client,
            server: None,
            format,
            ends: [
                end(Role::Client, 100_000_000),
                end(Role::Server, max_message),
            ],
            swallows: [Tick::MAX; 2],
            last: [0; 2],
            in_flight: [0; 2],
        }
    }

    pub(crate) const fn stage(&self, side: Side) -> Stage {
        self.ends[side as usize].stage
    }

    /// Bytes under way to a side.
    pub(crate) const fn in_flight(&self, to: Side) -> usize {
        self.in_flight[to as usize]
    }

    /// The server writes a finished frame.
    pub(crate) fn write_frame(&mut self, frame: &[u8]) {
        self.ends[Side::Server as usize]
            .out
            .extend_from_slice(frame);
        self.in_flight[Side::Client as usize] += frame.len();
    }

    /// What arrives at a side from now on is swallowed.
    pub(crate) fn swallow(&mut self, to: Side, from: Tick) {
        let swallows = &mut self.swallows[to as usize];
        *swallows = from.min(*swallows);
    }

    fn close(&mut self, side: Side, stage: Stage) {
        let end = &mut self.ends[side as usize];
        end.stage = stage;
        end.out = Vec::new();
        end.unread = Vec::new();
    }
}

impl World {
    /// The client asks for a link.
    pub(crate) fn open_wire(&mut self, link: LinkId, query: String) -> usize {
        let life = self.client.life;
        let wire = self.new_wire(life, Some(link));
        self.note(&Side::Client, || format!("asks for link {}", link.0));
        let at = self.now + self.delay(life);
        if self.hit(Hazard::Upgrades, 600) {
            self.hinder(wire);
            match self.rng.below(4) {
                // Never heard of again.
                0 => return wire,
                1 => self.link_fails_later(wire, Side::Client, LinkEnd::Failed(REFUSED)),
                2 => {
                    let at = at + self.rng.within(300..=12_000);
                    self.link_request_later(wire, query, at);
                }
                _ => {
                    self.link_request_later(wire, query, at);
                    let at = self.now + self.rng.within(0..=8 * (self.scenario.latency.1 + 5));
                    self.schedule(at, Happening::Cut { wire });
                }
            }
            return wire;
        }
        self.link_request_later(wire, query, at);
        wire
    }

    fn new_wire(&mut self, life: usize, client: Option<LinkId>) -> usize {
        let max_message = self.scenario.server.max_payload;
        let format = self.scenario.format;
        self.wires
            .push(Wire::new(life, client, format, max_message));
        self.wires.len() - 1
    }

    /// Another websocket with the session's id, of which the client knows nothing.
    pub(crate) fn open_stray(&mut self, life: usize, query: String) {
        let wire = self.new_wire(life, None);
        self.wires[wire].ends[Side::Client as usize].stage = Stage::Open;
        let at = self.now + self.delay(life);
        self.link_request_later(wire, query, at);
        if self.rng.chance(500) {
            let text = self.rng.pick(&["2probe", "6", "4stray", "x", "5"]);
            self.write(wire, Side::Client, Message::Text(text));
            // Nothing of it can fail: its writer is nobody.
            self.launch(wire, Side::Client);
        }
    }

    fn link_request_later(&mut self, wire: usize, query: String, at: Tick) {
        self.wires[wire].last[Side::Server as usize] = at;
        self.schedule(at, Happening::LinkRequest { wire, query });
    }

    pub(crate) fn link_fails_later(&mut self, wire: usize, to: Side, end: LinkEnd) {
        let most = self.scenario.latency.1;
        let at = self.now + self.rng.within(0..=most + 100);
        let at = at.max(self.wires[wire].last[to as usize]);
        self.schedule(at, Happening::LinkFails { wire, to, end });
    }

    /// The link did, or will do, something unusual: its session, or its upgrade, may suffer.
    fn hinder(&mut self, wire: usize) {
        let life = self.wires[wire].life;
        if life == self.client.life {
            self.client.hindered = true;
            if !self.client.opened {
                self.cause(life, Causes::REFUSED);
            }
        }
    }

    /// The server lets a client's link in.
    pub(crate) fn link_accepted(&mut self, wire: usize, server: usize, link: LinkId) {
        self.wires[wire].server = Some((server, link));
        self.wires[wire].ends[Side::Server as usize].stage = Stage::Open;
        self.servers[server].links.push((link, wire));
        let at = self.now + self.delay(self.wires[wire].life);
        self.wires[wire].last[Side::Client as usize] = at;
        self.schedule(at, Happening::LinkOpens { wire });
    }

    pub(crate) fn link_opens(&mut self, wire: usize) -> Check {
        let Some(link) = self.wires[wire].client else {
            return Ok(());
        };
        if self.now >= self.wires[wire].swallows[Side::Client as usize] {
            return Ok(());
        }
        match self.wires[wire].stage(Side::Client) {
            Stage::Opening => {}
            Stage::Open | Stage::HungUp | Stage::Ended => return Ok(()),
        }
        self.wires[wire].ends[Side::Client as usize].stage = Stage::Open;
        self.note(&Side::Client, || format!("link {} is open", link.0));
        self.client_link_opened(link)
    }

    /// Writes a message of the client, masked, now and then in fragments or behind a ping.
    pub(crate) fn write(&mut self, wire: usize, from: Side, message: Message<'_>) {
        let (mut opcode, data) = match &message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(data) => (Opcode::Binary, &data[..]),
        };
        let mut frames = Vec::with_capacity(data.len() + ws::MAX_HEADER);
        let mut rest = data;
        while self.hit(Hazard::Splits, 150) {
            let (part, tail) = rest.split_at(self.rng.index(rest.len() + 1));
            self.frame(&mut frames, opcode, part, false);
            (opcode, rest) = (Opcode::Continuation, tail);
            if self.rng.chance(300) {
                let ping = ControlFrame::ping(b"ping", Some(self.rng.bytes()));
                frames.extend_from_slice(ping.as_ref());
            }
        }
        self.frame(&mut frames, opcode, rest, true);
        let wire = &mut self.wires[wire];
        wire.in_flight[from.other() as usize] += frames.len();
        wire.ends[from as usize].out.extend_from_slice(&frames);
    }

    fn frame(&mut self, frames: &mut Vec<u8>, opcode: Opcode, data: &[u8], fin: bool) {
        let key = self.rng.bytes();
        let header = Header {
            fin,
            opcode,
            len: data.len() as u64,
            mask: Some(key),
        };
        frames.extend_from_slice(header.encode().as_ref());
        let start = frames.len();
        frames.extend_from_slice(data);
        ws::mask(&mut frames[start..], key, 0);
    }

    /// Bytes that are no frame of ours.
    pub(crate) fn inject(&mut self, wire: usize, from: Side, bytes: &[u8]) -> Check {
        let it = &mut self.wires[wire];
        it.in_flight[from.other() as usize] += bytes.len();
        it.ends[from as usize].out.extend_from_slice(bytes);
        self.flush(wire, from)
    }

    /// Sends what was written on its way, and tells the server how full the link is.
    pub(crate) fn flush(&mut self, wire: usize, from: Side) -> Check {
        self.launch(wire, from);
        self.weigh(wire);
        Ok(())
    }

    fn launch(&mut self, wire: usize, from: Side) {
        let out = std::mem::take(&mut self.wires[wire].ends[from as usize].out);
        if out.is_empty() {
            return;
        }
        let to = from.other();
        let mut bytes = Bytes::from(out);
        let life = self.wires[wire].life;
        loop {
            let piece = match bytes.len() > 1 && self.hit(Hazard::Splits, 300) {
                true => {
                    let at = 1 + self.rng.index(bytes.len() - 1);
                    bytes.split_to(at)
                }
                false => std::mem::take(&mut bytes),
            };
            let at = self.now + self.delay(life);
            let last = &mut self.wires[wire].last[to as usize];
            *last = at.max(*last);
            let at = *last;
            let done = bytes.is_empty();
            let bytes = piece;
            self.schedule(at, Happening::Bytes { wire, to, bytes });
            if done {
                return;
            }
        }
    }

    /// A side closes its end in good order.
    pub(crate) fn hang_up(&mut self, wire: usize, side: Side) -> Check {
        match self.wires[wire].stage(side) {
            Stage::Open => self.answer_close(wire, side, None),
            // The other end sees its connection go.
            Stage::Opening => self.link_fails_later(wire, side.other(), LinkEnd::Closed),
            Stage::HungUp | Stage::Ended => return Ok(()),
        }
        self.note(&side, || "hangs up".to_owned());
        self.wires[wire].close(side, Stage::HungUp);
        Ok(())
    }

    /// A side is gone without a word.
    pub(crate) fn lose_end(&mut self, wire: usize, side: Side) {
        self.wires[wire].close(side, Stage::Ended);
    }

    /// The link breaks: what is under way is lost, and each end notices in its own time, or never.
    pub(crate) fn cut(&mut self, wire: usize) {
        for side in [Side::Client, Side::Server] {
            self.wires[wire].swallow(side, self.now);
            if self.rng.chance(800) {
                let at = self.now + self.rng.within(0..=500);
                let end = match self.rng.chance(500) {
                    true => LinkEnd::Closed,
                    false => LinkEnd::Failed(CUT),
                };
                let to = side;
                self.schedule(at, Happening::LinkFails { wire, to, end });
            }
        }
        self.note(&"network", || format!("cuts link {wire}"));
        self.link_suffers(wire, Causes::CUT);
    }

    /// Something is wrong with a link: with its session too, if that has moved to it.
    pub(crate) fn link_suffers(&mut self, wire: usize, cause: Causes) {
        self.hinder(wire);
        let it = &self.wires[wire];
        let on_server = it
            .server
            .is_some_and(|(server, link)| self.servers[server].carrier == Some(link));
        let on_client = it.life == self.client.life
            && self.client.wire == Some(wire)
            && self.client.session.transport() == Transport::Websocket;
        // While a client prepares to move it holds back its pings, however long the dead link takes.
        let holds_back = it.life == self.client.life
            && self.scenario.pair.client_asks
            && self.client.upgrade.is_some();
        if on_server || on_client || holds_back {
            self.cause(it.life, cause);
        }
    }

    /// The client moves to a link, which may be dead by then.
    pub(crate) fn client_moved(&mut self) {
        if let Some(wire) = self.client.wire
            && self.wires[wire].swallows != [Tick::MAX; 2]
        {
            let life = self.client.life;
            self.cause(life, Causes::CUT.or(Causes::SILENT));
        }
    }
}
