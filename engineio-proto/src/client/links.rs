//! A session on a link, or moving to one: what arrives there, and how links end.

use super::output::{Control, Item, Output};
use super::upgrade::Upgrade;
use super::{Carrier, Handshake, LinkEnd, LinkId, Session, State};
use crate::error::{CloseReason, DecodeError};
use crate::packet::{Message, Packet, PacketType, Tick, Transport};

impl Session {
    /// The link that was asked for is open.
    pub fn handle_link(&mut self, now: Tick, link: LinkId) {
        self.advance(now);
        if let Some(upgrade) = self.upgrade.as_mut().filter(|it| it.link == link)
            && upgrade.handle_link()
        {
            let item = Item::Control(Control::Probe);
            self.outputs.push_back(Output::Send { link, item });
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
        self.heartbeat.handle_packet(self.now);
        match packet {
            Ok(packet) if self.handshake.is_none() => {
                self.handle_handshake(Handshake::read(packet));
            }
            Ok(Packet::Text(PacketType::Message, text)) => return Some(Message::Text(text)),
            Ok(Packet::Binary(data)) => return Some(Message::Binary(data)),
            Ok(Packet::Text(kind, _)) => self.handle_control(kind),
            Err(_) => self.fail(CloseReason::ParseError, "packet cannot be decoded"),
        }
        None
    }

    fn handle_upgrade_packet(&mut self, link: LinkId, packet: Result<Packet<'_>, DecodeError>) {
        let Some(upgrade) = self.upgrade.as_mut().filter(|it| it.link == link) else {
            return;
        };
        if !packet.is_ok_and(|packet| upgrade.handle_packet(packet)) {
            self.abandon_upgrade();
        }
    }

    /// A link came to its end, or could not be opened. The end of the session, if the link carried
    /// it.
    pub fn handle_link_end(&mut self, now: Tick, link: LinkId, end: LinkEnd) {
        self.advance(now);
        if self.is_carrier(link) {
            match end {
                LinkEnd::Closed => self.finish(CloseReason::TransportClose, None),
                LinkEnd::Failed(detail) => self.fail(CloseReason::TransportError, detail),
            }
        } else if self.upgrade.as_ref().is_some_and(|it| it.link == link) {
            self.upgrade = None;
        }
    }

    pub(super) fn is_carrier(&self, link: LinkId) -> bool {
        matches!(self.carrier, Carrier::Link(carrier) if carrier == link)
    }

    pub(super) fn is_pausing(&self) -> bool {
        self.upgrade.as_ref().is_some_and(Upgrade::is_pausing)
    }

    pub(super) fn poll_link(&mut self, link: LinkId) -> Option<Output> {
        self.handshake.as_ref()?;
        if let Some(beat) = self.beat.take() {
            let item = Item::Control(beat);
            return Some(Output::Send { link, item });
        }
        if let Some(message) = self.queue.pop_front() {
            self.queued_bytes -= message.wire_len();
            let item = Item::Message(message);
            return Some(Output::Send { link, item });
        }
        if let State::Closing { .. } = self.state {
            self.finish(CloseReason::ForcedClose, None);
            return self.outputs.pop_front();
        }
        None
    }

    pub(super) fn switch(&mut self) -> Option<Output> {
        let link = self.upgrade.take()?.link;
        self.carrier = Carrier::Link(link);
        self.outputs.push_back(Output::Upgraded {
            to: Transport::Websocket,
        });
        let item = Item::Control(Control::Upgrade);
        Some(Output::Send { link, item })
    }

    pub(super) fn abandon_upgrade(&mut self) {
        if let Some(upgrade) = self.upgrade.take() {
            let link = upgrade.link;
            self.outputs.push_back(Output::CloseLink { link });
        }
    }
}
