//! Data of a client that handlers read and change: what Flask and python-socketio call its session.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::socket::Socket;

/// The data of one socket, of a type of the application's choice, as a parameter of handlers or by
/// [`Socket::session`].
///
/// It begins as the type's default, and ends with the socket: a client that connects again finds it
/// as it was at first, unless its connection has been recovered. All handles are the same session,
/// and each type is a session of its own.
///
/// ```
/// use socketio_server::{Data, Io, Session};
///
/// #[derive(Clone, Default)]
/// struct Player {
///     name: String,
///     points: u32,
/// }
///
/// let io = Io::builder().build();
/// io.on("name", async |session: Session<Player>, Data(name): Data<String>| {
///     session.edit(|player| player.name = name.clone());
/// });
/// io.on("score", async |session: Session<Player>| {
///     session.edit(|player| {
///         player.points += 1;
///         player.points
///     })
/// });
/// io.on_disconnect(async |session: Session<Player>| {
///     let player = session.get();
///     println!("{} leaves with {} points", player.name, player.points);
/// });
/// ```
///
/// python-socketio's `get_session` is [`get`](Self::get), its `save_session` is
/// [`save`](Self::save), and `with session(sid)` is [`edit`](Self::edit), with which two handlers
/// that run at once lose nothing of what each of them changes. Sockets of one client in several
/// namespaces have a session each; what they share is in the [`HttpSession`](crate::HttpSession).
pub struct Session<T>(Arc<SessionCell<T>>);

/// Where a session is kept.
pub(crate) struct SessionCell<T>(Mutex<Arc<T>>);

impl<T> SessionCell<T> {
    pub(crate) fn new(data: T) -> Self {
        Self(Mutex::new(Arc::new(data)))
    }
}

impl<T> Session<T> {
    pub(crate) const fn new(cell: Arc<SessionCell<T>>) -> Self {
        Self(cell)
    }

    /// The data as it is now. What is saved later does not change it.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.0.lock())
    }

    /// Replaces the data.
    pub fn save(&self, data: T) {
        let new = Arc::new(data);
        let old = std::mem::replace(&mut *self.0.0.lock(), new);
        // Dropped behind the lock, as it is the application's.
        drop(old);
    }

    /// Changes the data. The change is made to a copy, which is saved at the end: if somebody else
    /// has saved meanwhile, it is made once more, to a copy of that.
    pub fn edit<R>(&self, mut change: impl FnMut(&mut T) -> R) -> R
    where
        T: Clone,
    {
        loop {
            let old = self.get();
            let mut new = T::clone(&old);
            let result = change(&mut new);
            let new = Arc::new(new);
            let mut current = self.0.0.lock();
            if Arc::ptr_eq(&current, &old) {
                *current = new;
                // `old` still holds what was replaced, and is dropped behind the lock.
                drop(current);
                return result;
            }
        }
    }
}

impl Socket {
    /// The socket's session of this type; see [`Session`].
    #[must_use]
    pub fn session<T: Default + Send + Sync + 'static>(&self) -> Session<T> {
        Session(self.get_or_insert_with(|| SessionCell::new(T::default())))
    }
}

impl<T: Default + Send + Sync + 'static> FromEvent for Session<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.session())
    }
}

impl<T> Clone for Session<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.get()).finish()
    }
}
