//! Where a byte stream is to lead.

use std::fmt;

use url::{Host, Url};

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

/// `host:port`, with brackets around addresses of IPv6: as proxies are asked for it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}

/// The host of a URL as a [`Target`] has it.
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
