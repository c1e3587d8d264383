//! What an HTTP request wants from an Engine.IO server, and how it is refused (protocol.md §1.2,
//! §7). Knows no HTTP library: method, query and headers come as text.

use std::borrow::Cow;

use thiserror::Error;

use crate::format::Format;
use crate::packet::{Sid, Transport};
use crate::revision::Revision;
use crate::server::{Config, Response};

/// What is read off a request's head.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "built by drivers")]
pub struct Head<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// What the path has behind the one the server is mounted at, without a slash in front.
    pub subpath: &'a str,
    /// The query string without its question mark; empty if there is none.
    pub query: &'a str,
    /// The value of the `Origin` header, if there is one.
    pub origin: Option<&'a [u8]>,
    /// Whether the request asks to become a websocket.
    pub upgrade: bool,
}

/// What a request wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// A new session on this transport.
    Open {
        /// The transport of the handshake.
        transport: Transport,
        /// What the client speaks; `None` is a revision that is switched off, to be refused with
        /// [`RequestError::UnsupportedVersion`] after all other checks.
        format: Option<Format>,
    },
    /// Something for a session that should exist.
    Session(SessionRequest),
}

/// A request with a session id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionRequest {
    /// The id; `None` if what was sent cannot be one, so that it is unknown for certain.
    pub sid: Option<Sid>,
    /// What the client speaks on the transport this request opens, if it opens one.
    pub format: Format,
    transport: Transport,
    action: Action,
}

/// What a request does to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Fetches messages.
    Get,
    /// Brings messages.
    Post,
    /// Offers a websocket.
    Websocket,
    /// Another method: answered with 500 and no effect, as the reference does.
    Nothing,
}

/// Why a request is refused. Goes to the client as code and message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No or another `transport`, or one that is switched off. Code 0.
    #[error("Transport unknown")]
    UnknownTransport,
    /// No session of that id. Code 1.
    #[error("Session ID unknown")]
    UnknownSid,
    /// A session can only be opened by GET. Code 2.
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    /// The request contradicts itself or its session. Code 3.
    #[error("Bad request")]
    BadRequest,
    /// The application refused, in its own words. Code 4.
    #[error("{0}")]
    Forbidden(Cow<'static, str>),
    /// A revision that is switched off. Code 5.
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
    /// A client of Socket.IO 0.9, whose protocol was another one altogether. Code 5.
    #[error(
        "Unsupported protocol version: Socket.IO 0.9 is not spoken here, the client must be 1.0 \
         or newer"
    )]
    Obsolete,
}

impl Request {
    /// Reads a request's head, in the reference's order of checks.
    ///
    /// # Errors
    /// What makes the request useless whatever sessions exist.
    pub fn read(head: &Head<'_>, config: &Config) -> Result<Self, RequestError> {
        if is_obsolete(head.subpath) {
            return Err(RequestError::Obsolete);
        }
        let query = Query::parse(head.query);
        let transport = query
            .transport
            .as_deref()
            .and_then(Transport::from_name)
            .filter(|&transport| config.allows(transport))
            .ok_or(RequestError::UnknownTransport)?;
        if head.origin.is_some_and(|origin| !is_clean(origin)) {
            return Err(RequestError::BadRequest);
        }
        let revision = Revision::from_query(query.eio.as_deref());
        let format = Format::from_query(revision, query.b64.as_deref(), query.j.as_deref());
        if let Some(sid) = query.sid.filter(|sid| !sid.is_empty()) {
            let action = match head.method {
                _ if head.upgrade => Action::Websocket,
                "GET" => Action::Get,
                "POST" => Action::Post,
                _ => Action::Nothing,
            };
            return Ok(Self::Session(SessionRequest {
                sid: Sid::parse(&sid),
                format,
                transport,
                action,
            }));
        }
        if head.method != "GET" {
            return Err(RequestError::BadHandshakeMethod);
        }
        if head.upgrade != (transport == Transport::Websocket) {
            return Err(RequestError::BadRequest);
        }
        Ok(Self::Open {
            transport,
            format: config.allows_revision(revision).then_some(format),
        })
    }

