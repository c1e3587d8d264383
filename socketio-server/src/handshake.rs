//! What is kept of the request that opened a client's link, and what handlers can ask for of it.

use std::any::type_name;
use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::{Peer, Transport};
use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::request::Parts;
use http::uri::Scheme;

use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};

/// The request that opened a client's link, as far as it is kept. All sockets of the link share it,
/// and it stays the first one when the client moves to websocket.
///
/// Headers cost memory for as long as the client stays, and are forgotten unless asked for:
/// [`Builder::keep_headers`](crate::Builder::keep_headers).
///
/// ```
/// use http::header::{COOKIE, USER_AGENT};
/// use socketio_server::{Io, Socket};
///
/// let io = Io::builder().keep_headers([COOKIE, USER_AGENT]).build();
/// io.on_connect(async |socket: Socket| {
///     let handshake = socket.handshake();
///     if let Some(room) = handshake.parameter("room") {
///         socket.join(&*room);
///     }
///     println!(
///         "{:?} uses {:?} and is {:?}",
///         handshake.address(),
///         handshake.header("user-agent"),
///         handshake.cookie("name"),
///     );
/// });
/// ```
pub struct Handshake {
    /// Path and query.
    url: Box<str>,
    headers: Option<Box<HeaderMap>>,
    extensions: http::Extensions,
    /// Milliseconds since 1970.
    issued: u64,
    address: Option<SocketAddr>,
    secure: bool,
    cross_domain: bool,
}

/// Every link has one, whatever is kept in it.
const _: () = assert!(size_of::<Handshake>() <= 88);

/// What a handshake keeps.
#[derive(Default)]
pub(crate) struct Keep {
    pub(crate) headers: Headers,
    /// Each copies one type.
    pub(crate) extensions: Vec<fn(&http::Extensions, &mut http::Extensions)>,
    pub(crate) peer: Option<Box<PeerHook>>,
}

type PeerHook = dyn Fn(&Parts) -> Peer + Send + Sync;

/// Which headers are kept.
pub(crate) enum Headers {
    All,
    These(Vec<HeaderName>),
}

impl Default for Headers {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// What hooks have found out about a client; kept without being asked for.
#[derive(Clone, Default)]
pub(crate) struct Found(pub(crate) http::Extensions);

impl Handshake {
    pub(crate) fn new(request: &Parts, keep: &Keep) -> Self {
        let peer = match &keep.peer {
            Some(peer) => peer(request),
            None => request.extensions.get().copied().unwrap_or_default(),
        };
        let is_https = request.uri.scheme() == Some(&Scheme::HTTPS);
        let url = request.uri.path_and_query();
        let found = request.extensions.get::<Found>();
        let mut extensions = found.map(|found| found.0.clone()).unwrap_or_default();
        for copy in &keep.extensions {
            copy(&request.extensions, &mut extensions);
        }
        Self {
            url: url.map_or("/", |url| url.as_str()).into(),
            headers: keep.headers.copy(&request.headers),
            extensions,
            issued: now(),
            address: peer.address,
            secure: peer.secure || is_https,
            cross_domain: request.headers.contains_key(ORIGIN),
        }
    }

    /// Path and query of the request, as in `/socket.io/?EIO=4&transport=polling`. Kept as long as the
    /// link, and no longer than a request's head may be: 16 KiB with [`Io::serve`](crate::Io::serve),
    /// and never more than 64 KiB.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The query, without its question mark; empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The parameters in the query, unescaped and in their order; those of the protocol (`EIO`,
    /// `transport`, `t`) are among them.
    pub fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        form_urlencoded::parse(self.query().as_bytes())
    }

    /// The first parameter of this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut parameters = self.parameters();
        parameters.find_map(|(found, value)| (found == name).then_some(value))
    }

    /// The headers that were asked for with [`Builder::keep_headers`](crate::Builder::keep_headers)
    /// or [`keep_all_headers`](crate::Builder::keep_all_headers).
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
        self.headers.as_deref().unwrap_or(&NONE)
    }

    /// The first header of this name, if it is kept and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The value of a cookie, as it was sent; needs the header `Cookie` to be
    /// [kept](crate::Builder::keep_headers).
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let headers = self.headers().get_all(COOKIE).into_iter();
        let texts = headers.filter_map(|header| header.to_str().ok());
        texts.flat_map(|text| text.split(';')).find_map(|cookie| {
            let (found, value) = cookie.trim().split_once('=')?;
            (found == name).then_some(value)
        })
    }

    /// When the request was read, by the clock on the wall.
    #[must_use]
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.issued)
    }

    /// The same in milliseconds since 1970, as JavaScript has it.
    #[must_use]
    pub const fn issued(&self) -> u64 {
        self.issued
    }

    /// Where the connection came from; see [`Builder::peer`](crate::Builder::peer).
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether the connection was encrypted, as far as is [known](crate::Builder::peer).
    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the request had an `Origin`: browsers send it where pages of other origins ask, and
    /// for every websocket. The reference's `xdomain`.
    #[must_use]
    pub const fn is_cross_domain(&self) -> bool {
        self.cross_domain
    }

    /// The extension of this type that the request had, if it is
    /// [kept](crate::Builder::keep_extension).
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.extensions.get()
    }
}

/// Without what may be secret: headers, and a query that can hold tokens.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("issued", &self.issued)
            .field("address", &self.address)
            .field("secure", &self.secure)
            .finish_non_exhaustive()
    }
}

impl Headers {
    /// Copies the letters: a borrowed header would keep the whole buffer it was read into.
    fn copy(&self, headers: &HeaderMap) -> Option<Box<HeaderMap>> {
        let mut kept = HeaderMap::new();
        let mut keep = |name: &HeaderName, value: &HeaderValue| {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                kept.append(name, value);
            }
        };
        match self {
            Self::All => headers.iter().for_each(|(name, value)| keep(name, value)),
            Self::These(names) => {
                for name in names {
                    headers
                        .get_all(name)
                        .iter()
                        .for_each(|value| keep(name, value));
                }
            }
        }
        (!kept.is_empty()).then(|| Box::new(kept))
    }
}

fn now() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a date for people, of no effect")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

/// Where the client's link came from; see [`Builder::peer`](crate::Builder::peer).
///
/// ```
/// use socketio_server::{Io, PeerAddr};
///
/// let io = Io::builder().build();
/// io.on("where am i", async |PeerAddr(address): PeerAddr| address.to_string());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct PeerAddr(pub SocketAddr);

impl FromEvent for PeerAddr {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let address = event.socket.handshake().address();
        address.map(Self).ok_or(Rejection::Missing("peer address"))
    }
}

/// An extension that the request of the client's link had: what a tower layer, or a hook of
/// [`Builder::allow_request`](crate::Builder::allow_request), has found out about it.
///
/// Those of layers are kept by [`Builder::keep_extension`](crate::Builder::keep_extension).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Extension<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromEvent for Extension<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let extension = event.socket.handshake().extension::<T>();
        extension
            .cloned()
            .map(Self)
            .ok_or(Rejection::Missing(type_name::<T>()))
    }
}

impl FromEvent for Arc<Handshake> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.shared_handshake())
    }
}

/// The transport the client's link lives on now.
impl FromEvent for Transport {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket.transport())
    }
}
