//! What is sent to a socket, on its way to the outbox of its client.

use engine::{Prepared, PushError};

use super::Socket;
use crate::broadcast::Flags;
use crate::entry::{Call, Entry, Ticket};
use crate::gate::Admission;
use crate::proto::{EncodeError, Encoded, Payload};
use crate::recovery::Waiting;

/// How an entry fared.
pub(crate) type Pushed = Result<(), PushError>;

impl Socket {
    pub(crate) fn send_event(&self, message: Prepared, flags: Flags) -> Pushed {
        let nsp = self.0.nsp;
        let bytes = flags.mark(&message);
        self.push(Entry::Event { nsp, message }, bytes, flags)
    }

    pub(crate) fn send_call(
        &self,
        message: Prepared,
        id: u64,
        ticket: Ticket,
        flags: Flags,
    ) -> Pushed {
        let bytes = flags.mark(&message);
        let nsp = self.0.nsp;
        let call = Call {
            nsp,
            id,
            ticket,
            message,
        };
        self.push(Entry::Call(Box::new(call)), bytes, flags)
    }

    /// Nobody waits any longer for the answer to a call.
    pub(crate) fn forget(&self, id: u64) {
        let nsp = self.0.nsp;
        // Behind the call, wherever that waits. A socket that is gone has forgotten already.
        let _ = self.push(Entry::Forget { nsp, id }, 0, Flags::default());
    }

    /// The answer to an event.
    pub(crate) fn acknowledgement(
        &self,
        id: u64,
        args: &(impl Payload + ?Sized),
    ) -> Result<Prepared, EncodeError> {
        let namespace = &self.0.namespace;
        let encoded = args.ack(namespace.encoder(), namespace.name(), id)?;
        Ok(prepare(encoded))
    }

    pub(crate) fn acknowledge(&self, message: Prepared) {
        let (nsp, bytes) = (self.0.nsp, message.wire_len());
        // A client that is gone does not miss its answer.
        let _ = self.push(Entry::Answer { nsp, message }, bytes, Flags::default());
    }

    fn push(&self, entry: Entry, bytes: usize, flags: Flags) -> Pushed {
        if let Some(sequencer) = self.0.namespace.sequencer() {
            return sequencer.push(self, entry, bytes, flags);
        }
        if flags.volatile {
            return match self.0.gate.is_open() {
                true => self.0.session.push_volatile(entry, bytes),
                false => Err(PushError::NotReady),
            };
        }
        // What is let pass here may come behind the end as well as what is admitted.
        if self.0.gate.is_open() {
            return self.0.session.push(entry, bytes);
        }
        match self.0.gate.admit(Waiting::Entry(entry, bytes)) {
            Admission::Open(Waiting::Entry(entry, bytes)) => self.0.session.push(entry, bytes),
            Admission::Kept => Ok(()),
            Admission::Open(Waiting::Draft(_)) | Admission::Closed => Err(PushError::Closed),
        }
    }

    /// An entry whose turn has come.
    pub(crate) fn push_entry(&self, entry: Entry, bytes: usize, flags: Flags) -> Pushed {
        match flags.volatile {
            true => self.0.session.push_volatile(entry, bytes),
            false if entry.is_order() => self.0.session.push_order(entry),
            false => self.0.session.push(entry, bytes),
        }
    }

    /// An event whose turn has come.
    pub(crate) fn push_event(&self, message: Prepared, flags: Flags) -> Pushed {
        let nsp = self.0.nsp;
        let bytes = flags.mark(&message);
        self.push_entry(Entry::Event { nsp, message }, bytes, flags)
    }

    /// Keeps something until the client is let in; for those who know that it is not yet.
    pub(crate) fn wait(&self, waiting: Waiting) {
        let admission = self.0.gate.admit(waiting);
        debug_assert!(matches!(admission, Admission::Kept), "the gate has opened");
    }
}

/// An encoded packet as the engine sends it.
pub(crate) fn prepare(encoded: Encoded) -> Prepared {
    let has_text = encoded.has_text();
    let mut attachments = encoded.attachments;
    match attachments.pop_if(|_| !has_text) {
        Some(data) => Prepared::binary(data),
        None => Prepared::from_parts(encoded.buffer, encoded.start, attachments),
    }
}
