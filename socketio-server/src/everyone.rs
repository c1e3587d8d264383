//! Sending to everyone: the steps and the verbs of a broadcast, on a namespace and, for the default
//! one, on the server.

use std::time::Duration;

use crate::ack::Acks;
use crate::broadcast::{Broadcast, Report};
use crate::io::Io;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, FromArgs, Payload};

/// What can be said of everyone in the namespace; see [`Broadcast`] for each.
impl Namespace {
    /// Everyone; see [`Broadcast::local`].
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// Everyone who can take an event at once; see [`Broadcast::volatile`].
    pub fn volatile(&self) -> Broadcast {
        self.broadcast().volatile()
    }

    /// Everyone, for events that may be compressed or not; see [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.broadcast().compress(compress)
    }

    /// Everyone, who may take so long to acknowledge; see [`Broadcast::timeout`].
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.broadcast().timeout(timeout)
    }

    /// Sends the event `message` to everyone in the namespace; see [`Broadcast::send`].
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
        self.broadcast().send(args)
    }
}

/// What can be said of everyone in the default namespace; see [`Broadcast`] for each.
impl Io {
    /// Everyone in the default namespace, to be narrowed down.
    pub fn broadcast(&self) -> Broadcast {
        self.root().broadcast()
    }

    /// Everyone; see [`Broadcast::local`].
    pub fn local(&self) -> Broadcast {
        self.broadcast().local()
    }

    /// Everyone who can take an event at once; see [`Broadcast::volatile`].
    pub fn volatile(&self) -> Broadcast {
        self.broadcast().volatile()
    }

    /// Everyone, for events that may be compressed or not; see [`Broadcast::compress`].
    pub fn compress(&self, compress: bool) -> Broadcast {
        self.broadcast().compress(compress)
    }

    /// Everyone, who may take so long to acknowledge; see [`Broadcast::timeout`].
    pub fn timeout(&self, timeout: Duration) -> Broadcast {
        self.broadcast().timeout(timeout)
    }

    /// Sends the event `message` to everyone in the default namespace; see [`Broadcast::send`].
    ///
    /// # Errors
    /// If the arguments cannot be encoded; nothing was sent.
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
        self.broadcast().send(args)
    }

    /// Sends an event to everyone in the default namespace and collects the acknowledgements; see
    /// [`Broadcast::call`].
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Acks<T>, EncodeError> {
        self.broadcast().call(event, args)
    }
}
