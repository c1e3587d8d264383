//! The byte streams of a session: they are opened, written, read and closed as its core wants it.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::Waker;
use std::time::Duration;

use engineio_proto::Tick;

use super::reactor::Reactor;
use super::{Dialer, Stream};
use crate::engine::Target;
use crate::engine::core::{Core, Input, StreamId};

/// Two for polling and one for a websocket, rarely more. Those that were hung up leave as soon as
/// they have said goodbye.
pub(super) struct Streams {
    slots: Vec<Slot>,
    dialed: Receiver<Dialed>,
    sender: Sender<Dialed>,
}

type Dialed = (StreamId, io::Result<Stream>);

struct Slot {
    id: StreamId,
    stream: Stream,
    /// Nothing has said since that it would block. The system tells changes only.
    readable: bool,
    writable: bool,
    /// Streams that buffer, such as TLS, hold the last bytes back until they are flushed.
    unflushed: bool,
    /// It can no longer be written. What the peer said before, the reason maybe, is read first.
    broken: Option<io::Error>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The core has hung up.
    Ending,
    Gone,
}

impl Default for Streams {
    fn default() -> Self {
        let (sender, dialed) = mpsc::channel();
        Self {
            slots: Vec::new(),
            dialed,
            sender,
        }
    }
}

impl Streams {
    pub(super) fn dial(
        &self,
        id: StreamId,
        dialer: &Dialer,
        target: Target,
        timeout: Duration,
        waker: &Waker,
    ) {
        let (sender, waker) = (self.sender.clone(), waker.clone());
        let tell = self.sender.clone();
        let done = move |stream| {
            // Nobody to take it: the session is over.
            let _ = sender.send((id, stream));
            waker.wake();
        };
        if let Err(error) = dialer.dial(target, timeout, done) {
            let _ = tell.send((id, Err(error)));
        }
    }

    pub(super) fn hang_up(&mut self, id: StreamId) {
        if let Some(slot) = self.slots.iter_mut().find(|it| it.id == id) {
            slot.state = State::Ending;
        }
    }

    /// The system says that a stream is ready.
    pub(super) fn handle_ready(&mut self, id: StreamId) {
        if let Some(slot) = self.slots.iter_mut().find(|it| it.id == id) {
            slot.readable = true;
            slot.writable = true;
        }
    }

    /// Drops all of them, after one attempt to say goodbye.
    pub(super) fn close(&mut self, reactor: &Reactor) {
        for mut slot in self.slots.drain(..) {
            let _ = slot.stream.close();
            reactor.remove(&mut slot.stream);
        }
        // Those that are still being dialed find nobody to take them.
        let (sender, dialed) = mpsc::channel();
        self.sender = sender;
        self.dialed = dialed;
    }

    /// Goes on with what does not read: dials, writes, goodbyes. True if the core has heard of
    /// something.
    pub(super) fn write(&mut self, reactor: &Reactor, now: Tick, core: &mut Core) -> bool {
        let mut news = false;
        while let Ok((id, dialed)) = self.dialed.try_recv() {
            self.take(reactor, id, dialed, now, core);
            news = true;
        }
        for slot in &mut self.slots {
            match slot.state {
                State::Open => news |= slot.write(now, core),
                State::Ending => slot.end(),
                State::Gone => {}
            }
            if slot.state == State::Gone {
                reactor.remove(&mut slot.stream);
            }
        }
        self.slots.retain(|slot| slot.state != State::Gone);
        news
    }

    /// Reads from the first stream that has something, into an empty `input`. True if the core has
    /// something to take, or has heard of an end.
    pub(super) fn read(&mut self, now: Tick, core: &mut Core, input: &mut Input) -> bool {
        self.slots
            .iter_mut()
            .any(|slot| slot.state == State::Open && slot.read(now, core, input))
    }

    fn take(
        &mut self,
        reactor: &Reactor,
        id: StreamId,
        dialed: io::Result<Stream>,
        now: Tick,
        core: &mut Core,
    ) {
        let added = dialed.and_then(|mut stream| {
            reactor.add(id, &mut stream)?;
            Ok(stream)
        });
        match added {
            Ok(stream) => {
                self.slots.push(Slot {
                    id,
                    stream,
                    readable: true,
                    writable: true,
                    unflushed: false,
                    broken: None,
                    state: State::Open,
                });
                core.handle_dialed(now, id);
            }
            Err(error) => core.handle_dial_failed(now, id, error),
        }
    }
}

impl Slot {
    fn write(&mut self, now: Tick, core: &mut Core) -> bool {
        let mut news = false;
        while self.writable && self.broken.is_none() {
            let bytes = core.outgoing(self.id);
            if bytes.is_empty() {
                break;
            }
            match self.stream.write(bytes) {
                Ok(0) => self.broken = Some(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    core.handle_written(now, self.id, len);
                    self.unflushed = true;
                    news = true;
                }
                Err(error) => self.handle_write_error(error),
            }
        }
        if self.unflushed && self.writable && self.broken.is_none() {
            match self.stream.flush() {
                Ok(()) => self.unflushed = false,
                Err(error) => self.handle_write_error(error),
            }
        }
        news
    }

    fn handle_write_error(&mut self, error: io::Error) {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.writable = false,
            io::ErrorKind::Interrupted => {}
            _ => self.broken = Some(error),
        }
    }

    fn read(&mut self, now: Tick, core: &mut Core, input: &mut Input) -> bool {
        if !core.wants_bytes(self.id) && self.broken.is_none() {
            return false;
        }
        let end = loop {
            if !self.readable {
                match self.broken.take() {
                    Some(error) => break Some(error),
                    None => return false,
                }
            }
            match self.stream.read(input.room(self.id)) {
                Ok(0) => break self.broken.take(),
                Ok(len) => {
                    input.fill(len);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        self.state = State::Gone;
        core.handle_end(now, self.id, end);
        true
    }

    fn end(&mut self) {
        match self.stream.close() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => self.state = State::Gone,
        }
    }
}
