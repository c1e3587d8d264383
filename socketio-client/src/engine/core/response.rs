//! The answer to one request, from bytes as they arrive: the head, then the body. Both bounded.

use bytes::Bytes;
use engineio_proto::Content;
use http::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::super::ErrorKind;
use super::body::{Body, Framing};

/// The largest head that is accepted, in bytes; Node's is as large.
const MAX_HEAD: usize = 16 * 1024;
/// The most headers that are accepted.
const MAX_HEADERS: usize = 100;
/// The longest text that is taken for a server's message rather than for a page.
const MAX_WORDS: usize = 512;

/// A response that is complete.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the stream may be used once more.
    pub(super) keeps_alive: bool,
}

impl Response {
    pub(super) fn content(&self) -> Content {
        Content::from_header(self.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes))
    }

    /// What a server that refuses says about it: JSON, or a few words.
    pub(super) fn explanation(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok().or_else(|| {
            let words = str::from_utf8(&self.body).ok()?.trim();
            let is_message =
                !words.is_empty() && words.len() <= MAX_WORDS && !words.starts_with('<');
            is_message.then(|| words.into())
        })
    }

    /// Whether a comma-separated header lists a token, in whatever case.
    pub(super) fn has_token(&self, name: &HeaderName, token: &str) -> bool {
        has_token(&self.headers, name, token)
    }
}

/// Reads one response.
#[derive(Debug)]
pub(super) struct Reader {
    max_body: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So much of the head.
    Head(Vec<u8>),
    /// The head is there; the response's own body is filled in at the end.
    Body(Box<Response>, Body),
    Done,
}

impl Reader {
    pub(super) const fn new(max_body: usize) -> Self {
        Self {
            max_body,
            state: State::Head(Vec::new()),
        }
    }

    /// Takes what belongs to the response. `None`: all was taken and more is needed.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Response>, ErrorKind> {
        loop {
            match &mut self.state {
                State::Head(head) => {
                    if !take_head(head, input)? {
                        return Ok(None);
                    }
                    let (response, framing) = parse(head)?;
                    self.state = match response.status {
                        // Of other responses than the last one nothing matters.
                        100..=199 if response.status != 101 => State::Head(Vec::new()),
                        _ => State::Body(Box::new(response), Body::new(framing, self.max_body)),
                    };
                }
                State::Body(_, body) => {
                    let complete = body.read(input)?;
                    return Ok(if complete { self.finish() } else { None });
                }
                State::Done => return Ok(None),
            }
        }
    }

    /// The stream is at its end, which is the end of some bodies.
    pub(super) fn handle_end(&mut self) -> Option<Response> {
        match &self.state {
            State::Body(_, body) if body.ends_with_stream() => self.finish(),
            _ => None,
        }
    }

    fn finish(&mut self) -> Option<Response> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Body(mut response, body) => {
                response.body = body.into_bytes();
                Some(*response)
            }
            _ => None,
        }
    }
}

/// Moves what belongs to the head out of `input`; `true` if that is all of it.
fn take_head(head: &mut Vec<u8>, input: &mut &[u8]) -> Result<bool, ErrorKind> {
    let before = head.len();
    let room = MAX_HEAD - before;
    head.extend_from_slice(&input[..input.len().min(room)]);
    // The mark may have begun in the bytes before.
    let end = head_end(head, before.saturating_sub(2));
    let Some(end) = end else {
        if input.len() >= room {
            return Err(ErrorKind::Http("head is too long"));
        }
        *input = &[];
        return Ok(false);
    };
    *input = &input[end - before..];
    head.truncate(end);
    Ok(true)
}

/// Where a head ends, searched from `from` on: behind an empty line, whatever ends lines.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    (from..bytes.len()).find_map(|at| {
        let rest = &bytes[at..];
        match rest {
            [b'\n', b'\r', b'\n', ..] => Some(at + 3),
            [b'\n', b'\n', ..] => Some(at + 2),
            _ => None,
        }
    })
}

fn parse(head: &[u8]) -> Result<(Response, Framing), ErrorKind> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(ErrorKind::Http("head is incomplete")),
        Err(httparse::Error::TooManyHeaders) => return Err(ErrorKind::Http("too many headers")),
        Err(_) => return Err(ErrorKind::Http("head cannot be parsed")),
    }
    let mut headers = HeaderMap::new();
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let value = HeaderValue::from_bytes(field.value);
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let status = parsed.code.unwrap_or_default();
    let framing = framing(status, &headers)?;
    let is_http_11 = parsed.version == Some(1);
    let persists = match is_http_11 {
        true => !has_token(&headers, &CONNECTION, "close"),
        false => has_token(&headers, &CONNECTION, "keep-alive"),
    };
    let response = Response {
        status,
        keeps_alive: persists && !matches!(framing, Framing::UntilClose) && status != 101,
        headers,
        body: Bytes::new(),
    };
    Ok((response, framing))
}

/// How the body ends (RFC 9112 §6.3).
fn framing(status: u16, headers: &HeaderMap) -> Result<Framing, ErrorKind> {
    if matches!(status, 100..=199 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if headers
        .get(CONTENT_ENCODING)
        .is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(ErrorKind::Http(
            "body is compressed, which was not asked for",
        ));
    }
    if let Some(coding) = headers.get(TRANSFER_ENCODING) {
        let is_chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        return match is_chunked && headers.get_all(TRANSFER_ENCODING).iter().count() == 1 {
            true => Ok(Framing::Chunked),
            false => Err(ErrorKind::Http("transfer-encoding is unknown")),
        };
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return Ok(Framing::UntilClose);
    };
    if lengths.any(|other| other != first) {
        return Err(ErrorKind::Http("content-length contradicts itself"));
    }
    first
        .to_str()
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .map(Framing::Length)
        .ok_or(ErrorKind::Http("content-length is no number"))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}
