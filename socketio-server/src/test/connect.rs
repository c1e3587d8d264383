//! How a client connects: what its link looks like, what it says for itself, and why it may be
//! turned away.

use std::future::{Future, IntoFuture};
use std::sync::Arc;

use bytes::Bytes;
use engine::{Peer, Transport};
use engineio_proto as eio;
use http::header::{
    CONNECTION, CONTENT_TYPE, COOKIE, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SET_COOKIE,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::client::{Client, Link};
use super::driver::{Command, Driver};
use super::http::{Exchange, exchange};
use super::server::{BUFFER, PATIENCE, Server};
use super::sockets::{Join as Request, Sockets};
use crate::handler::BoxFuture;
use crate::io::with_slash;
use crate::proto::Revision;
use crate::proto::client::{Config, JoinError};

/// A client that is about to connect. Awaiting it opens the link and joins the namespace.
///
/// Without further ado that is `/`, over websocket, with Engine.IO 4, without credentials, and with
/// the server's parser.
#[derive(Debug)]
#[must_use = "a client connects when it is awaited"]
pub struct Connect {
    dialer: Dialer,
    transport: Transport,
    upgrade: bool,
    namespace: String,
    auth: Option<Map<String, Value>>,
}

impl Connect {
    pub(super) fn new(server: Server) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        Self {
            dialer: Dialer {
                server,
                headers,
                query: String::new(),
                extensions: http::Extensions::new(),
                buffer: BUFFER,
                revision: eio::Revision::V4,
                config: Arc::default(),
            },
            transport: Transport::Websocket,
            upgrade: false,
            namespace: "/".to_owned(),
            auth: None,
        }
    }

    /// Joins this namespace; more can follow with [`Client::join`]. A missing slash is added.
    pub fn namespace(mut self, name: &str) -> Self {
        self.namespace = with_slash(name).into_owned();
        self
    }

    /// Credentials for the connect handler, a JSON object.
    ///
    /// With [`eio3`](Self::eio3) they travel in the query of the namespace, and cannot reach the
    /// default one.
    ///
    /// # Panics
    /// If they are something else.
    #[track_caller]
    pub fn auth(mut self, auth: impl Serialize) -> Self {
        self.auth = Some(object(auth));
        self
    }

    // ---- The link's requests ---------------------------------------------------------------

    /// A header that all requests of the link have.
    ///
    /// # Panics
    /// If name or value cannot be sent.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let parsed = (HeaderName::try_from(name), HeaderValue::try_from(value));
        let (Ok(name), Ok(value)) = parsed else {
            panic!("not a header: {:?}", format!("{name}: {value}"));
        };
        self.dialer.headers.append(name, value);
        self
    }

    /// Sends the cookies that a response has set, as a browser does after a login.
    pub fn cookies<B>(self, response: &http::Response<B>) -> Self {
        let set = response.headers().get_all(SET_COOKIE);
        let pairs = set
            .into_iter()
            .filter_map(|cookie| cookie.to_str().ok()?.split(';').next());
        let cookies: Vec<_> = pairs.collect();
        match cookies.is_empty() {
            true => self,
            false => self.header(COOKIE.as_str(), &cookies.join("; ")),
        }
    }

    /// More of the query string, as in `room=1&lang=de`, behind what the protocol needs.
    ///
    /// # Panics
    /// If it is not part of a URL: escape what has to be.
    #[track_caller]
    pub fn query(mut self, query: &str) -> Self {
        let is_part = http::uri::PathAndQuery::try_from(format!("/?{query}")).is_ok();
        assert!(is_part, "not a query: {query:?}");
        self.dialer.query.push('&');
        self.dialer.query.push_str(query);
        self
    }

    /// An extension of all requests of the link, as a server or a framework puts it in: in axum
    /// `ConnectInfo(address)` is where a client comes from.
    pub fn extension<T: Clone + Send + Sync + 'static>(mut self, value: T) -> Self {
        self.dialer.extensions.insert(value);
        self
    }

    /// Where the client comes from, for [`PeerAddr`](crate::PeerAddr) and
    /// [`Handshake`](crate::Handshake). Without it that is unknown.
    pub fn peer(self, peer: Peer) -> Self {
        self.extension(peer)
    }

    // ---- The link --------------------------------------------------------------------------

    /// Stays on polling.
    pub fn polling(mut self) -> Self {
        self.transport = Transport::Polling;
        self.upgrade = false;
        self
    }

    /// Opens on polling and moves to websocket, as browsers do. The client has joined before it
    /// moves; [`Server::settle`] waits for both.
    pub fn upgrading(mut self) -> Self {
        self.transport = Transport::Polling;
        self.upgrade = true;
        self
    }

    /// Speaks Engine.IO 3 and Socket.IO 4, as clients of versions 1 and 2 do.
    pub fn eio3(mut self) -> Self {
        self.dialer.revision = eio::Revision::V3;
        self
    }

    /// Bytes on their way to a client that [does not read](Client::set_reading), and as many to the
    /// server, for each connection. Default 64 KiB.
    pub fn buffer(mut self, bytes: usize) -> Self {
        self.dialer.buffer = bytes;
        self
    }

    async fn run(mut self) -> Result<Client, Refusal> {
        self.dialer.config = Arc::new(eio::client::Config {
            transport: self.transport,
            upgrade: self.upgrade,
            ..eio::client::Config::default()
        });
        let mut config = Config::default();
        config.parser = self.dialer.server.io().connection_config().parser.clone();
        let revision = Revision::over(self.dialer.revision.as_str());
        let sockets = Sockets::new(revision, config);
        let (commands, inbox) = mpsc::unbounded_channel();
        let server = self.dialer.server.clone();
        let driver = Driver::new(self.dialer, sockets, inbox);
        let link = Link {
            server,
            commands,
            transport: driver.transport(),
        };
        tokio::spawn(driver.run());
        join(link, self.namespace, self.auth).await
    }
}

