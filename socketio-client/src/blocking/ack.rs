//! Waiting for the server to acknowledge, in the blocking client.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::{Duration, Instant};

use super::park;
use super::socket::Socket;
use crate::engine::blocking::clock::after;
use crate::error::{AckError, SendError};
use crate::hub::Answer;
use crate::proto::{FromArgs, Payload};
use crate::slot::Slot;

/// How long an acknowledgement is awaited unless something else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// The server's answer, to come: [`wait`](Self::wait) for it. Dropping it gives up: nothing is kept
/// for it any longer, and an event that has not left yet does not leave.
#[must_use = "the event has been sent, but nobody waits for the answer"]
pub struct PendingAck<T> {
    call: Result<Call, SendError>,
    answer: PhantomData<fn() -> T>,
}

struct Call {
    socket: Socket,
    id: u64,
    slot: Slot<Answer>,
    /// `None` if the manager counts the time, try by try.
    deadline: Option<Instant>,
}

impl<T: FromArgs> PendingAck<T> {
    pub(super) fn call(socket: &Socket, event: &str, args: &(impl Payload + ?Sized)) -> Self {
        let config = socket.client().config();
        let timeout = match config.retries {
            0 => Some(config.ack_timeout.unwrap_or(DEFAULT_TIMEOUT)),
            _ => None,
        };
        let call = socket.member().call(event, args);
        Self {
            call: call.map(|(id, slot)| Call {
                socket: socket.clone(),
                id,
                slot,
                deadline: timeout.and_then(after),
            }),
            answer: PhantomData,
        }
    }

    /// Waits for so long, counted from now, instead of
    /// [`Config::ack_timeout`](crate::Config::ack_timeout) or 60 s. Time offline counts as well.
    /// With [`Config::retries`](crate::Config::retries) it is the time for all tries together.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let Ok(call) = &mut self.call {
            call.deadline = after(timeout);
        }
        self
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// If none came, or not the one expected.
    pub fn wait(self) -> Result<T, AckError> {
        let mut call = self.call?;
        let answer = park::wait(call.deadline, |cx| Pin::new(&mut call.slot).poll(cx));
        match answer {
            Some(Some(answer)) => T::from_args(answer?).map_err(AckError::Mismatch),
            Some(None) => Err(AckError::Disconnected),
            None => Err(AckError::Timeout),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Of no effect once there is an answer.
        self.socket.member().forget(self.id);
    }
}

impl<T> fmt::Debug for PendingAck<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAck").finish_non_exhaustive()
    }
}
