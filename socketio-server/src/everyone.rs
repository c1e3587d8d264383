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

/// The hidden beginning of an example that has a value of the type.
macro_rules! example {
    ($type:ident $name:literal) => {
        concat!(
            "fn example(",
            $name,
            ": socketio_server::",
            stringify!($type),
            ") -> Result<(), socketio_server::EncodeError> {"
        )
    };
}

/// A method `broadcast` of a type, and what can be said of everyone it selects. The text names them.
macro_rules! everyone_methods {
    ($type:ident $name:literal: $everyone:literal => $self:ident: $broadcast:expr) => {
        #[doc = concat!("What can be said of everyone in ", $everyone, "; see [`Broadcast`] for each.")]
        impl $type {
            #[doc = concat!("Everyone in ", $everyone, ", to be narrowed down.")]
            ///
            /// ```
            #[doc = concat!("# ", example!($type $name))]
            #[doc = concat!("let audience = ", $name, ".broadcast().except(\"muted\");")]
            /// audience.emit("score", &(3, 1))?;
            /// # Ok(())
            /// # }
            /// ```
            pub fn broadcast(&$self) -> Broadcast {
                $broadcast
            }

            #[doc = concat!("Everyone in these rooms of ", $everyone, "; see [`Broadcast::to`].")]
            ///
            /// ```
            #[doc = concat!("# ", example!($type $name))]
            #[doc = concat!($name, ".to([\"red\", \"blue\"]).emit(\"score\", &(3, 1))?;")]
            /// # Ok(())
            /// # }
            /// ```
            pub fn to(&self, rooms: impl Rooms) -> Broadcast {
                self.broadcast().to(rooms)
            }

            /// Everyone but those in these rooms; see [`Broadcast::except`].
            ///
            /// ```
            #[doc = concat!("# ", example!($type $name))]
            #[doc = concat!($name, ".except(\"muted\").emit(\"score\", &(3, 1))?;")]
            /// # Ok(())
            /// # }
            /// ```
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

            /// Everyone, with this long to acknowledge; see [`Broadcast::timeout`].
            pub fn timeout(&self, timeout: Duration) -> Broadcast {
                self.broadcast().timeout(timeout)
            }

            #[doc = concat!("Sends an event to everyone in ", $everyone, ". A tuple, or an array of fixed size, is several")]
            /// arguments, `()` is none, and anything else is one, also a `Vec` or a slice; see
            /// [`Broadcast::emit`].
            ///
            /// ```
            #[doc = concat!("# ", example!($type $name))]
            #[doc = concat!($name, ".emit(\"points\", &[1, 2, 3])?; // three arguments")]
            #[doc = concat!($name, ".emit(\"points\", &vec![1, 2, 3])?; // one argument, a list")]
            /// # Ok(())
            /// # }
            /// ```
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
            /// ```
            #[doc = concat!("# ", example!($type $name))]
            #[doc = concat!($name, ".send(\"tea is ready\")?;")]
            /// # Ok(())
            /// # }
            /// ```
            ///
            /// # Errors
            /// If the arguments cannot be encoded; nothing was sent.
            pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
                self.broadcast().send(args)
            }

            #[doc = concat!("Sends an event to everyone in ", $everyone, " and collects the acknowledgements; see [`Broadcast::call`].")]
            ///
            /// ```
            /// # use socketio_server::Acks;
            #[doc = concat!("# async ", example!($type $name))]
            #[doc = concat!("let votes: Acks<bool> = ", $name, ".call(\"vote\", &())?;")]
            /// for (juror, vote) in votes.all().await {
            ///     println!("{juror}: {vote:?}");
            /// }
            /// # Ok(())
            /// # }
            /// ```
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

everyone_methods!(Namespace "namespace": "the namespace" => self: Broadcast::in_namespace(self.clone()));
everyone_methods!(DynamicNamespace "games": "all of its namespaces" => self: Broadcast::in_family(self.clone()));
everyone_methods!(Io "io": "the default namespace" => self: self.root().broadcast());
