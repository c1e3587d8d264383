//! TLS: whom to trust, who to be, and by which library. What a library has to do for that is in
//! `rustls` and `native`.

#[cfg(feature = "tls-native")]
mod native;
#[cfg(feature = "tls-rustls")]
pub mod rustls;

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

/// How TLS is spoken with servers, and with proxies of scheme `https`.
///
/// By default that is rustls (feature `tls-rustls`) and the server's certificate is verified as the
/// system does, with the roots the system trusts. TLS 1.2 and 1.3 are spoken. A build without any
/// of the features `tls-rustls` and `tls-native` cannot reach servers with TLS.
///
/// Certificates and keys are read when the first connection is made: what is wrong with them is an
/// error of that connection. Clones share what was read, and with it the sessions that rustls
/// resumes.
///
/// ```
/// use socketio_client::engine::Tls;
///
/// # let pem = "";
/// let tls = Tls::new().with_root_pem(pem);
/// ```
#[derive(Clone, Default)]
pub struct Tls {
    settings: Settings,
    backend: Arc<OnceLock<Backend>>,
}

/// What either library can do.
#[derive(Clone, Default)]
struct Settings {
    /// None: those of the system.
    roots: Vec<Root>,
    identity: Option<Identity>,
    accept_anything: bool,
    native: bool,
}

#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "tls-rustls", feature = "tls-native")),
    expect(dead_code, reason = "nobody reads them in a build without TLS")
)]
enum Root {
    Pem(Arc<[u8]>),
    Der(Arc<[u8]>),
}

/// Who the client says it is. Both in PEM.
#[derive(Clone)]
#[cfg_attr(
    not(any(feature = "tls-rustls", feature = "tls-native")),
    expect(dead_code, reason = "nobody reads them in a build without TLS")
)]
struct Identity {
    chain: Arc<[u8]>,
    key: Arc<[u8]>,
}

/// A library with all the settings, ready to connect.
enum Backend {
    #[cfg(feature = "tls-rustls")]
    Rustls(Arc<::rustls::ClientConfig>),
    #[cfg(feature = "tls-native")]
    Native(native_tls::TlsConnector),
}

impl Tls {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in this PEM text, all of them, and no longer those of the system.
    /// May be called again for more.
    #[must_use]
    pub fn with_root_pem(self, pem: impl AsRef<[u8]>) -> Self {
        let pem = pem.as_ref().into();
        self.change(|settings| settings.roots.push(Root::Pem(pem)))
    }

    /// Trusts this certificate in DER, and no longer those of the system. May be called again for
    /// more.
    #[must_use]
    pub fn with_root_der(self, der: impl AsRef<[u8]>) -> Self {
        let der = der.as_ref().into();
        self.change(|settings| settings.roots.push(Root::Der(der)))
    }

    /// Shows this certificate to servers that ask for one: in PEM the chain, the client's own
    /// first, and its private key in PKCS #8.
    #[must_use]
    pub fn with_client_certificate(
        self,
        chain: impl AsRef<[u8]>,
        private_key: impl AsRef<[u8]>,
    ) -> Self {
        let identity = Identity {
            chain: chain.as_ref().into(),
            key: private_key.as_ref().into(),
        };
        self.change(|settings| settings.identity = Some(identity))
    }

    /// **Dangerous.** Accepts whatever certificate a server shows: expired, made by anybody, for
    /// any name. Whoever sits on the way can then read and change everything. Tests and nothing
    /// else may want this; for a server with a certificate of its own making there is
    /// [`with_root_pem`](Self::with_root_pem).
    #[must_use]
    pub fn danger_accept_any_certificate(self) -> Self {
        self.change(|settings| settings.accept_anything = true)
    }

    /// Uses the system's own library (OpenSSL, Secure Transport, SChannel) even though rustls is
    /// built in as well. Without rustls that is used anyway.
    #[cfg(feature = "tls-native")]
    #[must_use]
    pub fn with_native_library(self) -> Self {
        self.change(|settings| settings.native = true)
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self.backend = Arc::default();
        self
    }

    /// TLS over `stream`, with a server that has to prove it is `host`. Nothing is sent yet.
    #[cfg_attr(
        not(any(feature = "tls-rustls", feature = "tls-native")),
        expect(unused_variables, reason = "a build without TLS")
    )]
    pub(crate) fn start<S>(&self, host: &str, stream: S) -> io::Result<TlsStream<S>>
    where
        S: Read + Write + Send + 'static,
    {
        match self.backend()? {
            #[cfg(feature = "tls-rustls")]
            Backend::Rustls(config) => rustls::start(config, host, stream),
            #[cfg(feature = "tls-native")]
            Backend::Native(connector) => Ok(native::start(connector, host, stream)),
            #[cfg(not(any(feature = "tls-rustls", feature = "tls-native")))]
            _ => Err(unsupported()),
        }
    }

    fn backend(&self) -> io::Result<&Backend> {
        if let Some(backend) = self.backend.get() {
            return Ok(backend);
        }
        // Two dials at once may both make one: the first to finish is kept.
        let made = self.settings.make()?;
        Ok(self.backend.get_or_init(|| made))
    }
}

impl Settings {
    fn make(&self) -> io::Result<Backend> {
        #[cfg(feature = "tls-native")]
        if self.native || cfg!(not(feature = "tls-rustls")) {
            return native::connector(self).map(Backend::Native);
        }
        #[cfg(feature = "tls-rustls")]
        return rustls::config(self).map(|config| Backend::Rustls(Arc::new(config)));
        #[cfg(not(feature = "tls-rustls"))]
        Err(unsupported())
    }
}

#[cfg(not(feature = "tls-rustls"))]
fn unsupported() -> io::Error {
    let why = "built without TLS: enable the feature `tls-rustls` or `tls-native`";
    io::Error::new(io::ErrorKind::Unsupported, why)
}

/// The settings are wrong.
#[cfg(any(feature = "tls-rustls", feature = "tls-native"))]
fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

/// Tells what is set, not the certificates; the private key least of all.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            roots,
            identity,
            accept_anything,
            native,
        } = &self.settings;
        f.debug_struct("Tls")
            .field("roots", &roots.len())
            .field("client_certificate", &identity.is_some())
            .field("accept_any_certificate", accept_anything)
            .field("native_library", native)
            .finish()
    }
}

/// TLS over a stream `S`. Reading and writing say [`WouldBlock`](io::ErrorKind::WouldBlock)
/// whenever `S` does; what was written leaves for certain with a `flush`.
pub(crate) trait Session<S>: Read + Write + Send {
    /// Before anything else: agrees on keys and verifies the server. To be called again after
    /// `WouldBlock`.
    fn handshake(&mut self) -> io::Result<()>;

    /// Tells the server that nothing more will come. To be flushed; may say `WouldBlock`.
    fn close(&mut self) -> io::Result<()>;

    /// The stream below; gone once the handshake has failed.
    fn inner(&mut self) -> Option<&mut S>;
}

pub(crate) type TlsStream<S> = Box<dyn Session<S>>;
