//! What an answer says besides what the protocol wants of it: CORS headers, the session cookie,
//! headers of the application. Collected while the request is at hand, for a poll may wait long.

use http::header::{HeaderMap, SET_COOKIE, VARY};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

#[cfg(feature = "http-compression")]
use super::compression::Encoding;
use crate::config::Config;

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

    /// How this answer is to be compressed.
    #[cfg(feature = "http-compression")]
    pub(super) fn encoding(&self, response: &proto::server::Response) -> Option<Encoding> {
        self.0.as_ref()?.encoding.filter(|it| it.suits(response))
    }

    /// Adds the headers.
    pub(super) fn complete<B>(self, response: &mut http::Response<B>) {
        let Some(extra) = self.0 else { return };
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
    }
}
