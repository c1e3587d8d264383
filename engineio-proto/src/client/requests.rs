//! A session on polling: what it asks for, and what the answers mean.

use bytes::Bytes;

use super::output::Output;
use super::polling::{Body, Get, Polling, Post};
use super::{CLOSE_PACKET, Carrier, Handshake, RequestId, Session, State, new_request};
use crate::error::{CloseReason, DecodeError};
use crate::format::Content;
use crate::packet::{Message, PacketType, Tick};
use crate::payload::{Payload, Writer};
use crate::prepared::Prepared;

impl Session {
    /// A request was answered, and this is the whole body. Take the messages of a GET with
    /// [`next_message`](Self::next_message) until there is none; the next GET leaves after that.
    ///
    /// A status other than 200 ends the session.
    pub fn handle_response(
        &mut self,
        now: Tick,
        request: RequestId,
        status: u16,
        content: Content,
        body: Bytes,
    ) {
        self.advance(now);
        let Carrier::Polling(polling) = &mut self.carrier else {
            return;
        };
        match (&polling.get, &polling.post) {
            (&Get::Running(get), _) if get == request => {
                if status != 200 {
                    return self.fail(CloseReason::TransportError, "poll was refused");
                }
                match Payload::of_response(self.format, content, body) {
                    Ok(payload) => polling.get = Get::Reading(Box::new(payload)),
                    Err(DecodeError::Utf8) => {
                        self.fail(CloseReason::ParseError, "payload is not utf-8");
                    }
                    Err(_) => self.fail(CloseReason::ParseError, "response is no payload"),
                }
            }
            (_, Some(post)) if post.request == request => {
                let closes = post.closes;
                polling.post = None;
                if closes {
                    self.finish(CloseReason::ForcedClose, None);
                } else if status != 200 {
                    self.fail(CloseReason::TransportError, "post was refused");
                }
            }
            _ => {}
        }
    }

    /// A request got no response. The end of the session, for what it carried is lost.
    pub fn handle_request_failed(&mut self, now: Tick, request: RequestId) {
        self.advance(now);
        let Carrier::Polling(polling) = &self.carrier else {
            return;
        };
        match (&polling.get, &polling.post) {
            (&Get::Running(get), _) if get == request => {
                self.fail(CloseReason::TransportError, "poll failed");
            }
            (_, Some(post)) if post.request == request => {
                self.fail(CloseReason::TransportError, "post failed");
            }
            _ => {}
        }
    }

    /// Lends the next message of the response that is being read. `None`: there is none left.
    ///
    /// Not calling it is legal at any time: the rest of the response stays, and no other GET
    /// leaves.
    pub fn next_message(&mut self, now: Tick) -> Option<Message<'_>> {
        self.advance(now);
        while let Some(kind) = self.next_polled_packet() {
            self.heartbeat.handle_packet(self.now);
            match kind {
                _ if self.handshake.is_none() => {
                    let handshake = Handshake::read(self.response()?.packet());
                    self.handle_handshake(handshake);
                }
                PacketType::Message => return self.response().map(Payload::message),
                _ => self.handle_control(kind),
            }
        }
        None
    }

    /// Lends the message that [`next_message`](Self::next_message) returned last once more, for
    /// drivers that cannot keep a borrow while they decide. `None` if there is none any more.
    #[must_use]
    pub fn message(&self) -> Option<Message<'_>> {
        self.response().map(Payload::message)
    }

    /// Moves to the next packet of the response; at its end the next GET may leave.
    fn next_polled_packet(&mut self) -> Option<PacketType> {
        let Carrier::Polling(polling) = &mut self.carrier else {
            return None;
        };
        let Get::Reading(response) = &mut polling.get else {
            return None;
        };
        match response.advance() {
            Ok(Some(kind)) => return Some(kind),
            Ok(None) => polling.get = Get::Idle,
            Err(_) => self.fail(CloseReason::ParseError, "payload cannot be decoded"),
        }
        None
    }

    pub(super) fn response(&self) -> Option<&Payload> {
        match &self.carrier {
            Carrier::Polling(Polling {
                get: Get::Reading(response),
                ..
            }) => Some(response),
            _ => None,
        }
    }

    pub(super) fn poll_polling(&mut self) -> Option<Output> {
        let pausing = self.is_pausing();
        let Carrier::Polling(polling) = &mut self.carrier else {
            return None;
        };
        if pausing && polling.is_idle() && self.taken == 0 {
            return self.switch();
        }
        let polls = matches!(self.state, State::Opening { .. } | State::Open) && !pausing;
        if polls && matches!(polling.get, Get::Idle) {
            let request = new_request(&mut self.next_request);
            polling.get = Get::Running(request);
            return Some(Output::Get { request });
        }
        if polling.post.is_some() || self.handshake.is_none() {
            return None;
        }
        self.post(pausing)
    }

    /// Posts what waits: a ping or pong, then messages, then the close packet. While the session is about
    /// to move, only a message that has begun to leave.
    pub(super) fn post(&mut self, pausing: bool) -> Option<Output> {
        let limit = self.handshake.as_ref().and_then(|it| it.max_payload);
        let mut body = Body::new(Writer::new(self.format, self.posts_bytes(limit)), limit);
        if let Some(beat) = self.beat.take_if(|_| !pausing) {
            body.push(|payload| payload.push_text(beat.packet().as_bytes()));
        }
        while let Some(message) = self.queue.front() {
            if pausing && self.taken == 0 {
                break;
            }
            if !body.push(|payload| message.append_packet(self.taken, payload, self.format)) {
                break;
            }
            self.taken += 1;
            if self.taken == message.packet_count() {
                self.taken = 0;
                self.queued_bytes -= message.wire_len();
                self.queue.pop_front();
            }
        }
        let closes = matches!(self.state, State::Closing { .. })
            && self.queue.is_empty()
            && body.push(|payload| payload.push_text(CLOSE_PACKET));
        let (content, body) = body.finish()?;
        let request = new_request(&mut self.next_request);
        if let Carrier::Polling(polling) = &mut self.carrier {
            polling.post = Some(Post { request, closes });
        }
        Some(Output::Post {
            request,
            content,
            body,
        })
    }

    /// Whether bytes are among the messages that come into question for one body. About so: those
    /// that find themselves in a text go as base64, and texts may go among bytes.
    fn posts_bytes(&self, limit: Option<usize>) -> bool {
        let mut room = limit.unwrap_or(usize::MAX);
        let mut candidates = self.queue.iter().take_while(|message| {
            let comes = room > 0;
            room = room.saturating_sub(message.wire_len());
            comes
        });
        candidates.any(Prepared::has_attachments)
    }
}
