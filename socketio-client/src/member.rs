//! One namespace of a client as both kinds of sockets use it: what is sent, and how it stands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::SendError;
use crate::hub::{Answer, Hub, Ticket};
use crate::manager::{Outgoing, ReplyTo, Sent, SocketKey};
use crate::proto::{EncodeError, Payload};
use crate::slot::{Slot, slot};

/// A client's membership in a namespace, wanted or not. It does not keep the client alive.
#[derive(Debug)]
pub(crate) struct Member {
    hub: Arc<Hub>,
    key: SocketKey,
    name: Box<str>,
    next_id: AtomicU64,
}

impl Member {
    pub(crate) fn new(hub: &Arc<Hub>, key: SocketKey) -> Self {
        let name = hub.ask(|manager| manager.namespace(key).unwrap_or_default().into());
        Self {
            hub: Arc::clone(hub),
            key,
            name,
            next_id: AtomicU64::new(0),
        }
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) const fn key(&self) -> SocketKey {
        self.key
    }

    pub(crate) const fn name(&self) -> &str {
        &self.name
    }

    // ---- Sending --------------------------------------------------------------------------

    pub(crate) fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
        let id = self.hub.retries().then(|| self.next_id());
        self.dispatch(id, event, args, None, false).map(drop)
    }

    /// Says whether it is on its way.
    pub(crate) fn emit_volatile<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<bool, SendError> {
        self.dispatch(None, event, args, None, true)
    }

    /// Sends an event whose answer comes into a slot; the id is for [`forget`](Self::forget).
    pub(crate) fn call<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<(u64, Slot<Answer>), SendError> {
        let id = self.next_id();
        let (ticket, answer) = slot();
        self.dispatch(Some(id), event, args, Some(ticket), false)?;
        Ok((id, answer))
    }

    /// Nobody waits any longer for the answer to a call.
    pub(crate) fn forget(&self, id: u64) {
        let ticket = self
            .hub
            .command(|manager, _| manager.forget_ack(self.key, id));
        drop(ticket);
    }

    /// Answers an event of the server's, unless the membership it came over has ended.
    pub(crate) fn acknowledge(
        &self,
        to: ReplyTo,
        args: &(impl Payload + ?Sized),
    ) -> Result<(), EncodeError> {
        let answer = args.ack(self.hub.encoder(), &self.name, to.id)?;
        // A server that is gone does not miss its answer.
        let _ = self
            .hub
            .command(|manager, _| manager.reply(self.key, to, answer));
        Ok(())
    }

    fn dispatch<T: Payload + ?Sized>(
        &self,
        id: Option<u64>,
        event: &str,
        args: &T,
        ack: Option<Ticket>,
        volatile: bool,
    ) -> Result<bool, SendError> {
        // Before the lock is taken: encoding calls code of the user's.
        let message = args.event(self.hub.encoder(), &self.name, id, event)?;
        // Whoever awaits an answer keeps an eye on the clock himself, unless it is tried again.
        let timeout = (ack.is_some() && !self.hub.retries()).then_some(u64::MAX);
        let outgoing = Outgoing {
            message,
            id,
            ack,
            timeout,
            volatile,
        };
        let sent = self
            .hub
            .command(|manager, now| manager.emit(now, self.key, outgoing));
        match sent {
            Sent::Queued | Sent::Buffered => Ok(true),
            Sent::Dropped(_) => Ok(false),
            Sent::Refused(_) => Err(SendError::Full),
        }
    }

    fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Leaves the namespace.
    pub(crate) fn disconnect(&self) {
        self.hub
            .command(|manager, now| manager.disconnect(now, self.key));
    }

    // ---- State ----------------------------------------------------------------------------

    pub(crate) fn id(&self) -> Option<String> {
        self.hub
            .ask(|manager| manager.sid(self.key).map(str::to_owned))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.hub.ask(|manager| manager.sid(self.key).is_some())
    }

    pub(crate) fn is_active(&self) -> bool {
        self.hub.ask(|manager| manager.is_active(self.key))
    }

    pub(crate) fn recovered(&self) -> bool {
        self.hub.ask(|manager| manager.is_recovered(self.key))
    }
}
