//! The server: answers HTTP requests by opening sessions and handing requests to their tasks.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use proto::server::{Response, Session as Machine};
use proto::{Action, CloseReason, Head, Request, RequestError, Revision, Sid, Transport};
use tokio::sync::oneshot;

use crate::application::{Acceptor, Application};
use crate::clock::Clock;
use crate::config::Config;
use crate::link::Handshake;
use crate::mailbox::{Delivery, Kind, Waiting};
use crate::registry::Registry;
use crate::service::Endpoint;
use crate::session::{Rules, Session};
use crate::task::{FIRST_LINK, Task};
use crate::websocket;

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
    rules: Arc<Rules>,
    acceptor: A,
    registry: Arc<Registry<Entry<A>>>,
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
                limits: config.outbox,
            }),
            config,
            acceptor,
            registry: Arc::new(Registry::new(clock)),
        }))
    }

    /// Whether a request for this path is the server's: the configured path itself, with or
    /// without a slash at its end, and everything below it.
    #[must_use]
    pub fn takes(&self, path: &str) -> bool {
        path.strip_prefix(&*self.0.config.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path without a slash at its end.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.config.path
    }

    /// Sessions that are open now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.registry.len()
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

    /// Answers one request, whatever its path.
    ///
    /// A GET that waits for messages takes as long as it takes. Dropping the future gives the
    /// request up, as if its client had gone.
    pub async fn handle<B>(&self, request: http::Request<B>) -> http::Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let upgrade = websocket::wants_upgrade(&request);
        let head = Head {
            method: request.method().as_str(),
            query: request.uri().query().unwrap_or_default(),
            origin: request.headers().get(ORIGIN).map(HeaderValue::as_bytes),
            upgrade,
        };
        let result = match Request::read(&head, &self.0.protocol) {
            Ok(Request::Open {
                transport,
                revision,
            }) => self.open(request, transport, revision).await,
            Ok(Request::Session(wanted)) => {
                let session = wanted.sid.and_then(|sid| self.0.registry.get(&sid));
                let facts = session.as_ref().map(|it| (it.revision(), it.transport()));
                match (wanted.admit(facts), session) {
                    (Ok(action), Some(session)) => self.continue_(&session, action, request).await,
                    (Err(error), _) => Err(error),
                    (Ok(_), None) => Err(RequestError::UnknownSid),
                }
            }
            Ok(_) => Err(RequestError::BadRequest),
            Err(error) => Err(error),
        };
        result.unwrap_or_else(|error| {
            tracing::debug!(target: "engineio", code = error.code(), %error, "request refused");
            respond(if upgrade {
                error.upgrade_response()
            } else {
                error.response()
            })
        })
    }

    async fn open<B>(
        &self,
        request: http::Request<B>,
        transport: Transport,
        revision: Option<Revision>,
    ) -> Result<http::Response<Full<Bytes>>, RequestError> {
        let registry = &self.0.registry;
        let running = registry.running();
        if registry.is_closing() {
            return Ok(unavailable());
        }
        let revision = revision.ok_or(RequestError::UnsupportedVersion)?;
        let (mut parts, _) = request.into_parts();
        let websocket = match transport {
            Transport::Polling => None,
            _ => Some(websocket::accept(&mut parts).ok_or(RequestError::BadRequest)?),
        };
        let sid = Sid::from_random(random());
        let session = Session::new(sid, revision, transport, Arc::clone(&self.0.rules));
        // Asked last: whoever is accepted here has a session, and will hear of its end.
        let mut application = self
            .0
            .acceptor
            .open(session.clone(), &parts)
            .map_err(|refusal| RequestError::Forbidden(refusal.0))?;
        if !registry.insert(session.clone()) {
            application.handle_close(CloseReason::ForcedClose, Some("server is closing"));
            return Ok(unavailable());
        }
        let now = registry.now();
        let protocol = Arc::clone(&self.0.protocol);
        if let Some((response, upgrade)) = websocket {
            let machine = Machine::open_link(protocol, revision, &sid, FIRST_LINK, now);
            let task = Task::new(Arc::clone(registry), session, machine, application, running)
                .with_link(self.handshake(upgrade));
            tokio::spawn(task);
            return Ok(response);
        }
        let (reply, waiting) = oneshot::channel();
        let request = session.next_request();
        let machine = Machine::open_polling(protocol, revision, &sid, request, now);
        let handle = session.clone();
        let task = Task::new(Arc::clone(registry), handle, machine, application, running)
            .with_reply(request, reply);
        tokio::spawn(task);
        let answer = Waiting::new(&session, request, waiting).answer().await;
        answer.map(respond).ok_or(RequestError::UnknownSid)
    }

    async fn continue_<B>(
        &self,
        session: &Session<Entry<A>>,
        action: Action,
        request: http::Request<B>,
    ) -> Result<http::Response<Full<Bytes>>, RequestError>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let waiting = match action {
            Action::Get => Waiting::deliver(session, Kind::Get),
            Action::Post => return self.post(session, request).await,
            Action::Websocket => {
                let (mut parts, _) = request.into_parts();
                let (response, upgrade) =
                    websocket::accept(&mut parts).ok_or(RequestError::BadRequest)?;
                session.outbox().deliver(Delivery {
                    request: session.next_request(),
                    kind: Kind::Websocket(self.handshake(upgrade)),
                });
                return Ok(response);
            }
            _ => return Ok(bare(StatusCode::INTERNAL_SERVER_ERROR)),
        };
        let answer = waiting.answer().await;
        answer.map(respond).ok_or(RequestError::UnknownSid)
    }

    async fn post<B>(
        &self,
        session: &Session<Entry<A>>,
        request: http::Request<B>,
    ) -> Result<http::Response<Full<Bytes>>, RequestError>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Some(mut place) = PostPlace::claim(session) else {
            let answer = Waiting::deliver(session, Kind::PostOverlap).answer().await;
            return answer.map(respond).ok_or(RequestError::UnknownSid);
        };
        let is_binary = request
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind == "application/octet-stream");
        if is_binary {
            let answer = Waiting::deliver(session, Kind::PostInvalid).answer().await;
            return answer.map(respond).ok_or(RequestError::UnknownSid);
        }
        // A session whose heartbeat would have failed meanwhile has no use for the body.
        let limits = &self.0.protocol;
        let patience = limits.ping_interval.saturating_add(limits.ping_timeout);
        let body = self.collect(request);
        place.arriving = true;
        let body = tokio::time::timeout(Duration::from_millis(patience), body)
            .await
            .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT));
        // A body that is too long or too slow is refused; one that breaks off ends the session.
        place.arriving = body == Err(StatusCode::BAD_REQUEST);
        let body = match body {
            Ok(body) => body,
            Err(status) => return Ok(bare(status)),
        };
        let answer = Waiting::deliver(session, |reply| Kind::Post(reply, body))
            .answer()
            .await;
        answer.map(respond).ok_or(RequestError::UnknownSid)
    }

    /// The whole body, or the status that says why there is none.
    async fn collect<B>(&self, request: http::Request<B>) -> Result<Bytes, StatusCode>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limit = self.0.protocol.max_payload;
        let body = request.into_body();
        if body.size_hint().lower() > limit as u64 {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let body = Box::pin(Limited::new(body, limit));
        match body.collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => Err(StatusCode::BAD_REQUEST),
        }
    }

    fn handshake(&self, upgrade: hyper::upgrade::OnUpgrade) -> Handshake {
        Handshake {
            upgrade,
            max_message: self.0.protocol.max_payload,
        }
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

/// The right to post to a session, given back when dropped. If the body is still arriving then,
/// the client has broken off.
struct PostPlace<'a, E> {
    session: &'a Session<E>,
    arriving: bool,
}

impl<'a, E> PostPlace<'a, E> {
    fn claim(session: &'a Session<E>) -> Option<Self> {
        session.begin_post().then_some(Self {
            session,
            arriving: false,
        })
    }
}

impl<E> Drop for PostPlace<'_, E> {
    fn drop(&mut self) {
        self.session.end_post();
        if self.arriving {
            self.session.outbox().deliver(Delivery {
                request: self.session.next_request(),
                kind: Kind::PostBroken,
            });
        }
    }
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut bytes).expect("the system provides randomness");
    bytes
}

fn respond(response: Response) -> http::Response<Full<Bytes>> {
    let mut answer = http::Response::new(Full::from(response.body));
    *answer.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: &mut HeaderMap = answer.headers_mut();
    for &(name, value) in response.headers {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    answer
}

fn bare(status: StatusCode) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn unavailable() -> http::Response<Full<Bytes>> {
    bare(StatusCode::SERVICE_UNAVAILABLE)
}

impl<A: Acceptor> fmt::Debug for Server<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("config", &self.0.config)
            .field("sessions", &self.sessions())
            .finish_non_exhaustive()
    }
}
