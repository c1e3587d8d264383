//! The server as a program holds it: answers requests, and is where everything is reached from.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use bytes::Bytes;
use engine::Tape;
use http::request::Parts;
use http_body::Body;
use http_body_util::Full;

use crate::any_namespace::AnyNamespace;
use crate::background::Background;
use crate::builder::{Builder, HandlerLimits, Settings};
use crate::directory::Directory;
use crate::dynamic::{DynamicNamespace, NamespaceRequest};
use crate::handler::{ErrorHook, Manner, Pool};
use crate::handshake::Handshake;
use crate::http_hooks::HttpHooks;
use crate::link::LinkAcceptor;
use crate::namespace::{Namespace, WeakNamespace};
use crate::proto::{self, Encoder, Revision};
use crate::recovery::Sequencer;
use crate::routes::{self, Handlers, Layer, Layers, Registry, handler_methods};
use crate::socket::Socket;

/// A Socket.IO server: cheap to clone, all clones are the same server.
///
/// The methods of a namespace are here as well, and mean the default one, `/`.
///
/// A server lives until [`shutdown`](Io::shutdown), not until its last handle is dropped: its
/// clients and namespaces hold handles of their own.
#[derive(Clone)]
pub struct Io(Arc<Inner>);

pub(crate) struct Inner {
    settings: Settings,
    encoder: Encoder,
    directory: Directory,
    /// The default namespace, which is asked for most often.
    root: OnceLock<WeakNamespace>,
    /// The handlers of all namespaces.
    registry: Registry,
    revision: routes::Revision,
    background: Background,
    engine: OnceLock<engine::Server<LinkAcceptor>>,
}

impl Io {
    pub(crate) fn new(settings: Settings) -> Self {
        let io = Self(Arc::new(Inner {
            // Events and acknowledgements look the same in both revisions.
            encoder: Encoder::new(Revision::V5, settings.connection.headroom)
                .with_parser(settings.connection.parser.clone()),
            settings,
            directory: Directory::default(),
            root: OnceLock::new(),
            registry: Registry::default(),
            revision: routes::Revision::default(),
            background: Background::default(),
            engine: OnceLock::new(),
        }));
        io.0.root.get_or_init(|| io.of("/").downgrade());
        if io.0.settings.accept_any_namespace {
            let any = DynamicNamespace::with_predicate(io.clone(), |_: NamespaceRequest| true);
            io.directory().accept_any(any);
        }
        io
    }

    /// The order of a namespace, if clients can be recovered.
    pub(crate) fn new_sequencer(&self) -> Option<Arc<Sequencer>> {
        let recovery = self.0.settings.recovery?;
        let parser = self.0.settings.connection.parser.clone();
        let max_queued = self.0.settings.engine.outbox.hard;
        let encoder = self.0.encoder.clone();
        Some(Sequencer::new(recovery, max_queued, encoder, parser))
    }

    /// Starts building a server.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The namespace of this name, created if there is none. A missing slash is added.
    ///
    /// Clients can join the namespaces created here, and those they create themselves:
    /// [by pattern](Self::dynamic) or [by predicate](Self::dynamic_if). A name that matches a pattern
    /// is a namespace of that pattern, which exists for as long as it has sockets, or this handle is
    /// held.
    pub fn of(&self, name: &str) -> Namespace {
        self.0.directory.of(self, &with_slash(name))
    }

    /// Handlers of all namespaces at once.
    #[must_use]
    pub fn any_namespace(&self) -> AnyNamespace {
        AnyNamespace::new(self.clone())
    }

    /// Changes the handlers of all namespaces, of functions and of a class.
    pub(crate) fn change_all<T>(&self, change: impl FnOnce(&mut Layers) -> T) {
        self.0.registry.change(&self.0.revision, change);
        if self.0.directory.forget_late() {
            self.0.registry.forget();
        }
    }

    /// The end: nobody is to find anything here any longer, and nothing that holds the server is to be
    /// held by it.
    pub(crate) fn forget_all(&self) {
        self.0.directory.forget_all();
        self.0.registry.forget();
    }

    /// The handlers of all namespaces.
    pub(crate) fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub(crate) fn revision(&self) -> &routes::Revision {
        &self.0.revision
    }

