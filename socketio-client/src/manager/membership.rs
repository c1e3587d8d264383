//! Sockets: wanted, asked for, granted or refused, and left.

use serde_json::{Map, Value};

use super::{
    AckFailure, Event, Link, Manager, Output, SocketKey,
    backoff::Backoff,
    outbox::Content,
    socket::{Awaited, Held, Phase, Socket, reply_to},
};
use crate::{
    ConnectError, DisconnectReason,
    proto::{NamespaceId, Tick},
};

impl<A> Manager<A> {
    /// The socket of a namespace; the same for the same name. A missing slash is put in front.
    pub(crate) fn socket(&mut self, nsp: &str) -> SocketKey {
        let name = nsp.strip_prefix('/').unwrap_or(nsp);
        let mut sockets = self.sockets.iter();
        if let Some((key, _)) = sockets.find(|(_, it)| &it.name[1..] == name) {
            return *key;
        }
        let key = SocketKey(self.keys);
        self.keys += 1;
        let backoff = Backoff::new(&self.reconnection);
        let socket = Socket::new(&format!("/{name}"), backoff);
        self.sockets.insert(key, socket);
        key
    }

    /// Disconnects a socket and forgets it, with all that waits to be sent.
    pub(crate) fn remove(&mut self, now: Tick, key: SocketKey) {
        self.disconnect(now, key);
        let Some(mut socket) = self.sockets.remove(&key) else {
            return;
        };
        for event in socket.buffer.take() {
            if let Some(awaited) = event.awaited {
                self.fail(now, awaited, AckFailure::Disconnected);
            }
        }
        for event in socket.queue.take() {
            if let Some(ack) = event.ack {
                self.events.push_back(Event::Ack {
                    socket: key,
                    ack,
                    result: Err(AckFailure::Disconnected),
                });
            }
        }
    }

    /// The socket is wanted: opens the link if there is none, and connects by itself from now on. In
    /// the wait for the next attempt that one is awaited, as in the reference;
    /// [`open`](Self::open) does not wait.
    pub(crate) fn connect(&mut self, now: Tick, key: SocketKey) {
        let Some(socket) = self.sockets.get(&key) else {
            return;
        };
        let phase = socket.phase;
        if !self.is_active(key) {
            self.active.push(key);
        }
        match (&self.link, phase) {
            (Link::Closed, _) => self.open(now),
            (Link::Open(_), Phase::Idle | Phase::Retrying { .. }) => self.authorize(now, key),
            _ => {}
        }
    }

    /// The socket is not wanted any more. If it was the last, the link is closed, once all has been
    /// sent. Somebody who waits for it to be connected is told
    /// [`DisconnectReason::ClientDisconnect`], too.
    pub(crate) fn disconnect(&mut self, now: Tick, key: SocketKey) {
        if !self.is_active(key) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        let phase = socket.end();
        let mut acks = Vec::new();
        if let (Link::Open(connection), Some(nsp)) = (&mut self.link, phase.nsp())
            && let Some((leave, awaited)) = connection.disconnect(nsp)
        {
            acks = awaited;
            if let Some(leave) = leave {
                self.outbox.push(Some(key), leave, Content::Control);
            }
        }
        let reason = DisconnectReason::ClientDisconnect;
        self.events.push_back(match phase {
            Phase::Connected { .. } => Event::Disconnected {
                socket: key,
                reason,
                will_reconnect: false,
            },
            _ => Event::ConnectError {
                socket: key,
                error: ConnectError::Lost(reason),
                will_retry: false,
            },
        });
        for (key, content) in self.outbox.release(Some(key)) {
            self.abandon(now, key, content);
        }
        self.fail_all(now, acks);
        self.deactivate(now, key);
    }

