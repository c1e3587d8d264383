//! What arrives on a link: bytes, frames, and its end.

use std::borrow::Cow;

use engineio_proto::Message;
use engineio_proto::record::Input;
use engineio_proto::server::LinkEnd;
use engineio_proto::ws::{ControlFrame, Frame};

use super::Stage;
use crate::fate::{Side, VIOLATION};
use crate::fault::{Check, check};
use crate::scenario::Hazard;
use crate::world::{Happening, World};

impl World {
    /// Tells the server's session whether its link has as much as it wants to hold.
    pub(crate) fn weigh(&mut self, wire: usize) {
        let it = &self.wires[wire];
        let Some((server, link)) = it.server else {
            return;
        };
        let full = it.in_flight(Side::Client) > self.scenario.window;
        let it = &self.servers[server];
        let open = self.wires[wire].stage(Side::Server) == Stage::Open;
        if it.carrier == Some(link) && open && it.session.is_congested() != full {
            self.tape_server(server, &Input::SetCongested { congested: full });
            self.servers[server].session.set_congested(full);
        }
    }

    pub(crate) fn bytes_arrive(&mut self, wire: usize, to: Side, bytes: &[u8]) -> Check {
        let it = &mut self.wires[wire];
        if self.now >= it.swallows[to as usize] {
            return Ok(());
        }
        let end = &mut it.ends[to as usize];
        if end.stage.is_over() {
            return self.consumed(wire, to, bytes.len());
        }
        end.unread.extend_from_slice(bytes);
        if self.hit(Hazard::Splits, 300) {
            let at = self.now + self.rng.below(20);
            self.schedule(at, Happening::Look { wire, to });
            return Ok(());
        }
        self.read_wire(wire, to)
    }

    pub(super) fn is_reading(&self, wire: usize, side: Side) -> bool {
        let wire = &self.wires[wire];
        let reads = match (side, wire.server) {
            (Side::Client, _) => wire.client.is_none() || self.client.reading,
            (Side::Server, Some((server, _))) => self.servers[server].reading,
            (Side::Server, None) => false,
        };
        reads && wire.stage(side) == Stage::Open
    }

    /// Decodes what has arrived, as long as the side reads.
    pub(crate) fn read_wire(&mut self, wire: usize, side: Side) -> Check {
        let mut unread = std::mem::take(&mut self.wires[wire].ends[side as usize].unread);
        let total = unread.len();
        let mut input = &mut unread[..];
        while self.is_reading(wire, side) {
            let decoder = &mut self.wires[wire].ends[side as usize].decoder;
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(frame)) => self.frame_arrives(wire, side, frame)?,
                Err(error) => {
                    self.note(&side, || format!("link violated: {error}"));
                    let code = Some(error.close_code());
                    self.answer_close(wire, side, code);
                    self.end_link(wire, side, LinkEnd::Failed(VIOLATION))?;
                }
            }
        }
        let left = input.len();
        if !self.wires[wire].stage(side).is_over() {
            self.wires[wire].ends[side as usize].unread = input.to_vec();
            self.consumed(wire, side, total - left)?;
        } else {
            self.consumed(wire, side, total)?;
        }
        match (side, self.wires[wire].server) {
            (Side::Client, _) => self.drain_client(),
            (Side::Server, Some((server, _))) => self.drain_server(server),
            (Side::Server, None) => Ok(()),
        }
    }

    /// A side has taken bytes off a link: the other one may write more.
    pub(super) fn consumed(&mut self, wire: usize, side: Side, bytes: usize) -> Check {
        let it = &mut self.wires[wire];
        it.in_flight[side as usize] -= bytes;
        match side {
            Side::Server if it.client.is_some() && it.life == self.client.life => {
                self.drain_client()
            }
            Side::Server => Ok(()),
            Side::Client => {
                self.weigh(wire);
                match self.wires[wire].server {
                    Some((server, _)) if self.servers[server].alive => self.drain_server(server),
                    _ => Ok(()),
                }
            }
        }
    }

    pub(super) fn frame_arrives(&mut self, wire: usize, side: Side, frame: Frame<'_>) -> Check {
        let message = match &frame {
            Frame::Text(text) => Message::Text(text),
            Frame::Binary(data) => Message::Binary(Cow::Borrowed(data)),
            Frame::Ping(payload) => {
                let key = (side == Side::Client).then(|| self.rng.bytes());
                let pong = ControlFrame::pong(payload, key);
                let it = &mut self.wires[wire];
                it.in_flight[side.other() as usize] += pong.as_ref().len();
                it.ends[side as usize].out.extend_from_slice(pong.as_ref());
                return Ok(());
            }
            Frame::Pong(payload) => {
                return check(payload.as_ref() == b"ping", "links", || {
                    format!("{payload:?} came back for a ping")
                });
            }
            Frame::Close { code, .. } => {
                self.note(&side, || format!("link closed by the peer: {code:?}"));
                self.answer_close(wire, side, *code);
                return self.end_link(wire, side, LinkEnd::Closed);
            }
        };
        let it = &self.wires[wire];
        match (side, it.client, it.server) {
            (Side::Client, Some(link), _) => self.client_message(link, message),
            (Side::Server, _, Some((server, link))) => self.server_message(server, link, message),
            _ => Ok(()),
        }
    }

    /// A side's link has come to its end, for whatever reason.
    pub(super) fn end_link(&mut self, wire: usize, side: Side, end: LinkEnd) -> Check {
        let it = &mut self.wires[wire];
        it.close(side, Stage::Ended);
        let life = it.life;
        match (side, it.client, it.server) {
            (Side::Client, Some(link), _) if life == self.client.life => {
                self.client_link_ended(link, end)
            }
            (Side::Server, _, Some((server, link))) if self.servers[server].alive => {
                self.server_link_ended(server, link, end)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn link_fails(&mut self, wire: usize, to: Side, end: LinkEnd) -> Check {
        if self.wires[wire].stage(to).is_over() {
            return Ok(());
        }
        self.note(&to, || format!("link fails: {end:?}"));
        self.end_link(wire, to, end)
    }

    pub(super) fn answer_close(&mut self, wire: usize, side: Side, code: Option<u16>) {
        let key = (side == Side::Client).then(|| self.rng.bytes());
        let close = ControlFrame::close(code, key);
        let it = &mut self.wires[wire];
        it.in_flight[side.other() as usize] += close.as_ref().len();
        it.ends[side as usize].out.extend_from_slice(close.as_ref());
        self.launch(wire, side);
    }
}
