//! Where a byte stream leads to.

use std::fmt;

use url::{Host, Url};

/// The server a byte stream is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    host: String,
    port: u16,
    tls: bool,
}

impl Target {
    pub(crate) fn new(host: impl Into<String>, port: u16, tls: bool) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
        }
    }

    /// A name in ASCII or an IP address; IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, that of the scheme if the URL named none.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is spoken with the server.
    #[must_use]
    pub const fn tls(&self) -> bool {
        self.tls
    }
}

/// `host:port`, as in a `host` header: IPv6 addresses are in brackets.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}

/// The host of a URL as [`Target::host`] has it.
pub(crate) fn host_of(url: &Url) -> Option<String> {
    match url.host()? {
        Host::Domain("") => None,
        Host::Ipv6(address) => Some(address.to_string()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_like_an_authority() {
        let display = |host: &str| Target::new(host, 80, false).to_string();
        assert_eq!(display("example.org"), "example.org:80");
        assert_eq!(display("127.0.0.1"), "127.0.0.1:80");
        assert_eq!(display("::1"), "[::1]:80");
    }

    #[test]
    fn brackets_are_not_part_of_a_host() {
        let host = |url: &str| host_of(&Url::parse(url).unwrap());
        assert_eq!(host("http://[::1]:80/").as_deref(), Some("::1"));
        assert_eq!(host("http://EXAMPLE.org/").as_deref(), Some("example.org"));
        assert_eq!(host("http://127.1/").as_deref(), Some("127.0.0.1"));
        assert_eq!(host("socks5:///").as_deref(), None);
        assert_eq!(host("data:,").as_deref(), None);
    }
}