    /// The session that this request is for; `None` if it opens one, or if there cannot be one.
    #[must_use]
    pub const fn sid(&self) -> Option<Sid> {
        match self {
            Self::Open { .. } => None,
            Self::Session(request) => request.sid,
        }
    }

    /// What the client speaks on the transport that this request opens, if it opens one.
    ///
    /// # Errors
    /// [`RequestError::UnsupportedVersion`] for a revision that is switched off.
    pub fn format(&self) -> Result<Format, RequestError> {
        match self {
            Self::Open { format, .. } => format.ok_or(RequestError::UnsupportedVersion),
            Self::Session(request) => Ok(request.format),
        }
    }
}

impl SessionRequest {
    /// Holds the request against its session, given as revision and current transport.
    ///
    /// # Errors
    /// [`RequestError::UnknownSid`] without a session, [`RequestError::BadRequest`] when the
    /// request speaks another revision or uses a transport that does not fit.
    pub fn admit(&self, session: Option<(Revision, Transport)>) -> Result<Action, RequestError> {
        let (revision, current) = session.ok_or(RequestError::UnknownSid)?;
        let fits = match self.action {
            // Whether the session can move now is for the session to say, on the open websocket.
            Action::Websocket => self.transport == Transport::Websocket,
            _ => self.transport == current && current == Transport::Polling,
        };
        if self.format.revision == revision && fits {
            Ok(self.action)
        } else {
            Err(RequestError::BadRequest)
        }
    }
}

impl RequestError {
    /// The code in the response body (protocol.md §7).
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::UnknownTransport => 0,
            Self::UnknownSid => 1,
            Self::BadHandshakeMethod => 2,
            Self::BadRequest => 3,
            Self::Forbidden(_) => 4,
            Self::UnsupportedVersion | Self::Obsolete => 5,
        }
    }

    /// The answer to a plain request: 400, or 403 for [`Forbidden`](Self::Forbidden), with code
    /// and message as JSON.
    #[must_use]
    pub fn response(&self) -> Response {
        let status = match self {
            Self::Forbidden(_) => 403,
            _ => 400,
        };
        let message = serde_json::Value::from(self.to_string());
        let body = format!(r#"{{"code":{},"message":{message}}}"#, self.code());
        Response::new(status, &[("content-type", "application/json")], body)
    }

    /// The answer to a request for a websocket: 400 in every case, with the message as its body.
    #[must_use]
    pub fn upgrade_response(&self) -> Response {
        const HEADERS: &[(&str, &str)] = &[("connection", "close"), ("content-type", "text/html")];
        Response::new(400, HEADERS, self.to_string())
    }
}

/// The answer to a plain request.
impl From<RequestError> for Response {
    fn from(error: RequestError) -> Self {
        error.response()
    }
}

/// The parameters this layer knows; of duplicate keys the last one counts.
#[derive(Default)]
struct Query<'a> {
    eio: Option<Cow<'a, str>>,
    transport: Option<Cow<'a, str>>,
    sid: Option<Cow<'a, str>>,
    b64: Option<Cow<'a, str>>,
    j: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    fn parse(query: &'a str) -> Self {
        let mut parsed = Self::default();
        if query.contains(['%', '+']) {
            for (key, value) in form_urlencoded::parse(query.as_bytes()) {
                parsed.set(&key, value);
            }
        } else {
            // Clients escape none of what is looked for here, and polling asks with every message.
            for pair in query.split('&') {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                parsed.set(key, Cow::Borrowed(value));
            }
        }
        parsed
    }

    fn set(&mut self, key: &str, value: Cow<'a, str>) {
        match key {
            "EIO" => self.eio = Some(value),
            "transport" => self.transport = Some(value),
            "sid" => self.sid = Some(value),
            "b64" => self.b64 = Some(value),
            "j" => self.j = Some(value),
            _ => {}
        }
    }
}

/// Clients of Socket.IO 0.9 put the revision into the path: `/socket.io/1/…`.
fn is_obsolete(subpath: &str) -> bool {
    subpath == "1" || subpath.starts_with("1/")
}

/// No control characters besides the tab, as the reference checks header values.
fn is_clean(header: &[u8]) -> bool {
    header
        .iter()
        .all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}
