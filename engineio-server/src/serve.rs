//! An accept loop of our own: HTTP/1.1 over TCP or Unix sockets, for programs without a framework.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::impatient::Impatient;
use crate::peer::Peer;

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes a request's head may have.
const MAX_HEAD: usize = 16 * 1024;

/// How long to wait after an error of `accept` that is not about one connection, such as too many
/// open files: the next attempt would fail as well.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// How long requests may go on after the end.
const LAST_REQUESTS: Duration = Duration::from_secs(1);

/// Something connections can be accepted from.
pub trait Listener: Send + 'static {
    /// The connections.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;

    /// Where a connection comes from, for its requests. Default: nobody knows.
    fn peer(connection: &Self::Io) -> Peer {
        let _ = connection;
        Peer::default()
    }
}

/// Connections are set to send small packets without delay.
impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (stream, _) = Self::accept(self).await?;
        // A connection that is gone already shows it on its first read.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    fn peer(connection: &Self::Io) -> Peer {
        connection
            .peer_addr()
            .map_or_else(|_| Peer::default(), Peer::at)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Serves `listener` until `stop` is ready, answering every request by `respond`. Afterwards no
/// connection is accepted, and those that are open end with the request they are answering, within
/// a second. Requests have their [`Peer`] as an extension, if anything is known of it.
///
/// Bounds: the head of a request must arrive within 10 s and have at most 16 KiB. A client that takes
/// nothing of its answer for 30 s loses the connection. Errors of single connections end those; when
/// descriptors run out, accepting pauses for 100 ms.
pub async fn serve<L, F, R>(listener: L, respond: F, stop: impl Future<Output = ()> + Send)
where
    L: Listener,
    F: Fn(http::Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = http::Response<Full<Bytes>>> + Send + 'static,
{
    // Every connection holds a receiver: none is left when all have ended.
    let (stopping, stopped) = watch::channel(());
    // A task, because whoever waits here is mostly the program's main thread: each connection would
    // have to be handed over to the threads that run tasks.
    let mut accepting = JoinSet::new();
    accepting.spawn(accept(listener, respond, stopped));
    stop.await;
    accepting.shutdown().await;
    stopping.send_replace(());
    let _ = tokio::time::timeout(LAST_REQUESTS, stopping.closed()).await;
}

async fn accept<L, F, R>(mut listener: L, respond: F, stopped: watch::Receiver<()>)
where
    L: Listener,
    F: Fn(http::Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = http::Response<Full<Bytes>>> + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD);
    loop {
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) if is_about_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!(target: "engineio", %error, "cannot accept connections");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
                continue;
            }
        };
        let (respond, peer) = (respond.clone(), L::peer(&stream));
        let upgraded = Arc::new(AtomicBool::new(false));
        let stream = Impatient::new(stream, Arc::clone(&upgraded));
        // Not an async block, which would store the response's future twice.
        let service = service_fn(move |mut request: http::Request<Incoming>| {
            if peer != Peer::default() {
                request.extensions_mut().insert(peer);
            }
            let upgraded = Arc::clone(&upgraded);
            respond(request).map(move |response| {
                let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
                upgraded.fetch_or(switches, Ordering::Relaxed);
                Ok::<_, Infallible>(response)
            })
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let mut stopped = stopped.clone();
        tokio::spawn(async move {
            let mut connection = pin!(connection.with_upgrades());
            // A client that breaks off, or breaks HTTP, is its own business.
            tokio::select! {
                _ = connection.as_mut() => return,
                _ = stopped.changed() => connection.as_mut().graceful_shutdown(),
            }
            // The next change is that nobody waits any longer.
            tokio::select! {
                _ = connection => {}
                _ = stopped.changed() => {}
            }
        });
    }
}

fn is_about_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}
