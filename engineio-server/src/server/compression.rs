//! Compressed answers to polls, as far as the client understands them. Feature `http-compression`.

use std::io::Write;

use bytes::Bytes;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::StatusCode;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, HeaderValue};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};

/// Bytes up to which a body is compressed in place: about a millisecond. Larger ones would hold up
/// others on the thread.
const IN_PLACE: usize = 32 * 1024;

/// Compresses answers to polls, with gzip or deflate, whichever the client likes better.
///
/// Off unless configured, though the reference has it on: a page that can make the server repeat
/// its guesses beside a secret learns the secret from the lengths (BREACH), and most clients move to
/// websocket, which this does not touch.
///
/// ```
/// use engineio_server::{Compression, Config};
///
/// let config = Config { compression: Some(Compression::default()), ..Config::default() };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..Compression::default()"
)]
pub struct Compression {
    /// Bytes from which a body is compressed. Default 1024.
    pub threshold: usize,
}

impl Default for Compression {
    fn default() -> Self {
        Self { threshold: 1024 }
    }
}

/// How a client's next answer may be compressed, and from which size.
#[derive(Clone, Copy)]
pub(super) struct Encoding {
    format: Format,
    threshold: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Gzip,
    Deflate,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(ACCEPT_ENCODING).into_iter();
        let wishes = values.filter_map(|value| value.to_str().ok());
        let mut best = None;
        for wish in wishes.flat_map(|value| value.split(',')) {
            let mut parts = wish.split(';').map(str::trim);
            let format = match parts.next() {
                Some(name) if name.eq_ignore_ascii_case("deflate") => Self::Deflate,
                Some("*") => Self::Gzip,
                Some(name) if name.eq_ignore_ascii_case("gzip") => Self::Gzip,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q="));
            let weight = weight.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
            // Of equals the first one.
            if weight > best.map_or(0.0, |(_, best)| best) {
                best = Some((format, weight));
            }
        }
        best.map(|(format, _)| format)
    }

    /// `None` cannot happen: memory takes every byte.
    fn compress(self, body: &[u8]) -> Option<Vec<u8>> {
        let level = flate2::Compression::default();
        let room = Vec::with_capacity(body.len() / 2);
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(room, level);
                encoder.write_all(body).ok()?;
                encoder.finish().ok()
            }
            // What HTTP calls deflate is zlib's format (RFC 9110 §8.4.1.2).
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(room, level);
                encoder.write_all(body).ok()?;
                encoder.finish().ok()
            }
        }
    }
}

impl Compression {
    /// How the answer to this request may be compressed.
    pub(super) fn encoding(&self, request: &HeaderMap) -> Option<Encoding> {
        let format = Format::accepted(request)?;
        Some(Encoding {
            format,
            threshold: self.threshold,
        })
    }
}

impl Encoding {
    /// Whether this is an answer to compress: messages, which alone forbid caches to keep them, and
    /// enough of them, unless they are to stay as they are.
    pub(super) fn suits(&self, response: &http::Response<Full<Bytes>>) -> bool {
        let length = response.body().size_hint().lower();
        response.status() == StatusCode::OK
            && length >= self.threshold as u64
            && response
                .headers()
                .get(CACHE_CONTROL)
                .is_some_and(|it| it == "no-store")
    }

    /// The same answer, compressed.
    pub(super) async fn apply(
        self,
        response: http::Response<Full<Bytes>>,
    ) -> http::Response<Full<Bytes>> {
        let format = self.format;
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await.map(Collected::to_bytes);
        let compressed = if body.len() <= IN_PLACE {
            format.compress(&body)
        } else {
            let body = body.clone();
            let compressing = tokio::task::spawn_blocking(move || format.compress(&body));
            compressing.await.ok().flatten()
        };
        let body = match compressed {
            Some(compressed) => {
                let name = HeaderValue::from_static(format.name());
                head.headers.insert(CONTENT_ENCODING, name);
                compressed.into()
            }
            None => body,
        };
        http::Response::from_parts(head, Full::new(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_says_which_format_it_likes_best() {
        let table = [
            ("gzip, deflate, br", Some(Format::Gzip)),
            ("deflate, gzip", Some(Format::Deflate)),
            ("deflate;q=0.5, gzip;q=0.8", Some(Format::Gzip)),
            ("br, deflate;q=0, GZIP ; q=0.1", Some(Format::Gzip)),
            ("*", Some(Format::Gzip)),
            ("br, zstd", None),
            ("gzip;q=0", None),
            ("gzip;q=x", None),
            ("identity", None),
            ("", None),
        ];
        for (wish, expected) in table {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(wish));
            assert_eq!(Format::accepted(&headers), expected, "{wish}");
        }
        assert_eq!(Format::accepted(&HeaderMap::new()), None);
    }
}
