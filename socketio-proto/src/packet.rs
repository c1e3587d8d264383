//! The packet: the vocabulary of the layer, common to all revisions and parsers. How it is spelled
//! is up to `decode` and `encode`, or to a parser.

use std::{borrow::Cow, fmt};

use crate::Args;

/// A packet, borrowing the message it was decoded from where that is possible.
///
/// BINARY_EVENT and BINARY_ACK are spellings of EVENT and ACK and are reported as those.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Packet<'a> {
    /// The namespace, `/` if the wire names none; in revision 4 with the query that may follow it.
    pub nsp: Cow<'a, str>,
    /// The acknowledgement id, at most 2^53 - 1. On an EVENT it asks for an answer, on an ACK it
    /// says which event is answered; elsewhere it means nothing.
    pub id: Option<u64>,
    /// What the packet is and carries.
    pub body: Body<'a>,
}

impl<'a> Packet<'a> {
    /// A packet, for a [`Parser`](crate::Parser) to return. It is checked afterwards.
    pub fn new(nsp: impl Into<Cow<'a, str>>, id: Option<u64>, body: Body<'a>) -> Self {
        Self {
            nsp: nsp.into(),
            id,
            body,
        }
    }
}

/// The types of packets with what each carries (protocol section 10).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A client asks to join a namespace, or a server grants it. The payload is a JSON object, if
    /// there is one.
    Connect(Option<Cow<'a, str>>),
    /// One side leaves a namespace.
    Disconnect,
    /// An event.
    Event {
        /// The event's name; a number is reported as it was spelled.
        name: Cow<'a, str>,
        /// Its arguments, the JSON not yet checked unless there are attachments.
        args: Args<'a>,
    },
    /// The answer to an event that carried an id. The arguments are not yet checked unless there
    /// are attachments.
    Ack(Args<'a>),
    /// A server refuses a CONNECT; the payload is a JSON string or object. In revision 4 it may
    /// also be an array or null, and no payload is null.
    ConnectError(Cow<'a, str>),
}

/// Leaves out payloads: they hold credentials and secrets.
impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(_) => f.write_str("Connect"),
            Self::Disconnect => f.write_str("Disconnect"),
            Self::Event { name, args } => f
                .debug_struct("Event")
                .field("name", name)
                .field("args", args)
                .finish(),
            Self::Ack(args) => f.debug_tuple("Ack").field(args).finish(),
            Self::ConnectError(_) => f.write_str("ConnectError"),
        }
    }
}
