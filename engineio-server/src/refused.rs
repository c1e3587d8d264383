//! Requests that were refused: told to the application, and logged so that a log stays readable
//! when somebody asks a thousand times a second.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use http::header::{HeaderValue, ORIGIN};
use http::request::Parts;
use parking_lot::Mutex;
use proto::{RequestError, Tick};

use crate::metrics;

/// How long a kind of refusal is not logged again as a warning.
const QUIET: Tick = 60_000;

/// Characters of what a client has sent that are repeated to whoever reads of it.
const QUOTED: usize = 64;

/// A request that was refused, as [`Acceptor::refused`](crate::Acceptor::refused) hears of it; what
/// the reference's `connection_error` event carries.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedRequest<'a> {
    /// Which of the reasons there are.
    pub reason: RefusalReason,
    /// The code in the answer, 0 to 5 (protocol.md §7); `None` if the answer is a bare status, as
    /// with [`RefusalReason::ShuttingDown`].
    pub code: Option<u8>,
    /// The words in the answer, such as `Transport unknown`.
    pub message: Cow<'a, str>,
    /// The same for the one who runs the server: what the client has done, and what helps. What the
    /// client has sent is quoted in part, ids of sessions are not.
    pub context: String,
    /// The request, without its body. Its query may hold the id of a session, which is a secret.
    pub request: &'a Parts,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// No transport, one that does not exist, or one that is switched off. Code 0.
    UnknownTransport,
    /// No session has this id: it has ended, or lives in another process. Code 1.
    UnknownSession,
    /// A handshake by another method than GET. Code 2.
    BadMethod,
    /// The request contradicts itself, or is no proper WebSocket handshake. Code 3.
    BadHandshake,
    /// The request does not fit its session: another transport, another revision. Code 3.
    SessionMismatch,
    /// The application refused. Code 4.
    Forbidden,
    /// A page of an origin that [`Cors::refuse_others`](crate::Cors::refuse_others) does not let in.
    /// Code 4.
    ForeignOrigin,
    /// A revision of the protocol that is switched off. Code 5.
    UnsupportedVersion,
    /// A client of Socket.IO 0.9. Code 5.
    Obsolete,
    /// The server opens no sessions any more. Status 503.
    ShuttingDown,
    /// Too much waits for clients that do not take it: [`ServerLimits`](crate::ServerLimits).
    /// Status 503.
    Overloaded,
    /// The body is larger than [`max_payload`](crate::ProtocolConfig::max_payload). Status 413.
    TooLarge,
    /// The body took longer than a heartbeat. Status 408.
    TooSlow,
}

impl RefusalReason {
    fn of(error: &RequestError, request: &Parts) -> Self {
        match error {
            RequestError::UnknownTransport => Self::UnknownTransport,
            RequestError::UnknownSid => Self::UnknownSession,
            RequestError::BadHandshakeMethod => Self::BadMethod,
            RequestError::Forbidden(_) => Self::Forbidden,
            RequestError::UnsupportedVersion => Self::UnsupportedVersion,
            RequestError::Obsolete => Self::Obsolete,
            _ if parameter(request, "sid").is_some() => Self::SessionMismatch,
            _ => Self::BadHandshake,
        }
    }

