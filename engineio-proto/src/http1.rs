//! As much of HTTP/1.1 as polling needs ([RFC 9112]), for drivers without an HTTP library.
//!
//! One request per connection: every answer says that the connection ends with it, which is the
//! driver's to do. Bodies come with their length; one in chunks is refused with 411. A request for a
//! websocket comes with the 101 that accepts it.
//!
//! ```
//! use engineio_proto::http1::{Decoder, encode};
//! use engineio_proto::server::Config;
//! use engineio_proto::Request;
//!
//! let config = Config::default();
//! let mut decoder = Decoder::default();
//! let arriving: [&[u8]; 2] = [b"GET /engine.io/?EIO=4&transp", b"ort=polling HTTP/1.1\r\n\r\n"];
//! assert!(decoder.decode(arriving[0], "/engine.io/", &config).unwrap().is_none());
//! let call = decoder.decode(arriving[1], "/engine.io/", &config).unwrap().unwrap();
//! assert!(matches!(call.wanted, Request::Open { .. }));
//!
//! // What is no request of Engine.IO is refused, in words ready to be sent.
//! let refusal = Decoder::default().decode(b"GET / HTTP/1.1\r\n\r\n", "/engine.io/", &config);
//! assert!(encode(refusal.unwrap_err()).starts_with(b"HTTP/1.1 404 "));
//! ```
//!
//! [RFC 9112]: https://www.rfc-editor.org/rfc/rfc9112

use bytes::Bytes;
use httparse::{EMPTY_HEADER, Status};
use sha1::{Digest, Sha1};

use crate::base64;
use crate::format::Content;
use crate::request::{Head, Request};
use crate::server::{Config, Response};

/// Bytes of the longest head.
const MAX_HEAD: usize = 8 * 1024;
/// Headers of the longest head.
const MAX_HEADERS: usize = 64;
/// What is hashed behind the client's key (RFC 6455 §1.3).
const ACCEPT_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A request that has arrived.
#[derive(Debug)]
#[non_exhaustive]
pub struct Call {
    /// What it wants.
    pub wanted: Request,
    /// What its body is, for [`handle_post`](crate::server::Session::handle_post).
    pub content: Content,
    /// The whole body.
    pub body: Bytes,
    /// The 101 that makes a websocket of the connection; empty unless the request asks for one. It
    /// is to be sent once the request is let in.
    pub switch: Vec<u8>,
}

/// Turns the bytes of a connection into its one request.
///
/// Keeps at most a head of 8 KiB and a body of [`max_payload`](Config::max_payload) bytes, and what
/// one read brings behind them.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8>,
}

impl Decoder {
    /// Takes what the connection has brought; nothing is its end. `None`: some of the request is still
    /// to come. `path` is where the server is mounted, with a slash at its end.
    ///
    /// # Errors
    /// The refusal: what [`Request::read`] refuses; 400 for what is no HTTP, or no whole request; 404 for another path,
    /// 411 for a body in chunks, 413 for one over the limit, 431 for a head over 8 KiB or of more than
    /// 64 headers. A body is not waited for then, so some of it may still arrive.
    pub fn decode(
        &mut self,
        input: &[u8],
        path: &str,
        config: &Config,
    ) -> Result<Option<Call>, Response> {
        if input.is_empty() {
            return Err(Response::bare(400));
        }
        self.bytes.extend_from_slice(input);
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let end = match head.parse(&self.bytes) {
            Ok(Status::Complete(end)) if end <= MAX_HEAD => end,
            Ok(Status::Partial) if self.bytes.len() < MAX_HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Response::bare(431)),
            Err(_) => return Err(Response::bare(400)),
        };
        let header = |name: &str| {
            let mut headers = head.headers.iter();
            let header = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            header.map(|header| header.value)
        };
        let text = |name: &str| header(name).and_then(|value| str::from_utf8(value).ok());

        let target = head.path.unwrap_or_default();
        let (target, query) = target.split_once('?').unwrap_or((target, ""));
        let upgrade = text("upgrade").is_some_and(|it| it.eq_ignore_ascii_case("websocket"));
        let key = text("sec-websocket-key").filter(|_| upgrade);
        let subpath = target.strip_prefix(path);
        let wanted = Request::read(
            &Head {
                method: head.method.unwrap_or_default(),
                subpath: subpath.ok_or_else(|| Response::bare(404))?,
                query,
                origin: header("origin"),
                upgrade: key.is_some(),
            },
            config,
        )?;

        let len = match header("content-length") {
            _ if header("transfer-encoding").is_some() => return Err(Response::bare(411)),
            Some(len) => parse_len(len).ok_or_else(|| Response::bare(400))?,
            None => 0,
        };
        if len > config.max_payload {
            return Err(Response::bare(413));
        }
        let Some(body) = self.bytes[end..].get(..len) else {
            return Ok(None);
        };
        Ok(Some(Call {
            wanted,
            content: Content::from_header(header("content-type")),
            body: Bytes::copy_from_slice(body),
            switch: key.map(switch).unwrap_or_default(),
        }))
    }
}

/// A length is digits and nothing else, not even a sign (RFC 9112 §6.3).
fn parse_len(len: &[u8]) -> Option<usize> {
    let is_decimal = !len.is_empty() && len.iter().all(u8::is_ascii_digit);
    is_decimal.then(|| str::from_utf8(len).ok()?.parse().ok())?
}

/// A response, head and body.
#[must_use]
pub fn encode(response: Response) -> Vec<u8> {
    let (status, len) = (response.status, response.body.len());
    // The phrase behind a status may be empty; the space in front of it is not (RFC 9112 §4).
    let mut head = format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {len}\r\n");
    for (name, value) in response.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend(response.body);
    bytes
}

/// The answer to an opening handshake (RFC 6455 §4.2.2).
fn switch(key: &str) -> Vec<u8> {
    let head = "HTTP/1.1 101 \r\nconnection: upgrade\r\nupgrade: websocket\r\n";
    let mut bytes = format!("{head}sec-websocket-accept: ").into_bytes();
    let hash = Sha1::new().chain_update(key).chain_update(ACCEPT_GUID);
    base64::encode(&hash.finalize(), &mut bytes);
    bytes.extend(b"\r\n\r\n");
    bytes
}
