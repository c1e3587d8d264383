//! A namespace: its handlers, registered once, and the sockets that have joined it.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Prepared;
use parking_lot::{Mutex, RwLock};

use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

use crate::ack::Acks;
use crate::broadcast::{Broadcast, Report};
use crate::error::HandlerError;
use crate::handler::{ConnectResult, ErrorHook, Handled, Handler, Route};
use crate::io::Io;
use crate::proto::{EncodeError, Encoder, FromArgs, Payload, Reply};
use crate::reply::{ConnectReply, ErrorReply};
use crate::rooms::Rooms;
use crate::slab::Slab;
use crate::socket::{Socket, SocketId, prepare};

/// A namespace of a server: cheap to clone, all clones are the same namespace.
#[derive(Clone)]
pub struct Namespace(Arc<Inner>);

struct Inner {
    name: Box<str>,
    io: Io,
    encoder: Encoder,
    routes: Mutex<Arc<Routes>>,
    sockets: RwLock<Slab<Socket>>,
    adapter: Arc<dyn Adapter>,
    /// One counter for all sockets, so that a broadcast can use the same id for all of them.
    next_ack_id: AtomicU64,
}

/// The handlers of a namespace, as a socket sees them for all of its life.
#[derive(Default, Clone)]
pub(crate) struct Routes {
    pub(crate) connect: Option<Arc<Route<ConnectResult>>>,
    pub(crate) disconnect: Option<Arc<Route<Handled>>>,
    events: HashMap<Box<str>, Arc<Route<Handled>>>,
    pub(crate) on_error: Option<Arc<ErrorHook>>,
}

impl Routes {
    pub(crate) fn event(&self, name: &str) -> Option<&Route<Handled>> {
        self.events.get(name).map(|route| &**route)
    }
}

