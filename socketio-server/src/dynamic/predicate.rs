//! Predicates: who decides by program which namespaces a client may bring into being.

use std::fmt;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;

use crate::handler::BoxFuture;
use crate::handshake::Handshake;

/// A client wants to join a namespace that is not there: what a predicate of
/// [`Io::dynamic_if`](crate::Io::dynamic_if) decides by.
#[derive(Clone)]
pub struct NamespaceRequest(Arc<Request>);

struct Request {
    name: Box<str>,
    /// A JSON object.
    auth: Option<Box<str>>,
    handshake: Arc<Handshake>,
}

impl NamespaceRequest {
    pub(crate) fn new(name: &str, auth: Option<&str>, handshake: &Arc<Handshake>) -> Self {
        Self(Arc::new(Request {
            name: name.into(),
            auth: auth.map(Into::into),
            handshake: Arc::clone(handshake),
        }))
    }

    /// The name of the namespace, with its slash.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The client's credentials; `{}` if it sent none.
    ///
    /// # Errors
    /// If they do not fit the type.
    pub fn auth<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.auth.as_deref().unwrap_or("{}"))
    }

    /// What the first request of the client's link looked like.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.0.handshake
    }
}

/// Credentials are left out.
impl fmt::Debug for NamespaceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamespaceRequest")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

/// A function that decides whether a client may join a namespace that is not there: of a
/// [`NamespaceRequest`], and to `bool`, async or not.
///
/// `M` only tells the two apart and is never written.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no predicate of namespaces",
    note = "a predicate is a function of a `NamespaceRequest` that returns `bool`, async or not"
)]
pub trait NamespacePredicate<M>: Send + Sync + 'static {
    /// Decides.
    fn allows(&self, request: NamespaceRequest) -> impl Future<Output = bool> + Send + 'static;
}

impl<F> NamespacePredicate<bool> for F
where
    F: Fn(NamespaceRequest) -> bool + Send + Sync + 'static,
{
    fn allows(&self, request: NamespaceRequest) -> impl Future<Output = bool> + Send + 'static {
        ready(self(request))
    }
}

impl<F, R> NamespacePredicate<fn() -> R> for F
where
    F: Fn(NamespaceRequest) -> R + Send + Sync + 'static,
    R: Future<Output = bool> + Send + 'static,
{
    fn allows(&self, request: NamespaceRequest) -> impl Future<Output = bool> + Send + 'static {
        self(request)
    }
}

/// Asks a predicate. One that panics does not allow.
pub(super) fn ask<M>(
    predicate: &impl NamespacePredicate<M>,
    request: NamespaceRequest,
) -> BoxFuture<bool> {
    match catch_unwind(AssertUnwindSafe(|| predicate.allows(request))) {
        Ok(allowed) => {
            let caught = AssertUnwindSafe(allowed).catch_unwind();
            Box::pin(caught.map(|allowed| allowed.unwrap_or_else(|_| panicked())))
        }
        Err(_) => Box::pin(ready(panicked())),
    }
}

fn panicked() -> bool {
    tracing::error!(target: "socketio", "the predicate of a dynamic namespace panicked");
    false
}
