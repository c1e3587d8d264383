//! Which handler is run for what.
//!
//! ```text
//!  where handlers are registered: Layers             what sockets look into: Routes
//!  ┌──────────────────────────────────────────┐
//!  │ functions of the namespace  ─else─►      │      one table for all of them, made anew after
//!  │ functions of all namespaces ─else─►      │ ───► something was registered: each name has the
//!  │ class of the namespace      ─else─►      │      first handler on the way, so that an event
//!  │ class of all namespaces                  │      costs one lookup
//!  │   each: by name, else its fallback       │
//!  └──────────────────────────────────────────┘
//! ```
//!
//! A socket may have handlers of its own as well, which come before all of these, and somebody who
//! stands around them, further in than those of its namespace.
//!
//! The order is python-socketio's, and so is that a class of the namespace, if there is one, leaves
//! nothing to one of all namespaces.

mod around;
mod handlers;
mod layer;
mod leaving;
mod methods;
mod outgoing;
mod personal;
mod registry;

pub(crate) use around::middleware;
pub use around::{HandlerFuture, Next, Outcome};
pub use handlers::Handlers;
pub(crate) use layer::{Layer, assert_possible, check_possible};
pub(crate) use methods::{
    around_methods, connections_methods, events_methods, handler_methods, running_methods,
};
pub use outgoing::Outgoing;
pub(crate) use outgoing::{Show, raw};
pub(crate) use personal::Personal;
pub(crate) use registry::{Layers, Registry, Revision};

use std::borrow::Cow;
use std::collections::hash_map;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::error::HandlerErrorKind;
use crate::extract::EventContext;
use crate::handler::{
    BoxFuture, CONNECT, ConnectResult, DISCONNECT, DISCONNECTING, ErrorHook, Handled, Manner,
    Route, UPGRADE,
};
use crate::room_events::RoomObserver;
use crate::socket::Socket;
use around::Around;
use layer::Named;

/// The handlers a namespace's sockets have, as of one [`Revision`].
#[derive(Default)]
pub(crate) struct Routes {
    revision: u64,
    /// Hashed without a secret: its names are the application's, and
    /// only looked up for clients.
    events: FxHashMap<Arc<str>, Choice>,
    fallback: Option<Arc<Route<Handled>>>,
    around: Around,
    room_observers: Vec<Arc<RoomObserver>>,
    before_connect: Vec<Arc<Route<ConnectResult>>>,
    connect: Option<Arc<Route<ConnectResult>>>,
    always_connect: bool,
    upgrade: Option<Arc<Route<Handled>>>,
    disconnecting: Option<Arc<Route<Handled>>>,
    disconnect: Option<Arc<Route<Handled>>>,
    on_error: Option<Arc<ErrorHook>>,
    manner: Manner,
}

/// Who handles the events of one name.
struct Choice {
    route: Arc<Route<Handled>>,
    /// Only the first such event of each socket; what follows is for these.
    once: Option<Vec<Named>>,
}

