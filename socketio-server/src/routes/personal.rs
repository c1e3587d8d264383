//! What a single socket has to do with handlers, if anything.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use socketio_adapter::Room;

use super::around::{Around, middleware};
use super::layer::Named;
use super::{Next, Outcome, Outgoing, assert_possible};
use crate::extract::EventContext;
use crate::handler::{EventHandler, Handled, Route};
use crate::socket::Socket;

/// Made when it is needed: most sockets have none.
pub(crate) struct Personal {
    /// `None` when it has been disconnected.
    own: Mutex<Option<Own>>,
    /// Whether somebody stands around its handlers, for those who would rather not look for them.
    is_surrounded: AtomicBool,
    /// Handlers registered with `once` that have had their event of this socket.
    spent: Mutex<Vec<Arc<Route<Handled>>>>,
    last_rooms: Mutex<LastRooms>,
}

/// What is registered for this socket's events alone.
#[derive(Default)]
struct Own {
    events: HashMap<Box<str>, Named>,
    /// Replaced rather than changed while events are on their way through it.
    around: Arc<Around>,
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
            own: Mutex::new(Some(Own::default())),
            is_surrounded: AtomicBool::new(false),
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
            let mut own = self.own.lock();
            let own = own.as_mut();
            own.and_then(|own| own.events.insert(event.into(), named.take()?))
        };
        drop((named, replaced));
    }

    /// Removes a handler.
    fn off(&self, event: &str) {
        let mut own = self.own.lock();
        let removed = own.as_mut().and_then(|own| own.events.remove(event));
        drop(own);
        drop(removed);
    }

    /// Changes who stands around the handlers, from the next event on. What `change` returns, and
    /// the change itself if it comes too late, is dropped without a lock.
    fn change_around<T>(&self, change: impl FnOnce(&mut Around) -> T) {
        let mut change = Some(change);
        let replaced = {
            let mut own = self.own.lock();
            let own = own.as_mut();
            own.and_then(|own| Some(change.take()?(Arc::make_mut(&mut own.around))))
        };
        self.is_surrounded.store(true, Ordering::Release);
        drop((change, replaced));
    }

    /// Who stands around the handlers, if anybody ever did.
    pub(super) fn around(&self) -> Option<Arc<Around>> {
        if !self.is_surrounded.load(Ordering::Acquire) {
            return None;
        }
        let own = self.own.lock();
        own.as_ref().map(|own| Arc::clone(&own.around))
    }

    /// Those of them who have to do with what comes in.
    pub(super) fn around_incoming(&self) -> Option<Arc<Around>> {
        self.around().filter(|around| !around.lets_in_unseen())
    }

    /// Who handles an event of this name. One registered with `once` is removed.
    pub(super) fn event(&self, name: &str) -> Option<Arc<Route<Handled>>> {
        let mut own = self.own.lock();
        let events = &mut own.as_mut()?.events;
        match events.get(name)?.once {
            true => events.remove(name).map(|named| named.route),
            false => events.get(name).map(|named| Arc::clone(&named.route)),
        }
    }

    /// The socket has been disconnected: drops its handlers and what is around them, which may hold
    /// it, and what is still to be registered. Otherwise socket and handlers would stay for ever.
    pub(crate) fn forget_handlers(&self) {
        let own = self.own.lock().take();
        drop(own);
    }

    /// Whether a handler registered with `once` has not had its event yet. It has, from now on.
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

    /// Looks on at every event that comes in from this socket's client, behind the observers of its
    /// [namespace](crate::Namespace::on_any) and by their rules: ahead of all middlewares, and
    /// whether or not somebody handles it.
    ///
    /// ```
    /// use socketio_server::{Io, Socket};
    ///
    /// let io = Io::builder().build();
    /// io.on_connect(|socket: Socket| {
    ///     if socket.handshake().query().contains("debug") {
    ///         socket.on_any(|event| println!("{} from {}", event.name(), event.socket().id()));
    ///     }
    /// });
    /// ```
    pub fn on_any(&self, observer: impl Fn(&EventContext<'_>) + Send + Sync + 'static) -> &Self {
        let change = |around: &mut Around| around.observers.push(Arc::new(observer));
        self.personal().change_around(change);
        self
    }

    /// Removes all who look on at what comes in from this socket's client alone.
    pub fn off_any(&self) -> &Self {
        if let Some(personal) = self.personal_if_any() {
            personal.change_around(|around| mem::take(&mut around.observers));
        }
        self
    }

    /// Looks on at every event that goes out to this socket's client, those that are sent to many
    /// included, behind the observers of its [namespace](crate::Namespace::on_any_outgoing) and by
    /// their rules.
    ///
    /// ```
    /// use socketio_server::{Io, Socket};
    ///
    /// let io = Io::builder().build();
    /// io.on_connect(|socket: Socket| {
    ///     socket.on_any_outgoing(|socket, event| println!("{} to {}", event.name, socket.id()));
    /// });
    /// ```
    pub fn on_any_outgoing(
        &self,
        observer: impl Fn(&Self, &Outgoing<'_>) + Send + Sync + 'static,
    ) -> &Self {
        let change = |around: &mut Around| around.outgoing_observers.push(Arc::new(observer));
        self.personal().change_around(change);
        self.io().revision().observe_outgoing();
        self
    }

    /// Removes all who look on at what goes out to this socket's client alone.
    pub fn off_any_outgoing(&self) -> &Self {
        if let Some(personal) = self.personal_if_any() {
            personal.change_around(|around| mem::take(&mut around.outgoing_observers));
        }
        self
    }

    /// Puts a middleware around the handlers of all events of this socket's client, those of its
    /// namespace and its own, further in than the middlewares of its
    /// [namespace](crate::Namespace::wrap) and by their rules. Several are put around each other,
    /// the one registered first outermost.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use socketio_server::{HandlerFuture, Io, Socket};
    ///
    /// let io = Io::builder().build();
    /// io.on_connect(|socket: Socket| {
    ///     // Whatever comes after the hundredth event is dropped.
    ///     let count = AtomicU32::new(0);
    ///     socket.wrap(move |event, next| match count.fetch_add(1, Ordering::Relaxed) {
    ///         ..100 => next.run(event),
    ///         _ => HandlerFuture::ready(Ok(None)),
    ///     });
    /// });
    /// ```
    pub fn wrap<F>(
        &self,
        around: impl Fn(&mut EventContext<'_>, Next<'_>) -> F + Send + Sync + 'static,
    ) -> &Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let new = middleware(around);
        let change = |around: &mut Around| around.middlewares.push(new);
        self.personal().change_around(change);
        self
    }
}
