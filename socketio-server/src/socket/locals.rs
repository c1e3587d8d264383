//! What an application keeps with a socket.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Socket;

/// Values, one of each type.
pub(super) type Locals = Mutex<Option<Box<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>>;

impl Socket {
    /// Stores a value with this socket, one of each type. Returns the one it replaces.
    ///
    /// It is dropped with the last handle to the socket. A value that holds such a handle itself keeps
    /// both alive until it is [removed](Self::remove).
    ///
    /// ```
    /// use socketio_server::{Data, Io, Socket};
    ///
    /// struct Name(String);
    ///
    /// let io = Io::builder().build();
    /// io.on("name", |socket: Socket, Data(name): Data<String>| {
    ///     socket.insert(Name(name));
    /// });
    /// ```
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        let old = self
            .0
            .locals
            .lock()
            .get_or_insert_default()
            .insert(TypeId::of::<T>(), Arc::new(value));
        old.and_then(|old| old.downcast().ok())
    }

    /// Takes away the value of a type that was stored for this socket: what a logout does with what a
    /// login has [stored](Self::insert).
    ///
    /// ```
    /// use socketio_server::{Io, Socket};
    ///
    /// struct User(String);
    ///
    /// let io = Io::builder().build();
    /// io.on("log out", |socket: Socket| socket.remove::<User>().is_some());
    /// ```
    pub fn remove<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let old = self.0.locals.lock().as_mut()?.remove(&TypeId::of::<T>());
        old.and_then(|old| old.downcast().ok())
    }

    /// The value of a type that was stored for this socket, or a new one.
    pub(crate) fn get_or_insert_with<T: Send + Sync + 'static>(
        &self,
        new: impl FnOnce() -> T,
    ) -> Arc<T> {
        if let Some(stored) = self.get() {
            return stored;
        }
        // Made and dropped without the lock, as it is the application's.
        let new = Arc::new(new());
        let stored = {
            let mut locals = self.0.locals.lock();
            let locals = locals.get_or_insert_default();
            let offered: Arc<dyn Any + Send + Sync> = Arc::clone(&new) as _;
            Arc::clone(locals.entry(TypeId::of::<T>()).or_insert(offered))
        };
        stored.downcast().unwrap_or(new)
    }

    /// The value of this type that was stored with the socket.
    ///
    /// ```
    /// # use socketio_server::Socket;
    /// # struct Name(String);
    /// # fn example(socket: Socket) {
    /// let name = socket.get::<Name>();
    /// println!("{}", name.map_or("somebody".into(), |name| name.0.clone()));
    /// # }
    /// ```
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = {
            let locals = self.0.locals.lock();
            locals.as_ref()?.get(&TypeId::of::<T>()).cloned()
        };
        value.and_then(|value| value.downcast().ok())
    }
}
