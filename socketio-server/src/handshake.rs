//! What is kept of the request that opened a client's link.

use http::HeaderMap;
use http::request::Parts;

/// The first request of a link, as far as it is kept. All sockets of the link share it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Handshake {
    /// The query string, without its question mark.
    pub query: Box<str>,
    /// The headers asked for with [`Builder::keep_headers`](crate::Builder::keep_headers); none
    /// unless asked for.
    pub headers: HeaderMap,
}

impl Handshake {
    /// Copies what is kept: a borrowed header would keep the whole buffer it was read into.
    pub(crate) fn new(request: &Parts, keep: &[http::HeaderName]) -> Self {
        let mut headers = HeaderMap::new();
        for name in keep {
            for value in request.headers.get_all(name) {
                if let Ok(copy) = http::HeaderValue::from_bytes(value.as_bytes()) {
                    headers.append(name, copy);
                }
            }
        }
        Self {
            query: request.uri.query().unwrap_or_default().into(),
            headers,
        }
    }
}
