//! Byte streams of the user's making.

use std::future::Future;
use std::io;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::engine::Target;

/// What a session runs on: bytes in both directions. Every type with these traits is one.
pub trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> ByteStream for S {}

/// A byte stream of any type.
pub type BoxStream = Box<dyn ByteStream>;

/// A byte stream to come.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<BoxStream>> + Send>>;

/// Opens byte streams in the client's place: Unix sockets, streams inside of a test, tunnels.
///
/// It replaces TCP, name resolution and proxy; TLS comes on top where the URL asks for it. A client
/// on polling has up to three streams at a time. Timeouts apply as ever: a future that takes too
/// long is dropped.
///
/// Closures are connectors:
///
/// ```
/// use socketio_client::engine::{Connect, Target};
///
/// fn is_connector(_: impl Connect) {}
///
/// # #[cfg(unix)]
/// is_connector(async |_: Target| tokio::net::UnixStream::connect("/run/chat.sock").await);
/// ```
pub trait Connect: Send + Sync + 'static {
    /// Opens a byte stream to a server.
    ///
    /// # Errors
    /// Whatever keeps it from that; it becomes [`ErrorKind::Dial`](crate::engine::ErrorKind::Dial).
    fn connect(&self, target: Target) -> Connecting;

    /// Whether the streams are safe already, so that a URL with TLS gets them as they are. Default
    /// no.
    fn encrypts(&self) -> bool {
        false
    }
}

impl<F, Fut, S> Connect for F
where
    F: Fn(Target) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = io::Result<S>> + Send + 'static,
    S: ByteStream + 'static,
{
    fn connect(&self, target: Target) -> Connecting {
        let connecting = self(target);
        Box::pin(async move { Ok(Box::new(connecting.await?) as BoxStream) })
    }
}