impl Routes {
    /// Whose turn it is to handle an event of this socket.
    pub(crate) fn event(
        &self,
        socket: &Socket,
        name: &str,
    ) -> Option<Cow<'_, Arc<Route<Handled>>>> {
        let personal = socket.personal_if_any();
        if let Some(own) = personal.and_then(|it| it.event(name)) {
            return Some(Cow::Owned(own));
        }
        let shared = self.shared_event(socket, name);
        // Events that nobody handles are seen all the same.
        let nobody = || Cow::Owned(Arc::new(Route::nobody()));
        shared.or_else(|| personal?.around_incoming().map(|_| nobody()))
    }

    /// Whose turn it is of those who are there for all sockets.
    fn shared_event(&self, socket: &Socket, name: &str) -> Option<Cow<'_, Arc<Route<Handled>>>> {
        let Some(choice) = self.events.get(name) else {
            return self.fallback.as_ref().map(Cow::Borrowed);
        };
        let Some(next) = &choice.once else {
            return Some(Cow::Borrowed(&choice.route));
        };
        let unspent = |route: &Arc<_>| socket.personal().spend(route);
        if unspent(&choice.route) {
            return Some(Cow::Borrowed(&choice.route));
        }
        let mut next = next.iter();
        let next = next.find(|named| !named.once || unspent(&named.route));
        let route = next.map(|named| &named.route);
        route.or(self.fallback.as_ref()).map(Cow::Borrowed)
    }

    /// Starts an event's handler, with everything that stands around it.
    pub(crate) fn start(
        &self,
        route: &Route<Handled>,
        event: &mut EventContext<'_>,
    ) -> Result<BoxFuture<Handled>, HandlerErrorKind> {
        let own = event
            .socket
            .personal_if_any()
            .and_then(Personal::around_incoming);
        match (own, self.around.lets_in_unseen()) {
            (None, true) => route.start(event),
            (None, false) => around::start(self, &Around::default(), route, event),
            (Some(own), _) => around::start(self, &own, route, event),
        }
    }

    /// Who looks at rooms.
    pub(crate) fn room_observers(&self) -> &[Arc<RoomObserver>] {
        &self.room_observers
    }

    /// Whether a handler is registered for events of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.events.contains_key(name)
    }

    /// Who decides about those who want to join, after so many others have agreed.
    pub(crate) fn decider(&self, step: usize) -> Option<&Route<ConnectResult>> {
        match step.checked_sub(self.before_connect.len()) {
            None => Some(&*self.before_connect[step]),
            Some(0) => self.connect.as_deref(),
            Some(_) => None,
        }
    }

    /// How many decide before the connect handler does.
    pub(crate) const fn connect_middlewares(&self) -> usize {
        self.before_connect.len()
    }

    /// Whether clients are let in before their connect handler has decided.
    pub(crate) fn connects_always(&self) -> bool {
        self.always_connect
    }

    /// Runs when a client has moved to another transport.
    pub(crate) fn upgrade(&self) -> Option<&Arc<Route<Handled>>> {
        self.upgrade.as_ref()
    }

    /// Whether sockets have to remember the rooms they were in for their disconnecting handler.
    pub(crate) fn needs_last_rooms(&self) -> bool {
        self.disconnecting.is_some()
    }

    /// Runs when a socket has been disconnected.
    pub(crate) fn disconnect(&self) -> Option<&Arc<Route<Handled>>> {
        self.disconnect.as_ref()
    }

    /// Whom failures of this event's handler concern.
    pub(crate) fn error_hook(&self, event: &str) -> Option<&Arc<ErrorHook>> {
        let own = match event {
            CONNECT => {
                let mut deciding = self.connect.iter().chain(&self.before_connect);
                deciding.find_map(|it| it.on_error.as_ref())
            }
            UPGRADE => self.upgrade.as_ref().and_then(|it| it.on_error.as_ref()),
            DISCONNECTING => {
                let disconnecting = self.disconnecting.as_ref();
                disconnecting.and_then(|it| it.on_error.as_ref())
            }
            DISCONNECT => self.disconnect.as_ref().and_then(|it| it.on_error.as_ref()),
            name => {
                let named = self.events.get(name).map(|it| &it.route);
                let route = named.or(self.fallback.as_ref());
                route.and_then(|it| it.on_error.as_ref())
            }
        };
        own.or(self.on_error.as_ref())
    }

    /// How handlers are run that leave it open.
    pub(crate) const fn manner(&self) -> Manner {
        self.manner
    }

    /// Adds handlers behind those that are there.
    fn append(&mut self, layer: &Layer) {
        append_one(&mut self.connect, &layer.connect);
        append_one(&mut self.upgrade, &layer.upgrade);
        append_one(&mut self.disconnecting, &layer.disconnecting);
        append_one(&mut self.disconnect, &layer.disconnect);
        self.always_connect |= layer.always_connect;
        // Those of all namespaces come first.
        prepend(&mut self.before_connect, &layer.before_connect);
        self.around.prepend(&layer.around);
        prepend(&mut self.room_observers, &layer.room_observers);
        // A fallback leaves nothing to those behind it.
        if self.fallback.is_some() {
            return;
        }
        for (name, named) in &layer.events {
            match self.events.entry(Arc::clone(name)) {
                hash_map::Entry::Vacant(vacant) => {
                    vacant.insert(Choice {
                        route: Arc::clone(&named.route),
                        once: named.once.then(Vec::new),
                    });
                }
                hash_map::Entry::Occupied(mut taken) => {
                    if let Some(next) = &mut taken.get_mut().once {
                        next.push(named.clone());
                    }
                }
            }
        }
        append_one(&mut self.fallback, &layer.fallback);
    }

    /// All handlers are there.
    fn complete(&mut self) {
        if let Some(disconnecting) = self.disconnecting.clone() {
            let both = leaving::in_turn(disconnecting, self.disconnect.take());
            self.disconnect = Some(Arc::new(both));
        }
        // Events that nobody handles are seen all the same.
        if !self.around.lets_in_unseen() {
            let nobody = || Arc::new(Route::nobody());
            self.fallback.get_or_insert_with(nobody);
        }
    }

    /// Adds whom failures concern, if nobody is there.
    fn append_hook(&mut self, layer: &Layer) {
        append_one(&mut self.on_error, &layer.on_error);
        self.manner = self.manner.or(layer.manner);
    }
}

fn prepend<T: Clone>(there: &mut Vec<T>, in_front: &[T]) {
    there.splice(..0, in_front.iter().cloned());
}

fn append_one<T>(there: &mut Option<Arc<T>>, behind: &Option<Arc<T>>) {
    if there.is_none() {
        there.clone_from(behind);
    }
}
