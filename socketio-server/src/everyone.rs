//! Sending to everyone: the steps and the verbs of a broadcast, on a namespace, on those of one kind
//! and, for the default one, on the server.

use std::time::Duration;

use crate::ack::Acks;
use crate::broadcast::{Broadcast, Report};
use crate::dynamic::DynamicNamespace;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, FromArgs, Payload};
use crate::rooms::Rooms;

/// A method `broadcast` of a type, and what can be said of everyone it selects. The text names them.
macro_rules! everyone_methods {
    ($type:ty: $everyone:literal => $self:ident: $broadcast:expr) => {
        #[doc = concat!("What can be said of everyone in ", $everyone, "; see [`Broadcast`] for each.")]
        impl $type {
            #[doc = concat!("Everyone in ", $everyone, ", to be narrowed down.")]
            pub fn broadcast(&$self) -> Broadcast {
                $broadcast
            }

            #[doc = concat!("Everyone in these rooms of ", $everyone, "; see [`Broadcast::to`].")]
            pub fn to(&self, rooms: impl Rooms) -> Broadcast {
                self.broadcast().to(rooms)
            }

            /// Everyone but those in these rooms; see [`Broadcast::except`].
            pub fn except(&self, rooms: impl Rooms) -> Broadcast {
                self.broadcast().except(rooms)
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

            #[doc = concat!("Sends an event to everyone in ", $everyone, "; see [`Broadcast::emit`].")]
            ///
            /// # Errors
            /// If name or arguments cannot be encoded; nothing was sent.
            pub fn emit<T: Payload + ?Sized>(
                &self,
                event: &str,
                args: &T,
            ) -> Result<Report, EncodeError> {
                self.broadcast().emit(event, args)
            }

            #[doc = concat!("Sends the event `message` to everyone in ", $everyone, "; see [`Broadcast::send`].")]
            ///
            /// # Errors
            /// If the arguments cannot be encoded; nothing was sent.
            pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
                self.broadcast().send(args)
            }

            #[doc = concat!("Sends an event to everyone in ", $everyone, " and collects the acknowledgements; see [`Broadcast::call`].")]
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
    };
}

everyone_methods!(Namespace: "the namespace" => self: Broadcast::in_namespace(self.clone()));
everyone_methods!(DynamicNamespace: "all of its namespaces" => self: Broadcast::in_family(self.clone()));
everyone_methods!(Io: "the default namespace" => self: self.root().broadcast());
