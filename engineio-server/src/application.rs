//! What a program puts on top of the sessions: one [`Acceptor`] per server, one [`Application`]
//! per session, living inside the session's task.

use std::borrow::Cow;
use std::future::{self, Future};
use std::task;

use http::HeaderMap;
use http::request::Parts;
use proto::{CloseReason, Message, Prepared, RequestError, Sid, Tick, Transport};

use crate::metrics::Meters;
use crate::overflow::Weight;
use crate::refused::RefusedRequest;
use crate::session::Session;
use crate::tape::Tape;
use crate::task::Machine;
use crate::trace;

/// Opens sessions: decides who may have one and what runs in it.
pub trait Acceptor: Send + Sync + 'static {
    /// What runs in each session.
    type Application: Application;

    /// Asked before anything is made for a client that wants a session, on polling or websocket:
    /// the reference's `allowRequest`. It may wait, for a database say, and leave what it learns in
    /// the request's extensions. Default: everybody may.
    ///
    /// # Errors
    /// The client is refused with it.
    fn allow(&self, request: &mut Parts) -> impl Future<Output = Result<(), Refusal>> + Send {
        let _ = request;
        future::ready(Ok(()))
    }

    /// The id of the session that this request opens, instead of a random one. It must be as hard
    /// to guess, since whoever knows it speaks for the client; the request for one that is taken is
    /// refused with [`Refusal::BadRequest`].
    ///
    /// # Errors
    /// The client is refused with it.
    fn sid(&self, request: &Parts) -> Result<Option<Sid>, Refusal> {
        let _ = request;
        Ok(None)
    }

    /// Adds headers to the answer to a request of a session: to every poll, POST and websocket
    /// handshake that succeeds. `opens` says whether it is the first one. The reference's events
    /// `headers` and, for the first, `initial_headers`.
    fn headers(&self, request: &Parts, opens: bool, headers: &mut HeaderMap) {
        let _ = (request, opens, headers);
    }

    /// A client asks for a session by this request. The handle can be cloned and used from
    /// anywhere; what is pushed to it leaves after the handshake.
    ///
    /// Copy from the request what is needed later: it is not kept.
    ///
    /// # Errors
    /// The client is refused with it.
    fn open(
        &self,
        session: Session<<Self::Application as Application>::Entry>,
        request: &Parts,
    ) -> Result<Self::Application, Refusal>;

    /// A request was refused, by the server or by [`open`](Self::open). Called before the answer
    /// leaves; the log has it already, see [`RefusedRequest`].
    fn refused(&self, refused: &RefusedRequest<'_>) {
        let _ = refused;
    }

    /// Where to record what happens to the session that this request has opened, if that is wanted.
    fn record(&self, request: &Parts) -> Option<Tape> {
        let _ = request;
        None
    }
}

/// Why a client may not have a session (protocol.md §7).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It may not, in words for the client: error 4, status 403 on polling, 400 on websocket.
    Forbidden(Cow<'static, str>),
    /// The request makes no sense: error 3, `Bad request`, status 400.
    BadRequest,
}

impl Refusal {
    /// [`Forbidden`](Self::Forbidden) in these words.
    #[must_use]
    pub fn new(words: impl Into<Cow<'static, str>>) -> Self {
        Self::Forbidden(words.into())
    }
}

impl From<&'static str> for Refusal {
    fn from(words: &'static str) -> Self {
        Self::new(words)
    }
}

impl From<String> for Refusal {
    fn from(words: String) -> Self {
        Self::new(words)
    }
}

/// In the reference's words, `Forbidden`.
impl Default for Refusal {
    fn default() -> Self {
        Self::new("Forbidden")
    }
}

impl From<Refusal> for RequestError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Forbidden(words) => Self::Forbidden(words),
            Refusal::BadRequest => Self::BadRequest,
        }
    }
}

/// What runs inside a session's task. All calls come from that task, one at a time: it needs no
/// locks for what it owns, and must not block.
pub trait Application: Send + 'static {
    /// What is pushed to the session's outgoing queue from anywhere, and comes out of it here in
    /// push order.
    type Entry: Send + 'static;

    /// What an entry stands for, for the queue of a client that takes too little. Default: something
    /// without bytes that is never dropped, which is right under
    /// [`OverflowPolicy::Disconnect`](crate::OverflowPolicy::Disconnect).
    ///
    /// The queue is locked meanwhile: this is to be a look at the entry, no more.
    fn weigh(entry: &Self::Entry) -> Weight {
        let _ = entry;
        Weight::default()
    }

    /// The session is being recorded. Called ahead of everything else, if at all: what has a state
    /// machine of its own can write to the same place.
    fn record(&mut self, tape: &Tape) {
        let _ = tape;
    }

    /// A message arrived. It is lent: copy what must outlive the call.
    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>);

    /// The task took an entry out of the queue; usually it is [sent](SessionContext::send).
    fn handle_entry(&mut self, cx: &mut SessionContext<'_, '_>, entry: Self::Entry);

    /// Drives what the application waits for, with [`SessionContext::context`] as its waker. Called whenever
    /// the task runs.
    fn poll(&mut self, cx: &mut SessionContext<'_, '_>) {
        let _ = cx;
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    fn poll_timeout(&self) -> Option<Tick> {
        None
    }

    /// Acts on deadlines up to [`SessionContext::now`].
    fn handle_timeout(&mut self, cx: &mut SessionContext<'_, '_>) {
        let _ = cx;
    }

    /// Whether the next message can be taken. While it says no, the peer is not read, its POSTs
    /// are not answered, and its heartbeat is not held against it.
    fn wants_messages(&self) -> bool {
        true
    }

    /// The session lives on another transport now.
    fn handle_upgrade(&mut self, cx: &mut SessionContext<'_, '_>, to: Transport) {
        let _ = (cx, to);
    }

    /// The session has ended; nothing else is called afterwards.
    fn handle_close(&mut self, reason: CloseReason, detail: Option<&'static str>);
}

/// What an [`Application`] can do with its session while it is being called.
pub struct SessionContext<'a, 'cx> {
    pub(crate) machine: &'a mut Machine,
    pub(crate) meters: &'a Meters,
    pub(crate) now: Tick,
    pub(crate) cx: &'a mut task::Context<'cx>,
}

impl<'cx> SessionContext<'_, 'cx> {
    /// Sends a message, behind all that were sent before.
    pub fn send(&mut self, message: Prepared) {
        self.meters.sent();
        trace::sent(&message);
        self.machine.send(self.now, message);
    }

    /// Closes the session once everything sent has left.
    pub fn close(&mut self) {
        self.machine.close(self.now);
    }

    /// Answers a waiting poll though there is nothing to send, so that its client can look around.
    pub fn release_poll(&mut self) {
        self.machine.release_poll(self.now);
    }

    /// Ends the session now; what has not left is dropped.
    pub fn abort(&mut self, reason: CloseReason, detail: &'static str) {
        self.machine.abort(self.now, reason, detail);
    }

    /// Milliseconds since the server was made.
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// The transport the session lives on.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.machine.transport()
    }

    /// Whether a message could leave at once: nothing else is queued, and the transport is ready.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.machine.is_writable()
    }

    /// The task's context, for polling futures.
    pub const fn context(&mut self) -> &mut task::Context<'cx> {
        self.cx
    }
}
