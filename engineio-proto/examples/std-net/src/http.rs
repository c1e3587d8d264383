//! As much of HTTP/1.1 as Engine.IO needs, without I/O: one request per connection.

use engineio_proto::server::Response;
use engineio_proto::{Content, Head};
use httparse::{EMPTY_HEADER, Status};
use tungstenite::handshake::derive_accept_key;

/// Bytes of the longest head.
const MAX_HEAD: usize = 8 * 1024;

pub(crate) struct Request<'a> {
    pub(crate) head: Head<'a>,
    pub(crate) content: Content,
    pub(crate) body: &'a [u8],
    /// The 101 that makes a websocket of the connection, if the request asks for that.
    pub(crate) switch: Option<Vec<u8>>,
}

/// The request in `bytes`; `None` if some of it is still to come. The error is an answer.
pub(crate) fn parse(bytes: &[u8], max_body: usize) -> Result<Option<Request<'_>>, Vec<u8>> {
    let mut headers = [EMPTY_HEADER; 64];
    let mut head = httparse::Request::new(&mut headers);
    let end = match head.parse(bytes).map_err(|_| encode(400, &[], &[]))? {
        Status::Complete(end) => end,
        Status::Partial if bytes.len() < MAX_HEAD => return Ok(None),
        Status::Partial => return Err(encode(431, &[], &[])),
    };
    let header = |name: &str| {
        let mut headers = head.headers.iter();
        let header = headers.find(|header| header.name.eq_ignore_ascii_case(name));
        header.and_then(|header| str::from_utf8(header.value).ok())
    };
    if header("transfer-encoding").is_some() {
        return Err(encode(411, &[], &[]));
    }
    let body = match header("content-length").unwrap_or("0").parse() {
        Ok(len) if len > max_body => return Err(encode(413, &[], &[])),
        Ok(len) => bytes[end..].get(..len),
        Err(_) => return Err(encode(400, &[], &[])),
    };
    let target = head.path.unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let subpath = path.strip_prefix("/engine.io/");
    let is_websocket = header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket"));
    let switch = header("sec-websocket-key")
        .filter(|_| is_websocket)
        .map(switch);
    let head = Head {
        method: head.method.unwrap_or_default(),
        subpath: subpath.ok_or_else(|| encode(404, &[], &[]))?,
        query,
        origin: None,
        upgrade: switch.is_some(),
    };
    let content = Content::from_header(header("content-type").map(str::as_bytes));
    Ok(body.map(|body| Request {
        head,
        content,
        body,
        switch,
    }))
}

fn switch(key: &str) -> Vec<u8> {
    let head = "HTTP/1.1 101 \r\nconnection: upgrade\r\nupgrade: websocket";
    let accept = derive_accept_key(key.as_bytes());
    format!("{head}\r\nsec-websocket-accept: {accept}\r\n\r\n").into()
}

/// A response of the protocol as it goes out.
pub(crate) fn response(response: &Response) -> Vec<u8> {
    encode(response.status, response.headers, &response.body)
}

fn encode(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let len = body.len();
    let mut head = format!("HTTP/1.1 {status} \r\nconnection: close\r\ncontent-length: {len}\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    [head.as_bytes(), b"\r\n", body].concat()
}