impl IntoFuture for Connect {
    type Output = Result<Client, Refusal>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A client that is about to join one more namespace. Awaiting it asks for it.
#[derive(Debug)]
#[must_use = "a namespace is joined when this is awaited"]
pub struct Join {
    link: Link,
    namespace: String,
    auth: Option<Map<String, Value>>,
}

impl Join {
    pub(super) fn new(link: Link, namespace: &str) -> Self {
        Self {
            link,
            namespace: with_slash(namespace).into_owned(),
            auth: None,
        }
    }

    /// As [`Connect::auth`].
    ///
    /// # Panics
    /// If the credentials are no JSON object.
    #[track_caller]
    pub fn auth(mut self, auth: impl Serialize) -> Self {
        self.auth = Some(object(auth));
        self
    }
}

impl IntoFuture for Join {
    type Output = Result<Client, Refusal>;
    type IntoFuture = BoxFuture<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(join(self.link, self.namespace, self.auth))
    }
}

async fn join(
    link: Link,
    name: String,
    auth: Option<Map<String, Value>>,
) -> Result<Client, Refusal> {
    let (answer, joined) = oneshot::channel();
    link.command(Command::Join(Request { name, auth, answer }));
    match timeout(PATIENCE, joined).await {
        Ok(Ok(joined)) => joined.map(|joined| Client::new(link, joined)),
        Ok(Err(_)) => Err(Refusal::Link("link is closed")),
        Err(_) => Err(Refusal::Unanswered),
    }
}

#[track_caller]
fn object(auth: impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(auth) {
        Ok(Value::Object(object)) => object,
        other => panic!("credentials are a JSON object, not {other:?}"),
    }
}

/// Why a client has not joined.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The namespace's connect handler has refused, or there is no such namespace.
    #[error("refused: {message}")]
    Namespace {
        /// What the client is told.
        message: String,
        /// The details, if there are any.
        data: Option<Value>,
    },
    /// The first request got another answer than a session: of a layer in front of the server, or
    /// of the server itself.
    #[error("refused with {status}: {body}")]
    Http {
        /// The answer's status.
        status: StatusCode,
        /// The answer's body.
        body: String,
    },
    /// The link came to its end before the server had answered; in the words of JavaScript's
    /// client.
    #[error("{0}")]
    Link(&'static str),
    /// The server has not answered within 120 s: its connect handler does not decide.
    #[error("the server has not answered in time")]
    Unanswered,
    /// The namespace cannot be asked for.
    #[error(transparent)]
    Impossible(JoinError),
}

impl Refusal {
    /// The message of the connect handler's [`ConnectError`](crate::ConnectError), or what else
    /// there is to be said.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Namespace { message, .. } => message.clone(),
            other => other.to_string(),
        }
    }

    /// The data of the connect handler's [`ConnectError`](crate::ConnectError), if it has any.
    #[must_use]
    pub const fn data(&self) -> Option<&Value> {
        match self {
            Self::Namespace { data, .. } => data.as_ref(),
            _ => None,
        }
    }
}

/// What the requests of a link have in common, and how they reach the server.
#[derive(Debug, Clone)]
pub(super) struct Dialer {
    server: Server,
    headers: HeaderMap,
    query: String,
    extensions: http::Extensions,
    buffer: usize,
    pub(super) revision: eio::Revision,
    pub(super) config: Arc<eio::client::Config>,
}

impl Dialer {
    /// Sends a request of polling.
    pub(super) fn request(
        &self,
        method: http::Method,
        query: &str,
        content: Option<eio::Content>,
        body: Vec<u8>,
    ) -> impl Future<Output = hyper::Result<Exchange>> + Send + use<> {
        let mut request = self.head(method, query, body.into());
        if let Some(content) = content {
            let content = HeaderValue::from_static(content.as_str());
            request.headers_mut().insert(CONTENT_TYPE, content);
        }
        exchange(self.dial(), request)
    }

    /// Asks for a websocket.
    pub(super) fn upgrade(
        &self,
        query: &str,
    ) -> impl Future<Output = hyper::Result<Exchange>> + Send + use<> {
        let mut request = self.head(http::Method::GET, query, Bytes::new());
        for (name, value) in [
            (CONNECTION, "upgrade"),
            (UPGRADE, "websocket"),
            (SEC_WEBSOCKET_VERSION, "13"),
            (SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ] {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        exchange(self.dial(), request)
    }

    fn dial(&self) -> tokio::io::DuplexStream {
        self.server.dial(self.extensions.clone(), self.buffer)
    }

    fn head(&self, method: http::Method, query: &str, body: Bytes) -> http::Request<Full<Bytes>> {
        let path = self.server.io().engine().path();
        let mut request = http::Request::new(Full::new(body));
        *request.method_mut() = method;
        match format!("{path}/?{query}{}", self.query).parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(error) => panic!("the server's path {path:?} is not part of a URL: {error}"),
        }
        *request.headers_mut() = self.headers.clone();
        request
    }
}
