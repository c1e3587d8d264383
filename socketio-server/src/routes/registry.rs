//! Where handlers are registered, at any time, by anybody; and how sockets notice.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::{Layer, Routes};

/// Counts what has been registered with a server. Whoever holds [`Routes`] of an older one asks for
/// new ones.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    count: AtomicU64,
    /// Somebody, somewhere, looks at what is sent.
    observes_outgoing: AtomicBool,
    /// Somebody, somewhere, looks at rooms.
    observes_rooms: AtomicBool,
}

impl Revision {
    fn current(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    fn advance(&self) {
        self.count.fetch_add(1, Ordering::Release);
    }

    /// Somebody looks at what is sent, from now on.
    pub(super) fn observe_outgoing(&self) {
        self.observes_outgoing.store(true, Ordering::Relaxed);
    }

    /// Whether anybody looks at what is sent, for those who would rather not look for them.
    pub(crate) fn observes_outgoing(&self) -> bool {
        self.observes_outgoing.load(Ordering::Relaxed)
    }

    /// Whether anybody looks at rooms, for those who would rather not look for them.
    pub(crate) fn observes_rooms(&self) -> bool {
        self.observes_rooms.load(Ordering::Relaxed)
    }

    /// Whether something has been registered since these were made.
    pub(crate) fn is_behind(&self, routes: &Routes) -> bool {
        routes.revision != self.current()
    }
}

/// The handlers of a namespace, or of all of them.
#[derive(Default)]
pub(crate) struct Registry {
    layers: Mutex<Layers>,
    touched: AtomicBool,
    routes: Mutex<Option<Arc<Routes>>>,
}

/// Functions come before the methods of a class.
#[derive(Default)]
pub(crate) struct Layers {
    pub(crate) functions: Layer,
    pub(crate) class: Option<Layer>,
}

impl Registry {
    /// Changes the handlers, for all sockets and from the next event on. What `change` returns,
    /// such as a handler that was replaced, is dropped without a lock.
    pub(crate) fn change<T>(&self, revision: &Revision, change: impl FnOnce(&mut Layers) -> T) {
        let replaced = {
            let mut layers = self.layers.lock();
            let replaced = change(&mut layers);
            if !layers.functions.around.outgoing_observers.is_empty() {
                revision.observe_outgoing();
            }
            if !layers.functions.room_observers.is_empty() {
                revision.observes_rooms.store(true, Ordering::Relaxed);
            }
            replaced
        };
        self.touched.store(true, Ordering::Release);
        revision.advance();
        drop(replaced);
    }

    /// The server has ended. Sockets that are still on their way out keep the handlers they have.
    pub(crate) fn forget(&self) {
        let layers = mem::take(&mut *self.layers.lock());
        drop(layers);
    }

    /// Whether nothing was ever registered here.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.touched.load(Ordering::Acquire)
    }

    /// What sockets look into: these handlers, then those `above`, nearest first.
    pub(crate) fn routes(&self, revision: &Revision, above: &[&Self]) -> Arc<Routes> {
        // First: what is registered from here on makes these outdated.
        let revision = revision.current();
        if let Some(routes) = &*self.routes.lock()
            && routes.revision == revision
        {
            return Arc::clone(routes);
        }
        let routes = Arc::new(self.flatten(revision, above));
        let outdated = self.routes.lock().replace(Arc::clone(&routes));
        drop(outdated);
        routes
    }

    fn flatten(&self, revision: u64, above: &[&Self]) -> Routes {
        let mut routes = Routes {
            revision,
            ..Routes::default()
        };
        let all = || std::iter::once(self).chain(above.iter().copied());
        for registry in all() {
            let layers = registry.layers.lock();
            routes.append(&layers.functions);
            // What is said of a namespace is also said of its class, where that says nothing.
            routes.append_hook(&layers.functions);
        }
        for registry in all() {
            if let Some(class) = &registry.layers.lock().class {
                routes.append(class);
                break;
            }
        }
        routes.complete();
        routes
    }
}
