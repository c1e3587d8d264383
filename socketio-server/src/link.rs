//! A client's link: the glue between an Engine.IO session and a Socket.IO connection. Lives inside
//! the session's task and owns the client's sockets and handlers.

use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use engine::metrics;
use engine::{
    Acceptor, Application, CloseReason, Message, Refusal, RefusedRequest, SessionContext, Sid,
    Tape, Tick, Weight,
};
use futures_util::FutureExt;
use http::HeaderMap;
use http::request::Parts;

use crate::entry::{Call, Entry, Ticket};
use crate::error::{ConnectError, DisconnectReason};
use crate::extract::{After, EventContext};
use crate::handler::{BoxFuture, CONNECT, ConnectResult, refuse};
use crate::handshake::Handshake;
use crate::io::{Inner, Io};
use crate::namespace::Namespace;
use crate::observed::{self, Observed};
use crate::proto::record::Recorded;
use crate::proto::recovery::Claim;
use crate::proto::server::{Connection, Event};
use crate::proto::{Encoded, NamespaceId};
use crate::record::{connection, revision};
use crate::recovery::{Claimed, Recoverable, Saved, Sequencer};
use crate::reply::ReplyTo;
use crate::routes::Routes;
use crate::socket::{Socket, SocketId, prepare};
use crate::work::{Job, Kept, Malformed, What, Work};

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
    connecting: Vec<Connecting>,
    work: Work,
    /// Since when the client has not been read because its handlers do not keep up.
    stalled_since: Option<Tick>,
    /// Why this side has closed the link, if it has.
    closing: Option<DisconnectReason>,
    /// Whether the first round is over.
    opened: bool,
}

/// A socket of this client.
struct Member {
    nsp: NamespaceId,
    socket: Socket,
    routes: Arc<Routes>,
    state: State,
}

enum State {
    /// The connect handler has not decided; these events came early.
    Connecting(Vec<Kept>),
    Connected,
}

/// A connect handler under way.
struct Connecting {
    nsp: NamespaceId,
    socket: Socket,
    observed: Observed,
    decision: BoxFuture<ConnectResult>,
    /// Whether it is for clients only that are still there.
    cancelled: bool,
}

impl Connecting {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectResult> {
        let polled = self.observed.within(|| self.decision.as_mut().poll(cx));
        if polled.is_ready() {
            self.observed.end(&self.socket, CONNECT);
        }
        polled
    }

