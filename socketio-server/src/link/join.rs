//! How a client gets into a namespace, and out of it.
//!
//! ```text
//!  CONNECT ──► Search, unless the namespace is there
//!                  │
//!                  ▼
//!              Undecided ──► each middleware ──► connect handler ──► Connected
//!                  │ refused                │         │ refused
//!                  ▼                        │         ▼
//!            CONNECT_ERROR                  │    CONNECT_ERROR
//!                                           └─ always_connect ─► Connected ──► connect handler
//!                                                                   │ refused
//!                                                               Refused: DISCONNECT
//! ```

use std::cell::Cell;
use std::sync::Arc;
use std::task::Poll;

use engine::SessionContext;

use super::Link;
use super::member::{Decision, Member, Search, Seat, State, member_mut};
use crate::directory::{Found, Unavailable};
use crate::dynamic::NamespaceRequest;
use crate::entry::Entry;
use crate::error::{ConnectError, DisconnectReason, HandlerErrorKind};
use crate::extract::{After, EventContext};
use crate::handler::{BoxFuture, CONNECT, ConnectResult, Manner, Route, refuse};
use crate::namespace::Namespace;
use crate::observed::{self, Observed};
use crate::proto::recovery::Claim;
use crate::proto::{Encoded, NamespaceId};
use crate::record::revision;
use crate::recovery::{Claimed, Recoverable, Saved, Sequencer};
use crate::reply::ReplyTo;
use crate::socket::{Socket, SocketId, prepare};
use crate::work::What;

impl Link {
    /// A client wants to join a namespace.
    pub(super) fn join(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        name: &str,
        auth: Option<&str>,
    ) {
        let request = || NamespaceRequest::new(name, auth, &self.handshake);
        let found = match self.io.directory().find(&self.io, name, request) {
            Found::Here(namespace) => Ok(namespace),
            Found::Nowhere => Err(Unavailable::Unknown),
            Found::Asked(mut future) => match future.as_mut().poll(cx.context()) {
                Poll::Ready(found) => found,
                Poll::Pending => {
                    return self.searches.push(Search {
                        nsp,
                        auth: auth.map(Into::into),
                        early: Vec::new(),
                        future,
                    });
                }
            },
        };
        self.enter(cx, nsp, found, auth, Vec::new());
    }

    /// The namespace is found, or not.
    pub(super) fn enter(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        found: Result<Namespace, Unavailable>,
        auth: Option<&str>,
        early: Vec<What<'static>>,
    ) {
        let namespace = match found {
            Ok(namespace) => namespace,
            Err(why) => {
                early.iter().for_each(|what| self.work.release(what));
                tracing::debug!(target: "socketio", ?why, "no such namespace");
                let answer = match why {
                    Unavailable::Unknown => self.connection.reject_unknown(nsp),
                    Unavailable::TooMany => {
                        self.connection.reject(nsp, "too many namespaces", None)
                    }
                };
                return self.refuse(answer);
            }
        };
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
        let seat = Seat::new(socket);
        let first = seat.first_decider();
        self.members[index] = Some(Member {
            nsp,
            seat,
            state: State::Undecided(early),
        });
        self.advance(cx, nsp, first);
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
        let claimed = claim.map_or_else(Claimed::default, |claim| {
            sequencer.claim(namespace, &claim, &self.session)
        });
        if let Some(socket) = claimed.replaced {
            // Its own link may be stuck for long, and has nothing more to say.
            let seat = Seat::new(socket);
            let what = What::Disconnect(DisconnectReason::TransportClose);
            let limits = self.io.handler_limits();
            // A goodbye has no arguments that could be malformed.
            let _ = self.work.handle(seat.job(&what), limits, cx.context());
        }
        match claimed.restored {
            Some((saved, recoverable)) => (Some(saved), Some(recoverable)),
            None => (None, Some(Sequencer::new_socket())),
        }
    }

    /// As clients of old compute it, or else a random one.
    fn socket_id(&self, nsp: NamespaceId) -> SocketId {
        let sid = self.session.sid();
        match self.connection.socket_id(nsp, sid.as_str()) {
            Some(id) => SocketId::from(&*id),
            None => SocketId::random(),
        }
    }

    /// Asks those who decide whether the client is let in, from this one on.
    fn advance(&mut self, cx: &mut SessionContext<'_, '_>, nsp: NamespaceId, mut step: usize) {
        let Some(member) = member_mut(&mut self.members, nsp) else {
            return;
        };
        let seat = member.seat.clone();
        let routes = seat.routes();
        let always_connect = routes.connects_always() || self.io.connects_always();
        loop {
            if always_connect && step >= routes.connect_middlewares() {
                self.admit(cx, nsp);
            }
            let Some(route) = routes.decider(step) else {
                seat.socket.forget_large_auth();
                return self.admit(cx, nsp);
            };
            let manner = route.manner.or(routes.manner()).or(self.io.manner());
            let observed = Observed::new(&seat.socket, CONNECT, || true);
            let decision = match observed.within(|| ask(&seat.socket, route, manner)) {
                Ok(mut future) => match observed.within(|| future.as_mut().poll(cx.context())) {
                    Poll::Ready(decision) => {
                        observed.end(&seat.socket, CONNECT);
                        decision
                    }
                    Poll::Pending => {
                        return self.decisions.push(Decision {
                            nsp,
                            step,
                            socket: seat.socket.clone(),
                            observed,
                            future,
                            cancelled: manner.cancelled,
                        });
                    }
                },
                Err(kind) => Err(refuse(&seat.socket, CONNECT, kind)),
            };
            match decision {
                Ok(()) => step += 1,
                Err(error) => return self.turn_away(nsp, &error),
            }
        }
    }

