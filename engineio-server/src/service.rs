//! Mounting into tower: an endpoint as a layer in front of a service, or as a service of its own.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::{Either, Full};
use tower_layer::Layer;
use tower_service::Service;

/// Something that answers the requests of one path: a [`Server`](crate::Server), or what is built
/// on one.
pub trait Endpoint: Clone + Send + Sync + 'static {
    /// Whether a request for this path is the endpoint's.
    fn takes(&self, path: &str) -> bool;

    /// Answers a request.
    fn answer<B>(
        &self,
        request: http::Request<B>,
    ) -> impl Future<Output = http::Response<Full<Bytes>>> + Send
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>;
}

/// A tower layer: puts an endpoint in front of a service, which gets the requests for all other
/// paths.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct Mount<E>(pub E);

impl<E: Endpoint> Mount<E> {
    /// The endpoint as a service of its own, which answers requests for other paths with 404.
    pub fn alone(self) -> Mounted<E, NotFound> {
        self.layer(NotFound)
    }
}

impl<E: Endpoint, S> Layer<S> for Mount<E> {
    type Service = Mounted<E, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Mounted {
            endpoint: self.0.clone(),
            inner,
        }
    }
}

/// A service with an endpoint in front of it.
#[derive(Debug, Clone)]
pub struct Mounted<E, S> {
    endpoint: E,
    inner: S,
}

impl<E, S, B, R> Service<http::Request<B>> for Mounted<E, S>
where
    E: Endpoint,
    S: Service<http::Request<B>, Response = http::Response<R>>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = http::Response<Either<Full<Bytes>, R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        if self.endpoint.takes(request.uri().path()) {
            let endpoint = self.endpoint.clone();
            return Box::pin(async move { Ok(endpoint.answer(request).await.map(Either::Left)) });
        }
        let response = self.inner.call(request);
        Box::pin(async move { Ok(response.await?.map(Either::Right)) })
    }
}

/// A service that answers everything with 404.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NotFound;

impl<B> Service<http::Request<B>> for NotFound {
    type Response = http::Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        let mut response = http::Response::new(Full::default());
        *response.status_mut() = StatusCode::NOT_FOUND;
        ready(Ok(response))
    }
}
