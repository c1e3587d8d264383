//! The client's end, byte by byte: HTTP/1.1 and WebSocket frames written and read by hand, so that
//! tests decide what shares a segment and what is never sent at all.

use engineio_proto::ws::{Decoder, Frame, Header, Opcode, Role, mask};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::host::{patiently, settle};

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// One connection. Dropping it closes it.
pub(crate) struct Wire {
    io: Box<dyn Io>,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self {
            io: Box::new(io),
            read: Vec::new(),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        patiently(self.io.write_all(bytes)).await.unwrap();
    }

    /// Writes to a server that may have closed the connection.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> bool {
        patiently(self.io.write_all(bytes)).await.is_ok()
    }

    /// Ends this direction; the other one stays.
    pub(crate) async fn finish(&mut self) {
        self.io.shutdown().await.unwrap();
    }

    /// Reads more; false at the end, orderly or not.
    async fn fill(&mut self) -> bool {
        let read = patiently(self.io.read_buf(&mut self.read)).await;
        read.is_ok_and(|len| len > 0)
    }

    /// Reads this many bytes and forgets them.
    pub(crate) async fn skip(&mut self, count: usize) {
        let mut bytes = vec![0; count];
        patiently(self.io.read_exact(&mut bytes)).await.unwrap();
    }

    /// Whether nothing arrives although everything else has come to rest. Needs paused time.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let before = self.read.len();
        tokio::select! {
            biased;
            _ = self.io.read_buf(&mut self.read) => {}
            () = settle() => {}
        }
        self.read.len() == before
    }

    /// All that comes until the server closes the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.read)
    }

    /// The answer to a request of this method.
    pub(crate) async fn response(&mut self, method: &str) -> Response {
        self.try_response(method).await.expect("an answer")
    }

    /// The answer; `None` if the connection ends before it is complete.
    pub(crate) async fn try_response(&mut self, method: &str) -> Option<Response> {
        let head = loop {
            let end = self.read.windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.read.drain(..end + 4).collect();
                break String::from_utf8(head).unwrap();
            }
            if !self.fill().await {
                return None;
            }
        };
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut response = Response {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && status != 101 {
            let len = response
                .header("content-length")
                .map_or(0, |len| len.parse().unwrap());
            while self.read.len() < len {
                if !self.fill().await {
                    return None;
                }
            }
            response.body = self.read.drain(..len).collect();
        }
        Some(response)
    }
}

/// The bytes of a request.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n");
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    if method != "GET" {
        bytes.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

/// The headers of a websocket request.
pub(crate) const UPGRADE: &[(&str, &str)] = &[
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    // The key of RFC 6455 §1.3.
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// The answer to the key in [`UPGRADE`].
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn assert(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.text()), (status, body));
    }
}

/// The session id of an `open` packet.
pub(crate) fn sid(packet: &str) -> String {
    let (_, rest) = packet.split_once(r#""sid":""#).expect("a handshake");
    rest[..20].to_owned()
}

/// The client's end of a websocket.
pub(crate) struct Websocket {
    pub(crate) wire: Wire,
    decoder: Decoder,
}

/// What the server sent on a websocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The connection ended without a close frame.
    End,
}

impl Websocket {
    /// Asks for a websocket; `Err` is the answer of a server that refuses.
    pub(crate) async fn open(mut wire: Wire, target: &str) -> Result<Self, Response> {
        wire.write(&request("GET", target, UPGRADE, b"")).await;
        Self::accepted(wire).await
    }

    /// Takes the answer to a request that has been sent.
    pub(crate) async fn accepted(mut wire: Wire) -> Result<Self, Response> {
        let response = wire.response("GET").await;
        if response.status != 101 {
            return Err(response);
        }
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT));
        Ok(Self {
            wire,
            decoder: Decoder::new(Role::Client, usize::MAX >> 1),
        })
    }

    /// Sends a text message.
    pub(crate) async fn say(&mut self, text: &str) {
        self.wire.write(&text_frame(text)).await;
    }

    /// Sends a binary message.
    pub(crate) async fn say_binary(&mut self, data: &[u8]) {
        self.wire.write(&frame(Opcode::Binary, data)).await;
    }

    pub(crate) async fn receive(&mut self) -> Received {
        loop {
            let mut bytes = std::mem::take(&mut self.wire.read);
            let mut input = bytes.as_mut_slice();
            let frame = self.decoder.decode(&mut input).unwrap();
            let received = frame.map(|frame| match frame {
                Frame::Text(text) => Received::Text(text.into_owned()),
                Frame::Binary(data) => Received::Binary(data.into_owned()),
                Frame::Pong(data) => Received::Pong(data.into_owned()),
                Frame::Close { code, .. } => Received::Close(code),
                Frame::Ping(_) => panic!("the server pings by packets"),
            });
            self.wire.read = input.to_vec();
            if let Some(received) = received {
                return received;
            }
            if !self.wire.fill().await {
                return Received::End;
            }
        }
    }

    /// The next message, which must be text.
    pub(crate) async fn text(&mut self) -> String {
        match self.receive().await {
            Received::Text(text) => text,
            other => panic!("unexpected {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> impl Future<Output = ()> {
        self.expect_received(Received::Text(text.to_owned()))
    }

    /// The server closes in good order, with this code.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: Option<u16>) -> impl Future<Output = ()> {
        self.expect_received(Received::Close(code))
    }

    #[track_caller]
    fn expect_received(&mut self, expected: Received) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let received = self.receive().await;
            assert_eq!(received, expected, "at {caller}");
        }
    }
}

/// A text message as the frame of a client.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    frame(Opcode::Text, text.as_bytes())
}

/// A whole message, or a control frame, of a client.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    fragment(opcode, true, payload)
}

/// A frame of a client.
pub(crate) fn fragment(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let key = [0x1d, 0x2c, 0x3b, 0x4a];
    let header = Header {
        fin,
        opcode,
        len: payload.len() as u64,
        mask: Some(key),
    };
    let mut bytes = header.encode().as_ref().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask(&mut bytes[start..], key, 0);
    bytes
}
