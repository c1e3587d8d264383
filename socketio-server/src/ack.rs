//! Waiting for clients to acknowledge: one as a future, many as a stream.

use std::collections::{HashMap, hash_map};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use engine::PushError;
use futures_util::Stream;
use socketio_adapter::Target;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::broadcast::Flags;
use crate::entry::{Answer, Ticket};
use crate::error::AckError;
use crate::namespace::Namespace;
use crate::proto::{Args, EncodeError, FromArgs, Payload};
use crate::routes::Show;
use crate::socket::{Socket, SocketId};

/// How long an acknowledgement is awaited unless something else is said.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// What longer timeouts are cut to, so that the clock can reach them: 30 years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// The answer of one client, as a future. Dropping it gives up: nothing is kept for it any longer.
#[must_use = "the event has been sent, but nobody waits for the answer"]
pub struct PendingAck<T> {
    call: Result<Calls, Option<EncodeError>>,
    answer: PhantomData<fn() -> T>,
}

impl<T: FromArgs> PendingAck<T> {
    pub(crate) fn call(
        socket: &Socket,
        flags: Flags,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Self {
        let mut calls = Calls::new(flags);
        let sent = calls.send(socket.namespace(), flags, event, args, |send| send(socket));
        Self {
            call: sent.map(|()| calls).map_err(Some),
            answer: PhantomData,
        }
    }

    /// Waits this long, counted from now, instead of 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        if let Ok(calls) = &mut self.call {
            calls.set_timeout(timeout);
        }
        self
    }

    /// Where the time goes by that this waits for.
    pub(crate) fn runtime(&self) -> Option<Handle> {
        let calls = self.call.as_ref().ok()?;
        let client = calls.waiting.values().next()?;
        client.socket.io().background().runtime().cloned()
    }
}

impl<T: FromArgs> Future for PendingAck<T> {
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
            // Asked again after its answer.
            None => Err(AckError::Disconnected),
        })
    }
}

/// The answers of many clients, as they come: a stream of who answered what, in which every client
/// that the event was sent to appears once. When the time is up, those who have not answered come
/// with [`AckError::Timeout`]; those who disconnect before, with [`AckError::Disconnected`]. The
/// stream ends with the last of them; if there are none, at once. Dropping it gives up the rest.
#[must_use = "the event has been sent, but nobody waits for the answers"]
pub struct Acks<T> {
    calls: Calls,
    expected: usize,
    answer: PhantomData<fn() -> T>,
}

impl<T: FromArgs> Acks<T> {
    /// Of nobody yet.
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            calls: Calls::new(flags),
            expected: 0,
            answer: PhantomData,
        }
    }

    /// Sends an event to everyone a target means in a namespace, who are to answer as well.
    pub(crate) fn ask(
        &mut self,
        namespace: &Namespace,
        target: &Target,
        flags: Flags,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<(), EncodeError> {
        self.calls.send(namespace, flags, event, args, |send| {
            namespace.for_each(target, send);
        })?;
        self.expected = self.calls.waiting.len();
        Ok(())
    }

    /// Waits this long, counted from now, instead of 60 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.calls.set_timeout(timeout);
        self
    }

    /// How many clients the event was meant for: so many answers, or reasons why there is none,
    /// come out of the stream.
    #[must_use]
    pub const fn expected(&self) -> usize {
        self.expected
    }

    /// The next answer; `None` when there will be no more.
    pub async fn next(&mut self) -> Option<(SocketId, Result<T, AckError>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All answers in the order in which they come, at the end those who did not answer in time.
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

/// Calls under way: one event, any number of clients; in each namespace one id and one encoding.
struct Calls {
    sender: mpsc::UnboundedSender<Answer>,
    answers: mpsc::UnboundedReceiver<Answer>,
    waiting: HashMap<SocketId, Waiting>,
    deadline: Instant,
    /// Made when somebody waits: calls may be made, and given up, outside of a runtime.
    timer: Option<Pin<Box<Sleep>>>,
    /// The deadline has passed, and these have not answered in time. Nobody waits any longer.
    late: Option<hash_map::IntoIter<SocketId, Waiting>>,
}

/// A client that is to answer.
struct Waiting {
    socket: Socket,
    id: u64,
    /// The event did not get into its queue, though the client is still there.
    dropped: bool,
}

impl Calls {
    fn new(flags: Flags) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        let mut calls = Self {
            sender,
            answers,
            waiting: HashMap::new(),
            deadline: Instant::now(),
            timer: None,
            late: None,
        };
        calls.set_timeout(flags.timeout.unwrap_or(DEFAULT_TIMEOUT));
        calls
    }

    /// Sends an event to every socket of a namespace that `select` calls its argument with.
    fn send(
        &mut self,
        namespace: &Namespace,
        flags: Flags,
        event: &str,
        args: &(impl Payload + ?Sized),
        select: impl FnOnce(&mut dyn FnMut(&Socket)),
    ) -> Result<(), EncodeError> {
        let id = namespace.next_ack_id();
        let message = namespace.encode(Some(id), event, args)?;
        let show = Show::of(namespace, event, args);
        select(&mut |socket| {
            if let Some(show) = &show {
                show.to(socket);
            }
            let ticket = Ticket::new(socket.id(), self.sender.clone());
            // Refused, the ticket tells the caller by itself.
            let pushed = socket.send_call(message.clone(), id, ticket, flags);
            let client = Waiting {
                socket: socket.clone(),
                id,
                dropped: matches!(pushed, Err(PushError::NotReady)),
            };
            self.waiting.insert(socket.id(), client);
        });
        Ok(())
    }

    fn set_timeout(&mut self, timeout: Duration) {
        self.deadline = Instant::now() + timeout.min(FOREVER);
        self.timer = None;
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Answer>> {
        while let Poll::Ready(Some((sid, answer))) = self.answers.poll_recv(cx) {
            // Late answers are for nobody.
            if let Some(client) = self.waiting.remove(&sid) {
                let answer = match client.dropped {
                    true => Err(AckError::Dropped),
                    false => answer,
                };
                return Poll::Ready(Some((sid, answer)));
            }
        }
        if !self.waiting.is_empty() {
            let deadline = self.deadline;
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            ready!(timer.as_mut().poll(cx));
            // All at once: to look for the next one again and again would take ever longer.
            self.late = Some(mem::take(&mut self.waiting).into_iter());
        }
        let late = self.late.as_mut().and_then(Iterator::next);
        Poll::Ready(late.map(|(sid, client)| {
            client.socket.forget(client.id);
            (sid, Err(AckError::Timeout))
        }))
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        let late = self.late.iter_mut().flatten().map(|(_, client)| client);
        for client in mem::take(&mut self.waiting).into_values().chain(late) {
            client.socket.forget(client.id);
        }
    }
}

impl<T> fmt::Debug for PendingAck<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingAck").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Acks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acks")
            .field("expected", &self.expected)
            .finish_non_exhaustive()
    }
}
