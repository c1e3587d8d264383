//! A byte stream that leads to the server: a socket, a stream of the user's, or TLS over either.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::connect::BoxStream;
use crate::engine::tls::TlsStream;

pub(crate) enum Stream {
    Tcp(TcpStream),
    User(BoxStream),
    Tls(TlsStream<NonBlocking<Self>>),
}

impl Stream {
    /// Agrees on keys, if it is TLS.
    pub(super) fn poll_handshake(&mut self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tls(tls) => poll(tls, cx, |tls| tls.handshake()),
            Self::Tcp(_) | Self::User(_) => Poll::Ready(Ok(())),
        }
    }
}

/// An asynchronous stream as the standard library's traits see it, while it is polled: it would
/// block whenever it is pending.
pub(crate) struct NonBlocking<S> {
    stream: S,
    waker: Waker,
}

impl<S> NonBlocking<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            waker: Waker::noop().clone(),
        }
    }
}

impl<S: Unpin> NonBlocking<S> {
    fn poll<T>(
        &mut self,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> io::Result<T> {
        let mut cx = Context::from_waker(&self.waker);
        match poll(Pin::new(&mut self.stream), &mut cx) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

impl<S: AsyncRead + Unpin> Read for NonBlocking<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut buf = ReadBuf::new(buf);
        self.poll(|stream, cx| stream.poll_read(cx, &mut buf))?;
        Ok(buf.filled().len())
    }
}

impl<S: AsyncWrite + Unpin> Write for NonBlocking<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.poll(|stream, cx| stream.poll_write(cx, buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.poll(|stream, cx| stream.poll_flush(cx))
    }
}

/// Uses TLS for one poll: it is pending whenever it would block.
fn poll<T>(
    tls: &mut TlsStream<NonBlocking<Stream>>,
    cx: &Context<'_>,
    mut attempt: impl FnMut(&mut TlsStream<NonBlocking<Stream>>) -> io::Result<T>,
) -> Poll<io::Result<T>> {
    if let Some(inner) = tls.inner() {
        inner.waker.clone_from(cx.waker());
    }
    loop {
        return match attempt(tls) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => Poll::Ready(result),
        };
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::User(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(tls) => {
                let room = buf.initialize_unfilled();
                let len = ready!(poll(tls, cx, |tls| tls.read(room)))?;
                buf.advance(len);
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::User(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(tls) => poll(tls, cx, |tls| tls.write(buf)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::User(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(tls) => poll(tls, cx, |tls| tls.flush()),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::User(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(tls) => poll(tls, cx, |tls| {
                tls.close()?;
                tls.flush()?;
                match tls.inner() {
                    Some(inner) => inner.poll(|stream, cx| stream.poll_shutdown(cx)),
                    None => Ok(()),
                }
            }),
        }
    }
}
