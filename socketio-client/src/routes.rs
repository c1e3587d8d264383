//! Which handler is run for what, in either client. `R` is a handler without its types.
//!
//! ```text
//!  event ──► any of the namespace, any of all namespaces          they look on, and answer nothing
//!        └─► on of the namespace ─else─► fallback of the namespace        the first there is,
//!              ─else─► on of all ─else─► fallback of all                  and it answers
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

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
    pub(crate) fn put(&self, place: Place<'_>, route: R) {
        let route = Arc::new(route);
        // What it replaces holds the user's values, and is dropped outside of the lock.
        let _replaced = self.0.lock().put(place, Some(route));
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

impl<R> fmt::Debug for Routes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.0.lock();
        f.debug_set().entries(table.events.keys()).finish()
    }
}
