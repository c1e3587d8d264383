//! One client in one namespace, as handlers hold it.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Prepared, PushError, Transport};
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use socketio_adapter::{Room, Slot};

use crate::broadcast::Flags;
use crate::credentials::Credentials;
use crate::entry::{Call, Entry, Ticket};
use crate::error::DisconnectReason;
use crate::gate::{Admission, Gate};
use crate::handshake::Handshake;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, Encoded, NamespaceId, Payload};
use crate::recovery::{Recoverable, Saved, Waiting};
use crate::rooms::Rooms;
use crate::routes::Personal;

/// The public id of a socket: 20 URL-safe characters, random for each namespace a client joins.
/// It is no secret, and also the name of the socket's private room.
///
/// An id is never given out again. Once its socket is gone for good, its name is one like any other:
/// a client that learned it may be let into a room that is called so, and gets what is still sent to
/// it. So forget the ids of those who have left, or send by a handle, which reaches nobody else.
///
/// Clients of Socket.IO 1 and 2 compute the id themselves, and so it is what they expect: that of
/// their Engine.IO session in the default namespace, and `/admin#` and that in others. Whoever
/// learns it can speak for such a client, so think twice before showing it to others.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Id);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Id {
    /// Most ids, without memory of their own.
    Inline([u8; 20]),
    /// All of another length.
    Shared(Arc<str>),
}

impl SocketId {
    /// A new id from the system's randomness.
    pub(crate) fn random() -> Self {
        let mut random = [0; 15];
        // Invariant: a system without randomness cannot run a server whose sessions are secrets.
        getrandom::fill(&mut random).expect("the system provides randomness");
        let mut id = [0; 20];
        // Invariant: 15 bytes are 20 characters of base64.
        URL_SAFE_NO_PAD
            .encode_slice(random, &mut id)
            .expect("20 characters");
        Self(Id::Inline(id))
    }

    /// An id that is settled already.
    pub(crate) fn derived(id: &str) -> Self {
        Self(match id.as_bytes().try_into() {
            Ok(id) => Id::Inline(id),
            Err(_) => Id::Shared(id.into()),
        })
    }

    /// The characters of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Invariant: both constructors copy text.
            Id::Inline(id) => str::from_utf8(id).expect("text"),
            Id::Shared(id) => id,
        }
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A handle to one client in one namespace: cheap to clone, usable from any thread or task.
///
/// It stays valid after the client has gone; what is sent then goes nowhere, unless the client has
/// been [recovered](Self::recovered), or may yet be.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

struct Inner {
    id: SocketId,
    nsp: NamespaceId,
    namespace: Namespace,
    session: engine::Session<Entry>,
    handshake: Arc<Handshake>,
    auth: Credentials,
    gate: Gate<Waiting>,
    /// With connection state recovery, for clients that know of it.
    recoverable: Option<Box<Recoverable>>,
    slot: OnceLock<Slot>,
    locals: Mutex<Option<Box<Locals>>>,
    personal: OnceLock<Box<Personal>>,
}

type Locals = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// How an entry fared.
pub(crate) type Pushed = Result<(), PushError>;

impl Socket {
    pub(crate) fn new(
        id: SocketId,
        namespace: Namespace,
        nsp: NamespaceId,
        session: engine::Session<Entry>,
        handshake: Arc<Handshake>,
        auth: Option<&str>,
        recoverable: Option<Box<Recoverable>>,
    ) -> Self {
        Self(Arc::new(Inner {
            id,
            nsp,
            namespace,
            session,
            handshake,
            auth: Credentials::new(auth),
            gate: Gate::new(),
            recoverable,
            slot: OnceLock::new(),
            locals: Mutex::new(None),
            personal: OnceLock::new(),
        }))
    }

    /// The socket's id.
    #[must_use]
    pub fn id(&self) -> SocketId {
        self.0.id.clone()
    }

    /// The namespace the client has joined.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// The server.
    #[must_use]
    pub fn io(&self) -> &Io {
        self.0.namespace.io()
    }

