//! What the link of an async client has to say.

use std::task::{Context, Poll};

use super::Configuring;
use crate::engine::{
    self, CloseReason, Connection, ConnectionEvent as Event, Handshake, Message, Prepared, Tape,
    Transport,
};
use crate::link::{Link, Session, Work};
use crate::proto::BoxError;

#[derive(Debug)]
pub(super) enum Happened<'a> {
    /// The application has said how to open it.
    Configured(Box<Result<engine::Config, BoxError>>),
    Opened,
    Message(Message<'a>),
    Upgraded(Transport),
    Ended(CloseReason, Option<engine::Error>),
}

pub(super) fn poll<'a>(
    link: &'a mut Link<Connection, Configuring>,
    cx: &mut Context<'_>,
) -> Poll<Happened<'a>> {
    let connection = match link.work() {
        Work::Nothing => return Poll::Pending,
        Work::Configure(configuring) => {
            return configuring
                .as_mut()
                .poll(cx)
                .map(|it| Happened::Configured(Box::new(it)));
        }
        Work::Session(session) => session,
    };
    connection.poll_event(cx).map(|event| match event {
        Event::Opened => Happened::Opened,
        Event::Message(message) => Happened::Message(message),
        Event::Upgraded(to) => Happened::Upgraded(to),
        Event::Closed { reason, error } => Happened::Ended(reason, error.cloned()),
    })
}

/// Goes on with those that are being closed, each for one step. Says whether there is more to do.
pub(super) fn poll_leaving(link: &mut Link<Connection, Configuring>, cx: &mut Context<'_>) -> bool {
    let mut moved = false;
    link.leaving().retain_mut(|connection| {
        let event = connection.poll_event(cx);
        moved |= event.is_ready();
        !matches!(event, Poll::Ready(Event::Closed { .. }))
    });
    moved
}

impl Session for Connection {
    fn handshake(&self) -> Option<&Handshake> {
        self.handshake()
    }

    fn tape(&self) -> Option<&Tape> {
        self.tape()
    }

    fn revision(&self) -> engine::Revision {
        self.revision()
    }

    fn transport(&self) -> Transport {
        self.transport()
    }

    fn is_writable(&self) -> bool {
        self.is_writable()
    }

    fn queued_bytes(&self) -> usize {
        self.queued_bytes()
    }

    fn send(&mut self, message: Prepared) {
        self.send(message);
    }

    fn set_reading(&mut self, reading: bool) {
        self.set_reading(reading);
    }

    fn start_close(&mut self) {
        self.start_close();
    }
}
