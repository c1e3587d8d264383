//! What the sessions of one client leave to each other.

use std::sync::Arc;

use cookie_store::CookieStore;
use engineio_proto::Revision;
use parking_lot::{Mutex, MutexGuard};

/// Cookies, and what worked. All clones are the same: a session that is still being closed and the
/// one that is opened meanwhile have one jar.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Known>>);

/// A fresh client knows nothing.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) cookies: CookieStore,
    /// The revision the server turned out to speak.
    pub(super) revision: Option<Revision>,
    /// Whether the last session got to a websocket.
    pub(super) websocket: bool,
}

impl Memory {
    /// For one step.
    pub(super) fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock()
    }
}
