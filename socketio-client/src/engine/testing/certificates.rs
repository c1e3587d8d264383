//! Certificates of a test, and servers that show them.

use std::io::{Read, Write};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// Signs certificates. Nobody trusts it but who is told to.
pub(in crate::engine) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key.
pub(in crate::engine) struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    pub(in crate::engine) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(in crate::engine) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(in crate::engine) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    pub(in crate::engine) fn certify(&self, name: &str) -> Certified {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        // OpenSSL takes a certificate for its own root if subject and issuer have the same name.
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certified { certificate, key }
    }

    /// A server with a certificate for `name`.
    pub(in crate::engine) fn server(&self, name: &str) -> ServerConfig {
        let builder = server_builder().with_no_client_auth();
        self.show(builder, name)
    }

    /// A server that lets in only whom this authority has certified as well.
    pub(in crate::engine) fn strict_server(&self, name: &str) -> ServerConfig {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(self.roots());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let builder = server_builder().with_client_cert_verifier(verifier.build().unwrap());
        self.show(builder, name)
    }

    pub(in crate::engine) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    fn show(
        &self,
        builder: rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
        name: &str,
    ) -> ServerConfig {
        let Certified { certificate, key } = self.certify(name);
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let chain = vec![certificate.der().clone()];
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

impl Certified {
    pub(in crate::engine) fn chain_pem(&self) -> String {
        self.certificate.pem()
    }

    pub(in crate::engine) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

fn server_builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

/// Sends back what comes inside of TLS, and says goodbye; the protocol agreed on.
pub(in crate::engine) fn echo(config: ServerConfig, stream: impl Read + Write) -> Option<Vec<u8>> {
    let mut tls = accept(config, stream);
    super::echo(&mut tls);
    tls.conn.send_close_notify();
    // Those that did not believe the server have gone.
    let _ = tls.flush();
    tls.conn.alpn_protocol().map(<[u8]>::to_vec)
}

/// The server's end of TLS over a stream.
pub(in crate::engine) fn accept<S: Read + Write>(
    config: ServerConfig,
    stream: S,
) -> StreamOwned<ServerConnection, S> {
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}
