//! A namespace: its handlers, registered once, and the sockets that have joined it.

use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use engine::Prepared;
use parking_lot::RwLock;

use socketio_adapter::{Adapter, LocalAdapter, Slot, Target};

use crate::dynamic::{Origin, Params};
use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::handler::ErrorHook;
use crate::io::Io;
use crate::metrics::Meters;
use crate::proto::{EncodeError, Encoder, Payload};
use crate::recovery::Sequencer;
use crate::room_events::RoomLog;
use crate::routes::{Handlers, Layer, Layers, Registry, Routes, handler_methods};
use crate::slab::Slab;
use crate::socket::{Socket, SocketId, prepare};

/// A namespace of a server: cheap to clone, all clones are the same namespace.
#[derive(Clone)]
pub struct Namespace(Arc<Inner>);

pub(crate) struct Inner {
    name: Box<str>,
    io: Io,
    encoder: Encoder,
    registry: Registry,
    /// Unless it was made by hand.
    origin: Option<Origin>,
    sockets: RwLock<Slab<Socket>>,
    adapter: Arc<dyn Adapter>,
    room_log: RoomLog,
    /// With connection state recovery, everything that is sent passes through here.
    sequencer: Option<Arc<Sequencer>>,
    meters: Meters,
    /// One counter for all sockets, so that a broadcast can use the same id for all of them.
    next_ack_id: AtomicU64,
}

/// A namespace, if it is still there.
pub(crate) struct WeakNamespace(Weak<Inner>);

impl WeakNamespace {
    pub(crate) fn upgrade(&self) -> Option<Namespace> {
        self.0.upgrade().map(Namespace)
    }

    /// Whether it is this one, or was.
    pub(crate) fn is(&self, namespace: *const Inner) -> bool {
        std::ptr::eq(self.0.as_ptr(), namespace)
    }
}

/// Children do not stay when nobody needs them.
impl Drop for Inner {
    fn drop(&mut self) {
        if self.origin.is_some() {
            self.io.directory().forget_child(&self.name, self);
        }
    }
}

impl Namespace {
    pub(crate) fn new(name: &str, io: Io, origin: Option<Origin>) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            encoder: io.encoder().clone(),
            sequencer: io.new_sequencer(),
            io,
            registry: Registry::default(),
            meters: Meters::new(origin.as_ref().map_or(name, |it| it.family().label())),
            origin,
            sockets: RwLock::default(),
            adapter: Arc::new(LocalAdapter::new()),
            room_log: RoomLog::default(),
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

    handler_methods!(self: &Self => &Self);

    /// Registers handlers that were described elsewhere. They replace those for the same events.
    pub fn add(&self, handlers: Handlers) -> &Self {
        self.change_functions(|layer| layer.merge(handlers.into_layer()))
    }

    fn change_functions<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> &Self {
        self.change_layers(|layers| change(&mut layers.functions))
    }

    /// Changes the handlers, of functions and of a class.
    pub(crate) fn change_layers<T>(&self, change: impl FnOnce(&mut Layers) -> T) -> &Self {
        self.0.registry.change(self.0.io.revision(), change);
        self
    }

    /// Whom failures of this event's handler concern before the server.
    pub(crate) fn error_hook(&self, event: &str) -> Option<Arc<ErrorHook>> {
        self.routes().error_hook(event).cloned()
    }

    /// The handlers as they are now.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        let Inner { io, registry, .. } = &*self.0;
        let all = io.registry();
        match &self.0.origin {
            None => registry.routes(io.revision(), &[all]),
            Some(origin) => {
                let family = origin.family().registry();
                match registry.is_untouched() {
                    // Children share the table of their family.
                    true => family.routes(io.revision(), &[all]),
                    false => registry.routes(io.revision(), &[family, all]),
                }
            }
        }
    }

    // ---- Origin ---------------------------------------------------------------------------

    /// The parameters in the name, if the namespace is a [dynamic](crate::Io::dynamic) one.
    #[must_use]
    pub fn params(&self) -> Params {
        let origin = self.0.origin.as_ref();
        origin.map_or_else(Params::default, |origin| origin.params().clone())
    }

    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    pub(crate) fn downgrade(&self) -> WeakNamespace {
        WeakNamespace(Arc::downgrade(&self.0))
    }

    // ---- Sockets --------------------------------------------------------------------------

    /// The socket with this id, if it is connected.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Namespace, SocketId};
    /// # fn example(namespace: Namespace, id: SocketId) -> Result<(), EncodeError> {
    /// if let Some(socket) = namespace.socket(id) {
    ///     socket.emit("hello", &())?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn socket(&self, id: impl AsRef<str>) -> Option<Socket> {
        let slot = self.0.adapter.find(id.as_ref())?;
        self.0.sockets.read().get(slot).cloned()
    }

    /// How many sockets are connected now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.sockets.read().len()
    }

    /// Whether no socket is connected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who is in which room, to be looked at. To change it is for sockets and
    /// [selections](crate::Broadcast::join), which know what else belongs to it.
    #[must_use]
    pub fn adapter(&self) -> &dyn Adapter {
        &*self.0.adapter
    }

    // ---- For the crate --------------------------------------------------------------------

    pub(crate) fn sequencer(&self) -> Option<&Arc<Sequencer>> {
        self.0.sequencer.as_ref()
    }

    pub(crate) fn room_log(&self) -> &RoomLog {
        &self.0.room_log
    }

    pub(crate) fn encoder(&self) -> &Encoder {
        &self.0.encoder
    }

    pub(crate) fn encode<T: Payload + ?Sized>(
        &self,
        id: Option<u64>,
        event: &str,
        args: &T,
    ) -> Result<Prepared, EncodeError> {
        tracing::debug!(target: "socketio", nsp = &*self.0.name, event, "emitting");
        let encoded = args.event(&self.0.encoder, &self.0.name, id, event)?;
        Ok(prepare(encoded))
    }

    pub(crate) fn meters(&self) -> &Meters {
        &self.0.meters
    }

    pub(crate) fn next_ack_id(&self) -> u64 {
        self.0.next_ack_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes a socket visible.
    pub(crate) fn insert(&self, socket: &Socket) -> Slot {
        self.0.meters.connected();
        let slot = self.0.sockets.write().insert(socket.clone());
        self.appear(slot, &socket.id());
        slot
    }

    /// Makes a socket invisible; the second time it does nothing.
    pub(crate) fn remove(&self, slot: Slot, sid: &SocketId) {
        // In this order, so that a slot is never used again while it is in a room.
        self.disappear(slot, sid);
        let removed = self.0.sockets.write().remove(slot);
        if removed.is_some() {
            self.0.meters.gone();
        }
        drop(removed);
    }

    /// The sockets of the target.
    pub(crate) fn selected(&self, target: &Target) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.for_each(target, |socket| sockets.push(socket.clone()));
        sockets
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

/// The namespace of the socket the event came from.
impl FromEvent for Namespace {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket().namespace().clone())
    }
}

thread_local! {
    /// Memory for the sockets of one delivery, which are copied out of the slab so that no lock is
    /// held meanwhile. Whoever delivers while it is taken gets a fresh one.
    static SELECTED: Cell<Vec<Socket>> = const { Cell::new(Vec::new()) };
}

impl PartialEq for Namespace {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Namespace {}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.0.name)
            .field("sockets", &self.len())
            .finish_non_exhaustive()
    }
}
