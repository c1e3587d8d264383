//! Where a byte stream is to lead.

/// The other end of a byte stream: what is left of a URL once it comes to connecting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Target {
    /// A name, or an address; those of IPv6 without brackets.
    pub host: String,
    /// The port, the scheme's own if the URL has none.
    pub port: u16,
    /// Whether TLS is spoken over it: the scheme is `https` or `wss`.
    pub tls: bool,
}

impl Target {
    /// The other end of a byte stream.
    pub fn new(host: impl Into<String>, port: u16, tls: bool) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
        }
    }
}
