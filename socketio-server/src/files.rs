//! Serving files beside the server: an application's own ([`StaticFiles`]) and the official
//! JavaScript client ([`ClientBundle`]). This file owns what both answer: conditions and headers.
//!
//! Neither routes requests, adds CORS headers or compresses: the caller does, as for its other
//! responses. Whole files are held in memory while they are sent; ranges are not supported.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{Method, Request, StatusCode};
use http_body_util::Full;

mod client_bundle;
#[cfg(test)]
mod folder;
mod static_files;
mod url_path;

pub use client_bundle::{ClientBundle, FilesError};
pub use static_files::StaticFiles;

type Response = http::Response<Full<Bytes>>;

/// What, besides its path, decides how a request for a file is answered.
#[derive(Debug)]
struct Wish {
    /// The headers alone are wanted.
    head: bool,
    /// The versions that the client has already.
    if_none_match: Option<HeaderValue>,
}

impl Wish {
    /// `None` unless the method is GET or HEAD.
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let head = request.method() == Method::HEAD;
        (head || request.method() == Method::GET).then(|| Self {
            head,
            if_none_match: request.headers().get(IF_NONE_MATCH).cloned(),
        })
    }

    /// The answer with the file, with its headers alone or, if the client has it already, with 304.
    ///
    /// `content` is called only to be sent; without content there is no answer.
    fn answer(self, file: File, content: impl FnOnce() -> Option<Bytes>) -> Option<Response> {
        let unchanged = self
            .if_none_match
            .is_some_and(|known| lists(&known, &file.etag));
        let mut response = Response::default();
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(file.cache_control));
        headers.insert(ETAG, file.etag);
        if unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        headers.insert(CONTENT_TYPE, file.content_type);
        if self.head {
            headers.insert(CONTENT_LENGTH, file.length.into());
        } else {
            // The length is that of what was read: the file may have changed since it was described.
            let content = content()?;
            headers.insert(CONTENT_LENGTH, content.len().into());
            *response.body_mut() = Full::new(content);
        }
        Some(response)
    }
}

/// What the headers of an answer say of a file.
#[derive(Debug, Clone)]
struct File {
    content_type: HeaderValue,
    cache_control: &'static str,
    etag: HeaderValue,
    /// In bytes.
    length: u64,
}

/// Whether an If-None-Match header holds the version. The comparison is the weak one (RFC 9110
/// §13.1.2): `W/` on either side means nothing.
fn lists(if_none_match: &HeaderValue, etag: &HeaderValue) -> bool {
    let listed = if_none_match.as_bytes().trim_ascii();
    listed == b"*"
        || listed
            .split(|&byte| byte == b',')
            .any(|tag| opaque(tag.trim_ascii()) == opaque(etag.as_bytes()))
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_the_list_whatever_its_strength() {
        let table = [
            ("\"4.8.4\"", true),
            ("W/\"4.8.4\"", true),
            ("\"1\", W/\"4.8.4\" ,\"2\"", true),
            (" * ", true),
            ("4.8.4", false),
            ("\"4.8.40\"", false),
            ("w/\"4.8.4\"", false),
            ("\"1\", *", false),
            ("", false),
        ];
        for (header, expected) in table {
            for etag in ["\"4.8.4\"", "W/\"4.8.4\""] {
                let header = HeaderValue::from_static(header);
                let found = lists(&header, &HeaderValue::from_static(etag));
                assert_eq!(found, expected, "{header:?} against {etag}");
            }
        }
    }

    #[test]
    fn nothing_is_read_for_headers_alone_or_for_304() {
        let file = File {
            content_type: HeaderValue::from_static("text/plain"),
            cache_control: "no-cache",
            etag: HeaderValue::from_static("\"1\""),
            length: 5,
        };
        let head = Request::head("/").body(()).unwrap();
        let response = Wish::of(&head)
            .and_then(|wish| wish.answer(file.clone(), || panic!("was read")))
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_LENGTH], "5");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");

        let known = Request::get("/").header(IF_NONE_MATCH, "\"1\"");
        let response = Wish::of(&known.body(()).unwrap())
            .and_then(|wish| wish.answer(file, || panic!("was read")))
            .unwrap();
        assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(response.headers()[ETAG], "\"1\"");
        assert_eq!(response.headers()[CACHE_CONTROL], "no-cache");
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
    }
}
