//! A session on polling: what its requests do, and how they are answered.

use bytes::Bytes;

use super::polling::{Batch, Polling, Post};
use super::{
    CLOSE_PACKET, Carrier, LinkEnd, LinkId, NOOP_PACKET, RequestId, Response, Session, State,
};
use crate::error::{CloseReason, DecodeError};
use crate::format::Content;
use crate::packet::{Message, PacketType, Tick};
use crate::payload::{Payload, Writer};
use crate::request::{Action, Request, RequestError};

impl Session {
    /// A request for this session arrived, its body complete. [Admits](crate::SessionRequest::admit) it and
    /// makes the call it stands for, with [`RequestId`] or [`LinkId`] of `id`: for drivers that
    /// number requests and links alike. The request which the session was [opened](Self::open) by
    /// has had its effect and is let in as well.
    ///
    /// Behind it the driver sends the 101, if a websocket was asked for, and takes the messages of a
    /// POST with [`next_message`](Self::next_message). A method that means nothing gets 500.
    ///
    /// # Errors
    /// Those of [`admit`](crate::SessionRequest::admit), and [`RequestError::UnknownSid`] on a session that
    /// has ended: nothing was done, and the driver refuses.
    pub fn handle_request(
        &mut self,
        now: Tick,
        wanted: &Request,
        id: u32,
        content: Content,
        body: Bytes,
    ) -> Result<(), RequestError> {
        self.advance(now);
        let Request::Session(wanted) = wanted else {
            return Ok(());
        };
        let facts = (self.revision(), self.transport());
        let action = wanted.admit((!self.is_closed()).then_some(facts))?;
        let request = RequestId(id);
        match action {
            Action::Get => self.handle_get(now, request),
            Action::Post => self.handle_post(now, request, content, body),
            Action::Websocket => self.handle_link(now, LinkId(id)),
            Action::Nothing => self.reply(request, Response::bare(500)),
        }
        Ok(())
    }

    /// What `id` names as a request or as a link is at its end: its client gave it up or closed it.
    /// Of no effect on a request that has been answered, and on a link that was asked to close.
    pub fn handle_end(&mut self, now: Tick, id: u32) {
        self.handle_abandoned(now, RequestId(id));
        self.handle_link_end(now, LinkId(id), LinkEnd::Closed);
    }

    /// A GET arrived: it is answered as soon as there is something to send.
    pub fn handle_get(&mut self, now: Tick, request: RequestId) {
        self.advance(now);
        match &mut self.carrier {
            _ if self.state == State::Closed => self.refuse(request, RequestError::UnknownSid),
            Carrier::Link(_) => self.refuse(request, RequestError::BadRequest),
            Carrier::Polling(Polling { get: Some(_), .. }) => {
                self.reply(request, Response::bare(400));
                self.fail(CloseReason::TransportError, "overlap from client");
            }
            Carrier::Polling(polling) => polling.get = Some(request),
        }
    }

    /// The client gave up a GET or a POST that had not been answered.
    pub fn handle_abandoned(&mut self, now: Tick, request: RequestId) {
        self.advance(now);
        let Carrier::Polling(polling) = &mut self.carrier else {
            return;
        };
        if polling.get == Some(request) {
            polling.get = None;
            self.fail(
                CloseReason::TransportError,
                "poll connection closed prematurely",
            );
        } else if polling
            .post
            .as_ref()
            .is_some_and(|post| post.request == request)
        {
            polling.post = None;
            self.fail(
                CloseReason::TransportError,
                "data request connection closed prematurely",
            );
        }
    }

    /// A POST arrived with its whole body. Take its messages with
    /// [`next_message`](Self::next_message); the request is answered when none is left.
    ///
    /// A second POST while one is being read breaks the rules and ends the session, and so does
    /// content that the revision does not [accept](crate::Revision::accepts).
    pub fn handle_post(&mut self, now: Tick, request: RequestId, content: Content, body: Bytes) {
        self.advance(now);
        match &mut self.carrier {
            _ if self.state == State::Closed => self.refuse(request, RequestError::UnknownSid),
            Carrier::Link(_) => self.refuse(request, RequestError::BadRequest),
            Carrier::Polling(Polling { post: Some(_), .. }) => {
                self.handle_post_overlap(now, request);
            }
            Carrier::Polling(polling) => match Payload::of_post(self.format, content, body) {
                Ok(Some(payload)) => polling.post = Some(Box::new(Post { request, payload })),
                Ok(None) => self.reply(request, Response::posted()),
                Err(DecodeError::Content) => self.handle_post_invalid(now, request),
                Err(_) => {
                    self.reply(request, Response::posted());
                    self.fail(CloseReason::ParseError, "payload is not utf-8");
                }
            },
        }
    }

    /// A POST that overlaps another one, which may still be on its way to the driver.
    pub fn handle_post_overlap(&mut self, now: Tick, request: RequestId) {
        self.refuse_post(now, request, "data request overlap from client");
    }

    /// A POST whose content the revision does not [accept](crate::Revision::accepts). The driver
    /// need not read its body.
    pub fn handle_post_invalid(&mut self, now: Tick, request: RequestId) {
        self.refuse_post(now, request, "invalid content");
    }