    /// The server, while there is one.
    pub(crate) fn upgrade(weak: &Weak<Inner>) -> Option<Self> {
        weak.upgrade().map(Self)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn encoder(&self) -> &Encoder {
        &self.0.encoder
    }

    // ---- The default namespace ------------------------------------------------------------

    /// After the end, one that nobody is in and nobody keeps.
    pub(crate) fn root(&self) -> Namespace {
        let root = self.0.root.get().and_then(WeakNamespace::upgrade);
        root.unwrap_or_else(|| self.of("/"))
    }

    handler_methods!(self: &Self => &Self);

    /// Registers handlers that were described elsewhere with the default namespace.
    pub fn add(&self, handlers: Handlers) -> &Self {
        self.change_functions(|layer| layer.merge(handlers.into_layer()))
    }

    fn change_functions<T>(&self, change: impl FnOnce(&mut Layer) -> T) -> &Self {
        let change = |layers: &mut Layers| change(&mut layers.functions);
        self.root().change_layers(change);
        self
    }

    // ---- Serving --------------------------------------------------------------------------

    /// Answers one request: as Socket.IO below the server's path, with the client bundle or a static
    /// file, or with 404.
    pub async fn handle<B>(&self, request: http::Request<B>) -> http::Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let engine = self.engine();
        self.0.background.begin(self);
        let path = request.uri().path();
        if engine.takes(path) {
            let file = path.strip_prefix(engine.path()).unwrap_or_default();
            let client = self.0.settings.client.as_ref();
            let bundle =
                client.and_then(|client| client.respond(file.trim_start_matches('/'), &request));
            return match bundle {
                Some(mut response) => {
                    engine.share(&request.into_parts().0, &mut response);
                    response
                }
                None => engine.handle(request).await,
            };
        }
        let head = request.map(drop);
        // Boxed, as it is rare and larger than what is not.
        if let Some(response) = Box::pin(self.0.settings.files.respond(&head)).await {
            return response;
        }
        let mut response = http::Response::new(Full::from("not found\n"));
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response
    }

    /// The server as a tower layer: in front of a framework's router it takes the requests for its
    /// path, the client bundle included. Static files are then up to the framework.
    #[must_use]
    pub fn layer(&self) -> engine::Mount<Self> {
        engine::Mount(self.clone())
    }

    // ---- For the crate --------------------------------------------------------------------

    pub(crate) fn engine(&self) -> &engine::Server<LinkAcceptor> {
        // Made on first use, for it needs a runtime's clock.
        self.0.engine.get_or_init(|| {
            let acceptor = LinkAcceptor(Arc::downgrade(&self.0));
            engine::Server::new(self.0.settings.engine.clone(), acceptor)
        })
    }

    #[cfg(feature = "logger")]
    pub(crate) fn loggers(&self) -> crate::logging::Loggers {
        self.0.settings.loggers
    }

    pub(crate) fn background(&self) -> &Background {
        &self.0.background
    }

    pub(crate) fn connection_config(&self) -> &proto::server::Config {
        &self.0.settings.connection
    }

    /// Where to record the client that sent this request, if that is wanted.
    pub(crate) fn record(&self, request: &Parts) -> Option<Tape> {
        self.0.settings.record.as_ref()?(request)
    }

    /// How handlers are run of which neither they themselves nor their namespace say it.
    pub(crate) fn manner(&self) -> Manner {
        self.0.settings.manner
    }

    /// Threads for handlers that block.
    pub(crate) fn pool(&self) -> &Pool {
        &self.0.settings.pool
    }

    pub(crate) fn handler_limits(&self) -> &HandlerLimits {
        &self.0.settings.handlers
    }

    pub(crate) fn http_hooks(&self) -> &HttpHooks {
        &self.0.settings.http
    }

    /// What is kept of a link's first request.
    pub(crate) fn handshake(&self, request: &Parts) -> Handshake {
        Handshake::new(request, &self.0.settings.keep)
    }

    /// The state of this type that the server was [given](Builder::state): what [`State`](crate::State)
    /// is to handlers, for routes and background tasks. `None` if it was given none.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().state(AtomicU64::new(41)).build();
    /// let visits = io.state::<AtomicU64>().expect("it was given above");
    /// assert_eq!(visits.fetch_add(1, Ordering::Relaxed), 41);
    /// ```
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let state = self.0.settings.states.get(&TypeId::of::<T>())?;
        Arc::clone(state).downcast().ok()
    }

    pub(crate) fn connects_always(&self) -> bool {
        self.0.settings.always_connect
    }

    /// Whom failures concern that no namespace takes care of.
    pub(crate) fn error_hook(&self) -> &ErrorHook {
        &self.0.settings.on_error
    }

    /// The client of this socket has not come back in time.
    pub(crate) fn expired(&self, socket: &Socket) {
        if let Some(hook) = &self.0.settings.on_recovery_expired {
            hook(socket);
        }
    }

    /// A request was refused.
    pub(crate) fn refused(&self, refused: &engine::RefusedRequest<'_>) {
        if let Some(hook) = &self.0.settings.on_connection_error {
            hook(refused);
        }
    }
}

/// The name of a namespace, of which the slash may be left out.
pub(crate) fn with_slash(name: &str) -> Cow<'_, str> {
    match name.starts_with('/') {
        true => Cow::Borrowed(name),
        false => Cow::Owned(format!("/{name}")),
    }
}

impl engine::Endpoint for Io {
    fn takes(&self, path: &str) -> bool {
        self.engine().takes(path)
    }

    async fn answer<B>(&self, request: http::Request<B>) -> http::Response<Full<Bytes>>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.handle(request).await
    }
}

impl fmt::Debug for Io {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io")
            .field("path", &self.0.settings.engine.path)
            .finish_non_exhaustive()
    }
}
