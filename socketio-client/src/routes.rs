//! Which handler is run for what, in either client. `R` is a handler without its types.
//!
//! ```text
//!  event ──► any of the namespace, any of all namespaces          they look on, and answer nothing
//!        └─► on of the namespace ─else─► fallback of the namespace        the first there is,
//!              ─else─► on of all ─else─► fallback of all                  and it answers
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::extract::What;

/// The handlers of a namespace, or of all of them.
pub(crate) struct Routes<R>(Mutex<Table<R>>);

struct Table<R> {
    events: HashMap<Box<str>, Entry<R>>,
    any: Option<Arc<R>>,
    fallback: Option<Arc<R>>,
    connect: Option<Arc<R>>,
    connect_error: Option<Arc<R>>,
    disconnect: Option<Arc<R>>,
}

struct Entry<R> {
    route: Arc<R>,
    once: bool,
}

/// Where a handler is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    On(&'a str),
    Once(&'a str),
    Any,
    Fallback,
    Connect,
    ConnectError,
    Disconnect,
}

impl<R> Default for Routes<R> {
    fn default() -> Self {
        Self(Mutex::new(Table::default()))
    }
}

impl<R> Default for Table<R> {
    fn default() -> Self {
        Self {
            events: HashMap::new(),
            any: None,
            fallback: None,
            connect: None,
            connect_error: None,
            disconnect: None,
        }
    }
}

impl<R> Routes<R> {
    /// Puts a handler into its place, for the next event on.
    pub(crate) fn put(&self, place: Place<'_>, route: R) -> Weak<R> {
        let route = Arc::new(route);
        let weak = Arc::downgrade(&route);
        // What it replaces holds the user's values, and is dropped outside of the lock.
        let _replaced = self.0.lock().put(place, Some(route));
        weak
    }

    /// Empties the place for events that no other handler takes, if this is who takes them.
    pub(crate) fn clear_fallback(&self, route: &Weak<R>) {
        let mut table = self.0.lock();
        let is_it = |it: &mut Arc<R>| std::ptr::eq(Arc::as_ptr(it), route.as_ptr());
        let _removed = table.fallback.take_if(is_it);
        drop(table);
    }

    /// Empties a place.
    pub(crate) fn clear(&self, place: Place<'_>) {
        let _removed = self.0.lock().put(place, None);
    }

    /// Empties all of them.
    pub(crate) fn clear_all(&self) {
        let _removed = std::mem::take(&mut *self.0.lock());
    }

    /// Who looks on.
    fn any(&self) -> Option<Arc<R>> {
        self.0.lock().any.clone()
    }

    /// Whose turn it is. Those that are for once are removed.
    fn own(&self, what: &What<'_>) -> Option<Arc<R>> {
        let mut table = self.0.lock();
        match what {
            What::Connect => table.connect.clone(),
            What::ConnectError(_) => table.connect_error.clone(),
            What::Disconnect(_) => table.disconnect.clone(),
            What::Event { name, .. } => match table.events.get(&**name) {
                Some(entry) if entry.once => table.events.remove(&**name).map(|it| it.route),
                Some(entry) => Some(Arc::clone(&entry.route)),
                None => table.fallback.clone(),
            },
        }
    }
}

impl<R> Table<R> {
    fn put(&mut self, place: Place<'_>, route: Option<Arc<R>>) -> Option<Arc<R>> {
        let (name, once) = match place {
            Place::On(name) => (name, false),
            Place::Once(name) => (name, true),
            Place::Any => return std::mem::replace(&mut self.any, route),
            Place::Fallback => return std::mem::replace(&mut self.fallback, route),
            Place::Connect => return std::mem::replace(&mut self.connect, route),
            Place::ConnectError => return std::mem::replace(&mut self.connect_error, route),
            Place::Disconnect => return std::mem::replace(&mut self.disconnect, route),
        };
        let replaced = match route {
            Some(route) => self.events.insert(name.into(), Entry { route, once }),
            None => self.events.remove(name),
        };
        replaced.map(|entry| entry.route)
    }
}

/// Who is to be run for something, those who only look on first.
pub(crate) struct Selected<R> {
    pub(crate) onlookers: [Option<Arc<R>>; 2],
    pub(crate) own: Option<Arc<R>>,
}

/// Selects among the handlers of a namespace and those of all of them.
pub(crate) fn select<R>(own: &Routes<R>, all: &Routes<R>, what: &What<'_>) -> Selected<R> {
    let onlookers = match what {
        What::Event { .. } => [own.any(), all.any()],
        _ => [None, None],
    };
    Selected {
        onlookers,
        own: own.own(what).or_else(|| all.own(what)),
    }
}

/// The methods by which handlers are registered, the same wherever they are. `$handler` is what a
/// handler may be, `$route` makes it one without types. The type has a method `routes`.
macro_rules! handler_methods {
    ($handler:path, $route:path) => {
        /// Handles events of this name. What the handler returns is the acknowledgement, if the
        /// server asked for one; see [`Reply`](crate::Reply).
        ///
        /// There is one handler for each name: registering again replaces it, from the next event
        /// on. Handlers of what a server sent in order start in that order.
        pub fn on<M, H>(&self, event: &str, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::On(event), $route(handler));
            self
        }

        /// Handles the next event of this name, and no other: the handler is removed when it
        /// starts. It takes the place of one that is registered with [`on`](Self::on).
        pub fn once<M, H>(&self, event: &str, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::Once(event), $route(handler));
            self
        }

        /// Removes the handler of events of this name. One that runs goes on.
        pub fn off(&self, event: &str) -> &Self {
            self.routes().clear(crate::routes::Place::On(event));
            self
        }

        /// Looks on at every event, before its own handler starts. What the handler returns
        /// answers nobody, unless it is an error: that goes to the hook.
        pub fn on_any<M, H>(&self, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::Any, $route(handler));
            self
        }

        /// Removes who looks on.
        pub fn off_any(&self) -> &Self {
            self.routes().clear(crate::routes::Place::Any);
            self
        }

        /// Handles events that no handler is registered for by name, and acknowledges them like
        /// any other.
        pub fn on_fallback<M, H>(&self, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::Fallback, $route(handler));
            self
        }

        /// Removes who handles what nobody else does.
        pub fn off_fallback(&self) -> &Self {
            self.routes().clear(crate::routes::Place::Fallback);
            self
        }

        /// Runs whenever the server has let the client in: at first and after each reconnection.
        pub fn on_connect<M, H>(&self, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::Connect, $route(handler));
            self
        }

        /// Runs whenever the client was not let in, with the [`ConnectError`](crate::ConnectError)
        /// as a possible parameter: the server has refused, or cannot be reached. In the latter
        /// case another attempt follows, as configured.
        pub fn on_connect_error<M, H>(&self, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::ConnectError, $route(handler));
            self
        }

        /// Runs whenever a connected socket no longer is, whoever did it, with the
        /// [`DisconnectReason`](crate::DisconnectReason) as a possible parameter.
        pub fn on_disconnect<M, H>(&self, handler: H) -> &Self
        where
            H: $handler,
            H::Output: crate::Reply,
        {
            self.routes()
                .put(crate::routes::Place::Disconnect, $route(handler));
            self
        }
    };
}
pub(crate) use handler_methods;

impl<R> fmt::Debug for Routes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0.lock();
        f.debug_set().entries(table.events.keys()).finish()
    }
}
