//! Why there is no session, or no longer one.

use std::io;
use std::sync::Arc;

use engineio_proto::{Transport, ws};
use serde_json::Value;
use thiserror::Error;

/// What went wrong, and on which transport. Cheap to clone: many may want to know.
#[derive(Debug, Clone, Error)]
#[error("{}{kind}", .transport.map(|it| format!("{}: ", it.as_str())).unwrap_or_default())]
pub struct Error {
    transport: Option<Transport>,
    #[source]
    kind: Arc<ErrorKind>,
}

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The transport it happened on, if it was on one.
    #[must_use]
    pub fn transport(&self) -> Option<Transport> {
        self.transport
    }

    /// The server's own words: the JSON body of an answer that refused the client, as in
    /// `{"code":1,"message":"Session ID unknown"}`.
    #[must_use]
    pub fn body(&self) -> Option<&Value> {
        match &*self.kind {
            ErrorKind::Status { body, .. } => body.as_ref(),
            _ => None,
        }
    }

    pub(crate) fn on(transport: Transport, kind: ErrorKind) -> Self {
        Self {
            transport: Some(transport),
            kind: Arc::new(kind),
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self {
            transport: None,
            kind: Arc::new(kind),
        }
    }
}

/// What can go wrong. Everything but [`Config`](Self::Config) may go better at the next attempt.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration names nothing that could be connected to. The caller's fault.
    #[error("{0}")]
    Config(&'static str),
    /// There is no byte stream to the server: name, network, proxy or TLS.
    #[error("cannot connect: {0}")]
    Dial(#[source] io::Error),
    /// A byte stream broke.
    #[error("connection broke: {0}")]
    Io(#[source] io::Error),
    /// The server closed a byte stream while an answer or the handshake was awaited.
    #[error("server closed the connection")]
    Ended,
    /// The server refused.
    #[error("server answered {status}{}", message(.body.as_ref()))]
    Status {
        /// The status of HTTP.
        status: u16,
        /// The body of the answer, if it is JSON.
        body: Option<Value>,
    },
    /// What the server sent is not HTTP as it should be.
    #[error("malformed answer: {0}")]
    Http(&'static str),
    /// A redirect that is not followed: too many, without a usable target, or from TLS to a
    /// connection without.
    #[error("redirect not followed: {0}")]
    Redirect(&'static str),
    /// The answer to a websocket's handshake is not what RFC 6455 demands.
    #[error("malformed websocket handshake: {0}")]
    Handshake(&'static str),
    /// What the server sent on a websocket is not what RFC 6455 allows, or too long.
    #[error(transparent)]
    Frame(#[from] ws::Error),
    /// The server closed the websocket, and said why.
    #[error("server closed the websocket{}", words(*.code, .reason))]
    Closed {
        /// The status code of WebSocket, as in 1009 for a message that was too long.
        code: Option<u16>,
        /// The server's words, often none.
        reason: String,
    },
    /// A response is larger than [`max_payload`](super::Config::max_payload).
    #[error("response exceeds the limit of {limit} bytes")]
    TooBig {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Something took longer than the configuration allows.
    #[error("timeout")]
    Timeout,
    /// What the server sent is no Engine.IO.
    #[error("{0}")]
    Protocol(&'static str),
}

/// The server's message, to be read behind the status.
fn message(body: Option<&Value>) -> String {
    let message = body.and_then(|body| body["message"].as_str().or_else(|| body.as_str()));
    message.map(|it| format!(": {it}")).unwrap_or_default()
}

fn words(code: Option<u16>, reason: &str) -> String {
    let code = code
        .map(|it| format!(" with code {it}"))
        .unwrap_or_default();
    match reason {
        "" => code,
        _ => format!("{code}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_cheap_to_pass_on() {
        assert!(size_of::<Error>() <= 16);
    }

    #[test]
    fn errors_say_where_and_what() {
        let status = |body| ErrorKind::Status { status: 400, body };
        let closed = |code, reason: &str| ErrorKind::Closed {
            code,
            reason: reason.into(),
        };
        for (kind, expected) in [
            (status(None), "server answered 400"),
            (status(Some(json!({}))), "server answered 400"),
            (
                status(Some(json!({"message": "no"}))),
                "server answered 400: no",
            ),
            (status(Some(json!("no"))), "server answered 400: no"),
            (closed(None, ""), "server closed the websocket"),
            (
                closed(Some(1009), ""),
                "server closed the websocket with code 1009",
            ),
            (
                closed(Some(4000), "bye"),
                "server closed the websocket with code 4000: bye",
            ),
        ] {
            let error = Error::on(Transport::Websocket, kind);
            assert_eq!(error.to_string(), format!("websocket: {expected}"));
        }
        assert_eq!(Error::from(ErrorKind::Timeout).to_string(), "timeout");
    }

    #[test]
    fn the_servers_words_are_at_hand() {
        let body = json!({"code": 1, "message": "Session ID unknown"});
        let kind = ErrorKind::Status {
            status: 400,
            body: Some(body.clone()),
        };
        assert_eq!(Error::from(kind).body(), Some(&body));
        assert_eq!(Error::from(ErrorKind::Ended).body(), None);
    }
}
