//! From the manager's events to handlers, hooks and whoever waits.

use std::sync::Arc;
use std::task::Context;

use super::Shared;
use super::work::{Malformed, Work};
use crate::engine::Message;
use crate::error::{ConnectError, DisconnectReason};
use crate::extract::What;
use crate::hub::{Answer, Hub, Ticket};
use crate::manager::{Event, SocketKey};
use crate::proto::Args;
use crate::socket::Socket;

pub(crate) struct Dispatch {
    shared: Arc<Shared>,
    work: Work,
}

impl Dispatch {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            work: Work::new(shared.config().handlers),
            shared,
        }
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn hub(&self) -> &Hub {
        self.shared.hub()
    }

    /// Whether another message may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.work.has_room() && self.hub().queues_have_room()
    }

    /// Whether no handler runs, and none waits to.
    pub(crate) fn is_idle(&self) -> bool {
        self.work.is_idle()
    }

    /// Takes a message of the link.
    pub(crate) fn handle_message(&mut self, message: &Message<'_>, cx: &mut Context<'_>) {
        let event = self.shared.hub().drive(|manager, now| match message {
            Message::Text(text) => manager.handle_text(now, text),
            Message::Binary(data) => manager.handle_binary(now, data),
        });
        if let Some(event) = event {
            self.handle_event(event, cx);
        }
    }

    /// Takes what the manager has to tell beyond that.
    pub(crate) fn poll_events(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Some(event) = self.hub().drive(|manager, _| manager.poll_event()) {
            self.handle_event(event, cx);
            moved = true;
        }
        moved
    }

    /// Goes on with everything that can go on.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let moved = self.poll_events(cx);
        let result = self.work.poll(cx);
        moved | self.check(result)
    }

    fn handle_event(&mut self, event: Event<'_, Ticket>, cx: &mut Context<'_>) {
        match event {
            Event::Connected { socket, .. } => {
                self.start(socket, &What::Connect, cx);
                self.hub().notify();
            }
            Event::ConnectError {
                socket,
                error,
                will_retry,
            } => {
                let attempts = self.shared.attempts();
                attempts.fail(socket, &error, will_retry);
                // Who has left himself need not be told.
                if !matches!(
                    error,
                    ConnectError::Lost(DisconnectReason::ClientDisconnect)
                ) {
                    self.start(socket, &What::ConnectError(error), cx);
                }
                self.hub().notify();
            }
            Event::Event {
                socket,
                reply,
                name,
                args,
            } => self.start(socket, &What::Event { name, reply, args }, cx),
            Event::Ack { ack, result, .. } => {
                let answered = answer(ack, result.map(Args::into_owned));
                self.check(answered);
            }
            Event::Disconnected { socket, reason, .. } => {
                self.start(socket, &What::Disconnect(reason), cx);
                self.hub().notify();
            }
            Event::Stage(stage) => {
                tracing::debug!(target: "socketio", ?stage, "link");
                self.shared.tell(&stage);
                self.hub().notify();
            }
        }
    }

    fn start(&mut self, key: SocketKey, what: &What<'_>, cx: &mut Context<'_>) {
        // Nobody holds the client any more: there is nobody to be told.
        let Some(socket) = Socket::find(&self.shared, key) else {
            return;
        };
        let result = self.work.handle(&socket, what, cx);
        self.check(result);
    }

    /// Says whether there is something new to be told.
    fn check(&self, result: Result<(), Malformed>) -> bool {
        if result.is_err() {
            self.hub()
                .drive(|manager, now| manager.handle_malformed(now));
        }
        result.is_err()
    }
}

/// Settles an acknowledgement. An answer that is no JSON is none.
fn answer(ticket: Ticket, answer: Answer) -> Result<(), Malformed> {
    if let Ok(args) = &answer {
        args.check().map_err(|_| Malformed)?;
    }
    ticket.fill(answer);
    Ok(())
}
