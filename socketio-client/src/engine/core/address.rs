//! The URLs of a session: what the configuration says, and what a request adds to it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::form_urlencoded::{self, Serializer};
use url::{Host, Url};

use super::super::{Config, ErrorKind, Target};

/// Parameters that are the protocol's own.
const RESERVED: [&str; 6] = ["EIO", "transport", "sid", "b64", "j", "t"];

/// Where a session is, without the parameters that change from request to request.
#[derive(Debug)]
pub(super) struct Address {
    /// `http` or `https`, with the path, without user, query and fragment.
    url: Url,
    /// The application's parameters, as they go into a URL.
    query: String,
    /// User and password of the URL.
    pub(super) authorization: Option<HeaderValue>,
}

impl Address {
    pub(super) fn new(config: &Config) -> Result<Self, ErrorKind> {
        let mut url =
            Url::parse(&config.url).map_err(|_| ErrorKind::Config("url cannot be parsed"))?;
        let scheme = match url.scheme() {
            "http" | "ws" => "http",
            "https" | "wss" => "https",
            _ => return Err(ErrorKind::Config("url is not http, https, ws or wss")),
        };
        let mut protocols = config.protocols.iter();
        if !protocols.all(|it| HeaderName::from_bytes(it.as_bytes()).is_ok()) {
            return Err(ErrorKind::Config("a subprotocol is no token"));
        }
        let authorization = basic(&url)?;
        let query = own_query(&url, config);
        // Between these four, and on URLs that have a host as all of them do, nothing is refused.
        let _ = url.set_scheme(scheme);
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.set_fragment(None);
        let path = config.path.strip_suffix('/').unwrap_or(&config.path);
        let slash = if config.trailing_slash { "/" } else { "" };
        url.set_path(&format!("{path}{slash}"));
        Ok(Self {
            url,
            query,
            authorization,
        })
    }

    /// The URL of a request: the application's parameters, then the protocol's.
    pub(super) fn request(&self, protocol: &str, timestamp: Option<&str>) -> Url {
        let mut query = self.query.clone();
        let parts = [
            Some(protocol.to_owned()),
            timestamp.map(|t| format!("t={t}")),
        ];
        for part in parts.into_iter().flatten() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(&part);
        }
        let mut url = self.url.clone();
        url.set_query(Some(&query));
        url
    }

    /// Whether what the application wants only this server to see may go to `url`: the same
    /// origin, or the same host with TLS instead of without.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        let origin = |it: &Url| (it.scheme() == "https", it.port_or_known_default());
        let same_host = self.url.host() == url.host();
        same_host
            && (origin(&self.url) == origin(url)
                || (origin(&self.url), origin(url)) == ((false, Some(80)), (true, Some(443))))
    }
}

/// The byte stream a URL asks for.
pub(super) fn target(url: &Url) -> Target {
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let port = url.port_or_known_default().unwrap_or_default();
    Target::new(host, port, url.scheme() == "https")
}

/// Where a redirect leads.
pub(super) fn redirect(from: &Url, location: Option<&HeaderValue>) -> Result<Url, ErrorKind> {
    let location = location.ok_or(ErrorKind::Redirect("it has no location"))?;
    let to = str::from_utf8(location.as_bytes())
        .ok()
        .and_then(|location| from.join(location).ok())
        .ok_or(ErrorKind::Redirect("its location is no url"))?;
    match (from.scheme(), to.scheme()) {
        ("https", "http") => Err(ErrorKind::Redirect("it leads away from tls")),
        (_, "http" | "https") => Ok(to),
        _ => Err(ErrorKind::Redirect("it does not lead to http")),
    }
}

/// The application's parameters: those of the URL as they stand there, then the others.
fn own_query(url: &Url, config: &Config) -> String {
    let is_own = |pair: &&str| {
        let name = form_urlencoded::parse(pair.as_bytes()).next();
        name.is_some_and(|(name, _)| !RESERVED.contains(&&*name))
    };
    let kept: Vec<_> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(is_own)
        .collect();
    let mut query = Serializer::new(kept.join("&"));
    for (name, value) in &config.query {
        if !RESERVED.contains(&name.as_str()) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// The header for the user and password of a URL.
fn basic(url: &Url) -> Result<Option<HeaderValue>, ErrorKind> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let user = percent_decode_str(url.username());
    let password = percent_decode_str(url.password().unwrap_or_default());
    let credentials: Vec<_> = user.chain(*b":").chain(password).collect();
    let credentials = STANDARD.encode(credentials);
    let mut header = HeaderValue::from_str(&format!("Basic {credentials}"))
        .map_err(|_| ErrorKind::Config("user and password cannot be sent"))?;
    header.set_sensitive(true);
    Ok(Some(header))
}