    /// The answer to [`Output::Auth`]. Ignored unless it answers the last question for this socket.
    ///
    /// An error is told as [`ConnectError::Auth`] and counts as a failed attempt of this socket
    /// alone: the application is asked again after a delay, by the rules of
    /// [`Reconnection`](crate::Reconnection).
    pub(crate) fn handle_auth(
        &mut self,
        now: Tick,
        key: SocketKey,
        ticket: u32,
        auth: Result<Option<Map<String, Value>>, String>,
    ) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        if !matches!(self.link, Link::Open(_)) || socket.phase != (Phase::Authorizing { ticket }) {
            return;
        }
        match auth {
            Ok(auth) => self.join(now, key, auth),
            Err(error) => self.unauthorized(now, key, error),
        }
    }

    /// Asks the server.
    fn join(&mut self, now: Tick, key: SocketKey, auth: Option<Map<String, Value>>) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        let Link::Open(connection) = &mut self.link else {
            return;
        };
        let auth = socket.bookmark.auth(auth);
        match connection.connect(&socket.name, auth.as_ref()) {
            Ok((nsp, request)) => {
                socket.phase = Phase::Joining { nsp };
                if let Some(request) = request {
                    self.outbox.push(Some(key), request, Content::Control);
                }
                self.drain_connection(now);
            }
            Err(_) => self.refused(now, key, ConnectError::Namespace),
        }
    }

    /// A namespace's name.
    pub(crate) fn namespace(&self, key: SocketKey) -> Option<&str> {
        self.sockets.get(&key).map(|socket| &*socket.name)
    }

    /// The id by which the server knows a connected socket.
    pub(crate) fn sid(&self, key: SocketKey) -> Option<&str> {
        self.sockets.get(&key)?.sid.as_deref()
    }

    /// Whether the socket was recovered when it was last connected.
    pub(crate) fn is_recovered(&self, key: SocketKey) -> bool {
        self.sockets.get(&key).is_some_and(|it| it.recovered)
    }

    /// Whether the socket is wanted: connected, or going to be when there is a link.
    pub(crate) fn is_active(&self, key: SocketKey) -> bool {
        self.active.contains(&key)
    }

    /// Asks the application for credentials; the answer asks the server. Where no credentials can
    /// reach the server, it is asked at once: it may have answered already, with events behind.
    pub(super) fn authorize(&mut self, now: Tick, key: SocketKey) {
        if let (Link::Open(connection), Some(socket)) = (&self.link, self.sockets.get(&key))
            && !connection.takes_auth(&socket.name)
        {
            return self.join(now, key, None);
        }
        let ticket = self.tickets;
        self.tickets = self.tickets.wrapping_add(1);
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.phase = Phase::Authorizing { ticket };
            let socket = key;
            self.commands.push_back(Output::Auth { socket, ticket });
        }
    }

    /// The server granted the namespace.
    pub(super) fn granted(
        &mut self,
        now: Tick,
        key: SocketKey,
        nsp: NamespaceId,
        sid: &str,
        pid: Option<&str>,
    ) {
        let membership = self.memberships;
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.sid = Some(sid.into());
        let recovered = socket.bookmark.handle_connected(pid);
        if socket.phase.is_connected() {
            // Once more: the newer ids count.
            return;
        }
        self.memberships += 1;
        socket.recovered = recovered;
        socket.phase = Phase::Connected { nsp, membership };
        socket.backoff.reset();
        for Held { id, name, args } in std::mem::take(&mut socket.received).events {
            socket.bookmark.handle_event(id, &args);
            self.events.push_back(Event::Event {
                socket: key,
                reply: reply_to(id, membership),
                name,
                args,
            });
        }
        self.flush(now, key);
        self.events.push_back(Event::Connected {
            socket: key,
            recovered,
        });
    }

    /// The server will not have the socket, which does not ask again by itself.
    pub(super) fn refused(&mut self, now: Tick, key: SocketKey, error: ConnectError) {
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.end();
            self.events.push_back(Event::ConnectError {
                socket: key,
                error,
                will_retry: false,
            });
            self.deactivate(now, key);
        }
    }

    /// The server ended the membership of a socket, which does not ask again by itself.
    pub(super) fn expelled(&mut self, now: Tick, key: SocketKey, acks: Vec<Awaited<A>>) {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return;
        };
        socket.end();
        self.events.push_back(Event::Disconnected {
            socket: key,
            reason: DisconnectReason::ServerDisconnect,
            will_reconnect: false,
        });
        let parcels = self.outbox.take(Some(key));
        self.salvage(now, parcels);
        self.fail_all(now, acks);
        self.deactivate(now, key);
    }

    fn unauthorized(&mut self, now: Tick, key: SocketKey, error: String) {
        let error = ConnectError::Auth(error.into());
        let attempts = self.sockets.get(&key).map(|it| it.backoff.attempts());
        if !attempts.is_some_and(|attempts| self.may_retry(attempts)) {
            return self.refused(now, key, error);
        }
        if let Some(socket) = self.sockets.get_mut(&key) {
            let delay = socket.backoff.next(self.random.next());
            let at = now.saturating_add(delay);
            socket.phase = Phase::Retrying { at };
        }
        self.events.push_back(Event::ConnectError {
            socket: key,
            error,
            will_retry: true,
        });
    }

    fn fail_all(&mut self, now: Tick, acks: Vec<Awaited<A>>) {
        for awaited in acks {
            self.fail(now, awaited, AckFailure::Disconnected);
        }
    }

    /// The socket is not wanted any more; the last one closes the link.
    fn deactivate(&mut self, now: Tick, key: SocketKey) {
        self.active.retain(|it| *it != key);
        if let Some(socket) = self.sockets.get_mut(&key) {
            socket.backoff.reset();
        }
        if self.active.is_empty() {
            self.close(now);
        }
    }
}
