//! The byte stream under a websocket: the bare socket where it can be had, else whatever hyper
//! has wrapped.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade as auto;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::impatient::Impatient;

/// Most sessions run on TCP: their stream lies inside the session's task without a box.
pub(crate) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Other(Box<TokioIo<Upgraded>>),
}

impl Stream {
    /// Unwraps what hyper hands over after an upgrade, and the bytes it had read too far.
    pub(crate) fn from_upgraded(upgraded: Upgraded) -> (Self, Bytes) {
        let upgraded = match unwrap(upgraded) {
            Ok((socket, read)) => return (Self::Tcp(socket), read),
            Err(upgraded) => upgraded,
        };
        #[cfg(unix)]
        let upgraded = match unwrap(upgraded) {
            Ok((socket, read)) => return (Self::Unix(socket), read),
            Err(upgraded) => upgraded,
        };
        (Self::Other(Box::new(TokioIo::new(upgraded))), Bytes::new())
    }

    /// Whether it is a socket and nothing else, which needs no farewell of its own as TLS does.
    pub(crate) const fn is_bare(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

/// Takes the socket out of hyper's wrapping.
fn unwrap<T>(upgraded: Upgraded) -> Result<(T, Bytes), Upgraded>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let upgraded = match upgraded.downcast::<TokioIo<T>>() {
        Ok(parts) => return Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    // As this crate serves.
    let upgraded = match upgraded.downcast::<TokioIo<Impatient<T>>>() {
        Ok(parts) => return Ok((parts.io.into_inner().into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    // Who serves through hyper-util, as frameworks do, wraps the socket once more.
    let parts = auto::downcast::<TokioIo<T>>(upgraded)?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

/// Calls a method of the stream inside.
macro_rules! inner {
    ($self:ident, $method:ident($($arg:expr),*)) => {
        match $self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).$method($($arg),*),
            #[cfg(unix)]
            Self::Unix(stream) => Pin::new(stream).$method($($arg),*),
            Self::Other(stream) => Pin::new(stream).$method($($arg),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        inner!(self, poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        inner!(self, poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        inner!(self, poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            #[cfg(unix)]
            Self::Unix(stream) => stream.is_write_vectored(),
            Self::Other(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_shutdown(cx))
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use http::header::{CONNECTION, HeaderValue, UPGRADE};
    use http_body_util::Full;
    use hyper::body::Incoming;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;
    use crate::serve;

    #[tokio::test]
    async fn a_socket_that_is_served_here_is_bare() {
        let (sender, mut streams) = mpsc::unbounded_channel();
        let respond = move |request: http::Request<Incoming>| {
            let sender = sender.clone();
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                sender.send(Stream::from_upgraded(upgraded).0).ok().unwrap();
            });
            let mut response = http::Response::new(Full::default());
            *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            future::ready(response)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, respond, future::pending()));
        let mut client = TcpStream::connect(address).await.unwrap();
        let request =
            b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        client.write_all(request).await.unwrap();
        let stream = streams.recv().await.unwrap();
        assert!(matches!(stream, Stream::Tcp(_)));
    }
}
