//! A client's link: the glue between an Engine.IO session and a Socket.IO connection. Lives inside
//! the session's task and owns the client's sockets and handlers.

mod join;
mod member;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::task::Poll;

use engine::metrics;
use engine::{
    Acceptor, Application, CloseReason, Message, Refusal, RefusedRequest, SessionContext, Sid,
    Tape, Tick, Transport, Weight,
};
use http::HeaderMap;
use http::request::Parts;
use tokio::runtime::Handle;

use crate::entry::{Call, Entry, Ticket};
use crate::error::DisconnectReason;
use crate::handshake::Handshake;
use crate::io::{Inner, Io};
use crate::observed;
use crate::proto::record::Recorded;
use crate::proto::server::{Connection, Event};
use crate::proto::{NamespaceId, ProtocolError};
use crate::record::connection;
use crate::work::{Malformed, What, Work};
use member::{Decision, Member, Search, State, member_mut};

/// Opens a link for each session of the engine.
pub(crate) struct LinkAcceptor(pub(crate) Weak<Inner>);

/// What runs in a session's task.
pub(crate) struct Link {
    io: Io,
    session: engine::Session<Entry>,
    connection: Recorded<Connection<Ticket>>,
    handshake: Arc<Handshake>,
    /// By the index of their namespace in the connection.
    members: Vec<Option<Member>>,
    searches: Vec<Search>,
    decisions: Vec<Decision>,
    work: Work,
    /// Since when the client has not been read because its handlers do not keep up.
    stalled_since: Option<Tick>,
    /// Why this side has closed the link, if it has.
    closing: Option<DisconnectReason>,
    /// Whether the first round is over.
    opened: bool,
}

impl Acceptor for LinkAcceptor {
    type Application = Link;

    fn open(&self, session: engine::Session<Entry>, request: &Parts) -> Result<Link, Refusal> {
        let io = Io::upgrade(&self.0).ok_or_else(|| Refusal::new("server is gone"))?;
        Ok(Link {
            connection: connection(&io, &session, None),
            session,
            handshake: Arc::new(io.handshake(request)),
            io,
            members: Vec::new(),
            searches: Vec::new(),
            decisions: Vec::new(),
            work: Work::default(),
            stalled_since: None,
            closing: None,
            opened: false,
        })
    }

    async fn allow(&self, request: &mut Parts) -> Result<(), Refusal> {
        match Io::upgrade(&self.0) {
            Some(io) => io.http_hooks().allow(request).await,
            None => Err(Refusal::new("server is gone")),
        }
    }

    fn sid(&self, request: &Parts) -> Result<Option<Sid>, Refusal> {
        Io::upgrade(&self.0).map_or(Ok(None), |io| io.http_hooks().sid(request))
    }

    fn headers(&self, request: &Parts, opens: bool, headers: &mut HeaderMap) {
        if let Some(io) = Io::upgrade(&self.0) {
            io.http_hooks().headers(request, opens, headers);
        }
    }

    fn refused(&self, refused: &RefusedRequest<'_>) {
        if let Some(io) = Io::upgrade(&self.0) {
            io.refused(refused);
        }
    }

    fn record(&self, request: &Parts) -> Option<Tape> {
        Io::upgrade(&self.0)?.record(request)
    }
}

impl Application for Link {
    type Entry = Entry;

    fn weigh(entry: &Entry) -> Weight {
        entry.weight()
    }

