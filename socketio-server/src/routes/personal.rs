//! What a single socket has to do with handlers, if anything.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::handler::{Handled, Route};

/// Made when it is needed: most sockets have none.
#[derive(Default)]
pub(crate) struct Personal {
    /// Handlers for once that have had their event of this socket.
    spent: Mutex<Vec<Arc<Route<Handled>>>>,
}

impl Personal {
    /// Whether a handler for once has not had its event yet. It has, from now on.
    pub(crate) fn spend(&self, route: &Arc<Route<Handled>>) -> bool {
        let mut spent = self.spent.lock();
        let unspent = !spent.iter().any(|it| Arc::ptr_eq(it, route));
        if unspent {
            spent.push(Arc::clone(route));
        }
        unspent
    }
}