    /// A word for figures and logs, such as `unknown_session`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownTransport => "unknown_transport",
            Self::UnknownSession => "unknown_session",
            Self::BadMethod => "bad_method",
            Self::BadHandshake => "bad_handshake",
            Self::SessionMismatch => "session_mismatch",
            Self::Forbidden => "forbidden",
            Self::ForeignOrigin => "foreign_origin",
            Self::UnsupportedVersion => "unsupported_version",
            Self::Obsolete => "obsolete",
            Self::ShuttingDown => "shutting_down",
            Self::Overloaded => "overloaded",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
        }
    }

    /// What has happened, and what helps.
    const fn explanation(self) -> &'static str {
        match self {
            Self::UnknownTransport => "there is no such transport, or it is switched off",
            Self::UnknownSession => {
                "no session has this id: it has ended, or lives in another process; several \
                 processes behind one address need sticky sessions, or clients that use websocket \
                 alone"
            }
            Self::BadMethod => "a session is opened by GET",
            Self::BadHandshake => {
                "transport and headers contradict each other, or this is no proper WebSocket \
                 handshake; a proxy in between may not forward the headers Upgrade and Connection"
            }
            Self::SessionMismatch => {
                "the session lives on another transport, or speaks another revision"
            }
            Self::Forbidden => "the application refused",
            Self::ForeignOrigin => {
                "a page of another origin asked, which `cors` has to list, letter by letter"
            }
            Self::UnsupportedVersion => {
                "the client speaks a revision of the protocol that is switched off: Engine.IO 3, \
                 which is Socket.IO 1 and 2, needs `allow_eio3`"
            }
            Self::Obsolete => "the client is of Socket.IO 0.9 and has to be updated",
            Self::ShuttingDown => "the server is shutting down",
            Self::Overloaded => {
                "too much waits for clients that do not take it at once; see `ServerLimits`"
            }
            Self::TooLarge => "the body is larger than `max_payload`",
            Self::TooSlow => "the body took longer than a heartbeat",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

impl<'a> RefusedRequest<'a> {
    pub(crate) fn new(error: &RequestError, request: &'a Parts) -> Self {
        Self::because(RefusalReason::of(error, request), error, request)
    }

    fn because(reason: RefusalReason, error: &RequestError, request: &'a Parts) -> Self {
        let message = error.to_string();
        Self {
            context: context(reason, request, &message),
            code: Some(error.code()),
            message: message.into(),
            reason,
            request,
        }
    }

    /// A request of a page that is not to be served, answered with this error.
    pub(crate) fn foreign(error: &RequestError, request: &'a Parts) -> Self {
        Self::because(RefusalReason::ForeignOrigin, error, request)
    }

    /// A request for a session when none is opened.
    pub(crate) fn unavailable(reason: RefusalReason, request: &'a Parts) -> Self {
        Self {
            context: reason.explanation().to_owned(),
            code: None,
            message: "".into(),
            reason,
            request,
        }
    }
}

/// The explanation, with what the client has sent where that says more.
fn context(reason: RefusalReason, request: &Parts, message: &str) -> String {
    let sent = match reason {
        RefusalReason::UnknownTransport => Some(asked(request, "transport")),
        RefusalReason::UnsupportedVersion => Some(asked(request, "EIO")),
        RefusalReason::BadMethod => Some(request.method.to_string()),
        RefusalReason::Forbidden => Some(quote(message)),
        RefusalReason::ForeignOrigin => {
            let origin = request.headers.get(ORIGIN).map(HeaderValue::as_bytes);
            Some(quote(&String::from_utf8_lossy(origin.unwrap_or_default())))
        }
        _ => None,
    };
    match sent {
        Some(sent) => format!("{reason} ({sent})"),
        None => reason.to_string(),
    }
}

/// `transport="flash"`, or that there is none.
fn asked(request: &Parts, key: &str) -> String {
    match parameter(request, key) {
        Some(value) => format!("{key}={}", quote(value)),
        None => format!("no {key}"),
    }
}

/// As it stands in the query, the last one if there are several.
fn parameter<'a>(request: &'a Parts, key: &str) -> Option<&'a str> {
    let pairs = request.uri.query()?.split('&');
    let mut values = pairs.filter_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
    values.next_back().filter(|value| !value.is_empty())
}

/// In quotes and escaped: whoever reads logs is not to be deceived.
fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// Writes the log: each kind once a minute as a warning, with how often it has happened in between,
/// and everything else for those who want to see it all.
#[derive(Default)]
pub(crate) struct RefusalLog(Mutex<HashMap<RefusalReason, Seen>>);

#[derive(Default)]
struct Seen {
    warned: Option<Tick>,
    /// Refusals that have not been warned of since.
    since: u64,
}

impl RefusalLog {
    pub(crate) fn write(&self, reason: RefusalReason, code: Option<u8>, context: &str, now: Tick) {
        metrics::refused(reason);
        let reason_name = reason.as_str();
        match self.is_due(reason, now) {
            Some(repeated) => tracing::warn!(
                target: "engineio",
                code,
                reason = reason_name,
                repeated,
                "request refused: {context}"
            ),
            None => tracing::debug!(
                target: "engineio",
                code,
                reason = reason_name,
                "request refused: {context}"
            ),
        }
    }

    /// How many there were since the last warning, if it is time for another one.
    fn is_due(&self, reason: RefusalReason, now: Tick) -> Option<u64> {
        let mut all = self.0.lock();
        let seen = all.entry(reason).or_default();
        if seen
            .warned
            .is_some_and(|then| now < then.saturating_add(QUIET))
        {
            seen.since += 1;
            return None;
        }
        seen.warned = Some(now);
        Some(std::mem::take(&mut seen.since))
    }
}
