//! TLS by the system's own library.

use std::io::{self, Read, Write};
use std::mem;

use native_tls::{Certificate, HandshakeError, MidHandshakeTlsStream, TlsConnector};

use super::{Identity, Root, Session, Settings, TlsStream, invalid};

pub(super) fn connector(settings: &Settings) -> io::Result<TlsConnector> {
    let mut builder = TlsConnector::builder();
    builder.request_alpns(&["http/1.1"]);
    if settings.accept_anything {
        builder.danger_accept_invalid_certs(true);
        builder.danger_accept_invalid_hostnames(true);
    }
    builder.disable_built_in_roots(!settings.roots.is_empty());
    for root in &settings.roots {
        match root {
            Root::Der(der) => {
                let certificate = Certificate::from_der(der).map_err(invalid)?;
                builder.add_root_certificate(certificate);
            }
            Root::Pem(pem) => {
                for certificate in Certificate::stack_from_pem(pem).map_err(invalid)? {
                    builder.add_root_certificate(certificate);
                }
            }
        }
    }
    if let Some(Identity { chain, key }) = &settings.identity {
        let identity = native_tls::Identity::from_pkcs8(chain, key).map_err(invalid)?;
        builder.identity(identity);
    }
    builder.build().map_err(invalid)
}

pub(super) fn start<S>(connector: &TlsConnector, host: &str, stream: S) -> TlsStream<S>
where
    S: Read + Write + Send + 'static,
{
    Box::new(State::Start {
        connector: connector.clone(),
        host: host.to_owned(),
        stream,
    })
}

/// A stream on its way through the handshake, which native-tls begins as soon as it sees one.
enum State<S> {
    Start {
        connector: TlsConnector,
        host: String,
        stream: S,
    },
    Handshake(MidHandshakeTlsStream<S>),
    Open(native_tls::TlsStream<S>),
    Failed,
}

impl<S: Read + Write> State<S> {
    fn open(&mut self) -> io::Result<&mut native_tls::TlsStream<S>> {
        match self {
            Self::Open(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl<S: Read + Write + Send> Session<S> for State<S> {
    fn handshake(&mut self) -> io::Result<()> {
        let result = match mem::replace(self, Self::Failed) {
            Self::Start {
                connector,
                host,
                stream,
            } => connector.connect(&host, stream),
            Self::Handshake(handshake) => handshake.handshake(),
            open => {
                *self = open;
                return self.open().map(drop);
            }
        };
        match result {
            Ok(stream) => *self = Self::Open(stream),
            Err(HandshakeError::Failure(error)) => return Err(io::Error::other(error)),
            Err(HandshakeError::WouldBlock(handshake)) => {
                *self = Self::Handshake(handshake);
                return Err(io::ErrorKind::WouldBlock.into());
            }
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.open()?.shutdown()
    }

    fn inner(&mut self) -> Option<&mut S> {
        match self {
            Self::Start { stream, .. } => Some(stream),
            Self::Handshake(handshake) => Some(handshake.get_mut()),
            Self::Open(stream) => Some(stream.get_mut()),
            Self::Failed => None,
        }
    }
}

impl<S: Read + Write> Read for State<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.open()?.read(buf)
    }
}

impl<S: Read + Write> Write for State<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.open()?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open()?.flush()
    }
}
