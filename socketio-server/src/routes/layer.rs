//! Handlers as they were registered in one place.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::around::Around;
use crate::error::ReservedName;
use crate::handler::{ConnectResult, ErrorHook, Handled, Manner, Route, UPGRADE};
use crate::room_events::RoomObserver;

/// The handlers of a namespace, of all namespaces, of a class, or of nobody yet.
#[derive(Default, Clone)]
pub(crate) struct Layer {
    pub(crate) events: HashMap<Arc<str>, Named>,
    pub(crate) fallback: Option<Arc<Route<Handled>>>,
    pub(crate) around: Around,
    pub(crate) room_observers: Vec<Arc<RoomObserver>>,
    pub(crate) before_connect: Vec<Arc<Route<ConnectResult>>>,
    pub(crate) connect: Option<Arc<Route<ConnectResult>>>,
    pub(crate) upgrade: Option<Arc<Route<Handled>>>,
    pub(crate) disconnecting: Option<Arc<Route<Handled>>>,
    pub(crate) disconnect: Option<Arc<Route<Handled>>>,
    pub(crate) on_error: Option<Arc<ErrorHook>>,
    /// Clients are let in before their connect handler has decided.
    pub(crate) always_connect: bool,
    /// How these handlers are run, where they do not say so themselves.
    pub(crate) manner: Manner,
}

/// A handler of events of one name.
#[derive(Clone)]
pub(crate) struct Named {
    pub(crate) route: Arc<Route<Handled>>,
    /// Only the first such event of each socket.
    pub(crate) once: bool,
}

impl Layer {
    /// Registers a handler, and gives back the one it replaces.
    pub(crate) fn on(&mut self, event: &str, route: Route<Handled>, once: bool) -> Option<Named> {
        let route = Arc::new(route);
        self.events.insert(event.into(), Named { route, once })
    }

    /// Takes over the handlers of another, which win, and gives back what they replace.
    pub(crate) fn merge(&mut self, other: Self) -> Self {
        let mut replaced = Self::default();
        for (name, named) in other.events {
            if let Some(old) = self.events.insert(Arc::clone(&name), named) {
                replaced.events.insert(name, old);
            }
        }
        replaced.fallback = merge_one(&mut self.fallback, other.fallback);
        self.around.append(other.around);
        self.room_observers.extend(other.room_observers);
        self.before_connect.extend(other.before_connect);
        replaced.connect = merge_one(&mut self.connect, other.connect);
        replaced.upgrade = merge_one(&mut self.upgrade, other.upgrade);
        replaced.disconnecting = merge_one(&mut self.disconnecting, other.disconnecting);
        replaced.disconnect = merge_one(&mut self.disconnect, other.disconnect);
        replaced.on_error = merge_one(&mut self.on_error, other.on_error);
        self.always_connect |= other.always_connect;
        self.manner = other.manner.or(self.manner);
        replaced
    }
}

impl Layer {
    /// With what was said of all of these handlers said of each: they will be among others.
    pub(crate) fn of_class(mut self) -> Self {
        let common = Common {
            manner: std::mem::take(&mut self.manner),
            on_error: self.on_error.take(),
        };
        if common.manner == Manner::default() && common.on_error.is_none() {
            return self;
        }
        for named in self.events.values_mut() {
            common.apply(&mut named.route);
        }
        let others = [
            &mut self.fallback,
            &mut self.upgrade,
            &mut self.disconnecting,
            &mut self.disconnect,
        ];
        others.into_iter().flatten().for_each(|it| common.apply(it));
        let deciding = self.before_connect.iter_mut().chain(&mut self.connect);
        deciding.for_each(|it| common.apply(it));
        self
    }
}

/// What is said of all handlers of a class.
struct Common {
    manner: Manner,
    on_error: Option<Arc<ErrorHook>>,
}

impl Common {
    fn apply<T: 'static>(&self, route: &mut Arc<Route<T>>) {
        *route = Arc::new(Route::within(route, self.manner, self.on_error.as_ref()));
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.events.keys()).finish()
    }
}

fn merge_one<T>(there: &mut Option<T>, other: Option<T>) -> Option<T> {
    match other {
        Some(other) => there.replace(other),
        None => None,
    }
}

/// Names that mean something to the library at either end, and the method that is meant instead.
const RESERVED: [(&str, &str); 7] = [
    ("connect", "on_connect"),
    ("connect_error", "on_connect"),
    (UPGRADE, "on_upgrade"),
    ("disconnect", "on_disconnect"),
    ("disconnecting", "on_disconnecting"),
    ("newListener", "another name"),
    ("removeListener", "another name"),
];

/// A handler of a name that no event can have would wait in vain.
pub(crate) fn check_possible(event: &str) -> Result<(), ReservedName> {
    match RESERVED.iter().find(|(name, _)| *name == event) {
        Some(&(name, instead)) => Err(ReservedName { name, instead }),
        None => Ok(()),
    }
}

#[track_caller]
pub(crate) fn assert_possible(event: &str) {
    if let Err(reserved) = check_possible(event) {
        panic!("{reserved}");
    }
}
