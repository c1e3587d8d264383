//! What waits in a session's outgoing queue, in the order in which it was said.

use engine::{Prepared, Weight};
use tokio::sync::mpsc;

use crate::error::{AckError, DisconnectReason};
use crate::proto::{Args, NamespaceId};
use crate::socket::SocketId;

/// One entry. Everything that must keep its order with messages is one.
pub(crate) enum Entry {
    /// A packet of the protocol.
    Message(Prepared),
    /// An event. Behind the end of its namespace it is dropped, and so it may be if its client takes
    /// too little.
    Event { nsp: NamespaceId, message: Prepared },
    /// The answer to an event. Behind the end of its namespace it is dropped.
    Answer { nsp: NamespaceId, message: Prepared },
    /// An event whose answer is awaited. The ticket is registered when the entry leaves the queue,
    /// so that only an addressee can answer.
    Call(Box<Call>),
    /// Nobody waits for an answer any longer.
    Forget { nsp: NamespaceId, id: u64 },
    /// Sends the client away from a namespace.
    Leave(NamespaceId),
    /// Sends the client away from all namespaces and closes the link.
    LeaveAll,
    /// Closes the link, for this reason.
    Close(DisconnectReason),
}

/// Rarer than messages and larger: boxed, it does not make every queue wider.
pub(crate) struct Call {
    pub(crate) nsp: NamespaceId,
    pub(crate) id: u64,
    pub(crate) ticket: Ticket,
    pub(crate) message: Prepared,
}

/// Every client has queues of these.
const _: () = assert!(size_of::<Entry>() <= 24);

impl Entry {
    /// What it is to a queue whose client takes too little. Only events are dropped: somebody waits
    /// for what belongs to an answer, and without the rest the protocol would break.
    pub(crate) fn weight(&self) -> Weight {
        let (message, droppable) = match self {
            Self::Event { message, .. } => (message, true),
            Self::Message(message) | Self::Answer { message, .. } => (message, false),
            Self::Call(call) => (&call.message, false),
            Self::Forget { .. } | Self::Leave(_) | Self::LeaveAll | Self::Close(_) => {
                return Weight::default();
            }
        };
        Weight {
            bytes: message.wire_len(),
            droppable,
        }
    }

    /// Whether it is for the link alone, and for its eyes soon.
    pub(crate) const fn is_order(&self) -> bool {
        matches!(self, Self::Leave(_) | Self::LeaveAll | Self::Close(_))
    }

    pub(crate) const fn is_leave(&self) -> bool {
        matches!(self, Self::Leave(_) | Self::LeaveAll)
    }
}

/// An answer and who gave it.
pub(crate) type Answer = (SocketId, Result<Args<'static>, AckError>);

/// The right to answer a call once. Dropped without an answer, wherever it is, it tells the caller
/// that the socket is gone.
pub(crate) struct Ticket {
    sid: SocketId,
    caller: Option<mpsc::UnboundedSender<Answer>>,
}

impl Ticket {
    pub(crate) fn new(sid: SocketId, caller: mpsc::UnboundedSender<Answer>) -> Self {
        Self {
            sid,
            caller: Some(caller),
        }
    }

    pub(crate) fn answer(mut self, args: Args<'_>) {
        self.resolve(Ok(args.into_owned()));
    }

    fn resolve(&mut self, answer: Result<Args<'static>, AckError>) {
        if let Some(caller) = self.caller.take() {
            // A caller that has given up does not miss it.
            let _ = caller.send((self.sid.clone(), answer));
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.resolve(Err(AckError::Disconnected));
    }
}
