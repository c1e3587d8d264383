//! What an answer says besides what the protocol wants of it: CORS headers, the session cookie,
//! headers of the application. Collected while the request is at hand, for a poll may wait long.

use std::pin::Pin;

use bytes::Bytes;
use http::header::{HeaderMap, SET_COOKIE, VARY};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body_util::Full;

#[cfg(feature = "http-compression")]
use super::compression::Encoding;
use crate::config::Config;

type Response = http::Response<Full<Bytes>>;

/// A response that is being compressed.
pub(super) type Compressing = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A pointer's width, and nothing behind it, for servers that want none of this.
#[derive(Default)]
pub(super) struct Extras(Option<Box<Headers>>);

#[derive(Default)]
struct Headers {
    /// For whatever is answered.
    always: HeaderMap,
    /// For success.
    session: HeaderMap,
    #[cfg(feature = "http-compression")]
    encoding: Option<Encoding>,
}

impl Extras {
    /// What the configuration wants for every answer to a request.
    pub(super) fn new(config: &Config, request: &Parts) -> Self {
        let mut extras = Self::default();
        if let Some(cors) = &config.cors {
            cors.write(request, &mut extras.get().always);
        }
        #[cfg(feature = "http-compression")]
        if let Some(compression) = &config.compression
            && let Some(encoding) = compression.encoding(&request.headers)
        {
            extras.get().encoding = Some(encoding);
        }
        extras
    }

    fn get(&mut self) -> &mut Headers {
        self.0.get_or_insert_default()
    }

    /// Headers of the application, for success.
    pub(super) fn add(&mut self, headers: HeaderMap) {
        if !headers.is_empty() {
            self.get().session.extend(headers);
        }
    }

    /// A cookie, for success.
    pub(super) fn set_cookie(&mut self, cookie: HeaderValue) {
        self.get().session.append(SET_COOKIE, cookie);
    }

    /// Adds the headers. What is to be compressed comes later.
    pub(super) fn complete(self, mut response: Response) -> Result<Response, Compressing> {
        let Some(extra) = self.0 else {
            return Ok(response);
        };
        let status = response.status();
        let headers = response.headers_mut();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            headers.extend(extra.session);
        }
        // What varies by several headers varies by each of them.
        let vary = headers.remove(VARY);
        headers.extend(extra.always);
        if let Some(vary) = vary {
            headers.append(VARY, vary);
        }
        #[cfg(feature = "http-compression")]
        if let Some(encoding) = extra.encoding.filter(|it| it.suits(&response)) {
            return Err(Box::pin(encoding.apply(response)));
        }
        Ok(response)
    }
}
