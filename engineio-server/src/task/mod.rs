//! The driver: the one task of a session. It moves bytes, requests and time into the protocol's
//! state machine and its outputs out again; it decides nothing.
//!
//! ```text
//!   mailbox ──► requests ─┐                       ┌─► replies
//!   socket  ──► frames  ──┼─► Machine ─► outputs ─┼─► vectored writes
//!   queue   ──► entries ──┤      ▲                └─► end of the session
//!   clock   ──► timeouts ─┘      │ lent messages
//!                           Application (handlers run here)
//! ```

mod read;
mod stall;
mod timer;

use std::collections::VecDeque;
use std::future::{self, Future};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use proto::record::Recorded;
use proto::server::{self, LinkEnd, LinkId, Output, RequestId};
use proto::{CloseReason, Tick, Transport};
use tokio::task::coop;

use self::stall::Stall;
use self::timer::Timer;
use crate::application::{Application, SessionContext};
use crate::capacity::trim;
use crate::limits::{OutboxLimits, OverflowPolicy};
use crate::link::{Handshake, Link};
use crate::mailbox::{Delivery, Kind, Reply};
use crate::metrics;
use crate::outbox::{Standing, Work};
use crate::registry::{Registry, Running};
use crate::session::Session;
use crate::trace::{self, SessionSpan};

/// Rounds a task may go without letting others run, however much arrives meanwhile.
const MAX_ROUNDS: usize = 8;

/// Bytes that are handed to the transport before it has taken the last ones, where the queue may
/// drop what it still has. So many keep a link busy.
const AHEAD: usize = 64 * 1024;

/// The protocol's state machine, which can be recorded.
pub(crate) type Machine = Recorded<server::Session>;

pub(crate) struct Task<A: Application> {
    registry: Arc<Registry<A::Entry>>,
    session: Session<A::Entry>,
    machine: Machine,
    application: A,
    /// The websocket that carries the session, or the one it may move to; never both.
    link: Option<Link>,
    next_link: u32,
    /// Requests the machine has not answered yet: a GET, a POST, rarely more.
    replies: Vec<Unanswered>,
    /// A POST has been answered, but its connection has not got the answer yet. Until then the machine
    /// is not asked for more, as nothing may overtake that.
    receipting: bool,
    entries: VecDeque<A::Entry>,
    deliveries: Vec<Delivery>,
    timer: Timer,
    /// Whether the application took messages when it was last asked.
    reading: bool,
    stall: Stall,
    /// Taken out while the task runs in it.
    span: SessionSpan,
    /// Last, so that the server counts the task until everything else of it is gone.
    _running: Running,
}

/// A request without an answer.
struct Unanswered {
    request: RequestId,
    /// It holds the session's place for POSTs, and tells when it gives it back.
    is_post: bool,
    reply: Reply,
}

/// The link id of a session that was opened on a websocket.
pub(crate) const FIRST_LINK: LinkId = LinkId(0);

impl<A: Application> Task<A> {
    pub(crate) fn new(
        registry: Arc<Registry<A::Entry>>,
        session: Session<A::Entry>,
        machine: Machine,
        application: A,
        running: Running,
    ) -> Self {
        registry.meters.opened(session.transport());
        Self {
            timer: Timer::new(&registry),
            span: trace::session(
                || registry.number(),
                session.revision(),
                session.transport(),
            ),
            registry,
            session,
            machine,
            application,
            link: None,
            next_link: FIRST_LINK.0,
            replies: Vec::new(),
            receipting: false,
            entries: VecDeque::new(),
            deliveries: Vec::new(),
            reading: true,
            stall: Stall::default(),
            _running: running,
        }
    }

    /// The request that opened the session on polling waits for the handshake.
    pub(crate) fn with_reply(mut self, request: RequestId, reply: Reply) -> Self {
        self.await_answer(request, reply, false);
        self
    }

    fn await_answer(&mut self, request: RequestId, reply: Reply, is_post: bool) {
        self.replies.push(Unanswered {
            request,
            is_post,
            reply,
        });
    }

    /// The websocket that opened the session.
    pub(crate) fn with_link(mut self, handshake: Handshake) -> Self {
        let id = self.name_link();
        self.link = Some(Link::new(id, handshake));
        self
    }

