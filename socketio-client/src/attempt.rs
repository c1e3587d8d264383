//! Waiting for namespaces to be connected.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;

use crate::error::{ConnectError, DisconnectReason};
use crate::hub::Hub;
use crate::manager::SocketKey;
use crate::slot::{Filler, Slot, slot};

/// What somebody who waits to be connected puts up with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// No failure at all.
    FirstAttempt,
    /// Failures that are followed by another attempt.
    AllAttempts,
}

type Outcome = Result<(), ConnectError>;

/// Those who wait.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<List>);

#[derive(Debug, Default)]
struct List {
    pending: Vec<Pending>,
    next_id: u64,
}

#[derive(Debug)]
struct Pending {
    id: u64,
    wanted: Vec<SocketKey>,
    patience: Patience,
    /// Whether its sockets have been asked for.
    begun: bool,
    /// Why one of them was not connected.
    failure: Option<ConnectError>,
    filler: Filler<Outcome>,
}

impl Attempts {
    /// Waits for these to be connected. Dropped before, or failed, they are left.
    pub(crate) fn add(
        self: &Arc<Self>,
        hub: &Arc<Hub>,
        mut wanted: Vec<SocketKey>,
        patience: Patience,
    ) -> Attempt {
        // What is connected already stays so, whatever comes of the others.
        hub.ask(|manager| wanted.retain(|&key| manager.sid(key).is_none()));
        let (filler, slot) = slot();
        let mut list = self.0.lock();
        list.next_id += 1;
        let id = list.next_id;
        let pending = Pending {
            id,
            wanted: wanted.clone(),
            patience,
            begun: false,
            failure: None,
            filler,
        };
        list.pending.push(pending);
        drop(list);
        Attempt {
            attempts: Arc::clone(self),
            hub: Arc::clone(hub),
            id,
            wanted,
            slot,
        }
    }

    /// Settles what can be settled. To be called by the driver, when it has told all that the
    /// manager had to tell: what is left of an attempt before would be taken for the next one's.
    pub(crate) fn review(&self, hub: &Hub) {
        let mut settled = Vec::new();
        let mut list = self.0.lock();
        let mut index = 0;
        while let Some(pending) = list.pending.get_mut(index) {
            match pending.outcome(hub) {
                Some(outcome) => settled.push((list.pending.swap_remove(index), outcome)),
                None => index += 1,
            }
        }
        drop(list);
        for (pending, outcome) in settled {
            if outcome.is_err() {
                leave(hub, &pending.wanted);
            }
            pending.filler.fill(outcome);
        }
    }

    /// A socket was not connected.
    pub(crate) fn fail(&self, key: SocketKey, error: &ConnectError, will_retry: bool) {
        if let ConnectError::Lost(DisconnectReason::ClientDisconnect) = error {
            // Somebody has left it, and may have asked for it again meanwhile: its state tells.
            return;
        }
        for pending in &mut self.0.lock().pending {
            let is_over = !will_retry || pending.patience == Patience::FirstAttempt;
            if is_over && pending.wanted.contains(&key) {
                pending.failure.get_or_insert_with(|| error.clone());
            }
        }
    }

    /// There is nobody to connect anything.
    pub(crate) fn clear(&self) {
        let pending = std::mem::take(&mut self.0.lock().pending);
        drop(pending);
    }

    fn take(&self, id: u64) -> Option<Pending> {
        let mut list = self.0.lock();
        let index = list.pending.iter().position(|it| it.id == id)?;
        Some(list.pending.swap_remove(index))
    }
}

impl Pending {
    /// All is connected, or will not be.
    fn outcome(&mut self, hub: &Hub) -> Option<Outcome> {
        if let Some(failure) = self.failure.take() {
            return Some(Err(failure));
        }
        if !self.begun {
            return None;
        }
        hub.ask(|manager| {
            let open = |key: &&SocketKey| manager.sid(**key).is_none();
            match self.wanted.iter().find(open) {
                None => Some(Ok(())),
                Some(&key) if manager.is_active(key) => None,
                Some(_) => {
                    let reason = DisconnectReason::ClientDisconnect;
                    Some(Err(ConnectError::Lost(reason)))
                }
            }
        })
    }
}

fn leave(hub: &Hub, wanted: &[SocketKey]) {
    hub.command(|manager, now| {
        for &key in wanted {
            manager.disconnect(now, key);
        }
    });
}

/// The outcome, to come.
pub(crate) struct Attempt {
    attempts: Arc<Attempts>,
    hub: Arc<Hub>,
    id: u64,
    /// What is left if nobody takes the outcome.
    wanted: Vec<SocketKey>,
    slot: Slot<Outcome>,
}

impl Attempt {
    /// Its sockets have been asked for: what is not connected by now, nor will be, never was.
    pub(crate) fn begin(&self) {
        let mut list = self.attempts.0.lock();
        if let Some(pending) = list.pending.iter_mut().find(|it| it.id == self.id) {
            pending.begun = true;
        }
        drop(list);
        if !self.hub.look_again() {
            // Nobody else will.
            self.attempts.review(&self.hub);
        }
    }
}

impl Future for Attempt {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let lost = || Err(ConnectError::Lost(DisconnectReason::ForcedClose));
        let slot = Pin::new(&mut self.slot);
        let outcome = ready!(slot.poll(cx));
        self.wanted.clear();
        Poll::Ready(outcome.unwrap_or_else(lost))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let _pending = self.attempts.take(self.id);
        if !self.wanted.is_empty() {
            leave(&self.hub, &self.wanted);
        }
    }
}
