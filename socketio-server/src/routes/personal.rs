//! What a single socket has to do with handlers, if anything.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use socketio_adapter::Room;

use super::assert_possible;
use super::layer::Named;
use crate::handler::{EventHandler, Handled, Route};
use crate::socket::Socket;

/// Made when it is needed: most sockets have none.
pub(crate) struct Personal {
    /// Handlers of this socket's events alone; `None` when it has been disconnected.
    events: Mutex<Option<HashMap<Box<str>, Named>>>,
    /// Handlers for once that have had their event of this socket.
    spent: Mutex<Vec<Arc<Route<Handled>>>>,
    last_rooms: Mutex<LastRooms>,
}

/// The rooms of a socket that has left them.
#[derive(Default)]
enum LastRooms {
    /// It is in its rooms.
    #[default]
    Current,
    Remembered(Vec<Room>),
    Forgotten,
}

impl Default for Personal {
    fn default() -> Self {
        Self {
            events: Mutex::new(Some(HashMap::new())),
            spent: Mutex::default(),
            last_rooms: Mutex::default(),
        }
    }
}

impl Personal {
    /// Registers a handler.
    fn on(&self, event: &str, route: Route<Handled>, once: bool) {
        let route = Arc::new(route);
        let mut named = Some(Named { route, once });
        let replaced = {
            let mut events = self.events.lock();
            let events = events.as_mut();
            events.and_then(|events| events.insert(event.into(), named.take()?))
        };
        drop((named, replaced));
    }

    /// Removes a handler.
    fn off(&self, event: &str) {
        let removed = self.events.lock().as_mut().and_then(|it| it.remove(event));
        drop(removed);
    }

    /// Who handles an event of this name. A handler for once is removed.
    pub(super) fn event(&self, name: &str) -> Option<Arc<Route<Handled>>> {
        let mut events = self.events.lock();
        let events = events.as_mut()?;
        match events.get(name)?.once {
            true => events.remove(name).map(|named| named.route),
            false => events.get(name).map(|named| Arc::clone(&named.route)),
        }
    }

    /// The socket has been disconnected: drops its handlers, which may hold it, and those that are
    /// still to be registered. Otherwise socket and handlers would stay for ever.
    pub(crate) fn forget_handlers(&self) {
        let events = self.events.lock().take();
        drop(events);
    }

    /// Whether a handler for once has not had its event yet. It has, from now on.
    pub(crate) fn spend(&self, route: &Arc<Route<Handled>>) -> bool {
        let mut spent = self.spent.lock();
        let unspent = !spent.iter().any(|it| Arc::ptr_eq(it, route));
        if unspent {
            spent.push(Arc::clone(route));
        }
        unspent
    }

    /// The socket is about to leave these rooms, with all others.
    pub(crate) fn remember_rooms(&self, rooms: Vec<Room>) {
        let mut last = self.last_rooms.lock();
        if matches!(*last, LastRooms::Current) {
            *last = LastRooms::Remembered(rooms);
        }
    }

    /// The rooms the socket was in, while they are remembered.
    pub(crate) fn last_rooms(&self) -> Option<Vec<Room>> {
        match &*self.last_rooms.lock() {
            LastRooms::Remembered(rooms) => Some(rooms.clone()),
            LastRooms::Current | LastRooms::Forgotten => None,
        }
    }

    /// Nobody is to know any longer.
    pub(crate) fn forget_rooms(&self) {
        *self.last_rooms.lock() = LastRooms::Forgotten;
    }
}

/// Handlers of one socket's events: the habit of JavaScript. What all sockets of a namespace do is
/// better registered with that, once for all of them.
impl Socket {
    /// Handles events of this name that this socket's client sends, in place of a handler of the
    /// [namespace](crate::Namespace::on) and by its rules. The handler is gone when the socket is
    /// disconnected.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicI64, Ordering};
    ///
    /// use socketio_server::{Data, Io, Socket};
    ///
    /// let io = Io::builder().build();
    /// io.on_connect(|socket: Socket| {
    ///     let total = AtomicI64::new(0);
    ///     socket.on("add", move |Data(n): Data<i64>| total.fetch_add(n, Ordering::Relaxed) + n);
    /// });
    /// ```
    ///
    /// # Panics
    /// If the name is [reserved](crate::Namespace::on).
    #[track_caller]
    pub fn on<M, H>(&self, event: &str, handler: H) -> &Self
    where
        H: EventHandler<M>,
    {
        assert_possible(event);
        self.personal().on(event, Route::event(handler), false);
        self
    }

    /// Handles the next event of this name that this socket's client sends. Those that follow are
    /// for the handler of the namespace.
    ///
    /// # Panics
    /// If the name is [reserved](crate::Namespace::on).
    #[track_caller]
    pub fn once<M, H>(&self, event: &str, handler: H) -> &Self
    where
        H: EventHandler<M>,
    {
        assert_possible(event);
        self.personal().on(event, Route::event(handler), true);
        self
    }

    /// Removes the socket's own handler of events of this name, from the next event on.
    pub fn off(&self, event: &str) -> &Self {
        if let Some(personal) = self.personal_if_any() {
            personal.off(event);
        }
        self
    }
}
