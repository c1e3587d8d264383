//! Waiting for the server to acknowledge, in the async client.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{AckError, SendError};
use crate::hub::Answer;
use crate::proto::{FromArgs, Payload};
use crate::slot::Slot;
use crate::socket::Socket;

/// How long an acknowledgement is awaited unless something else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What longer timeouts are cut to, so that the clock can reach them: 30 years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The server's answer, to come. Dropping it gives up: nothing is kept for it any longer, and an
/// event that has not left yet does not leave.
#[must_use = "the event has been sent, but nobody waits for the answer"]
pub struct PendingAck<T> {
    call: Result<Call, Option<SendError>>,
    answer: PhantomData<fn() -> T>,
}

struct Call {
    socket: Socket,
    id: u64,
    slot: Slot<Answer>,
    /// `None` if the manager counts the time, try by try.
    deadline: Option<Instant>,
    /// Made when somebody waits: calls may be made, and given up, outside of a runtime.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the manager still keeps something for it.
    awaited: bool,
}

impl<T: FromArgs> PendingAck<T> {
    pub(crate) fn call(socket: &Socket, event: &str, args: &(impl Payload + ?Sized)) -> Self {
        let config = socket.client().config();
        let timeout = match config.retries {
            0 => Some(config.ack_timeout.unwrap_or(DEFAULT_TIMEOUT)),
            _ => None,
        };
        let call = socket.member().call(event, args);
        Self {
            call: call
                .map(|(id, slot)| Call {
                    socket: socket.clone(),
                    id,
                    slot,
                    deadline: timeout.map(after),
                    timer: None,
                    awaited: true,
                })
                .map_err(Some),
            answer: PhantomData,
        }
    }

    /// Waits for so long, counted from now, instead of
    /// [`Config::ack_timeout`](crate::Config::ack_timeout) or 60 s. Time offline counts as well.
    /// With [`Config::retries`](crate::Config::retries) it is the time for all tries together.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let Ok(call) = &mut self.call {
            call.deadline = Some(after(timeout));
            call.timer = None;
        }
        self
    }
}

fn after(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(FOREVER)
}

impl Call {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<crate::proto::Args<'static>, AckError>> {
        if let Poll::Ready(answer) = Pin::new(&mut self.slot).poll(cx) {
            self.awaited = false;
            return Poll::Ready(match answer {
                Some(answer) => answer.map_err(Into::into),
                None => Err(AckError::Disconnected),
            });
        }
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        self.give_up();
        Poll::Ready(Err(AckError::Timeout))
    }

    fn give_up(&mut self) {
        if std::mem::take(&mut self.awaited) {
            self.socket.member().forget(self.id);
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T: FromArgs> Future for PendingAck<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.call {
            Ok(call) => call.poll(cx).map(|answer| {
                let args = answer?;
                T::from_args(args).map_err(AckError::Mismatch)
            }),
            Err(error) => Poll::Ready(Err(error.take().map_or(AckError::Disconnected, Into::into))),
        }
    }
}

impl<T> fmt::Debug for PendingAck<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAck").finish_non_exhaustive()
    }
}
