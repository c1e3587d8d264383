//! The inbound half of a turn: posted messages and what the websocket brings, lent to the
//! application one by one, until others should get their turn.

use std::task::{Context, Poll};

use proto::server::LinkEnd;
use proto::ws::Frame;
use proto::{Message, Tick};
use tokio::task::coop;

use super::Task;
use crate::application::{Application, SessionContext};
use crate::scratch;
use crate::trace;

/// Messages, and bytes of them, that one session may handle before others get their turn.
const BATCH_MESSAGES: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;

impl<A: Application> Task<A> {
    /// Takes posted messages, then what the link brings. True if there is more to take, later.
    pub(super) fn read(&mut self, now: Tick, cx: &mut Context<'_>) -> bool {
        let mut batch = Batch::default();
        while self.machine.has_posted_messages() {
            if !self.application.wants_messages() {
                return false;
            }
            if batch.is_full() {
                return true;
            }
            // Ends the loop as well: it answers the request behind its last message.
            if !self.lend_posted(now, cx, &mut batch) {
                break;
            }
        }
        match scratch::with(|buffer| self.read_link(buffer, now, cx, &mut batch)) {
            Reading::Blocked => false,
            Reading::More => true,
            Reading::End(end) => {
                if let Some(link) = self.link.take() {
                    self.machine.handle_link_end(now, link.id, end);
                }
                false
            }
            Reading::Violation(code) => {
                if let Some(link) = self.link.take() {
                    let end = LinkEnd::Failed("websocket protocol violated");
                    self.machine.handle_link_end(now, link.id, end);
                    self.registry.see_off(link.close(Some(code), false));
                }
                false
            }
            Reading::Close(code) => {
                if let Some(mut link) = self.link.take() {
                    self.machine.handle_link_end(now, link.id, LinkEnd::Closed);
                    if !link.answer_close(cx, code) {
                        self.registry.see_off(link.end());
                    }
                }
                false
            }
        }
    }

    fn lend_posted(&mut self, now: Tick, cx: &mut Context<'_>, batch: &mut Batch) -> bool {
        // Between two borrows of the machine: the message is lent by the one it would be sent on.
        // Posted messages are therefore copied; on websockets nothing is.
        let owned = match self.machine.next_message(now) {
            Some(Message::Text(text)) => Owned::Text(text.to_owned()),
            Some(Message::Binary(data)) => Owned::Binary(data.into_owned()),
            None => return false,
        };
        let message = owned.message();
        batch.count(message.len());
        self.registry.meters.received();
        trace::received(&message);
        let mut context = SessionContext {
            machine: &mut self.machine,
            meters: &self.registry.meters,
            now,
            cx,
        };
        self.application.handle_message(&mut context, message);
        true
    }

    fn read_link(
        &mut self,
        buffer: &mut [u8],
        now: Tick,
        cx: &mut Context<'_>,
        batch: &mut Batch,
    ) -> Reading {
        let Some(link) = &mut self.link else {
            return Reading::Blocked;
        };
        match link.poll_open(cx) {
            Poll::Pending => return Reading::Blocked,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(_)) => return Reading::End(LinkEnd::Failed("upgrade failed")),
        }
        let transport = self.machine.transport();
        let mut unread = link.take_unread();
        loop {
            if !self.application.wants_messages() {
                link.put_back(unread);
                return Reading::Blocked;
            }
            if batch.is_full() {
                link.put_back(unread);
                return Reading::More;
            }
            let mut input = if unread.is_empty() {
                match link.poll_read(cx, buffer) {
                    Poll::Pending => return Reading::Blocked,
                    Poll::Ready(Ok(0)) => return Reading::End(LinkEnd::Closed),
                    Poll::Ready(Ok(len)) => {
                        self.registry.meters.read(len);
                        &mut buffer[..len]
                    }
                    Poll::Ready(Err(_)) => return Reading::End(LinkEnd::Failed("read failed")),
                }
            } else {
                unread.as_mut_slice()
            };
            while self.application.wants_messages() && !batch.is_full() {
                let Some(decoder) = link.decoder() else {
                    return Reading::Blocked;
                };
                let (id, frame) = match decoder.decode(&mut input) {
                    Ok(Some(frame)) => (link.id, frame),
                    Ok(None) => break,
                    Err(error) => return Reading::Violation(error.close_code()),
                };
                let message = match &frame {
                    Frame::Text(text) => self.machine.handle_text(now, id, text),
                    Frame::Binary(data) => self.machine.handle_binary(now, id, data),
                    Frame::Ping(payload) => {
                        link.pong(payload);
                        None
                    }
                    Frame::Pong(_) => None,
                    Frame::Close { code, .. } => return Reading::Close(*code),
                };
                batch.count(message.as_ref().map_or(0, Message::len));
                if let Some(message) = message {
                    self.registry.meters.received();
                    trace::received(&message);
                    let mut context = SessionContext {
                        machine: &mut self.machine,
                        meters: &self.registry.meters,
                        now,
                        cx,
                    };
                    self.application.handle_message(&mut context, message);
                } else if self.machine.transport() != transport {
                    // The application learns of the move before the first message behind it.
                    link.put_back(input.to_vec());
                    return Reading::More;
                }
            }
            unread = input.to_vec();
        }
    }
}

/// How reading from a link went.
enum Reading {
    /// Nothing more to read, or nothing more is wanted.
    Blocked,
    /// Others get their turn before the rest is read.
    More,
    /// The link is gone.
    End(LinkEnd),
    /// The peer broke the rules of WebSocket; it is told by this code.
    Violation(u16),
    /// The peer closed, with this code or none.
    Close(Option<u16>),
}

/// A message that outlives the body it came in.
enum Owned {
    Text(String),
    Binary(Vec<u8>),
}

impl Owned {
    fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(data) => Message::Binary(data.into()),
        }
    }
}

/// How much one session has handled in this turn.
#[derive(Default)]
struct Batch {
    messages: usize,
    bytes: usize,
}

impl Batch {
    const fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes;
    }

    /// Also full when the runtime's budget is used up: a lock that is free would pretend to wait.
    fn is_full(&self) -> bool {
        self.messages >= BATCH_MESSAGES
            || self.bytes >= BATCH_BYTES
            || !coop::has_budget_remaining()
    }
}
