//! A session on a link, or moving to one: what arrives there, and how links end.

use super::upgrade::{Step, Upgrade};
use super::{
    Carrier, Control, Item, LinkEnd, LinkId, NOOP_PACKET, Output, Response, Session, State,
};
use crate::error::{CloseReason, DecodeError};
use crate::packet::{Message, Packet, PacketType, Tick, Transport};
use crate::ws::Frame;

impl Session {
    /// A websocket with this session's id opened. Unless the session may move to it now, it is
    /// closed again and the session is not affected.
    pub fn handle_link(&mut self, now: Tick, link: LinkId) {
        self.advance(now);
        let may_move = self.state == State::Open
            && matches!(self.carrier, Carrier::Polling(_))
            && self.upgrade.is_none();
        if may_move {
            self.upgrade = Some(Box::new(Upgrade::new(&self.config, link, self.now)));
        } else {
            self.outputs.push_back(Output::CloseLink { link });
        }
    }

    /// A frame arrived on a link that is a websocket. Lends the application's part of it, if there is
    /// one: pings, pongs and closes are the driver's.
    pub fn handle_frame<'a>(
        &mut self,
        now: Tick,
        link: LinkId,
        frame: &'a Frame<'_>,
    ) -> Option<Message<'a>> {
        match frame {
            Frame::Text(text) => self.handle_text(now, link, text),
            Frame::Binary(data) => self.handle_binary(now, link, data),
            Frame::Ping(_) | Frame::Pong(_) | Frame::Close { .. } => None,
        }
    }

    /// A text message arrived on a link. Lends the application's part of it, if there is one.
    pub fn handle_text<'a>(
        &mut self,
        now: Tick,
        link: LinkId,
        text: &'a str,
    ) -> Option<Message<'a>> {
        self.advance(now);
        self.handle_packet(link, self.format.revision.decode_text(text))
    }

    /// A binary message arrived on a link. Lends the application's part of it, if there is one.
    pub fn handle_binary<'a>(
        &mut self,
        now: Tick,
        link: LinkId,
        data: &'a [u8],
    ) -> Option<Message<'a>> {
        self.advance(now);
        self.handle_packet(link, self.format.revision.decode_binary(data))
    }

    fn handle_packet<'a>(
        &mut self,
        link: LinkId,
        packet: Result<Packet<'a>, DecodeError>,
    ) -> Option<Message<'a>> {
        if self.state == State::Closed {
            return None;
        }
        if !self.is_carrier(link) {
            self.handle_upgrade_packet(link, packet);
            return None;
        }
        match packet {
            Ok(Packet::Text(PacketType::Message, text)) => {
                self.heartbeat.handle_packet(&self.config, self.now);
                Some(Message::Text(text))
            }
            Ok(Packet::Binary(data)) => {
                self.heartbeat.handle_packet(&self.config, self.now);
                Some(Message::Binary(data))
            }
            Ok(Packet::Text(kind, _)) => {
                self.handle_control(kind);
                None
            }
            Err(_) => {
                self.fail(CloseReason::ParseError, "packet cannot be decoded");
                None
            }
        }
    }

    fn handle_upgrade_packet(&mut self, link: LinkId, packet: Result<Packet<'_>, DecodeError>) {
        let Some(upgrade) = self.upgrade.as_mut().filter(|upgrade| upgrade.link == link) else {
            return;
        };
        let step = packet.map_or(Step::Abandon, |packet| {
            upgrade.handle_packet(self.now, packet)
        });
        match step {
            Step::AnswerProbe => {
                let item = Item::Control(Control::ProbePong);
                self.outputs.push_back(Output::Send { link, item });
                self.release_upgrading_poll();
            }
            Step::Switch => self.switch(link),
            Step::Abandon => self.abandon_upgrade(),
        }
    }

    /// A link came to its end. The end of the session, if the link carried it.
    pub fn handle_link_end(&mut self, now: Tick, link: LinkId, end: LinkEnd) {
        self.advance(now);
        if self.is_carrier(link) {
            match end {
                LinkEnd::Closed => self.finish(CloseReason::TransportClose, None),
                LinkEnd::Failed(detail) => self.fail(CloseReason::TransportError, detail),
            }
        } else if self
            .upgrade
            .as_ref()
            .is_some_and(|upgrade| upgrade.link == link)
        {
            self.upgrade = None;
        }
    }

    pub(super) fn is_carrier(&self, link: LinkId) -> bool {
        matches!(self.carrier, Carrier::Link(carrier) if carrier == link)
    }

    pub(super) fn switch(&mut self, link: LinkId) {
        self.upgrade = None;
        let Carrier::Polling(polling) = std::mem::replace(&mut self.carrier, Carrier::Link(link))
        else {
            return;
        };
        self.reply_control(polling.get, NOOP_PACKET);
        if let Some(post) = polling.post {
            self.reply(post.request, Response::posted());
        }
        if self.heartbeat.handle_upgrade(self.now) {
            self.beat = None;
        }
        self.noop = false;
        self.outputs.push_back(Output::Upgraded {
            to: Transport::Websocket,
        });
    }

    pub(super) fn abandon_upgrade(&mut self) {
        if let Some(upgrade) = self.upgrade.take() {
            let link = upgrade.link;
            self.outputs.push_back(Output::CloseLink { link });
        }
    }
}
