//! An application's server over memory: where clients connect and requests are answered.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tower_service::Service;

use super::connect::Connect;
use super::http::exchange;
use crate::io::Io;
use crate::proto::BoxError;

/// Bytes a connection holds in each direction before its writer has to wait, unless a client wants
/// something else.
pub(super) const BUFFER: usize = 64 * 1024;

/// How long a test waits for what must come, by the runtime's clock: where that is paused, what never
/// comes would be waited for without end.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// A server that is reached over memory: HTTP, websocket and everything above are those of the
/// crate, and no socket or port is taken.
///
/// Cheap to clone; all clones are the same server.
#[derive(Clone)]
pub struct Server {
    io: Io,
    respond: Arc<Respond>,
}

type Respond = dyn Fn(http::Request<Incoming>) -> Responding + Send + Sync;

type Responding = Pin<Box<dyn Future<Output = io::Result<http::Response<ResponseBody>>> + Send>>;

type ResponseBody = UnsyncBoxBody<Bytes, io::Error>;

impl Server {
    /// Serves what [`Io::serve`] serves: the server's path, the client bundle, static files.
    #[must_use]
    pub fn new(io: &Io) -> Self {
        let server = io.clone();
        let respond = move |request| -> Responding {
            let server = server.clone();
            Box::pin(async move {
                let response = server.handle(request).await;
                Ok(response.map(boxed))
            })
        };
        Self {
            io: io.clone(),
            respond: Arc::new(respond),
        }
    }

    /// Serves the application's own HTTP service, which has [`Io::layer`] somewhere in it: an axum
    /// `Router`, or anything else that speaks tower. What its layers do to a request, clients and
    /// their handlers get to see.
    ///
    /// ```
    /// use socketio_server::{Io, test::Server};
    ///
    /// let io = Io::builder().build();
    /// // In axum: let app = Router::new().route("/login", post(login)).layer(io.layer());
    /// let app = io.layer().alone();
    /// let server = Server::with_service(&io, app);
    /// ```
    #[must_use]
    pub fn with_service<S, B>(io: &Io, service: S) -> Self
    where
        S: Service<http::Request<Incoming>, Response = http::Response<B>>,
        S: Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<BoxError>,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        // Services need not be `Sync`.
        let service = Mutex::new(service);
        let respond = move |request| -> Responding {
            let mut service = service.lock().clone();
            Box::pin(async move {
                let ready = poll_fn(|cx| service.poll_ready(cx)).await;
                ready.map_err(io::Error::other)?;
                let response = service.call(request).await.map_err(io::Error::other)?;
                Ok(response.map(boxed))
            })
        };
        Self {
            io: io.clone(),
            respond: Arc::new(respond),
        }
    }

    /// Connects a client, which joins the default namespace over websocket unless told otherwise.
    /// Nothing happens until it is awaited.
    pub fn connect(&self) -> Connect {
        Connect::new(self.clone())
    }

    /// Sends an HTTP request beside all clients and waits for the whole answer, as a login form
    /// would. Extensions of the request reach the server; see [`Connect::extension`].
    ///
    /// # Panics
    /// If there is no answer: the application's service has failed, or has not decided within 120 s.
    pub async fn request(&self, request: http::Request<impl Into<Bytes>>) -> http::Response<Bytes> {
        let stream = self.dial(request.extensions().clone(), BUFFER);
        let what = format!("{} {}", request.method(), request.uri());
        let answer = exchange(stream, request.map(|body| Full::new(body.into())));
        match timeout(PATIENCE, answer).await {
            Ok(Ok((response, _))) => response,
            Ok(Err(error)) => panic!("{what} is not answered: {error}"),
            Err(_) => panic!("{what} is not answered within {PATIENCE:?}"),
        }
    }

    /// Lets time pass: heartbeats, timeouts and everything else that is due happen in their turn.
    /// Returns when all of it [has come to rest](Self::settle).
    pub async fn advance(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.settle().await;
    }

    /// Returns when nothing is left to be done until time passes: everything that was sent has
    /// arrived, every handler has finished or waits. Takes a millisecond of the paused clock.
    pub async fn settle(&self) {
        // A paused clock moves only when nothing else can run.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    /// The server below the kit.
    #[must_use]
    pub const fn io(&self) -> &Io {
        &self.io
    }

    /// A connection, whose requests find `extensions` with them.
    pub(super) fn dial(&self, extensions: http::Extensions, buffer: usize) -> DuplexStream {
        let (near, far) = tokio::io::duplex(buffer);
        let respond = self.respond.clone();
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().extend(extensions.clone());
            respond(request)
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(far), service);
        tokio::spawn(async move {
            // A client that breaks off is its test's business.
            let _ = connection.with_upgrades().await;
        });
        near
    }
}

fn boxed<B>(body: B) -> ResponseBody
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(io::Error::other).boxed_unsync()
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("io", &self.io)
            .finish_non_exhaustive()
    }
}
