//! One client in one namespace, as handlers hold it.

mod id;
mod life;
mod locals;
mod push;
mod rooms;

pub use id::SocketId;
pub(crate) use push::{Pushed, prepare};

use std::fmt;
use std::sync::{Arc, OnceLock};

use engine::Transport;
use serde::de::DeserializeOwned;
use socketio_adapter::Slot;

use crate::credentials::Credentials;
use crate::entry::Entry;
use crate::gate::Gate;
use crate::handshake::Handshake;
use crate::io::Io;
use crate::namespace::Namespace;
use crate::proto::NamespaceId;
use crate::recovery::{Recoverable, Waiting};
use crate::routes::Personal;
use locals::Locals;

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
    locals: Locals,
    personal: OnceLock<Box<Personal>>,
}

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
            locals: Locals::default(),
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

    /// The first request of the client's link, as far as it is kept.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }

    pub(crate) fn shared_handshake(&self) -> Arc<Handshake> {
        Arc::clone(&self.0.handshake)
    }

    /// The credentials the client sent when it joined; `{}` if it sent none.
    ///
    /// Up to 16 KiB are kept for as long as the socket. Larger ones, with which a client could fill the
    /// server's memory, are there for middlewares and the connect handler; once these have agreed, they
    /// are forgotten, so [store](Self::insert) what is needed later. The reference keeps everything.
    ///
    /// ```
    /// # use socketio_server::Socket;
    /// #[derive(serde::Deserialize)]
    /// struct Login {
    ///     token: String,
    /// }
    ///
    /// # fn example(socket: Socket) -> Result<(), serde_json::Error> {
    /// let login: Login = socket.auth()?;
    /// # assert!(!login.token.is_empty());
    /// # Ok(())
    /// # }
    /// ```
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

    /// The transport that the client's link uses now.
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

    /// Whether the client was here before and its socket goes on where its former link ended; see
    /// [`Builder::connection_state_recovery`](crate::Builder::connection_state_recovery).
    #[must_use]
    pub fn recovered(&self) -> bool {
        self.recoverable().is_some_and(Recoverable::is_recovered)
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