    fn record(&mut self, tape: &Tape) {
        self.connection = connection(&self.io, &self.session, Some(tape));
    }

    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
        self.handle_implied(cx);
        let event = match &message {
            Message::Text(text) => self.connection.handle_text(cx.now(), text),
            Message::Binary(data) => self.connection.handle_binary(cx.now(), data),
        };
        match event {
            Ok(None) => {}
            Ok(Some(event)) => {
                if self.handle_event(cx, event).is_err() {
                    self.break_off(cx);
                }
            }
            Err(error) => {
                tracing::debug!(target: "socketio", %error, "client broke the protocol");
                let reason = reason_of(error, cx);
                self.close(cx, reason);
            }
        }
    }

    fn handle_entry(&mut self, cx: &mut SessionContext<'_, '_>, entry: Entry) {
        match entry {
            Entry::Message(message) => cx.send(message),
            Entry::Event { nsp, message } | Entry::Answer { nsp, message } => {
                if self.connection.is_joined(nsp) {
                    self.count_sent(nsp);
                    cx.send(message);
                }
            }
            Entry::Call(call) => {
                let Call {
                    nsp,
                    id,
                    ticket,
                    message,
                } = *call;
                // For a socket that is gone the ticket comes back, and tells the caller.
                if self.connection.register_ack(nsp, id, ticket).is_ok() {
                    self.count_sent(nsp);
                    cx.send(message);
                }
            }
            Entry::Forget { nsp, id } => drop(self.connection.forget_ack(nsp, id)),
            Entry::Leave(nsp) => self.send_away(cx, nsp),
            Entry::LeaveAll => {
                for nsp in self.namespaces() {
                    self.send_away(cx, nsp);
                }
                self.close(cx, DisconnectReason::ServerNamespaceDisconnect);
            }
            Entry::Close(reason) => {
                self.work.enter(&self.io.background().handlers);
                self.close(cx, reason);
            }
        }
    }

    fn poll(&mut self, cx: &mut SessionContext<'_, '_>) {
        if self.connection.has_event() {
            // What is sent in the first round travels with the handshake, where official servers
            // of today send nothing else.
            match std::mem::replace(&mut self.opened, true) {
                true => self.handle_implied(cx),
                false => cx.context().waker().wake_by_ref(),
            }
        }
        let mut index = 0;
        while let Some(search) = self.searches.get_mut(index) {
            match search.future.as_mut().poll(cx.context()) {
                Poll::Pending => index += 1,
                Poll::Ready(found) => {
                    let search = self.searches.swap_remove(index);
                    self.enter(cx, search.nsp, found, search.auth.as_deref(), search.early);
                }
            }
        }
        let mut index = 0;
        while let Some(decision) = self.decisions.get_mut(index) {
            match decision.poll(cx.context()) {
                Poll::Pending => index += 1,
                Poll::Ready(result) => {
                    let Decision { nsp, step, .. } = self.decisions.swap_remove(index);
                    self.decide(cx, nsp, step, result);
                }
            }
        }
        if self
            .work
            .poll(self.io.handler_limits(), cx.context())
            .is_err()
        {
            self.break_off(cx);
        }
        self.stalled_since = match self.wants_messages() {
            true => None,
            false => self.stalled_since.or_else(|| Some(cx.now())),
        };
    }

    fn poll_timeout(&self) -> Option<Tick> {
        let stall = self.io.handler_limits().stall.as_millis() as Tick;
        let stalled = self.stalled_since.map(|since| since.saturating_add(stall));
        match (stalled, self.connection.poll_timeout()) {
            (Some(stalled), Some(connect)) => Some(stalled.min(connect)),
            (stalled, connect) => stalled.or(connect),
        }
    }

    fn handle_timeout(&mut self, cx: &mut SessionContext<'_, '_>) {
        if self.connection.handle_timeout(cx.now()).is_err() {
            self.break_off(cx);
            return;
        }
        let stall = self.io.handler_limits().stall.as_millis() as Tick;
        if self
            .stalled_since
            .is_some_and(|since| cx.now() >= since.saturating_add(stall))
        {
            cx.abort(CloseReason::TransportError, "handlers do not keep up");
        }
    }

    fn wants_messages(&self) -> bool {
        self.work.has_room(self.io.handler_limits())
    }

    fn handle_upgrade(&mut self, cx: &mut SessionContext<'_, '_>, _: Transport) {
        for member in self.members.iter_mut().flatten() {
            member.seat.refresh(&self.io);
            let is_connected = matches!(member.state, State::Connected);
            if is_connected && member.seat.routes().upgrade().is_some() {
                let job = member.seat.job(&What::Upgrade);
                let limits = self.io.handler_limits();
                // It has no arguments that could be malformed.
                let _ = self.work.handle(job, limits, cx.context());
            }
        }
    }

    fn handle_close(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        let reason = *self.closing.get_or_insert_with(|| reason.into());
        tracing::debug!(target: "socketio", %reason, detail, "link closed");
        self.end(reason);
    }
}

/// However the session's task ends, by a panic too, or with its runtime: no socket is left of it.
impl Drop for Link {
    fn drop(&mut self) {
        let reason = self.closing.unwrap_or(DisconnectReason::ForcedClose);
        // Unwinding, a second panic would end the program.
        if catch_unwind(AssertUnwindSafe(|| self.end(reason))).is_err() {
            tracing::error!(target: "socketio", "panicked while the sockets of a client were ended");
        }
    }
}

