//! What lies between the client and the server: a proxy, as its URL describes it.
//!
//! How it is talked to is in `tunnel`.

use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::target::host_of;

/// A proxy through which every connection goes.
///
/// It is made from a URL: `scheme://user:password@host:port`, where everything but scheme and host
/// may be missing, and special characters of user and password are percent-encoded.
///
/// | scheme | what it speaks | default port | credentials |
/// |---|---|---|---|
/// | `http` | `CONNECT` of HTTP/1.1 | 80 | basic authentication |
/// | `https` | the same inside of TLS | 443 | basic authentication |
/// | `socks4a` | SOCKS 4A | 1080 | the user id; a password is refused |
/// | `socks5`, `socks5h` | SOCKS 5 (RFC 1928) | 1080 | user and password (RFC 1929) |
///
/// The server's name is resolved by the proxy, never by the client; `socks5` and `socks5h` do not
/// differ. An HTTP proxy is asked for a tunnel even if the server is reached without TLS: a
/// websocket gets through in no other way.
///
/// ```
/// use socketio_client::engine::Proxy;
///
/// let proxy: Proxy = "socks5://user:secret@localhost:1080".parse()?;
/// assert!(!format!("{proxy:?}").contains("secret"));
/// # Ok::<(), socketio_client::engine::ProxyParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(super) scheme: Scheme,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<Credentials>,
}

/// What a proxy speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
    Socks4a,
    Socks5,
}

/// Who asks. The lengths fit the scheme.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) user: Vec<u8>,
    pub(super) password: Option<Vec<u8>>,
}

/// A text is not the URL of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyParseError {
    /// It is no URL, or it names no host.
    #[error("not a URL with a host")]
    Url,
    /// It begins with something else than the schemes [`Proxy`] lists.
    #[error("no proxy scheme: {0}")]
    Scheme(String),
    /// User or password cannot be said in the proxy's protocol: they are too long, empty, contain
    /// a character that ends them, or there is a password where the protocol has none.
    #[error("credentials do not fit the protocol of the proxy")]
    Credentials,
}

impl FromStr for Proxy {
    type Err = ProxyParseError;

    fn from_str(text: &str) -> Result<Self, ProxyParseError> {
        let url = Url::parse(text).map_err(|_| ProxyParseError::Url)?;
        let (scheme, default_port) = match url.scheme() {
            "http" => (Scheme::Http, 80),
            "https" => (Scheme::Https, 443),
            "socks4a" => (Scheme::Socks4a, 1080),
            "socks5" | "socks5h" => (Scheme::Socks5, 1080),
            other => return Err(ProxyParseError::Scheme(other.to_owned())),
        };
        let credentials = Credentials::of(&url);
        if credentials.as_ref().is_some_and(|it| !it.fit(scheme)) {
            return Err(ProxyParseError::Credentials);
        }
        Ok(Self {
            scheme,
            host: host_of(&url).ok_or(ProxyParseError::Url)?,
            port: url.port().unwrap_or(default_port),
            credentials,
        })
    }
}

impl TryFrom<&str> for Proxy {
    type Error = ProxyParseError;

    fn try_from(text: &str) -> Result<Self, ProxyParseError> {
        text.parse()
    }
}

/// Tells scheme, host and port, and that there are credentials, but not which.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = self.credentials.as_ref().map(|_| format_args!("…"));
        f.debug_struct("Proxy")
            .field("scheme", &self.scheme)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("credentials", &credentials)
            .finish()
    }
}

impl Credentials {
    fn of(url: &Url) -> Option<Self> {
        if url.username().is_empty() && url.password().is_none() {
            return None;
        }
        let decode = |text| percent_decode_str(text).collect();
        Some(Self {
            user: decode(url.username()),
            password: url.password().map(decode),
        })
    }

    fn fit(&self, scheme: Scheme) -> bool {
        let Self { user, password } = self;
        match scheme {
            // RFC 7617 §2: the first colon ends the user.
            Scheme::Http | Scheme::Https => !user.contains(&b':'),
            // A zero byte ends the user id, and there is no password.
            Scheme::Socks4a => password.is_none() && !user.contains(&0),
            // RFC 1929 §2: 1 to 255 bytes each; servers take an empty password.
            Scheme::Socks5 => {
                let password = password.as_ref().map_or(0, Vec::len);
                (1..=255).contains(&user.len()) && password <= 255
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, scheme: Scheme, host: &str, port: u16) {
        let proxy: Proxy = text.parse().unwrap();
        assert_eq!(
            (proxy.scheme, proxy.host.as_str(), proxy.port),
            (scheme, host, port)
        );
    }

    #[test]
    fn a_url_says_scheme_host_and_port() {
        check("http://proxy", Scheme::Http, "proxy", 80);
        check("https://proxy/", Scheme::Https, "proxy", 443);
        check("http://proxy:3128", Scheme::Http, "proxy", 3128);
        check("socks4a://127.0.0.1", Scheme::Socks4a, "127.0.0.1", 1080);
        check("socks5://[::1]:9", Scheme::Socks5, "::1", 9);
        check("SOCKS5H://proxy", Scheme::Socks5, "proxy", 1080);
    }

    #[test]
    fn credentials_are_percent_decoded() {
        let proxy: Proxy = "socks5://a%40b:c%3ad%20@proxy".parse().unwrap();
        let credentials = proxy.credentials.unwrap();
        assert_eq!(credentials.user, b"a@b");
        assert_eq!(credentials.password.unwrap(), b"c:d ");
        let proxy: Proxy = "socks4a://me@proxy".parse().unwrap();
        assert_eq!(proxy.credentials.unwrap().password, None);
    }

    #[test]
    fn what_no_proxy_speaks_is_refused() {
        let refusal = |text: &str| text.parse::<Proxy>().unwrap_err();
        assert_eq!(refusal("proxy:80"), ProxyParseError::Scheme("proxy".into()));
        assert_eq!(
            refusal("ftp://proxy"),
            ProxyParseError::Scheme("ftp".into())
        );
        assert_eq!(refusal("proxy"), ProxyParseError::Url);
        assert_eq!(refusal("socks5://"), ProxyParseError::Url);
        for text in [
            "socks4a://me:secret@proxy",
            "socks4a://%00@proxy",
            "http://a%3ab:c@proxy",
            "socks5://:secret@proxy",
            &format!("socks5://{}:b@proxy", "a".repeat(256)),
            &format!("socks5://a:{}@proxy", "b".repeat(256)),
        ] {
            assert_eq!(refusal(text), ProxyParseError::Credentials, "{text}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let proxy: Proxy = "http://aladdin:sesame@proxy".parse().unwrap();
        let shown = format!("{proxy:?}");
        assert!(shown.contains("proxy"), "{shown}");
        assert!(
            !shown.contains("sesame") && !shown.contains("aladdin"),
            "{shown}"
        );
    }
}