    /// Somebody has decided after a while.
    pub(super) fn decide(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        step: usize,
        decision: ConnectResult,
    ) {
        match decision {
            Ok(()) => self.advance(cx, nsp, step + 1),
            Err(error) => self.turn_away(nsp, &error),
        }
    }

    /// The client is let in, if it is not yet.
    fn admit(&mut self, cx: &mut SessionContext<'_, '_>, nsp: NamespaceId) {
        let Some(member) = member_mut(&mut self.members, nsp) else {
            return;
        };
        let State::Undecided(early) = &mut member.state else {
            return;
        };
        let early = std::mem::take(early);
        member.state = State::Connected;
        let seat = member.seat.clone();
        early.iter().for_each(|what| self.work.release(what));
        let sid = seat.socket.id();
        let pid = seat.socket.recoverable().map(Recoverable::pid);
        let Some(answer) = self.connection.accept(nsp, sid.as_str(), pid) else {
            return;
        };
        observed::connected(&seat.socket);
        self.io.directory().announce_child(seat.socket.namespace());
        if !seat.socket.open(prepare(answer)) {
            // The client comes again, and begins anew.
            return self.close(cx, DisconnectReason::TransportClose);
        }
        for what in early {
            let limits = self.io.handler_limits();
            let handled = self.work.handle(seat.job(&what), limits, cx.context());
            if handled.is_err() {
                return self.break_off(cx);
            }
        }
    }

    /// The client is not let in, or let out again.
    fn turn_away(&mut self, nsp: NamespaceId, error: &ConnectError) {
        let Some(member) = member_mut(&mut self.members, nsp) else {
            return;
        };
        observed::refused(&member.seat.socket, error);
        let State::Undecided(early) = &member.state else {
            tracing::debug!(target: "socketio", %error, "refused after it was let in");
            // The reason stays here: a DISCONNECT that carries one is malformed to clients in
            // JavaScript, and python-socketio's do not read it.
            member.state = State::Refused;
            return member.seat.socket.disconnect();
        };
        early.iter().for_each(|what| self.work.release(what));
        let socket = &member.seat.socket;
        socket.end(DisconnectReason::ServerNamespaceDisconnect);
        socket.personal().forget_handlers();
        self.members[nsp.index()] = None;
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
    pub(super) fn send_away(&mut self, cx: &mut SessionContext<'_, '_>, nsp: NamespaceId) {
        if let Some((packet, acks)) = self.connection.disconnect(nsp) {
            drop(acks);
            cx.send(prepare(packet));
            self.dismiss(cx, nsp, DisconnectReason::ServerNamespaceDisconnect);
        }
    }

    /// The client is no longer in a namespace.
    pub(super) fn dismiss(
        &mut self,
        cx: &mut SessionContext<'_, '_>,
        nsp: NamespaceId,
        reason: DisconnectReason,
    ) {
        let searched = self.searches.iter().position(|it| it.nsp == nsp);
        if let Some(index) = searched {
            let search = self.searches.swap_remove(index);
            search.early.iter().for_each(|what| self.work.release(what));
            return;
        }
        if member_mut(&mut self.members, nsp).is_none() {
            return;
        }
        let undecided = self.decisions.iter().position(|it| it.nsp == nsp);
        if let Some(index) = undecided {
            let decision = self.decisions.swap_remove(index);
            decision.outlive(&mut self.work);
        }
        let Some(member) = self.members[nsp.index()].take() else {
            return;
        };
        if self.work.cancel(Some(&member.seat.socket)) {
            cx.context().waker().wake_by_ref();
        }
        if let State::Undecided(early) = &member.state {
            early.iter().for_each(|what| self.work.release(what));
        }
        if let Some(goodbye) = member.goodbye(&self.io, reason) {
            let limits = self.io.handler_limits();
            // A goodbye has no arguments that could be malformed.
            let _ = self.work.handle(goodbye.job(), limits, cx.context());
        }
    }
}

/// Starts a handler that decides about a client.
fn ask(
    socket: &Socket,
    route: &Route<ConnectResult>,
    manner: Manner,
) -> Result<BoxFuture<ConnectResult>, HandlerErrorKind> {
    let mut event = EventContext {
        socket,
        name: CONNECT,
        args: None,
        reason: None,
        reply: ReplyTo::new(socket, None),
        read: Cell::new(false),
        after: After::default(),
    };
    route.decide(&mut event, manner)
}