    fn name_link(&mut self) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link = self.next_link.wrapping_add(1);
        id
    }

    fn handle_delivery(&mut self, now: Tick, delivery: Delivery) {
        let Delivery { request, kind } = delivery;
        match kind {
            Kind::Get(reply) => {
                self.await_answer(request, reply, false);
                self.machine.handle_get(now, request);
            }
            Kind::Post(reply, content, body) => {
                self.registry.meters.read(body.len());
                self.await_answer(request, reply, true);
                self.machine.handle_post(now, request, content, body);
            }
            Kind::PostOverlap(reply) => {
                self.await_answer(request, reply, false);
                self.machine.handle_post_overlap(now, request);
            }
            Kind::PostInvalid(reply) => {
                self.await_answer(request, reply, true);
                self.machine.handle_post_invalid(now, request);
            }
            Kind::PostBroken => self.machine.handle_post_broken(now),
            Kind::PostDone => self.receipting = false,
            Kind::Abandoned => {
                self.replies.retain(|waiting| waiting.request != request);
                self.machine.handle_abandoned(now, request);
            }
            Kind::Websocket(handshake) => {
                let id = self.name_link();
                let link = Link::new(id, handshake);
                self.machine.handle_link(now, id);
                match &self.link {
                    // The machine has refused it, and its order to close names no link of ours.
                    Some(_) => self.registry.see_off(link.close(None, true)),
                    None => self.link = Some(link),
                }
            }
        }
    }

    fn handle_entries(&mut self, now: Tick, cx: &mut Context<'_>) {
        let mut context = SessionContext {
            machine: &mut self.machine,
            meters: &self.registry.meters,
            now,
            cx,
        };
        while let Some(entry) = self.entries.pop_front() {
            self.application.handle_entry(&mut context, entry);
        }
        trim(&mut self.entries);
    }

    fn handle_timeouts(&mut self, now: Tick, cx: &mut Context<'_>) {
        if self.machine.poll_timeout().is_some_and(|at| at <= now) {
            self.machine.handle_timeout(now);
        }
        if self.application.poll_timeout().is_some_and(|at| at <= now) {
            let mut context = SessionContext {
                machine: &mut self.machine,
                meters: &self.registry.meters,
                now,
                cx,
            };
            self.application.handle_timeout(&mut context);
        }
    }

    /// Acts on everything the machine asks for.
    fn handle_outputs(&mut self, now: Tick, cx: &mut Context<'_>) {
        let before = self.machine.queued_bytes();
        let mut replied = false;
        while !self.receipting
            && let Some(output) = self.machine.poll_output()
        {
            match output {
                Output::Reply { request, response } => {
                    self.registry.meters.written(response.body.len());
                    let waiting = self.replies.iter().position(|it| it.request == request);
                    if let Some(index) = waiting {
                        let Unanswered { is_post, reply, .. } = self.replies.swap_remove(index);
                        // Without a receiver the client has gone, and nobody is left to be told.
                        self.receipting = reply.send(response).is_ok() && is_post;
                        replied = true;
                    }
                }
                Output::Send { link, item } => {
                    if let Some(link) = self.link.as_mut().filter(|it| it.id == link) {
                        link.send(item);
                        self.machine.set_congested(now, link.is_congested());
                    }
                }
                Output::CloseLink { link } => {
                    if let Some(link) = self.link.take_if(|it| it.id == link) {
                        self.registry.see_off(link.close(None, true));
                    }
                }
                Output::Upgraded { to } => {
                    self.session.set_transport(to);
                    self.note_upgrade(to);
                    let mut context = SessionContext {
                        machine: &mut self.machine,
                        meters: &self.registry.meters,
                        now,
                        cx,
                    };
                    self.application.handle_upgrade(&mut context, to);
                }
                Output::Closed { reason, detail } => {
                    tracing::debug!(target: "engineio", %reason, detail, "session closed");
                    metrics::closed(reason);
                    self.application.handle_close(reason, detail);
                }
                _ => {}
            }
        }
        if replied && self.machine.queued_bytes() < before {
            self.stall.end();
        }
    }

    fn note_upgrade(&self, to: Transport) {
        tracing::debug!(target: "engineio", %to, "session upgraded");
        // The span is the one that the task runs in.
        tracing::Span::current().record("transport", to.as_str());
        metrics::upgraded();
    }

    /// Writes what is queued on the link.
    fn write(&mut self, now: Tick, cx: &mut Context<'_>) {
        while let Some(link) = &mut self.link {
            let mut bytes = 0;
            // What was read may have used up the runtime's budget. If that kept the answers from
            // being written, turn after turn, a client that never pauses would be given up.
            let write = future::poll_fn(|cx| link.poll_write(cx, &mut bytes));
            let written = pin!(coop::unconstrained(write)).poll(cx);
            if bytes > 0 {
                self.stall.end();
            }
            self.registry.meters.written(bytes);
            if let Poll::Ready(Err(_)) = written {
                let id = link.id;
                self.link = None;
                let end = LinkEnd::Failed("write failed");
                self.machine.handle_link_end(now, id, end);
            } else {
                let was_congested = self.machine.is_congested();
                self.machine.set_congested(now, link.is_congested());
                if !was_congested || link.is_congested() {
                    break;
                }
            }
            self.handle_outputs(now, cx);
        }
    }

    /// Looks at the queue, unless what was taken from it before is still to be handled.
    fn take(&mut self, now: Tick) {
        if !self.entries.is_empty() || !self.deliveries.is_empty() {
            return;
        }
        let standing = self.standing(now);
        let work = self.session.outbox().take(
            &mut self.entries,
            &mut self.deliveries,
            &standing,
            self.session.bounds(),
        );
        self.heed(now, &work);
    }

    /// Does what the queue says of the session itself. It says so once.
    fn heed(&mut self, now: Tick, work: &Work) {
        match work {
            Work::Overflown => self.give_up(now),
            Work::Close => self.machine.close(now),
            Work::Some | Work::None => {}
        }
    }

    fn standing(&mut self, now: Tick) -> Standing {
        let in_flight = self.link.as_ref().map_or(0, Link::unsent);
        let unsent = self.unsent();
        Standing {
            unsent,
            stalled_since: self.stall.since(unsent, now),
            writable: in_flight == 0 && self.machine.is_writable(),
            room: match self.session.bounds().limits.policy {
                // What the machine has can no longer be dropped.
                OverflowPolicy::DropOldest => AHEAD.saturating_sub(unsent),
                _ => usize::MAX,
            },
        }
    }

    /// Bytes that have left the queue and that nobody has taken yet, as the limits count them.
    fn unsent(&self) -> usize {
        let around = self.machine.queued_messages() * OutboxLimits::PER_MESSAGE;
        self.machine.queued_bytes() + around + self.link.as_ref().map_or(0, Link::unsent)
    }

    /// When the client will have taken too little for too long.
    fn stall_timeout(&mut self, now: Tick) -> Option<Tick> {
        let limits = self.session.bounds().limits;
        let unsent = self.unsent();
        let since = self.stall.since(unsent, now)?;
        (limits.policy == OverflowPolicy::Disconnect && unsent > limits.soft)
            .then(|| limits.patience(since))
    }

    /// Ends the session of a client that takes too little.
    fn watch(&mut self, now: Tick, cx: &mut Context<'_>) {
        let stalled = self.stall_timeout(now).is_some_and(|at| at <= now);
        if stalled || self.unsent() > self.session.bounds().limits.hard {
            self.give_up(now);
            self.handle_outputs(now, cx);
        }
    }

    /// Tells the server how much waits for this client, before the task goes to sleep.
    fn report(&self, standing: &Standing) {
        let waiting = match standing.room {
            usize::MAX => standing.unsent,
            // Some may be left in the queue.
            _ => standing.unsent + self.session.outbox().queued(),
        };
        self.session.report(waiting);
        if waiting > 0 {
            self.session.load().relieve(&self.registry);
        }
    }

    fn give_up(&mut self, now: Tick) {
        let reason = CloseReason::TransportError;
        self.machine.abort(now, reason, "client is too slow");
    }

    /// Tells the machine when the application starts or stops taking messages.
    fn update_reading(&mut self, now: Tick) {
        let wants = self.application.wants_messages();
        if wants != self.reading {
            self.reading = wants;
            self.machine.set_reading(now, wants);
        }
    }
}

