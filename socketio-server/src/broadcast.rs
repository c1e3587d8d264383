//! Sending to many: a selection of sockets, built step by step, and what became of an emit.

use engine::PushError;

use socketio_adapter::Target;

use crate::ack::Acks;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, FromArgs, Payload};
use crate::rooms::Rooms;
use crate::socket::{Pushed, Socket};

/// A selection of a namespace's sockets, and how to send to them. Each step returns it anew.
///
/// Who belongs to it is decided when something is sent. A socket that is in a target room all that
/// time gets the event exactly once, in however many of the rooms it is; one that enters or leaves
/// meanwhile at most once.
#[derive(Debug, Clone)]
#[must_use = "a selection does nothing until something is sent to it"]
pub struct Broadcast {
    namespace: Namespace,
    target: Target,
    volatile: bool,
}

impl Broadcast {
    pub(crate) const fn new(namespace: Namespace) -> Self {
        Self {
            namespace,
            target: Target::everyone(),
            volatile: false,
        }
    }

    /// Only those in these rooms; of several calls, those in any of them. No rooms at all reach
    /// nobody.
    pub fn to(mut self, rooms: impl Rooms) -> Self {
        self.target = self.target.to(rooms.into_rooms());
        self
    }

    /// But nobody in these rooms.
    pub fn except(mut self, rooms: impl Rooms) -> Self {
        self.target = self.target.except(rooms.into_rooms());
        self
    }

    /// Drops the event for clients whose transport cannot take it at once.
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Sends an event to all of the selection. It is encoded once.
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<Report, EncodeError> {
        let message = self.namespace.encode(None, event, args)?;
        let mut report = Report::default();
        self.namespace.for_each(&self.target, |socket| {
            report.count(if self.volatile {
                socket.send_volatile(message.clone())
            } else {
                socket.send(message.clone())
            });
        });
        Ok(report)
    }

    /// Sends an event to all of the selection and collects their acknowledgements, as a stream
    /// that ends when all have answered, or after 60 s unless another [timeout](Acks::timeout) is
    /// set. The event is sent now, encoded once.
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Acks<T>, EncodeError> {
        Acks::call(&self.namespace, &self.target, event, args)
    }

    /// The sockets of the selection, as it is now.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.namespace
            .for_each(&self.target, |socket| sockets.push(socket.clone()));
        sockets
    }
}

/// What became of an emit: for how many sockets it was queued, and for how many it was not.
///
/// Queued means that it will leave in its turn if the client stays and takes it, not that it has
/// arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Sockets whose queue has taken it.
    pub queued: usize,
    /// Sockets for which it was dropped: gone, too slow, or not ready for something volatile.
    pub dropped: usize,
}

impl Report {
    pub(crate) fn of(pushed: Pushed) -> Self {
        let mut report = Self::default();
        report.count(pushed);
        report
    }

    fn count(&mut self, pushed: Result<(), PushError>) {
        match pushed {
            Ok(()) => self.queued += 1,
            Err(_) => self.dropped += 1,
        }
    }
}
