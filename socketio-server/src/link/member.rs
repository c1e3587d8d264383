//! A client's place in a namespace: from its wish to join until either side ends it.

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;

use crate::directory::Unavailable;
use crate::error::DisconnectReason;
use crate::handler::{BoxFuture, CONNECT, ConnectResult};
use crate::io::Io;
use crate::namespace::Namespace;
use crate::observed::{self, Observed};
use crate::proto::NamespaceId;
use crate::routes::Routes;
use crate::socket::Socket;
use crate::work::{Job, Kept, What, Work};

/// A socket of this client.
pub(super) struct Member {
    pub(super) nsp: NamespaceId,
    pub(super) seat: Seat,
    pub(super) state: State,
}

/// A socket and its handlers.
#[derive(Clone)]
pub(super) struct Seat {
    pub(super) socket: Socket,
    routes: Arc<Routes>,
}

pub(super) enum State {
    /// Nobody has decided yet; these events came early.
    Undecided(Vec<What<'static>>),
    Connected,
    /// It was let in before the connect handler could refuse it, and is on its way out.
    Refused,
}

/// Somebody is asked whether there is a namespace that a client wants to join.
pub(super) struct Search {
    pub(super) nsp: NamespaceId,
    pub(super) auth: Option<Box<str>>,
    /// These events came early.
    pub(super) early: Vec<What<'static>>,
    pub(super) future: BoxFuture<Result<Namespace, Unavailable>>,
}

/// Who is about to decide whether a client is let in.
pub(super) struct Decision {
    pub(super) nsp: NamespaceId,
    /// How many have agreed before.
    pub(super) step: usize,
    pub(super) socket: Socket,
    pub(super) observed: Observed,
    pub(super) future: BoxFuture<ConnectResult>,
    /// Whether it is for clients only that are still there.
    pub(super) cancelled: bool,
}

impl Member {
    /// Ends the socket; its disconnect handler is still to be run, if it was ever connected.
    pub(super) fn goodbye(mut self, io: &Io, reason: DisconnectReason) -> Option<Kept> {
        let is_last = self.seat.socket.end(reason);
        let was_connected = matches!(self.state, State::Connected);
        match was_connected {
            true => observed::disconnected(&self.seat.socket, reason),
            false => self.seat.socket.personal().forget_handlers(),
        }
        (is_last && was_connected).then(|| {
            self.seat.refresh(io);
            Kept {
                socket: self.seat.socket,
                routes: self.seat.routes,
                what: What::Disconnect(reason),
            }
        })
    }
}

impl Seat {
    pub(super) fn new(socket: Socket) -> Self {
        let routes = socket.namespace().routes();
        Self { socket, routes }
    }

    pub(super) fn routes(&self) -> &Arc<Routes> {
        &self.routes
    }

    /// Where to begin to ask about the client: for sockets that go on, middlewares may have agreed
    /// already.
    pub(super) fn first_decider(&self) -> usize {
        let sequencer = self.socket.namespace().sequencer();
        let skips = sequencer.is_some_and(|it| it.skips_middlewares());
        match skips && self.socket.recovered() {
            true => self.routes.connect_middlewares(),
            false => 0,
        }
    }

    pub(super) fn job<'a>(&'a self, what: &'a What<'a>) -> Job<'a> {
        Job {
            socket: &self.socket,
            routes: &self.routes,
            what,
        }
    }

    /// Takes notice of what has been registered meanwhile.
    pub(super) fn refresh(&mut self, io: &Io) {
        if io.revision().is_behind(&self.routes) {
            self.routes = self.socket.namespace().routes();
        }
    }
}

impl Decision {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ConnectResult> {
        let polled = self.observed.within(|| self.future.as_mut().poll(cx));
        if polled.is_ready() {
            self.observed.end(&self.socket, CONNECT);
        }
        polled
    }

    /// The rest of the handler: what it says no longer matters, but it runs to its end.
    pub(super) fn outlive(self, work: &mut Work) {
        if !self.cancelled {
            work.adopt(self.socket, CONNECT, self.future.map(drop));
        }
    }
}

pub(super) fn member_mut(members: &mut [Option<Member>], nsp: NamespaceId) -> Option<&mut Member> {
    let member = members.get_mut(nsp.index())?.as_mut();
    member.filter(|member| member.nsp == nsp)
}
