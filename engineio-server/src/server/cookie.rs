//! The cookie that a handshake can set, for load balancers that keep a client at one node by it.

use std::borrow::Cow;
use std::time::Duration;

use http::HeaderValue;
use proto::Sid;

/// A cookie with the session's id, set by the handshake of sessions that are opened on polling.
/// The server never reads it; it lets a load balancer send all requests of a session to one node.
///
/// The default is the reference's: `io=…; Path=/; HttpOnly; SameSite=Lax`. Sessions that are opened
/// on websocket need no such help and get none, as there.
///
/// ```
/// use engineio_server::{Config, SameSite, SessionCookie};
///
/// let cookie = SessionCookie::new("node").same_site(SameSite::None).secure();
/// let config = Config { cookie: Some(cookie), ..Config::default() };
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct SessionCookie {
    name: Cow<'static, str>,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    max_age: Option<Duration>,
    http_only: bool,
    secure: bool,
    same_site: SameSite,
}

/// With which requests from other sites a browser sends a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three values of RFC 6265bis")]
pub enum SameSite {
    /// With none.
    Strict,
    /// With those that lead to the site itself.
    Lax,
    /// With all; browsers want [`secure`](SessionCookie::secure) for it.
    None,
}

impl Default for SessionCookie {
    fn default() -> Self {
        Self {
            name: "io".into(),
            path: "/".into(),
            domain: None,
            max_age: None,
            http_only: true,
            secure: false,
            same_site: SameSite::Lax,
        }
    }
}

impl SessionCookie {
    /// The default cookie under this name.
    ///
    /// # Panics
    /// If the name is empty or has characters that cookies cannot have.
    #[track_caller]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        let is_name = !name.is_empty() && !name.contains([';', '=', ',', ' ', '\t', '"']);
        assert!(is_name && is_plain(&name), "not a cookie's name: {name:?}");
        Self {
            name,
            ..Self::default()
        }
    }

    /// For which paths browsers send it. Default `/`.
    ///
    /// # Panics
    /// If there are characters in it that cookies cannot have.
    #[track_caller]
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = attribute(path.into());
        self
    }

    /// For which hosts browsers send it: this one and those below it. Default the server's own
    /// alone.
    ///
    /// # Panics
    /// If there are characters in it that cookies cannot have.
    #[track_caller]
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(attribute(domain.into()));
        self
    }

    /// How long browsers keep it, in whole seconds. Default until they are closed.
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Whether it is hidden from the scripts of pages. Default yes.
    pub const fn http_only(mut self, hidden: bool) -> Self {
        self.http_only = hidden;
        self
    }

    /// Lets browsers send it over TLS only. Default no.
    pub const fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// With which requests from other sites browsers send it. Default [`SameSite::Lax`].
    pub const fn same_site(mut self, policy: SameSite) -> Self {
        self.same_site = policy;
        self
    }

    /// The header for a session, its attributes in the reference's order.
    pub(crate) fn header(&self, sid: &Sid) -> Option<HeaderValue> {
        let mut text = format!("{}={}", self.name, sid.as_str());
        if let Some(age) = self.max_age {
            text += &format!("; Max-Age={}", age.as_secs());
        }
        if let Some(domain) = &self.domain {
            text += &format!("; Domain={domain}");
        }
        text += &format!("; Path={}", self.path);
        for (name, is_set) in [("HttpOnly", self.http_only), ("Secure", self.secure)] {
            if is_set {
                text += &format!("; {name}");
            }
        }
        text += &format!("; SameSite={:?}", self.same_site);
        HeaderValue::try_from(text).ok()
    }
}

#[track_caller]
fn attribute(value: Cow<'static, str>) -> Cow<'static, str> {
    let is_value = is_plain(&value) && !value.contains(';');
    assert!(is_value, "not an attribute of a cookie: {value:?}");
    value
}

/// Printable ASCII.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..0x7f).contains(&byte))
}