    /// A POST broke off before its whole body had arrived.
    pub fn handle_post_broken(&mut self, now: Tick) {
        self.advance(now);
        self.fail_polling("data request connection closed prematurely");
    }

    fn refuse_post(&mut self, now: Tick, request: RequestId, detail: &'static str) {
        self.advance(now);
        self.reply(request, Response::bare(400));
        self.fail_polling(detail);
    }

    /// Ends the session, unless it has moved to a link and such requests no longer concern it.
    fn fail_polling(&mut self, detail: &'static str) {
        if matches!(self.carrier, Carrier::Polling(_)) {
            self.fail(CloseReason::TransportError, detail);
        }
    }

    /// Answers the GET that waits, or else the next one, though there is nothing to send: its client
    /// gets a moment to look around. On a link it does nothing.
    pub const fn release_poll(&mut self) {
        self.noop = matches!(self.carrier, Carrier::Polling(_));
    }

    /// Whether a POST waits for its messages to be taken. They came before anything that a link
    /// carries after the switch.
    #[must_use]
    pub fn has_posted_messages(&self) -> bool {
        self.post().is_some_and(|post| !post.payload.is_exhausted())
    }

    /// Lends the next message of the POST that is being read. `None`: there is none left, and the
    /// request is answered.
    ///
    /// Not calling it is legal at any time: the rest of the body stays, its request waits.
    pub fn next_message(&mut self, now: Tick) -> Option<Message<'_>> {
        self.advance(now);
        while let Some(kind) = self.next_posted_packet() {
            if kind == PacketType::Message {
                self.heartbeat.handle_packet(&self.config, self.now);
                return self.post().map(|post| post.payload.message());
            }
            self.handle_control(kind);
        }
        None
    }

    /// Moves to the next packet of the POST; answers the request at its end.
    pub(super) fn next_posted_packet(&mut self) -> Option<PacketType> {
        let Carrier::Polling(polling) = &mut self.carrier else {
            return None;
        };
        let decoded = polling.post.as_mut()?.payload.advance();
        if let Ok(Some(kind)) = decoded {
            return Some(kind);
        }
        self.answer_post();
        if decoded.is_err() {
            self.fail(CloseReason::ParseError, "payload cannot be decoded");
        }
        None
    }

    pub(super) fn post(&self) -> Option<&Post> {
        match &self.carrier {
            Carrier::Polling(polling) => polling.post.as_deref(),
            Carrier::Link(_) => None,
        }
    }

    pub(super) fn poll_waits(&self) -> bool {
        matches!(
            &self.carrier,
            Carrier::Polling(Polling { get: Some(_), .. })
        )
    }

    /// Answers the waiting GET if there is anything to send.
    pub(super) fn answer_get(&mut self) {
        let Carrier::Polling(polling) = &mut self.carrier else {
            return;
        };
        let closing = matches!(self.state, State::Closing { .. });
        let due = self.beat.is_some() || self.noop || closing || !self.queue.is_empty();
        let Some(request) = polling.get.filter(|_| due) else {
            return;
        };
        polling.get = None;
        let batch = Batch::of(&self.queue);
        let mut payload = Writer::new(self.format, batch.has_bytes);
        batch.drain(&mut self.queue, &mut payload, self.format);
        self.queued_bytes -= batch.bytes;
        // Behind them, for that is where it would be without a shared response.
        if let Some(beat) = self.beat.take().filter(|_| !closing) {
            payload.push_text(beat.packet().as_bytes());
        }
        // Alone: JavaScript clients act on a close at once, and on messages beside it a moment later,
        // when they belong to nobody any more.
        let closes = closing && payload.is_empty();
        if closes {
            payload.push_text(CLOSE_PACKET);
        }
        if std::mem::take(&mut self.noop) && payload.is_empty() {
            payload.push_text(NOOP_PACKET);
        }
        self.reply(request, Response::payload(payload, batch.is_plain));
        if closes {
            self.finish(CloseReason::ForcedClose, None);
        }
    }

    /// Answers a POST whose last message has been taken.
    pub(super) fn answer_exhausted_post(&mut self) {
        if self.post().is_some_and(|post| post.payload.is_exhausted()) {
            self.answer_post();
        }
    }

    /// Answers the POST that is being read, if there is one: whatever its packets led to, it has
    /// been received (protocol.md §1.5).
    pub(super) fn answer_post(&mut self) {
        if let Carrier::Polling(polling) = &mut self.carrier
            && let Some(post) = polling.post.take()
        {
            self.reply(post.request, Response::posted());
        }
    }

    /// Lets the waiting GET go, for the client is about to move to a link.
    pub(super) fn release_upgrading_poll(&mut self) {
        self.noop |= self.poll_waits()
            && self
                .upgrade
                .as_mut()
                .is_some_and(|upgrade| upgrade.take_noop(self.now));
    }

    pub(super) fn reply_control(&mut self, request: Option<RequestId>, packet: &'static [u8]) {
        if let Some(request) = request {
            let mut payload = Writer::new(self.format, false);
            payload.push_text(packet);
            self.reply(request, Response::payload(payload, false));
        }
    }

    pub(super) fn refuse(&mut self, request: RequestId, error: RequestError) {
        self.reply(request, error.response());
    }
}
