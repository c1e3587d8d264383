//! HTTP/1.1 as far as Engine.IO needs it: heads of requests out of bytes, responses into bytes.
//! Reads and writes nothing itself, so that any driver can use it.

use engineio_proto::server::Response;
use engineio_proto::{Content, Head, RequestError};
use httparse::{EMPTY_HEADER, Error, Status};
use tungstenite::handshake::derive_accept_key;

/// Where Engine.IO is mounted, bare and with Socket.IO on it, with a slash behind it or without.
const ENGINE_IO: &str = "/engine.io";
const SOCKET_IO: &str = "/socket.io";

/// Bytes of the longest head.
const MAX_HEAD: usize = 8 * 1024;

/// What is kept of a request's head.
pub(crate) struct Request {
    method: String,
    /// Whether it came to the path of Socket.IO.
    pub(crate) speaks_socketio: bool,
    subpath: String,
    query: String,
    origin: Option<Vec<u8>>,
    /// What accepts the websocket, if this is a proper handshake for one.
    accept: Option<String>,
    pub(crate) content: Content,
    pub(crate) body_len: usize,
    /// Whether the connection stays open behind the answer.
    pub(crate) keep_alive: bool,
}

impl Request {
    /// The head at the start of `bytes`, and where it ends; `None` if the end is still to come.
    /// The error is the status to answer with.
    pub(crate) fn parse(bytes: &[u8], max_body: usize) -> Result<Option<(Self, usize)>, u16> {
        let mut headers = [EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut headers);
        let end = match head.parse(bytes) {
            Ok(Status::Complete(end)) => end,
            Ok(Status::Partial) if bytes.len() < MAX_HEAD => return Ok(None),
            Ok(Status::Partial) | Err(Error::TooManyHeaders) => return Err(431),
            Err(_) => return Err(400),
        };
        let header = |name: &str| {
            let mut headers = head.headers.iter();
            let header = headers.find(|header| header.name.eq_ignore_ascii_case(name));
            header.map(|header| header.value)
        };
        let method = head.method.unwrap_or_default();
        let target = head.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let speaks_socketio = path.starts_with(SOCKET_IO);
        let mount = if speaks_socketio {
            SOCKET_IO
        } else {
            ENGINE_IO
        };
        let subpath = match path.strip_prefix(mount) {
            Some("") => "",
            Some(rest) => rest.strip_prefix('/').ok_or(404_u16)?,
            None => return Err(404),
        };
        // A body in chunks would have to be counted as it comes; no client sends one.
        let body_len = match (header("transfer-encoding"), header("content-length")) {
            (Some(_), _) => return Err(411),
            (None, None) => 0,
            (None, Some(len)) => {
                let len = str::from_utf8(len).ok().and_then(|len| len.parse().ok());
                len.ok_or(400_u16)?
            }
        };
        if body_len > max_body {
            return Err(413);
        }
        let is_current = head.version == Some(1);
        let is_handshake = method == "GET"
            && is_current
            && lists(header("connection"), "upgrade")
            && lists(header("upgrade"), "websocket")
            && header("sec-websocket-version") == Some(b"13");
        let key = header("sec-websocket-key").filter(|_| is_handshake);
        let request = Self {
            method: method.to_owned(),
            speaks_socketio,
            subpath: subpath.to_owned(),
            query: query.to_owned(),
            origin: header("origin").map(<[u8]>::to_vec),
            accept: key.map(derive_accept_key),
            content: Content::from_header(header("content-type")),
            body_len,
            keep_alive: is_current && !lists(header("connection"), "close"),
        };
        Ok(Some((request, end)))
    }

    /// The head as the protocol wants to see it.
    pub(crate) fn head(&self) -> Head<'_> {
        Head {
            method: &self.method,
            subpath: &self.subpath,
            query: &self.query,
            origin: self.origin.as_deref(),
            upgrade: self.accept.is_some(),
        }
    }

    /// The 101 behind which the connection is a websocket, if the request asks for that.
    pub(crate) fn switch(&self) -> Option<Vec<u8>> {
        let head = "HTTP/1.1 101 \r\nconnection: upgrade\r\nupgrade: websocket";
        let accept = self.accept.as_ref()?;
        Some(format!("{head}\r\nsec-websocket-accept: {accept}\r\n\r\n").into_bytes())
    }

    /// How this request is refused.
    pub(crate) fn refuse(&self, error: &RequestError) -> Vec<u8> {
        respond(&match self.accept {
            Some(_) => error.upgrade_response(),
            None => error.response(),
        })
    }
}

/// Whether a comma-separated header has a token, in whatever case.
fn lists(header: Option<&[u8]>, token: &str) -> bool {
    let mut parts = header.unwrap_or_default().split(|&byte| byte == b',');
    parts.any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// A response of the protocol as it goes out.
pub(crate) fn respond(response: &Response) -> Vec<u8> {
    encode(response.status, response.headers, &response.body)
}

/// A response without a body.
pub(crate) fn bare(status: u16) -> Vec<u8> {
    encode(status, &[], &[])
}

fn encode(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}