    /// What the first request of the client's link looked like.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    pub(crate) fn shared_handshake(&self) -> Arc<Handshake> {
        Arc::clone(&self.0.handshake)
    }

    /// The credentials the client sent when it joined; `{}` if it sent none.
    ///
    /// Up to 16 KiB of them are kept for as long as the socket. Of larger ones, which a client could
    /// fill the server's memory with, middlewares and the connect handler know; once they have agreed,
    /// they are forgotten, and it is for them to [store](Self::insert) what is needed later. The
    /// reference keeps all.
    ///
    /// # Errors
    /// If they do not fit the type, or have been forgotten.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        self.0.auth.parse()
    }

    /// The client has been let in, and its connect handler is done.
    pub(crate) fn forget_large_auth(&self) {
        self.0.auth.forget_large();
    }

    /// The transport the client's link lives on now.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.0.session.transport()
    }

    /// Whether the client can be reached: from the moment it has been let in until it leaves, or
    /// is sent away.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.gate.is_open() && !self.0.session.is_closed()
    }

    /// Whether the client has been here before: the socket goes on where its former link ended; see
    /// [`Builder::connection_state_recovery`](crate::Builder::connection_state_recovery).
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.recoverable().is_some_and(Recoverable::is_recovered)
    }

    // ---- Rooms ----------------------------------------------------------------------------

    /// Enters rooms. In a connect handler it takes effect when the client is let in; on a socket
    /// that is disconnected it does nothing.
    ///
    /// The private rooms of others, named by their ids, cannot be entered: whoever tries stays
    /// outside, and it is logged at debug level. So a room's name may come from a client. They
    /// belong to their sockets while those are connected, or away and may yet be
    /// [recovered](Self::recovered); for what comes after see [`SocketId`].
    pub fn join(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        let kept = self.0.gate.rooms(|kept| {
            for room in &rooms {
                if !kept.contains(room) {
                    kept.push(Room::clone(room));
                }
            }
        });
        if kept.is_some() {
            return;
        }
        // The adapter knows no slot of a socket that is disconnected.
        if let Some(&slot) = self.0.slot.get() {
            self.enter_rooms(slot, &rooms);
        }
    }

    fn enter_rooms(&self, slot: Slot, rooms: &[Room]) {
        let adapter = self.0.namespace.adapter();
        let absent = self.0.namespace.sequencer().map(|it| it.absent());
        let is_absents = |room| absent.as_ref().is_some_and(|it| it.contains(room));
        let is_others = |room| adapter.find(room).is_some_and(|owner| owner != slot);
        for room in rooms {
            if is_absents(room) || !adapter.join(slot, room) && is_others(room) {
                tracing::debug!(target: "socketio", sid = %self.id(), "private room of another socket");
            }
        }
    }

    /// Leaves rooms. Nothing that is sent to them after the return reaches the socket.
    pub fn leave(&self, rooms: impl Rooms) {
        let rooms = rooms.into_rooms();
        let kept = self
            .0
            .gate
            .rooms(|kept| kept.retain(|room| !rooms.contains(room)));
        if kept.is_some() {
            return;
        }
        if let Some(&slot) = self.0.slot.get() {
            let adapter = self.0.namespace.adapter();
            for room in rooms {
                adapter.leave(slot, &room);
            }
        }
    }

    /// The rooms the socket is in, without its private one, in no particular order. In a
    /// [disconnecting handler](crate::Namespace::on_disconnecting) those it was in.
    #[must_use]
    pub fn rooms(&self) -> Vec<Room> {
        if let Some(kept) = self.0.gate.rooms(|kept| kept.clone()) {
            return kept;
        }
        if let Some(rooms) = self.personal_if_any().and_then(Personal::last_rooms) {
            return rooms;
        }
        let slot = self.0.slot.get();
        slot.map_or_else(Vec::new, |&slot| self.0.namespace.adapter().rooms(slot))
    }

    // ---- State ----------------------------------------------------------------------------

    /// Stores a value for this socket, one of each type. Returns the one it replaces.
    pub fn insert<T: Send + Sync + 'static>(&self, value: T) -> Option<Arc<T>> {
        let old = self
            .0
            .locals
            .lock()
            .get_or_insert_default()
            .insert(TypeId::of::<T>(), Arc::new(value));
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

    /// The value of a type that was stored for this socket.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let value = {
            let locals = self.0.locals.lock();
            locals.as_ref()?.get(&TypeId::of::<T>()).cloned()
        };
        value.and_then(|value| value.downcast().ok())
    }

    // ---- Leaving --------------------------------------------------------------------------

    /// Sends the client away from the namespace. It gets everything that was emitted before, and
    /// then sees the reason `io server disconnect`; the disconnect handler sees
    /// `server namespace disconnect`. From now on the socket is in no room and gets nothing more.
    pub fn disconnect(&self) {
        self.leave_with(Entry::Leave(self.0.nsp));
    }

    /// [`disconnect`](Self::disconnect)s the client from all namespaces and closes its link.
    pub fn disconnect_and_close(&self) {
        self.leave_with(Entry::LeaveAll);
    }

    fn leave_with(&self, entry: Entry) {
        if let Some(sequencer) = self.0.namespace.sequencer() {
            return sequencer.leave(self, entry);
        }
        // A client that is about to be let in is sent away after that.
        let admission = self.0.gate.admit_last(Waiting::Entry(entry, 0));
        if let Admission::Open(Waiting::Entry(entry, _)) = admission {
            // A session that has ended tells its sockets itself.
            let _ = self.0.session.push_order(entry);
            self.become_invisible();
        }
    }

    // ---- For the crate --------------------------------------------------------------------

    /// Whether nothing can be sent any longer; to a client that is about to be let in, it can.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.gate.is_closed() || self.0.session.is_closed()
    }

    pub(crate) fn engine_session(&self) -> &engine::Session<Entry> {
        &self.0.session
    }

    /// As [`personal`](Self::personal), for those who need none that is empty.
    pub(crate) fn personal_if_any(&self) -> Option<&Personal> {
        self.0.personal.get().map(|it| &**it)
    }

    /// What this socket alone has to do with handlers.
    pub(crate) fn personal(&self) -> &Personal {
        self.0.personal.get_or_init(Box::default)
    }

    pub(crate) fn send_event(&self, message: Prepared, flags: Flags) -> Pushed {
        let nsp = self.0.nsp;
        let bytes = flags.mark(&message);
        self.push(Entry::Event { nsp, message }, bytes, flags)
    }

    pub(crate) fn send_call(
        &self,
        message: Prepared,
        id: u64,
        ticket: Ticket,
        flags: Flags,
    ) -> Pushed {
        let bytes = flags.mark(&message);
        let nsp = self.0.nsp;
        let call = Call {
            nsp,
            id,
            ticket,
            message,
        };
        self.push(Entry::Call(Box::new(call)), bytes, flags)
    }

    /// Nobody waits any longer for the answer to a call.
    pub(crate) fn forget(&self, id: u64) {
        let nsp = self.0.nsp;
        // Behind the call, wherever that waits. A socket that is gone has forgotten already.
        let _ = self.push(Entry::Forget { nsp, id }, 0, Flags::default());
    }

    /// The answer to an event.
    pub(crate) fn acknowledgement(
        &self,
        id: u64,
        args: &(impl Payload + ?Sized),
    ) -> Result<Prepared, EncodeError> {
        let namespace = &self.0.namespace;
        let encoded = args.ack(namespace.encoder(), namespace.name(), id)?;
        Ok(prepare(encoded))
    }

    pub(crate) fn acknowledge(&self, message: Prepared) {
        let (nsp, bytes) = (self.0.nsp, message.wire_len());
        // A client that is gone does not miss its answer.
        let _ = self.push(Entry::Answer { nsp, message }, bytes, Flags::default());
    }

    fn push(&self, entry: Entry, bytes: usize, flags: Flags) -> Pushed {
        if let Some(sequencer) = self.0.namespace.sequencer() {
            return sequencer.push(self, entry, bytes, flags);
        }
        if flags.volatile {
            return match self.0.gate.is_open() {
                true => self.0.session.push_volatile(entry, bytes),
                false => Err(PushError::NotReady),
            };
        }
        match self.0.gate.admit(Waiting::Entry(entry, bytes)) {
            Admission::Open(Waiting::Entry(entry, bytes)) => self.0.session.push(entry, bytes),
            Admission::Kept => Ok(()),
            Admission::Open(Waiting::Draft(_)) | Admission::Closed => Err(PushError::Closed),
        }
    }

    /// An entry whose turn has come.
    pub(crate) fn push_entry(&self, entry: Entry, bytes: usize, flags: Flags) -> Pushed {
        match flags.volatile {
            true => self.0.session.push_volatile(entry, bytes),
            false if entry.is_order() => self.0.session.push_order(entry),
            false => self.0.session.push(entry, bytes),
        }
    }

    /// An event whose turn has come.
    pub(crate) fn push_event(&self, message: Prepared, flags: Flags) -> Pushed {
        let nsp = self.0.nsp;
        let bytes = flags.mark(&message);
        self.push_entry(Entry::Event { nsp, message }, bytes, flags)
    }

    /// Lets the client in: its CONNECT answer is queued first, then what its connect handler has
    /// sent, and only then can others see the socket. `false` if a socket that goes on cannot be
    /// sent any more what it has missed.
    pub(crate) fn open(&self, answer: Prepared) -> bool {
        if let Some(sequencer) = self.0.namespace.sequencer() {
            return sequencer.open(self, answer);
        }
        let bytes = answer.wire_len();
        // A session that has ended tells its sockets itself.
        let _ = self.0.session.push(Entry::Message(answer), bytes);
        while let Some(entries) = self.0.gate.take_or_open(|rooms| self.enter(rooms)) {
            for waiting in entries {
                let Waiting::Entry(entry, bytes) = waiting else {
                    continue;
                };
                if entry.is_leave() {
                    let _ = self.0.session.push_order(entry);
                    self.close();
                    return true;
                }
                let _ = self.0.session.push(entry, bytes);
            }
        }
        true
    }

    pub(crate) fn enter(&self, rooms: Vec<Room>) {
        let slot = *self.0.slot.get_or_init(|| self.0.namespace.insert(self));
        self.enter_rooms(slot, &rooms);
    }

    /// The socket is disconnected: nothing passes from now on, and nobody sees it.
    fn close(&self) {
        drop(self.0.gate.close());
        self.become_invisible();
    }

    /// The client has left, or its link has ended. `false` if the socket goes on on another link,
    /// where its goodbye has been said.
    pub(crate) fn end(&self, reason: DisconnectReason) -> bool {
        if let Some(sequencer) = self.0.namespace.sequencer() {
            return sequencer.end(self, reason);
        }
        self.close();
        true
    }

    /// Keeps something until the client is let in; for those who know that it is not yet.
    pub(crate) fn wait(&self, waiting: Waiting) {
        let admission = self.0.gate.admit(waiting);
        debug_assert!(matches!(admission, Admission::Kept), "the gate has opened");
    }

    pub(crate) fn gate(&self) -> &Gate<Waiting> {
        &self.0.gate
    }

    pub(crate) fn recoverable(&self) -> Option<&Recoverable> {
        self.0.recoverable.as_deref()
    }

    /// Whether the client has been let in at some time.
    pub(crate) fn was_open(&self) -> bool {
        self.0.slot.get().is_some()
    }

    /// Goes on with the data and the rooms of a former socket.
    pub(crate) fn restore(&self, saved: &Saved) {
        let locals = saved.socket.0.locals.lock().clone();
        *self.0.locals.lock() = locals;
        self.0.gate.rooms(|kept| kept.clone_from(&saved.rooms));
    }

    fn become_invisible(&self) {
        if self.was_open() {
            let remembers_rooms = self.0.namespace.routes().needs_last_rooms();
            self.leave_all(remembers_rooms);
        }
    }

    /// Nobody sees the socket any longer, but it may remember where it was.
    pub(crate) fn leave_all(&self, remembers_rooms: bool) {
        if let Some(&slot) = self.0.slot.get() {
            let namespace = &self.0.namespace;
            if remembers_rooms {
                let rooms = namespace.adapter().rooms(slot);
                self.personal().remember_rooms(rooms);
            }
            namespace.remove(slot);
        }
    }
}

/// An encoded packet as the engine sends it.
pub(crate) fn prepare(encoded: Encoded) -> Prepared {
    let has_text = encoded.has_text();
    let mut attachments = encoded.attachments;
    match attachments.pop_if(|_| !has_text) {
        Some(data) => Prepared::binary(data),
        None => Prepared::from_parts(encoded.buffer, encoded.start, attachments),
    }
}

impl PartialEq for Socket {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Socket {}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket")
            .field("id", &self.0.id)
            .field("namespace", &self.0.namespace.name())
            .finish_non_exhaustive()
    }
}
