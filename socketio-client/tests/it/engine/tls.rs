//! A session with a server that speaks TLS.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use engineio_server::Listener;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use socketio_client::engine::{Connection, ErrorKind, Prepared, Tls};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::host::{Host, WAYS};
use super::recv_text;

struct Safe {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Safe {
    type Io = TlsStream<TcpStream>;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            // Clients that do not believe the server are not its failure.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return Ok(stream);
            }
        }
    }
}

/// A server with a certificate of its own making, in PEM.
async fn start() -> (Host, String) {
    let names = ["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let safe = Safe {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    (
        Host::serve(safe, mpsc::unbounded_channel().0, url),
        cert.pem(),
    )
}

#[tokio::test]
async fn every_transport_is_safe() {
    for way in WAYS {
        let (mut host, pem) = start().await;
        let mut config = host.config(way);
        config.tls = Tls::new().with_root_pem(pem);
        let mut connection = Connection::open(config).await.unwrap();
        let big = "x".repeat(500_000);
        connection.send(Prepared::text(&big));
        assert_eq!(recv_text(&mut connection).await, big);
        connection.close().await;
        host.end().await;
    }
}

#[tokio::test]
async fn a_server_nobody_vouches_for_is_refused() {
    for way in WAYS {
        let (host, _) = start().await;
        let error = Connection::open(host.config(way)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Dial(_)), "{error}");
    }
}