impl Namespace {
    pub(crate) fn new(name: &str, io: Io, encoder: Encoder) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            io,
            encoder,
            routes: Mutex::default(),
            sockets: RwLock::default(),
            adapter: Arc::new(LocalAdapter::new()),
            next_ack_id: AtomicU64::new(0),
        }))
    }

    /// The name, with its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The server.
    #[must_use]
    pub fn io(&self) -> &Io {
        &self.0.io
    }

    // ---- Handlers -------------------------------------------------------------------------

    /// Handles an event of this name. What the handler returns is the acknowledgement; see
    /// [`Reply`].
    ///
    /// Handlers of one socket start in the order in which its events arrived, each running up to
    /// its first real wait before the next one starts. Registering a name again replaces its
    /// handler; a socket keeps the handlers it found when it connected.
    pub fn on<M, H>(&self, event: &str, handler: H) -> &Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        let route = Arc::new(Route::event(handler));
        self.register(|routes| {
            routes.events.insert(event.into(), route);
        })
    }

    /// Decides about clients that want to join, and prepares their sockets. It runs before the
    /// client is let in: returning a [`ConnectError`](crate::ConnectError) refuses it.
    ///
    /// What the handler emits to the socket, and the rooms it joins, take effect after the client
    /// has been let in. Events that the client sends meanwhile wait. So does the answer to a
    /// [`Socket::call`]: awaited in here, it can only time out.
    pub fn on_connect<M, H>(&self, handler: H) -> &Self
    where
        H: Handler<M>,
        H::Output: ConnectReply,
    {
        let route = Arc::new(Route::connect(handler));
        self.register(|routes| routes.connect = Some(route))
    }

    /// Runs when a socket has been disconnected, whoever did it, with the
    /// [`DisconnectReason`](crate::DisconnectReason) as a possible parameter. The socket is in no
    /// room by then.
    pub fn on_disconnect<M, H>(&self, handler: H) -> &Self
    where
        H: Handler<M>,
        H::Output: Reply,
    {
        let route = Arc::new(Route::event(handler));
        self.register(|routes| routes.disconnect = Some(route))
    }

    /// Called with every handler of this namespace that fails, instead of the server's
    /// [hook](crate::Builder::on_error). What it returns is the answer in the handler's place; see
    /// [`ErrorReply`].
    pub fn on_error<R: ErrorReply>(
        &self,
        hook: impl Fn(&HandlerError) -> R + Send + Sync + 'static,
    ) -> &Self {
        let hook = Arc::new(ErrorHook::new(hook));
        self.register(|routes| routes.on_error = Some(hook))
    }

    fn register(&self, change: impl FnOnce(&mut Routes)) -> &Self {
        change(Arc::make_mut(&mut *self.0.routes.lock()));
        self
    }

    pub(crate) fn error_hook(&self) -> Option<Arc<ErrorHook>> {
        self.0.routes.lock().on_error.clone()
    }

    pub(crate) fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.0.routes.lock())
    }

    // ---- Sending --------------------------------------------------------------------------

    /// Everyone in the namespace, to be narrowed down.
    pub fn broadcast(&self) -> Broadcast {
        Broadcast::new(self.clone())
    }

    /// Everyone in these rooms.
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// Everyone but those in these rooms.
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// Sends an event to everyone in the namespace; see [`Broadcast::emit`].
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<Report, EncodeError> {
        self.broadcast().emit(event, args)
    }

    /// Sends an event to everyone in the namespace and collects the acknowledgements; see
    /// [`Broadcast::call`].
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Acks<T>, EncodeError> {
        self.broadcast().call(event, args)
    }

    // ---- Sockets --------------------------------------------------------------------------

    /// The socket with this id, if it is connected.
    #[must_use]
    pub fn socket(&self, id: SocketId) -> Option<Socket> {
        let slot = self.0.adapter.find(id.as_str())?;
        self.0.sockets.read().get(slot).cloned()
    }

    /// Sockets that are connected now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sockets.read().len()
    }

    /// Whether no socket is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who is in which room.
    #[must_use]
    pub fn adapter(&self) -> &dyn Adapter {
        &*self.0.adapter
    }

    // ---- For the crate --------------------------------------------------------------------

    pub(crate) fn encoder(&self) -> &Encoder {
        &self.0.encoder
    }

    pub(crate) fn encode<T: Payload + ?Sized>(
        &self,
        id: Option<u64>,
        event: &str,
        args: &T,
    ) -> Result<Prepared, EncodeError> {
        let encoded = args.event(&self.0.encoder, &self.0.name, id, event)?;
        Ok(prepare(encoded))
    }

    pub(crate) fn next_ack_id(&self) -> u64 {
        self.0.next_ack_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a socket visible.
    pub(crate) fn insert(&self, socket: &Socket) -> Slot {
        let slot = self.0.sockets.write().insert(socket.clone());
        self.0.adapter.add(slot, socket.id().as_str());
        slot
    }

    /// Makes a socket invisible; the second time it does nothing.
    pub(crate) fn remove(&self, slot: Slot) {
        // In this order, so that a slot is never used again while it is in a room.
        self.0.adapter.remove(slot);
        let removed = self.0.sockets.write().remove(slot);
        drop(removed);
    }

    /// Calls `each` with every socket of the target, without holding a lock.
    pub(crate) fn for_each(&self, target: &Target, mut each: impl FnMut(&Socket)) {
        let mut sockets = SELECTED.take();
        self.0.adapter.select(target, &mut |slots| {
            {
                let slab = self.0.sockets.read();
                sockets.extend(slots.iter().filter_map(|&slot| slab.get(slot).cloned()));
            }
            for socket in sockets.drain(..) {
                each(&socket);
            }
        });
        SELECTED.set(sockets);
    }
}

thread_local! {
    /// Memory for the sockets of one delivery, which are copied out of the slab so that no lock is
    /// held meanwhile. Whoever delivers while it is taken gets a fresh one.
    static SELECTED: Cell<Vec<Socket>> = const { Cell::new(Vec::new()) };
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.0.name)
            .field("sockets", &self.len())
            .finish_non_exhaustive()
    }
}
