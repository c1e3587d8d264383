//! TLS by rustls. The only public module with types of a foreign TLS library: a major release of
//! rustls changes it.

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{Backend, Identity, Root, Session, Settings, Tls, TlsStream, invalid};

/// What websockets and polling are spoken on; not `h2`.
const ALPN: &[u8] = b"http/1.1";

/// Uses this configuration as it is. Its protocols for ALPN, if there are any, have to be
/// `http/1.1` alone.
///
/// Methods of [`Tls`] called on the result begin anew, without this configuration.
pub fn from_config(config: impl Into<Arc<ClientConfig>>) -> Tls {
    Tls {
        settings: Settings::default(),
        backend: Arc::new(OnceLock::from(Backend::Rustls(config.into()))),
    }
}

pub(super) fn config(settings: &Settings) -> io::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let builder = if settings.accept_anything {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anything(provider)))
    } else if settings.roots.is_empty() {
        builder.with_platform_verifier().map_err(invalid)?
    } else {
        builder.with_root_certificates(roots(&settings.roots)?)
    };
    let mut config = match &settings.identity {
        Some(Identity { chain, key }) => {
            let chain: Result<_, _> = CertificateDer::pem_slice_iter(chain).collect();
            let key = PrivateKeyDer::from_pem_slice(key).map_err(invalid)?;
            builder
                .with_client_auth_cert(chain.map_err(invalid)?, key)
                .map_err(invalid)?
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

fn roots(roots: &[Root]) -> io::Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for root in roots {
        match root {
            Root::Der(der) => {
                let der = CertificateDer::from(der.to_vec());
                store.add(der).map_err(invalid)?;
            }
            Root::Pem(pem) => {
                for der in CertificateDer::pem_slice_iter(pem) {
                    store.add(der.map_err(invalid)?).map_err(invalid)?;
                }
            }
        }
    }
    match store.is_empty() {
        true => Err(invalid("no certificate in the PEM text")),
        false => Ok(store),
    }
}

pub(super) fn start<S>(
    config: &Arc<ClientConfig>,
    host: &str,
    stream: S,
) -> io::Result<TlsStream<S>>
where
    S: Read + Write + Send + 'static,
{
    let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
    let connection = ClientConnection::new(config.clone(), name).map_err(invalid)?;
    Ok(Box::new(StreamOwned::new(connection, stream)))
}

impl<S: Read + Write + Send> Session<S> for StreamOwned<ClientConnection, S> {
    fn handshake(&mut self) -> io::Result<()> {
        while self.conn.is_handshaking() {
            if let (0, 0) = self.conn.complete_io(&mut self.sock)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn close(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        Ok(())
    }

    fn inner(&mut self) -> Option<&mut S> {
        Some(&mut self.sock)
    }
}

/// Believes every server. Signatures are still verified: that much the handshake needs.
#[derive(Debug)]
struct Anything(Arc<CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
