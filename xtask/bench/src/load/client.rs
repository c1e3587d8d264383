//! One client, step by step and blocking: from its first request to its last message.
//!
//! Steps are taken by many clients in turn, so that the server works on several at once. What
//! follows once all are connected is in [`super`], without blocking.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use socket2::SockRef;

use super::template::{Frame, Template};

/// How long a server may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What a browser sends along with each request.
pub(crate) const BROWSER_HEADERS: &str = "\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36\r\n\
    Accept: */*\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7,fr;q=0.6\r\n\
    Cache-Control: no-cache\r\n\
    Pragma: no-cache\r\n\
    Origin: https://www.example.com\r\n\
    Cookie: session=3f9d2b7c51e84a06b1d7c0a9e2f4865d; theme=dark; locale=en-GB; consent=all; \
    visitor=GA1.1.1429837465.1731940215; visit=GS1.1.1731940215.1.1.1731943377.0.0.0; \
    seen=11942,11951,12007,12016,12044,12081,12093,12107,12118,12140,12163,12177,12201,12219,12240,12258\r\n";

/// The key is always the same, and so is what a server makes of it.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A connection and what has arrived on it without being taken yet.
pub(crate) struct Client {
    stream: TcpStream,
    arrived: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&server, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            stream,
            arrived: Vec::new(),
        })
    }

    // ---- HTTP ------------------------------------------------------------------------------

    pub(crate) fn get(&mut self, session: Option<&str>) -> Result<()> {
        let request = request("GET", "polling", session, "\r\n");
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    pub(crate) fn post(&mut self, session: &str, body: &str) -> Result<()> {
        let request = post(session, body);
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// The body of a response, which must be a good one.
    pub(crate) fn body(&mut self) -> Result<String> {
        loop {
            if let Some(response) = Response::parse(&self.arrived)? {
                let body = String::from_utf8(response.body.to_vec())?;
                self.arrived.drain(..response.length);
                return Ok(body);
            }
            self.read()?;
        }
    }

    // ---- WebSocket -------------------------------------------------------------------------

    pub(crate) fn ask_for_websocket(&mut self, session: Option<&str>) -> Result<()> {
        let headers = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Key: {KEY}\r\n\r\n"
        );
        let request = request("GET", "websocket", session, &headers);
        Ok(self.stream.write_all(request.as_bytes())?)
    }

    /// Waits for the websocket.
    pub(crate) fn become_websocket(&mut self) -> Result<()> {
        let end = loop {
            if let Some(end) = end_of_head(&self.arrived) {
                break end;
            }
            self.read()?;
        };
        let head = String::from_utf8_lossy(&self.arrived[..end]).into_owned();
        self.arrived.drain(..end);
        let switches = head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT);
        ensure!(switches, "no websocket: {head}");
        Ok(())
    }

    pub(crate) fn send(&mut self, frame: Frame<'_>) -> Result<()> {
        let mut template = Template::from_client(&[frame]);
        Ok(self.stream.write_all(template.with(0))?)
    }

    /// Waits for a text message that starts like this, and returns the rest of it. Pings are
    /// answered; some servers send the first one at once.
    pub(crate) fn receive(&mut self, start: &str) -> Result<String> {
        let mut text = self.message()?;
        while text == "2" {
            self.send(Frame::Text("3"))?;
            text = self.message()?;
        }
        match text.strip_prefix(start) {
            Some(rest) => Ok(rest.to_owned()),
            None => bail!("expected {start:?}, got {text:?}"),
        }
    }

    /// The payload of a frame that is neither masked nor fragmented.
    fn message(&mut self) -> Result<String> {
        loop {
            if let Some((start, end)) = payload_of(&self.arrived) {
                let text = String::from_utf8_lossy(&self.arrived[start..end]).into_owned();
                self.arrived.drain(..end);
                return Ok(text);
            }
            self.read()?;
        }
    }

    /// Waits until the server has closed the connection, and forgets it at once: with the server's
    /// FIN here, a reset leaves no side waiting, and no port taken.
    pub(crate) fn wait_for_end(mut self) -> Result<()> {
        while self.read_some()? > 0 {}
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        Ok(())
    }

    // ---- Bytes -----------------------------------------------------------------------------

    /// The connection, on which everything that has arrived was taken.
    pub(crate) fn into_stream(mut self) -> Result<TcpStream> {
        while !self.arrived.is_empty() {
            let text = self.message()?;
            ensure!(text == "2", "not expected: {text}");
            self.send(Frame::Text("3"))?;
        }
        Ok(self.stream)
    }

    fn read(&mut self) -> Result<()> {
        match self.read_some()? {
            0 => bail!("the server closed the connection"),
            _ => Ok(()),
        }
    }

    fn read_some(&mut self) -> Result<usize> {
        let mut bytes = [0; 4096];
        let length = match self.stream.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                bail!("the server was silent for {} s", PATIENCE.as_secs())
            }
            other => other?,
        };
        self.arrived.extend(&bytes[..length]);
        Ok(length)
    }
}

fn request(method: &str, transport: &str, session: Option<&str>, rest: &str) -> String {
    let session = session.map_or_else(String::new, |id| format!("&sid={id}"));
    format!(
        "{method} /socket.io/?EIO=4&transport={transport}{session} HTTP/1.1\r\n\
        Host: www.example.com\r\n{BROWSER_HEADERS}{rest}"
    )
}

/// The request by which a client polls.
pub(crate) fn poll(session: &str) -> String {
    request("GET", "polling", Some(session), "\r\n")
}

/// The request by which a client sends something without a websocket.
pub(crate) fn post(session: &str, body: &str) -> String {
    let length = body.len();
    let rest =
        format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n\r\n{body}");
    request("POST", "polling", Some(session), &rest)
}

/// A whole response at the start of some bytes.
pub(crate) struct Response<'a> {
    pub(crate) body: &'a [u8],
    /// Bytes of head and body.
    pub(crate) length: usize,
}

impl<'a> Response<'a> {
    /// `None` while something is missing; an error if it is not a good answer.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some(end) = end_of_head(bytes) else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end])?;
        ensure!(head.starts_with("HTTP/1.1 200 "), "refused: {head}");
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .with_context(|| format!("no length: {head}"))?;
        let length = end + length.1.trim().parse::<usize>()?;
        Ok(bytes.get(end..length).map(|body| Self { body, length }))
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

/// Where the payload of the first frame starts and ends, once all of it is there.
fn payload_of(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
        short => (2, u16::from(short)),
    };
    let end = start + usize::from(length);
    (bytes.len() >= end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_whole_or_not_there() {
        let response = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nokHTTP/1.1";
        for length in 0..response.len() - "HTTP/1.1".len() {
            assert!(Response::parse(&response[..length]).unwrap().is_none());
        }
        let whole = Response::parse(response).unwrap().unwrap();
        assert_eq!(whole.body, b"ok");
        assert_eq!(whole.length, response.len() - "HTTP/1.1".len());
    }

    #[test]
    fn a_refusal_is_an_error() {
        assert!(Response::parse(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").is_err());
        assert!(Response::parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }

    #[test]
    fn a_payload_is_whole_or_not_there() {
        assert_eq!(payload_of(b"\x81\x02ab"), Some((2, 4)));
        assert_eq!(payload_of(b"\x81\x02a"), None);
        assert_eq!(payload_of(b"\x81"), None);
        assert_eq!(
            payload_of(&[&[0x82, 126, 1, 0][..], &[0; 256]].concat()),
            Some((4, 260))
        );
    }
}
