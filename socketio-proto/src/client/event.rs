//! What the messages of a server mean to its client.

use std::{borrow::Cow, fmt};

use serde_json::Value;

use crate::{Args, Encoded, NamespaceId};

/// What a message of the server meant.
#[non_exhaustive]
pub enum Event<'a, A> {
    /// The server granted a CONNECT. Should it do so again, the newer ids count.
    Connected {
        /// The membership that was asked for.
        nsp: NamespaceId,
        /// The socket's id on the server.
        sid: Cow<'a, str>,
        /// The secret to recover the socket's state with, if the server can.
        pid: Option<Cow<'a, str>>,
    },
    /// The server refused a CONNECT; the membership has ended.
    ///
    /// A server of revision 4 that refuses the default namespace refuses with it all that are
    /// being joined: it would leave them unanswered.
    ConnectError {
        /// The membership that was asked for.
        nsp: NamespaceId,
        /// Why, in the server's words. Empty if it only sent data.
        message: String,
        /// Whatever the server added. In revision 4 that is all of what it sent, unless that is
        /// only a message.
        data: Option<Value>,
    },
    /// An event; in revision 4 also what a server reports as an error in a joined namespace, by the
    /// name `error`. If the CONNECT of its namespace is not answered yet, hold it until
    /// [`Event::Connected`]: a server replays missed events ahead of its answer.
    Event {
        /// The membership it was sent under.
        nsp: NamespaceId,
        /// If present, the server wants an acknowledgement with this id.
        id: Option<u64>,
        /// The event's name.
        name: Cow<'a, str>,
        /// Its arguments.
        args: Args<'a>,
    },
    /// An acknowledgement that was awaited.
    Ack {
        /// The membership it was sent under.
        nsp: NamespaceId,
        /// What was kept for it.
        ack: A,
        /// The answer.
        args: Args<'a>,
    },
    /// The server ended a membership.
    Disconnected {
        /// The membership that ended.
        nsp: NamespaceId,
        /// What was kept for acknowledgements that will never come.
        acks: Vec<A>,
    },
    /// The server granted a CONNECT that was given up meanwhile.
    Unwanted {
        /// To be sent, so that the server does not keep the membership.
        leave: Encoded,
    },
    /// A CONNECT that was kept back: an earlier one for the same namespace had been given up, and is
    /// answered now.
    Postponed {
        /// The membership that was asked for.
        nsp: NamespaceId,
        /// To be sent, as what [`connect`](super::Connection::connect) returns.
        request: Encoded,
    },
}

/// Says what happened and where; secrets and data are left out.
impl<A> fmt::Debug for Event<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, nsp, name) = match self {
            Self::Connected { nsp, .. } => ("Connected", Some(nsp), None),
            Self::ConnectError { nsp, .. } => ("ConnectError", Some(nsp), None),
            Self::Event { nsp, name, .. } => ("Event", Some(nsp), Some(name)),
            Self::Ack { nsp, .. } => ("Ack", Some(nsp), None),
            Self::Disconnected { nsp, .. } => ("Disconnected", Some(nsp), None),
            Self::Unwanted { .. } => ("Unwanted", None, None),
            Self::Postponed { nsp, .. } => ("Postponed", Some(nsp), None),
        };
        let mut event = f.debug_struct(kind);
        event.field("nsp", &nsp).field("name", &name);
        event.finish_non_exhaustive()
    }
}
