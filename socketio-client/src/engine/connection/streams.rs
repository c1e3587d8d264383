//! The byte streams of a session: they are opened, written, read and closed as its core wants it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use engineio_proto::Tick;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::engine::Target;
use crate::engine::core::{Core, Input, StreamId};
use crate::engine::dial::{Dialer, Stream};

/// Two for polling and one for a websocket, rarely more. Those that were hung up leave as soon as
/// they have said goodbye.
#[derive(Default)]
pub(super) struct Streams {
    slots: Vec<Slot>,
}

struct Slot {
    id: StreamId,
    state: State,
}

enum State {
    Dialing(Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>),
    Open(Open),
    /// The core has hung up.
    Ending(Stream),
    Gone,
}

struct Open {
    stream: Stream,
    /// Streams that buffer, such as TLS, hold the last bytes back until they are flushed.
    unflushed: bool,
    /// It can no longer be written. What the peer said before, the reason maybe, is read first.
    broken: Option<io::Error>,
}

impl Streams {
    pub(super) fn dial(&mut self, id: StreamId, dialer: &Dialer, target: Target) {
        let dial = Box::pin(dialer.clone().dial(target));
        let state = State::Dialing(dial);
        self.slots.push(Slot { id, state });
    }

    pub(super) fn hang_up(&mut self, id: StreamId) {
        if let Some(slot) = self.slots.iter_mut().find(|it| it.id == id) {
            slot.state = match std::mem::replace(&mut slot.state, State::Gone) {
                State::Open(open) => State::Ending(open.stream),
                State::Dialing(_) | State::Ending(_) | State::Gone => State::Gone,
            };
        }
    }

    /// Drops all of them, after one attempt to say goodbye.
    pub(super) fn close(&mut self, cx: &mut Context<'_>) {
        for slot in self.slots.drain(..) {
            if let State::Open(Open { mut stream, .. }) | State::Ending(mut stream) = slot.state {
                let _ = Pin::new(&mut stream).poll_shutdown(cx);
            }
        }
    }

    /// Goes on with what does not read: dials, writes, goodbyes. True if the core has heard of
    /// something.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, now: Tick, core: &mut Core) -> bool {
        let mut news = false;
        for slot in &mut self.slots {
            news |= slot.poll_write(cx, now, core);
        }
        self.slots.retain(|slot| !matches!(slot.state, State::Gone));
        news
    }

    /// Reads from the first stream that has something, into an empty `input`. True if the core has
    /// something to take, or has heard of an end.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        now: Tick,
        core: &mut Core,
        input: &mut Input,
    ) -> bool {
        self.slots
            .iter_mut()
            .any(|slot| slot.poll_read(cx, now, core, input))
    }
}

impl Slot {
    fn poll_write(&mut self, cx: &mut Context<'_>, now: Tick, core: &mut Core) -> bool {
        match &mut self.state {
            State::Dialing(dial) => match dial.as_mut().poll(cx) {
                Poll::Ready(Ok(stream)) => {
                    self.state = State::Open(Open {
                        stream,
                        unflushed: false,
                        broken: None,
                    });
                    core.handle_dialed(now, self.id);
                    true
                }
                Poll::Ready(Err(error)) => {
                    self.state = State::Gone;
                    core.handle_dial_failed(now, self.id, error);
                    true
                }
                Poll::Pending => false,
            },
            State::Open(open) => open.poll_write(cx, now, self.id, core),
            State::Ending(stream) => {
                if Pin::new(stream).poll_shutdown(cx).is_ready() {
                    self.state = State::Gone;
                }
                false
            }
            State::Gone => false,
        }
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        now: Tick,
        core: &mut Core,
        input: &mut Input,
    ) -> bool {
        let State::Open(open) = &mut self.state else {
            return false;
        };
        if !core.wants_bytes(self.id) && open.broken.is_none() {
            return false;
        }
        let mut room = ReadBuf::new(input.room(self.id));
        let end = match Pin::new(&mut open.stream).poll_read(cx, &mut room) {
            Poll::Ready(Ok(())) => {
                let len = room.filled().len();
                if len > 0 {
                    input.fill(len);
                    return true;
                }
                open.broken.take()
            }
            Poll::Ready(Err(error)) => Some(error),
            Poll::Pending => match open.broken.take() {
                Some(error) => Some(error),
                None => return false,
            },
        };
        self.state = State::Gone;
        core.handle_end(now, self.id, end);
        true
    }
}

impl Open {
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        now: Tick,
        id: StreamId,
        core: &mut Core,
    ) -> bool {
        let mut news = false;
        while self.broken.is_none() {
            let bytes = core.outgoing(id);
            if bytes.is_empty() {
                break;
            }
            match Pin::new(&mut self.stream).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(len)) => {
                    core.handle_written(now, id, len);
                    self.unflushed = true;
                    news = true;
                }
                Poll::Ready(Err(error)) => self.broken = Some(error),
                Poll::Pending => break,
            }
        }
        if self.unflushed
            && self.broken.is_none()
            && let Poll::Ready(result) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            self.unflushed = false;
            self.broken = result.err();
        }
        news
    }
}
