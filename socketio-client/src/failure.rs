//! How handlers fail, and how it is told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;

use crate::proto::{ArgsError, BoxError};

/// How a handler ended.
pub(crate) type Handled = Result<(), HandlerErrorKind>;

/// Why a handler was not run: something it asks for could not be taken from the event.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The arguments do not fit the handler's types.
    #[error("arguments do not fit: {0}")]
    Args(#[source] ArgsError),
    /// The handler asks for something that this kind of event does not have.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// An extractor of the application's own has refused.
    #[error(transparent)]
    Other(BoxError),
}

/// What the error hook gets: which handler failed, and how.
#[derive(Debug, Error)]
#[error("handler of {event:?} in {nsp} failed: {kind}")]
#[non_exhaustive]
pub struct HandlerError {
    /// The namespace.
    pub nsp: String,
    /// The event; `connect`, `connect_error` and `disconnect` for the handlers of these occasions.
    pub event: String,
    /// What happened.
    #[source]
    pub kind: HandlerErrorKind,
}

/// How a handler failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HandlerErrorKind {
    /// It was not run: what it asks for was not there.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// It returned an error, or its answer could not be encoded.
    #[error(transparent)]
    Failed(BoxError),
    /// It panicked, with this message.
    #[error("panicked: {0}")]
    Panicked(String),
}

impl HandlerErrorKind {
    /// Whether it is the server's fault: its arguments are no JSON.
    pub(crate) const fn is_malformed(&self) -> bool {
        matches!(self, Self::Rejected(Rejection::Args(ArgsError::Malformed)))
    }
}

/// Who is told of failures.
pub(crate) type ErrorHook = dyn Fn(&HandlerError) + Send + Sync;

/// Hands a failed handler to the hook. Callers must go on whatever happens in there.
pub(crate) fn report(hook: &ErrorHook, nsp: &str, event: &str, kind: HandlerErrorKind) {
    let error = HandlerError {
        nsp: nsp.to_owned(),
        event: event.to_owned(),
        kind,
    };
    contain("error", || hook(&error));
}

/// Runs a hook, and logs if it panics.
pub(crate) fn contain(name: &str, hook: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(hook)) {
        let error = panicked(payload);
        tracing::error!(target: "socketio", %error, "the {name} hook failed");
    }
}

/// The hook of those who have none of their own.
pub(crate) fn log(error: &HandlerError) {
    tracing::error!(target: "socketio", %error);
}

/// What somebody who panicked has left behind.
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> HandlerErrorKind {
    let message = match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "(no message)".to_owned(), |&message| message.to_owned()),
    };
    HandlerErrorKind::Panicked(message)
}
