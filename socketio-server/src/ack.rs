//! Waiting for clients to acknowledge: one as a future, many as a stream.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use socketio_adapter::Target;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::entry::{Answer, Ticket};
use crate::error::AckError;
use crate::namespace::Namespace;
use crate::proto::{Args, EncodeError, FromArgs, Payload};
use crate::socket::{Socket, SocketId};

/// How long an acknowledgement is awaited unless something else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What longer timeouts are cut to, so that the clock can reach them: 30 years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The answer of one client, to come. Dropping it gives up: nothing is kept for it any longer.
#[must_use = "the event has been sent, but nobody waits for the answer"]
pub struct Ack<T> {
    call: Result<Calls, Option<EncodeError>>,
    answer: PhantomData<fn() -> T>,
}

impl<T: FromArgs> Ack<T> {
    pub(crate) fn call(socket: &Socket, event: &str, args: &(impl Payload + ?Sized)) -> Self {
        let sent = Calls::send(socket.namespace(), event, args, |send| send(socket));
        Self {
            call: sent.map_err(Some),
            answer: PhantomData,
        }
    }

    /// Waits for so long, counted from now, instead of 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let Ok(calls) = &mut self.call {
            calls.set_timeout(timeout);
        }
        self
    }
}

impl<T: FromArgs> Future for Ack<T> {
    type Output = Result<T, AckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let calls = match &mut self.call {
            Ok(calls) => calls,
            Err(error) => {
                return Poll::Ready(Err(error.take().map_or(AckError::Disconnected, Into::into)));
            }
        };
        calls.poll_next(cx).map(|answer| match answer {
            Some((_, result)) => read(result),
            None => Err(AckError::Timeout),
        })
    }
}

/// The answers of many clients, as they come: a stream of who answered what. It ends when all have
/// answered or the time is up; who did not answer in time is not in it, who disconnected is, with
/// [`AckError::Disconnected`]. Dropping it gives up the rest.
#[must_use = "the event has been sent, but nobody waits for the answers"]
pub struct Acks<T> {
    calls: Calls,
    expected: usize,
    answer: PhantomData<fn() -> T>,
}

impl<T: FromArgs> Acks<T> {
    pub(crate) fn call(
        namespace: &Namespace,
        target: &Target,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Self, EncodeError> {
        let calls = Calls::send(namespace, event, args, |send| {
            namespace.for_each(target, send);
        })?;
        Ok(Self {
            expected: calls.waiting.len(),
            calls,
            answer: PhantomData,
        })
    }

    /// Waits for so long, counted from now, instead of 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.calls.set_timeout(timeout);
        self
    }

    /// How many clients the event was sent to.
    #[must_use]
    pub const fn expected(&self) -> usize {
        self.expected
    }

    /// The next answer; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<(SocketId, Result<T, AckError>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All answers that come in time, in the order in which they come.
    pub async fn all(mut self) -> Vec<(SocketId, Result<T, AckError>)> {
        let mut answers = Vec::with_capacity(self.expected);
        while let Some(answer) = self.next().await {
            answers.push(answer);
        }
        answers
    }
}

impl<T: FromArgs> Stream for Acks<T> {
    type Item = (SocketId, Result<T, AckError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let answer = self.calls.poll_next(cx);
        answer.map(|answer| answer.map(|(sid, result)| (sid, read(result))))
    }
}

fn read<T: FromArgs>(answer: Result<Args<'static>, AckError>) -> Result<T, AckError> {
    T::from_args(answer?).map_err(AckError::Mismatch)
}

/// Calls under way: one event, one id, one encoding, any number of clients.
struct Calls {
    id: u64,
    answers: mpsc::UnboundedReceiver<Answer>,
    waiting: HashMap<SocketId, Socket>,
    deadline: Instant,
    /// Made when somebody waits: calls may be made, and given up, outside of a runtime.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Calls {
    /// Sends an event to every socket that `select` calls its argument with.
    fn send(
        namespace: &Namespace,
        event: &str,
        args: &(impl Payload + ?Sized),
        select: impl FnOnce(&mut dyn FnMut(&Socket)),
    ) -> Result<Self, EncodeError> {
        let id = namespace.next_ack_id();
        let message = namespace.encode(Some(id), event, args)?;
        let (sender, answers) = mpsc::unbounded_channel();
        let mut waiting = HashMap::new();
        select(&mut |socket| {
            let ticket = Ticket::new(socket.id(), sender.clone());
            // Refused, the ticket tells the caller by itself.
            let _ = socket.send_call(message.clone(), id, ticket);
            waiting.insert(socket.id(), socket.clone());
        });
        Ok(Self {
            id,
            answers,
            waiting,
            deadline: Instant::now() + DEFAULT_TIMEOUT,
            timer: None,
        })
    }

    fn set_timeout(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout.min(FOREVER);
        self.timer = None;
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        if self.waiting.is_empty() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(answer) = self.answers.poll_recv(cx) {
            if let Some((sid, _)) = &answer {
                self.waiting.remove(sid);
            }
            return Poll::Ready(answer);
        }
        let deadline = self.deadline;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        timer.as_mut().poll(cx).map(|()| {
            self.give_up();
            None
        })
    }

    fn give_up(&mut self) {
        for (_, socket) in self.waiting.drain() {
            socket.forget(self.id);
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<T> fmt::Debug for Ack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Acks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acks")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