    /// The rest of the handler: its decision no longer matters, but it runs to its end.
    fn outlive(self, work: &mut Work) {
        if !self.cancelled {
            work.adopt(self.socket, CONNECT, self.decision.map(drop));
        }
    }
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
            connecting: Vec::new(),
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
        let handled = match event {
            Ok(None) => return,
            Ok(Some(event)) => self.handle_event(cx, event),
            Err(error) => {
                tracing::debug!(target: "socketio", %error, "client broke the protocol");
                Err(Malformed)
            }
        };
        if handled.is_err() {
            self.break_off(cx);
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
        while let Some(connecting) = self.connecting.get_mut(index) {
            match connecting.poll(cx.context()) {
                Poll::Pending => index += 1,
                Poll::Ready(decision) => {
                    let nsp = self.connecting.swap_remove(index).nsp;
                    self.decide(cx, nsp, decision);
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

    fn handle_close(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        let reason = self.closing.unwrap_or_else(|| reason.into());
        tracing::debug!(target: "socketio", %reason, detail, "link closed");
        // Whoever waits for an answer learns that there will be none.
        self.connection.drain_acks().for_each(drop);
        for connecting in self.connecting.drain(..) {
            connecting.outlive(&mut self.work);
        }
        let mut goodbyes = Vec::new();
        for member in self.members.drain(..).flatten() {
            goodbyes.extend(member.goodbye(&self.io, reason));
        }
        self.work.cancel(None);
        let work = std::mem::take(&mut self.work).with(goodbyes);
        if let Some(rest) = work.drain(self.io.clone()) {
            self.io.engine().spawn(rest);
        }
    }
}

impl Link {
    /// An event leaves for the client.
    #[inline]
    fn count_sent(&mut self, nsp: NamespaceId) {
        if metrics::ENABLED
            && let Some(member) = member_mut(&mut self.members, nsp)
        {
            member.socket.namespace().meters().sent();
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

    /// As clients of old compute it, or else a random one.
    fn socket_id(&self, nsp: NamespaceId) -> SocketId {
        let sid = self.session.sid();
        match self.connection.socket_id(nsp, sid.as_str()) {
            Some(id) => SocketId::derived(&id),
            None => SocketId::random(),
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
                    return Ok(());
                };
                member.refresh(&self.io);
                observed::received(&member.socket, &name, id);
                let what = What::Event { name, id, args };
                let job = Job {
                    socket: &member.socket,
                    routes: &member.routes,
                    what: &what,
                };
                match &mut member.state {
                    State::Connected => {
                        return self
                            .work
                            .handle(job, self.io.handler_limits(), cx.context());
                    }
                    State::Connecting(early) => {
                        early.push(self.work.keep(job));
                    }
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

    /// A client wants to join a namespace.
    fn join(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        name: &str,
        auth: Option<&str>,
    ) {
        let Some(namespace) = self.io.existing(name) else {
            tracing::debug!(target: "socketio", nsp = name, "no such namespace");
            let answer = self.connection.reject_unknown(nsp);
            self.refuse(answer);
            return;
        };
        let routes = namespace.routes();
        let session = self.session.clone();
        let handshake = Arc::clone(&self.handshake);
        let (saved, recoverable) = self.recover(cx, &namespace, auth);
        let id = match &saved {
            Some(saved) => saved.socket.id(),
            None => self.socket_id(nsp),
        };
        let socket = Socket::new(id, namespace, nsp, session, handshake, auth, recoverable);
        if let Some(saved) = saved {
            socket.restore(&saved);
        }
        let index = nsp.index();
        if self.members.len() <= index {
            // Most clients join a single namespace: no space for more than asked for.
            self.members.reserve_exact(index + 1 - self.members.len());
            self.members.resize_with(index + 1, || None);
        }
        self.members[index] = Some(Member {
            nsp,
            socket: socket.clone(),
            routes: Arc::clone(&routes),
            state: State::Connecting(Vec::new()),
        });
        let Some(route) = routes.connect() else {
            self.decide(cx, nsp, Ok(()));
            return;
        };
        let mut event = EventContext {
            socket: &socket,
            name: CONNECT,
            args: None,
            reason: None,
            reply: ReplyTo::new(&socket, None),
            read: Cell::new(false),
            after: After::default(),
        };
        let manner = route.manner.or(routes.manner()).or(self.io.manner());
        let observed = Observed::new(&socket, &routes, CONNECT);
        match observed.within(|| route.decide(&mut event, manner)) {
            Ok(mut decision) => match observed.within(|| decision.as_mut().poll(cx.context())) {
                Poll::Ready(decision) => {
                    observed.end(&socket, CONNECT);
                    self.decide(cx, nsp, decision);
                }
                Poll::Pending => self.connecting.push(Connecting {
                    nsp,
                    socket,
                    observed,
                    decision,
                    cancelled: manner.cancelled,
                }),
            },
            Err(kind) => {
                let refusal = refuse(&socket, CONNECT, kind);
                self.decide(cx, nsp, Err(refusal));
            }
        }
    }

    /// The socket that a client claims, if it can have it, and what it needs to be recovered later.
    fn recover(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        namespace: &Namespace,
        auth: Option<&str>,
    ) -> (Option<Saved>, Option<Box<Recoverable>>) {
        let revision = revision(&self.session);
        let sequencer = namespace.sequencer().filter(|_| revision.recovers());
        let Some(sequencer) = sequencer else {
            return (None, None);
        };
        let claim = Claim::of(revision, auth);
        let claimed = claim.map_or_else(Claimed::default, |claim| sequencer.claim(&claim));
        if let Some(socket) = claimed.replaced {
            // Its own link may be stuck for long, and has nothing more to say.
            let routes = socket.namespace().routes();
            let what = What::Disconnect(DisconnectReason::TransportClose);
            let job = Job {
                socket: &socket,
                routes: &routes,
                what: &what,
            };
            let limits = self.io.handler_limits();
            // A goodbye has no arguments that could be malformed.
            let _ = self.work.handle(job, limits, cx.context());
        }
        match claimed.restored {
            Some((saved, recoverable)) => (Some(saved), Some(recoverable)),
            None => (None, Some(Sequencer::new_socket())),
        }
    }

    /// The connect handler has decided.
    fn decide(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        decision: ConnectResult,
    ) {
        let Some(member) = member_mut(&mut self.members, nsp) else {
            return;
        };
        let early = match std::mem::replace(&mut member.state, State::Connected) {
            State::Connecting(early) => early,
            State::Connected => return,
        };
        early.iter().for_each(|kept| self.work.release(kept));
        match decision {
            Ok(()) => {
                let sid = member.socket.id();
                let pid = member.socket.recoverable().map(Recoverable::pid);
                let Some(answer) = self.connection.accept(nsp, sid.as_str(), pid) else {
                    return;
                };
                observed::connected(&member.socket);
                if !member.socket.open(prepare(answer)) {
                    // The client comes again, and begins anew.
                    return self.close(cx, DisconnectReason::TransportClose);
                }
                for kept in early {
                    let limits = self.io.handler_limits();
                    if self.work.handle(kept.job(), limits, cx.context()).is_err() {
                        return self.break_off(cx);
                    }
                }
            }
            Err(error) => {
                observed::refused(&member.socket, &error);
                member
                    .socket
                    .end(DisconnectReason::ServerNamespaceDisconnect);
                self.members[nsp.index()] = None;
                self.reject(nsp, &error);
            }
        }
    }

    fn reject(&mut self, nsp: NamespaceId, error: &ConnectError) {
        let answer = self
            .connection
            .reject(nsp, &error.message, error.data.as_ref());
        self.refuse(answer);
    }

    fn refuse(&self, answer: Option<Encoded>) {
        if let Some(answer) = answer.map(prepare) {
            let bytes = answer.wire_len();
            // A client that is gone does not miss its answer.
            let _ = self.session.push(Entry::Message(answer), bytes);
        }
    }

    /// The server disconnects the client from a namespace.
    fn send_away(&mut self, cx: &mut SessionContext<'_, '_>, nsp: NamespaceId) {
        if let Some((packet, acks)) = self.connection.disconnect(nsp) {
            drop(acks);
            cx.send(prepare(packet));
            self.dismiss(cx, nsp, DisconnectReason::ServerNamespaceDisconnect);
        }
    }

    /// The client is no longer in a namespace.
    fn dismiss(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        reason: DisconnectReason,
    ) {
        if member_mut(&mut self.members, nsp).is_none() {
            return;
        }
        let undecided = self.connecting.iter().position(|it| it.nsp == nsp);
        if let Some(index) = undecided {
            let connecting = self.connecting.swap_remove(index);
            connecting.outlive(&mut self.work);
        }
        let Some(member) = self.members[nsp.index()].take() else {
            return;
        };
        if self.work.cancel(Some(&member.socket)) {
            cx.context().waker().wake_by_ref();
        }
        if let State::Connecting(early) = &member.state {
            early.iter().for_each(|kept| self.work.release(kept));
        }
        if let Some(goodbye) = member.goodbye(&self.io, reason) {
            let limits = self.io.handler_limits();
            // A goodbye has no arguments that could be malformed.
            let _ = self.work.handle(goodbye.job(), limits, cx.context());
        }
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

impl Member {
    /// Takes notice of what has been registered meanwhile.
    fn refresh(&mut self, io: &Io) {
        if io.revision().is_behind(&self.routes) {
            self.routes = self.socket.namespace().routes();
        }
    }

    /// Ends the socket; its disconnect handler is still to be run, if it was ever connected.
    fn goodbye(mut self, io: &Io, reason: DisconnectReason) -> Option<Kept> {
        let is_last = self.socket.end(reason);
        self.refresh(io);
        let was_connected = matches!(self.state, State::Connected);
        if was_connected {
            observed::disconnected(&self.socket, reason);
        }
        (is_last && was_connected).then(|| Kept {
            socket: self.socket,
            routes: self.routes,
            what: What::Disconnect(reason),
        })
    }
}

fn member_mut(members: &mut [Option<Member>], nsp: NamespaceId) -> Option<&mut Member> {
    let member = members.get_mut(nsp.index())?.as_mut();
    member.filter(|member| member.nsp == nsp)
}
