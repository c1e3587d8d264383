//! Websockets of a session: what leaves on them, what arrives, and how they end.

use engineio_proto::client::{Item, LinkEnd, LinkId};
use engineio_proto::{Tick, Transport, ws};

use super::super::ErrorKind;
use super::input::Input;
use super::lent::{Found, Lent};
use super::stream::{Purpose, Usage};
use super::{Core, Phase};

/// So many bytes may wait on a websocket; what is more waits in the session.
pub(super) const HIGH_WATER: usize = 64 * 1024;
/// How long a websocket that has ended may take to write its close frame, in milliseconds.
pub(super) const COURTESY: Tick = 1_000;

impl Core {
    /// Writes what the session sends on a link.
    pub(super) fn send_item(&mut self, link: LinkId, item: &Item) {
        let format = self.session.format();
        for stream in &mut self.streams {
            if let Usage::Websocket(id, websocket) = &stream.usage
                && *id == link
            {
                for message in item.packets(format) {
                    websocket.push(&mut stream.out.buffer, &message, &mut self.random);
                }
            }
        }
    }

    /// Closes a link in good order, or stops opening it.
    pub(super) fn close_link(&mut self, link: LinkId) {
        let at = self.streams.iter().position(|stream| match &stream.usage {
            Usage::Exchange(exchange) => exchange.purpose == Purpose::Link(link),
            Usage::Websocket(id, _) => *id == link,
            Usage::Idle { .. } => false,
        });
        let Some(at) = at else { return };
        let stream = &mut self.streams[at];
        match &mut stream.usage {
            Usage::Websocket(_, websocket) => {
                websocket.close(&mut stream.out.buffer, None, &mut self.random);
            }
            _ => self.hang_up(at),
        }
    }

    /// Takes the next frame.
    pub(super) fn read_frame(&mut self, at: usize, input: &mut Input) {
        let stream = &mut self.streams[at];
        let Usage::Websocket(link, websocket) = &mut stream.usage else {
            return;
        };
        let link = *link;
        let (mut rest, end) = input.rest();
        let frame = websocket.decoder.decode(&mut rest);
        // Nothing sane follows a fault.
        let left = if frame.is_ok() { rest.len() } else { 0 };
        let end = end - left;
        let out = &mut stream.out;
        match frame {
            Ok(Some(ws::Frame::Text(text))) => {
                let message = self.session.handle_text(self.now, link, &text);
                if let Some(found) = message.map(Found::of) {
                    self.lent = Lent::text(found, text, end);
                }
            }
            Ok(Some(ws::Frame::Binary(data))) => {
                let message = self.session.handle_binary(self.now, link, &data);
                if let Some(found) = message.map(Found::of) {
                    self.lent = Lent::binary(found, data, end);
                }
            }
            // Of many pings the last ones need no answer (RFC 6455 §5.5.3).
            Ok(Some(ws::Frame::Ping(data))) if out.len() < HIGH_WATER => {
                websocket.pong(&mut out.buffer, &data, &mut self.random);
            }
            Ok(Some(ws::Frame::Close { code, reason })) => {
                websocket.was_closed = true;
                websocket.close(&mut out.buffer, code, &mut self.random);
                let kind = ErrorKind::Closed {
                    code,
                    reason: reason.into(),
                };
                self.end_link(link, Some(kind));
            }
            Ok(_) => {}
            Err(error) => {
                websocket.was_closed = true;
                websocket.close(&mut out.buffer, Some(error.close_code()), &mut self.random);
                self.fail_link(link, error.into());
            }
        }
        input.keep(left);
    }

    /// A websocket came to its end without a fault. Before the handshake that is a failure, and the
    /// way some servers refuse a revision.
    pub(super) fn end_link(&mut self, link: LinkId, close: Option<ErrorKind>) {
        if self.phase == Phase::Opening {
            self.other_revision |= self.attempt.is_guess();
            return self.fail_link(link, close.unwrap_or(ErrorKind::Ended));
        }
        let is_usual = matches!(
            close,
            Some(ErrorKind::Closed {
                code: None | Some(1000),
                ..
            })
        );
        if let Some(kind) = close.filter(|_| !is_usual && self.transport() == Transport::Websocket)
        {
            self.note(kind);
        }
        self.session
            .handle_link_end(self.now, link, LinkEnd::Closed);
    }
}
