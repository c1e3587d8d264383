//! The server as a program holds it: its sessions, and their end.

mod answer;
mod body;
#[cfg(feature = "http-compression")]
mod compression;
mod cookie;
mod cors;
mod extras;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body::Body;
use http_body_util::Full;

#[cfg(feature = "http-compression")]
pub use self::compression::Compression;
pub use self::cookie::{SameSite, SessionCookie};
pub use self::cors::Cors;
use crate::application::{Acceptor, Application};
use crate::clock::Clock;
use crate::config::Config;
use crate::load::{Load, Stats};
use crate::overflow::Bounds;
use crate::refused::RefusalLog;
use crate::registry::Registry;
use crate::service::Endpoint;
use crate::session::{Rules, Session};

/// The entry type of an acceptor's sessions.
type Entry<A> = <<A as Acceptor>::Application as Application>::Entry;

/// An Engine.IO server: cheap to clone, all clones are the same server.
///
/// It is a tower layer through [`Mount`](crate::Mount), can serve a listener of its own, and answers single requests
/// through [`handle`](Self::handle) for everything else. It must live inside a tokio runtime.
pub struct Server<A: Acceptor>(Arc<Inner<A>>);

struct Inner<A: Acceptor> {
    config: Config,
    protocol: Arc<proto::server::Config>,
    rules: Arc<Rules<Entry<A>>>,
    acceptor: A,
    registry: Arc<Registry<Entry<A>>>,
    refusals: RefusalLog,
}

impl<A: Acceptor> Clone for Server<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Acceptor> Server<A> {
    /// A server whose sessions are opened by `acceptor`.
    #[must_use]
    pub fn new(mut config: Config, acceptor: A) -> Self {
        config
            .path
            .truncate(config.path.trim_end_matches('/').len());
        let clock = Clock::new();
        Self(Arc::new(Inner {
            protocol: Arc::new(config.protocol.clone()),
            rules: Arc::new(Rules {
                clock,
                bounds: Bounds {
                    limits: config.outbox,
                    weigh: A::Application::weigh,
                },
                load: Load::new(config.server),
            }),
            config,
            acceptor,
            registry: Arc::new(Registry::new(clock)),
            refusals: RefusalLog::default(),
        }))
    }

    /// Whether a request for this path is the server's: the configured path itself, with or
    /// without a slash at its end, and everything below it.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        path.strip_prefix(&*self.0.config.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// What a path has behind the server's.
    fn subpath<'a>(&self, path: &'a str) -> &'a str {
        let rest = path.strip_prefix(self.path()).unwrap_or_default();
        rest.trim_start_matches('/')
    }

    /// The path without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.config.path
    }

    fn cors(&self) -> Option<&Cors> {
        self.0.config.cors.as_ref()
    }

    /// Adds [CORS headers](Cors) to an answer that others give below the server's path, so that
    /// pages may read it like those of the server. Does nothing unless configured.
    pub fn share<B>(&self, request: &Parts, response: &mut http::Response<B>) {
        if let Some(cors) = self.cors() {
            cors.write(request, response.headers_mut());
        }
    }

    /// Sessions that are open now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.registry.len()
    }

    /// Figures, as they are now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.rules.load.stats(self.sessions())
    }

    /// Milliseconds since the server was made, on the runtime's clock.
    #[must_use]
    pub fn now(&self) -> proto::Tick {
        self.0.registry.now()
    }

    /// What opens the sessions.
    #[must_use]
    pub fn acceptor(&self) -> &A {
        &self.0.acceptor
    }

    /// Refuses new sessions from now on, with 503.
    pub fn close(&self) {
        self.0.registry.close();
    }

    /// Handles of all open sessions.
    #[must_use]
    pub fn all_sessions(&self) -> Vec<Session<Entry<A>>> {
        self.0.registry.sessions()
    }

    /// Websockets whose sessions are over, and whose clients have not taken everything or not closed
    /// them yet.
    #[must_use]
    pub fn leaving(&self) -> usize {
        self.0.registry.leaving()
    }

    /// Runs a task that [`idle`](Self::idle) waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.registry.spawn(task);
    }

    /// Opens no session any more, closes those there are once everything pushed to them has left,
    /// and waits for that, and for [spawned](Self::spawn) tasks, up to `patience`.
    pub async fn shutdown(&self, patience: Duration) -> Shutdown {
        self.close();
        for session in self.all_sessions() {
            session.close();
        }
        match tokio::time::timeout(patience, self.idle()).await {
            Ok(()) => Shutdown::Complete,
            Err(_) => Shutdown::Interrupted,
        }
    }

    /// Ready when no session and no [spawned](Self::spawn) task is left.
    pub async fn idle(&self) {
        self.0.registry.idle().await;
    }
}

impl<A: Acceptor> Endpoint for Server<A> {
    fn takes(&self, path: &str) -> bool {
        self.takes(path)
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

/// How a shutdown ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Shutdown {
    /// Everybody has got everything, and all tasks have ended.
    Complete,
    /// Time was up before that.
    Interrupted,
}

impl<A: Acceptor> fmt::Debug for Server<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.0.config)
            .field("sessions", &self.sessions())
            .finish_non_exhaustive()
    }
}
