//! Which web pages of other origins may talk to the server, as browsers are told (CORS), and
//! whether all others are turned away. The answers are those of the reference's `cors` option.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body_util::Full;

/// Tells browsers which pages of other origins may use the server.
///
/// Without it no header is sent, so that browsers let only pages of the server's own origin poll.
/// A preflight is then no handshake either, and is refused.
///
/// A browser asks nobody before it opens a **websocket**: by itself this protects polling alone,
/// as in the JavaScript reference, where a page of any origin is served and merely cannot read the
/// answers. With [`refuse_others`](Self::refuse_others) such requests are refused, websockets
/// too, as Python's servers do. Requests without an `Origin`, which come from programs and not
/// from pages, are never refused.
///
/// ```
/// use engineio_server::{Config, Cors};
///
/// let cors = Cors::list(["https://example.com", "http://localhost:8080"]).credentials();
/// let config = Config { cors: Some(cors.refuse_others()), ..Config::default() };
/// ```
#[derive(Clone)]
#[must_use]
pub struct Cors {
    origins: Origins,
    credentials: bool,
    methods: HeaderValue,
    headers: Option<HeaderValue>,
    exposed: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    refuses: bool,
}

#[derive(Clone)]
enum Origins {
    Any,
    Same { forwarded: bool },
    List(Arc<[Box<str>]>),
    Matching(Arc<Predicate>),
}

type Predicate = dyn Fn(&str, &Parts) -> bool + Send + Sync;

impl Cors {
    /// Pages of any origin: `Access-Control-Allow-Origin: *`.
    ///
    /// Browsers take no `*` for requests with cookies: with [`credentials`](Self::credentials) the
    /// page's own origin is named instead, as Python does. Any page the user visits can then act
    /// in the user's name.
    pub fn any() -> Self {
        Self::new(Origins::Any)
    }

    /// Pages of these origins, compared letter by letter: scheme, host and, unless it is the
    /// scheme's own, port.
    pub fn list(origins: impl IntoIterator<Item = impl Into<Box<str>>>) -> Self {
        Self::new(Origins::List(origins.into_iter().map(Into::into).collect()))
    }

    /// Pages of the origins that are accepted here, each with the head of its request.
    ///
    /// ```
    /// # use engineio_server::Cors;
    /// let cors = Cors::matching(|origin, _| origin.ends_with(".example.com"));
    /// ```
    pub fn matching(accepts: impl Fn(&str, &Parts) -> bool + Send + Sync + 'static) -> Self {
        Self::new(Origins::Matching(Arc::new(accepts)))
    }

    /// Pages from the host and port that the request names as its own (`Host`), whatever their
    /// scheme; useful with [`refuse_others`](Self::refuse_others), and together with it Python's
    /// default.
    pub fn same_origin() -> Self {
        Self::new(Origins::Same { forwarded: false })
    }

    /// For [`same_origin`](Self::same_origin), the first host in `X-Forwarded-Host` counts as
    /// well. Only for servers behind a proxy that sets this header: others let clients say it.
    pub fn trust_forwarded_host(mut self) -> Self {
        if let Origins::Same { forwarded } = &mut self.origins {
            *forwarded = true;
        }
        self
    }

    fn new(origins: Origins) -> Self {
        Self {
            origins,
            credentials: false,
            methods: HeaderValue::from_static("GET,POST"),
            headers: None,
            exposed: None,
            max_age: None,
            refuses: false,
        }
    }

    /// Lets pages send cookies. Default no.
    pub const fn credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Methods that pages may use. Default `GET` and `POST`, which is what clients need.
    pub fn methods(mut self, methods: impl IntoIterator<Item = Method>) -> Self {
        let methods: Vec<_> = methods.into_iter().collect();
        if let Some(methods) = join(methods.iter().map(Method::as_str)) {
            self.methods = methods;
        }
        self
    }

    /// Headers that pages may send. Default all that they ask for.
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        self.headers = join(names.iter().map(HeaderName::as_str));
        self
    }

    /// Headers of answers that pages may read. Default none but those that every page may.
    pub fn expose(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        let names: Vec<_> = names.into_iter().collect();
        self.exposed = join(names.iter().map(HeaderName::as_str));
        self
    }

    /// How long browsers may remember what they were allowed, in whole seconds. Default unsaid,
    /// which is 5 s.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age.as_secs().into());
        self
    }

    /// Refuses requests of all other origins, on polling and websocket: error 4, `Forbidden`.
    /// Default no.
    pub const fn refuse_others(mut self) -> Self {
        self.refuses = true;
        self
    }

    /// Whether the request comes from a page that is to be turned away.
    pub(crate) fn refuses(&self, request: &Parts) -> bool {
        self.refuses && request.headers.contains_key(ORIGIN) && self.allowed(request).is_none()
    }

    /// The answer to a preflight: any request of the method OPTIONS.
    pub(crate) fn preflight(&self, request: &Parts) -> Option<http::Response<Full<Bytes>>> {
        if request.method != Method::OPTIONS {
            return None;
        }
        let mut response = http::Response::new(Full::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        self.write(request, headers);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        let asked = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(allowed) = self.headers.as_ref().or(asked) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
        }
        if self.headers.is_none() {
            let vary = match headers.contains_key(VARY) {
                true => "Origin, Access-Control-Request-Headers",
                false => "Access-Control-Request-Headers",
            };
            headers.insert(VARY, HeaderValue::from_static(vary));
        }
        if let Some(age) = &self.max_age {
            headers.insert(ACCESS_CONTROL_MAX_AGE, age.clone());
        }
        Some(response)
    }

    /// Adds what every answer to this request says.
    pub(crate) fn write(&self, request: &Parts, headers: &mut HeaderMap) {
        if matches!(self.origins, Origins::Any) && !self.credentials {
            let any = HeaderValue::from_static("*");
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, any);
        } else {
            if let Some(origin) = self.allowed(request) {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            }
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        if let Some(exposed) = &self.exposed {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    /// The origin of the page that sends the request, if it is allowed.
    fn allowed<'r>(&self, request: &'r Parts) -> Option<&'r HeaderValue> {
        let origin = request.headers.get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let is_allowed = match &self.origins {
            Origins::Any => true,
            Origins::Same { forwarded } => is_own(text, &request.headers, *forwarded),
            Origins::List(list) => list.iter().any(|listed| **listed == *text),
            Origins::Matching(accepts) => accepts(text, request),
        };
        is_allowed.then_some(origin)
    }
}

/// Whether an origin is of the host that a request was sent to.
fn is_own(origin: &str, headers: &HeaderMap, forwarded: bool) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    let named = |name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.split(',').next().map(str::trim)
    };
    let is_host = |name| host.is_some() && named(name) == host;
    is_host(HOST.as_str()) || forwarded && is_host("x-forwarded-host")
}

/// A header that lists these; `None` if there are none.
fn join<'a>(words: impl Iterator<Item = &'a str>) -> Option<HeaderValue> {
    let words: Vec<_> = words.collect();
    let list = (!words.is_empty()).then(|| words.join(","))?;
    HeaderValue::try_from(list).ok()
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("origins", &self.origins)
            .field("credentials", &self.credentials)
            .field("refuses", &self.refuses)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Same { .. } => f.write_str("same"),
            Self::List(list) => list.fmt(f),
            Self::Matching(_) => f.write_str("matching"),
        }
    }
}