impl Link {
    /// Ends the client's sockets. What is under way goes on without this task, and so do their
    /// disconnect handlers. The second time there is nothing left to do.
    fn end(&mut self, reason: DisconnectReason) {
        // Whoever waits for an answer learns that there will be none.
        self.connection.drain_acks().for_each(drop);
        self.searches.clear();
        for decision in self.decisions.drain(..) {
            decision.outlive(&mut self.work);
        }
        // Should one of them fail, the others are still there.
        for member in &mut self.members {
            let goodbye = member.take().and_then(|it| it.goodbye(&self.io, reason));
            goodbye.into_iter().for_each(|it| self.work.append(it));
        }
        self.work.cancel(None);
        let rest = std::mem::take(&mut self.work).drain(self.io.clone());
        // Without a runtime, nothing goes on.
        if let Some(rest) = rest
            && Handle::try_current().is_ok()
        {
            self.io.engine().spawn(rest);
        }
    }

    /// An event leaves for the client.
    #[inline]
    fn count_sent(&mut self, nsp: NamespaceId) {
        if metrics::ENABLED
            && let Some(member) = member_mut(&mut self.members, nsp)
        {
            member.seat.socket.namespace().meters().sent();
        }
    }

    /// What happens without a message: the first thing of all, if anything does.
    fn handle_implied(&mut self, cx: &mut SessionContext<'_, '_>) {
        if let Some(event) = self.connection.poll_event()
            && self.handle_event(cx, event).is_err()
        {
            self.break_off(cx);
        }
    }

    fn handle_event(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        event: Event<'_, Ticket>,
    ) -> Result<(), Malformed> {
        match event {
            Event::Connect { nsp, name, auth } => self.join(cx, nsp, &name, auth.as_deref()),
            Event::Event {
                nsp,
                id,
                name,
                args,
            } => {
                let Some(member) = member_mut(&mut self.members, nsp) else {
                    let search = self.searches.iter_mut().find(|it| it.nsp == nsp);
                    if let Some(search) = search {
                        let what = What::Event { name, id, args };
                        search.early.push(self.work.keep(&what));
                    }
                    return Ok(());
                };
                observed::received(&member.seat.socket, &name, id);
                let what = What::Event { name, id, args };
                match &mut member.state {
                    State::Connected => {
                        member.seat.refresh(&self.io);
                        let job = member.seat.job(&what);
                        let limits = self.io.handler_limits();
                        return self.work.handle(job, limits, cx.context());
                    }
                    State::Undecided(early) => early.push(self.work.keep(&what)),
                    State::Refused => {}
                }
            }
            Event::Ack { ack, args, .. } => {
                args.check().map_err(|_| Malformed)?;
                ack.answer(args);
            }
            Event::Disconnect { nsp, acks } => {
                drop(acks);
                self.dismiss(cx, nsp, DisconnectReason::ClientNamespaceDisconnect);
                if self.members.iter().all(Option::is_none) {
                    // python-engineio may have stopped writing by now without a farewell of its
                    // own. It then waits for its poll before it notices that it is done.
                    cx.release_poll();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn namespaces(&self) -> Vec<NamespaceId> {
        self.members.iter().flatten().map(|it| it.nsp).collect()
    }

    /// The client has broken the rules: its link is closed, as the reference does.
    fn break_off(&mut self, cx: &mut SessionContext<'_, '_>) {
        self.close(cx, DisconnectReason::ForcedClose);
    }

    fn close(&mut self, cx: &mut SessionContext<'_, '_>, reason: DisconnectReason) {
        self.closing.get_or_insert(reason);
        cx.close();
    }
}

/// What the sockets of a client hear that has broken the rules. As in the reference, packets at the
/// wrong time are told from those that are none where the link cannot be closed at once.
fn reason_of(error: ProtocolError, cx: &SessionContext<'_, '_>) -> DisconnectReason {
    let is_decoded = !matches!(error, ProtocolError::Decode(_));
    if is_decoded && cx.transport() == Transport::Polling && !cx.is_writable() {
        DisconnectReason::ForcedServerClose
    } else {
        DisconnectReason::ForcedClose
    }
}
