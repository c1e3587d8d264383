//! What an application has to say to the requests of its clients, before there are any sockets.

use std::future::Future;

use engine::{Refusal, Sid};
use http::request::Parts;
use http::{Extensions, HeaderMap};

use crate::handler::BoxFuture;
use crate::handshake::{Extension, Found};

type Allow = Box<dyn Fn(Parts) -> BoxFuture<Result<Extensions, Refusal>> + Send + Sync>;
type HeadersHook = Box<dyn Fn(&Parts, &mut HeaderMap) + Send + Sync>;
type SidHook = Box<dyn Fn(&Parts) -> Result<Sid, Refusal> + Send + Sync>;

/// The hooks of a server.
#[derive(Default)]
pub(crate) struct HttpHooks {
    allow: Vec<Allow>,
    pub(crate) headers: Option<HeadersHook>,
    pub(crate) initial_headers: Option<HeadersHook>,
    pub(crate) sid: Option<SidHook>,
}

impl HttpHooks {
    /// Adds somebody who is asked about every client, behind those that are there.
    pub(crate) fn ask<F, R>(&mut self, hook: F)
    where
        F: Fn(Parts) -> R + Send + Sync + 'static,
        R: Future<Output: AllowReply> + Send + 'static,
    {
        self.allow.push(Box::new(move |request| {
            let decision = hook(request);
            Box::pin(async move { decision.await.admit() })
        }));
    }

    /// Adds somebody who knows something of a client at once.
    #[cfg(feature = "tower-sessions")]
    pub(crate) fn find(
        &mut self,
        hook: impl Fn(&Parts) -> Result<Extensions, Refusal> + Send + Sync + 'static,
    ) {
        let found = move |request: Parts| std::future::ready(hook(&request));
        self.allow
            .push(Box::new(move |request| Box::pin(found(request))));
    }

    /// Asks them all.
    pub(crate) async fn allow(&self, request: &mut Parts) -> Result<(), Refusal> {
        for hook in &self.allow {
            let found = hook(request.clone()).await?;
            let all: &mut Found = request.extensions.get_or_insert_default();
            all.0.extend(found);
        }
        Ok(())
    }

    pub(crate) fn sid(&self, request: &Parts) -> Result<Option<Sid>, Refusal> {
        self.sid.as_ref().map(|hook| hook(request)).transpose()
    }

    pub(crate) fn headers(&self, request: &Parts, opens: bool, headers: &mut HeaderMap) {
        let first = self.initial_headers.as_ref().filter(|_| opens);
        for hook in first.into_iter().chain(&self.headers) {
            hook(request, headers);
        }
    }
}

/// What a hook of [`Builder::allow_request`](crate::Builder::allow_request) can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` says nothing about a request",
    note = "return `()`, `bool`, `Extension<T>`, or a `Result` of these"
)]
pub trait AllowReply {
    /// Whether the client may connect, and what is kept of it.
    ///
    /// # Errors
    /// The client is refused with it.
    fn admit(self) -> Result<Extensions, Refusal>;
}

/// Everybody may.
impl AllowReply for () {
    fn admit(self) -> Result<Extensions, Refusal> {
        Ok(Extensions::new())
    }
}

/// `false` refuses with `Forbidden`.
impl AllowReply for bool {
    fn admit(self) -> Result<Extensions, Refusal> {
        match self {
            true => Ok(Extensions::new()),
            false => Err(Refusal::default()),
        }
    }
}

/// The client may connect, and its handlers find this as [`Extension`].
impl<T: Clone + Send + Sync + 'static> AllowReply for Extension<T> {
    fn admit(self) -> Result<Extensions, Refusal> {
        let mut found = Extensions::new();
        found.insert(self.0);
        Ok(found)
    }
}

/// An error refuses, with these words for the client.
impl<T: AllowReply, E: Into<Refusal>> AllowReply for Result<T, E> {
    fn admit(self) -> Result<Extensions, Refusal> {
        self.map_err(Into::into)?.admit()
    }
}