impl<A: Application> Future for Task<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(span) = self.span.take() else {
            return self.run(cx);
        };
        let polled = span.in_scope(|| self.run(cx));
        self.span = Some(span);
        polled
    }
}

impl<A: Application> Task<A> {
    fn run(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let this = self;
        for _ in 0..MAX_ROUNDS {
            let now = this.registry.now();
            this.take(now);
            if !this.deliveries.is_empty() {
                for delivery in mem::take(&mut this.deliveries) {
                    this.handle_delivery(now, delivery);
                }
            }
            this.handle_entries(now, cx);
            let more = this.read(now, cx);
            let stopped = !this.application.wants_messages();
            this.application.poll(&mut SessionContext {
                machine: &mut this.machine,
                meters: &this.registry.meters,
                now,
                cx,
            });
            // What the handlers have just queued leaves in this very round.
            this.take(now);
            this.handle_entries(now, cx);
            this.handle_timeouts(now, cx);
            this.handle_outputs(now, cx);
            this.write(now, cx);
            this.watch(now, cx);
            if this.machine.is_closed() && !this.receipting {
                return Poll::Ready(());
            }
            this.update_reading(now);
            let resumed = stopped && this.application.wants_messages();
            if resumed || !this.deliveries.is_empty() {
                continue;
            }
            if more {
                break;
            }
            let deadlines = [
                this.machine.poll_timeout(),
                this.application.poll_timeout(),
                this.stall_timeout(now),
            ];
            if this.timer.arm(&this.registry, cx, now, deadlines) {
                continue;
            }
            let standing = this.standing(now);
            this.report(&standing);
            let work = this.session.outbox().take_or_sleep(
                &mut this.entries,
                &mut this.deliveries,
                cx.waker(),
                &standing,
                this.session.bounds(),
            );
            if let Work::None = work {
                return Poll::Pending;
            }
            this.heed(now, &work);
        }
        // There is more to do, but others wait as well.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Nothing inside is pinned in place.
impl<A: Application> Unpin for Task<A> {}

/// However a task ends, by a panic of the application too, nobody keeps waiting for it.
impl<A: Application> Drop for Task<A> {
    fn drop(&mut self) {
        self.registry.meters.gone();
        self.registry.remove(&self.session.sid());
        self.session.outbox().end();
        self.session.report(0);
    }
}
