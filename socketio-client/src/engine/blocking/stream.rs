//! A byte stream that leads to the server and never blocks: a socket, or TLS over it.

use std::io::{self, Read, Write};
use std::net;
#[cfg(unix)]
use std::os::unix::net as unix;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use crate::engine::tls::TlsStream;

/// A connected socket: of TCP, or of Unix where there are such. Made by `try_into` from those of the
/// standard library.
#[derive(Debug)]
pub struct Socket(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(mio::net::TcpStream),
    #[cfg(unix)]
    Unix(mio::net::UnixStream),
}

impl TryFrom<net::TcpStream> for Socket {
    type Error = io::Error;

    /// # Errors
    /// The system does not let it become non-blocking.
    fn try_from(stream: net::TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self(Kind::Tcp(mio::net::TcpStream::from_std(stream))))
    }
}

#[cfg(unix)]
impl TryFrom<unix::UnixStream> for Socket {
    type Error = io::Error;

    /// # Errors
    /// The system does not let it become non-blocking.
    fn try_from(stream: unix::UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self(Kind::Unix(mio::net::UnixStream::from_std(stream))))
    }
}

/// Calls a method of the socket inside.
macro_rules! inner {
    ($self:ident, $method:ident($($arg:expr),*)) => {
        match &mut $self.0 {
            Kind::Tcp(stream) => stream.$method($($arg),*),
            #[cfg(unix)]
            Kind::Unix(stream) => stream.$method($($arg),*),
        }
    };
}

impl Socket {
    fn shutdown(&mut self) -> io::Result<()> {
        inner!(self, shutdown(net::Shutdown::Write))
    }
}

impl Read for Socket {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        inner!(self, read(buf))
    }
}

impl Write for Socket {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        inner!(self, write(buf))
    }

    fn flush(&mut self) -> io::Result<()> {
        inner!(self, flush())
    }
}

impl Source for Socket {
    fn register(&mut self, registry: &Registry, token: Token, on: Interest) -> io::Result<()> {
        inner!(self, register(registry, token, on))
    }

    fn reregister(&mut self, registry: &Registry, token: Token, on: Interest) -> io::Result<()> {
        inner!(self, reregister(registry, token, on))
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        inner!(self, deregister(registry))
    }
}

/// Reading and writing say [`WouldBlock`](io::ErrorKind::WouldBlock); what was written leaves for
/// certain with a `flush`. To be polled for both directions at once, whatever is wanted: TLS may
/// have to write to be able to read, and the other way round.
pub(crate) enum Stream {
    Plain(Socket),
    Tls(TlsStream<Self>),
}

impl Stream {
    /// Agrees on keys, if it is TLS.
    pub(super) fn handshake(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(tls) => tls.handshake(),
        }
    }

    /// Tells the peer that nothing more will come; may say `WouldBlock`.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.shutdown(),
            Self::Tls(tls) => {
                tls.close()?;
                tls.flush()?;
                tls.inner().map_or(Ok(()), Self::close)
            }
        }
    }

    fn socket(&mut self) -> io::Result<&mut Socket> {
        match self {
            Self::Plain(socket) => Ok(socket),
            Self::Tls(tls) => match tls.inner() {
                Some(inner) => inner.socket(),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buf),
            Self::Tls(tls) => tls.read(buf),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buf),
            Self::Tls(tls) => tls.write(buf),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, on: Interest) -> io::Result<()> {
        self.socket()?.register(registry, token, on)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, on: Interest) -> io::Result<()> {
        self.socket()?.reregister(registry, token, on)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.socket()?.deregister(registry)
    }
}
