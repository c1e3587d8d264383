//! The client's end: packets as they stand on the wire, Engine.IO's type in front, over WebSocket
//! frames or HTTP requests. It answers pings and knows no other rule, so that tests can break them.

use std::time::Duration;

use bytes::Bytes;
use engineio_proto::ws::{Decoder, Frame, Header, Opcode, Role, mask};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use socketio_server::Io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::host::{patiently, settle};

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A session on websocket. Dropping it cuts the connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    /// What has been read; the first `taken` bytes have been looked at.
    bytes: Vec<u8>,
    taken: usize,
    decoder: Decoder,
}

/// What the server sent on a websocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Received {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame, with its code if it has one.
    Close(Option<u16>),
    /// The connection ended without a close frame.
    End,
}

impl Client {
    /// Opens a session and takes its handshake.
    pub(crate) async fn open(stream: impl Stream + 'static) -> Self {
        let mut client = Self::upgrade(stream, "").await;
        assert!(client.text().await.starts_with(r#"0{"sid":""#));
        client
    }

    /// Opens a websocket, for the session with this id if there is one.
    pub(crate) async fn upgrade(stream: impl Stream + 'static, sid: &str) -> Self {
        Self::upgrade_in(stream, 4, sid).await
    }

    /// The same in a revision of Engine.IO.
    pub(crate) async fn upgrade_in(stream: impl Stream + 'static, eio: u8, sid: &str) -> Self {
        let query = format!("EIO={eio}&transport=websocket&sid={sid}");
        let (client, head) = Self::request(stream, &query).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client
    }

    /// The head of the answer to a request for a websocket.
    pub(crate) async fn ask(stream: impl Stream + 'static, query: &str) -> String {
        Self::request(stream, query).await.1
    }

    async fn request(stream: impl Stream + 'static, query: &str) -> (Self, String) {
        let mut client = Self {
            stream: Box::new(stream),
            bytes: Vec::new(),
            taken: 0,
            decoder: Decoder::new(Role::Client, usize::MAX >> 1),
        };
        let request = format!(
            "GET /socket.io/?{query} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.write(request.as_bytes()).await;
        let end = loop {
            let end = client.bytes.windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(end) = end {
                break end + 4;
            }
            assert!(patiently(client.fill()).await, "the server answers");
        };
        let head = client.bytes.drain(..end).collect();
        (client, String::from_utf8(head).unwrap())
    }

    /// Joins a namespace and tells the socket's id.
    pub(crate) async fn join(&mut self, nsp: &str) -> String {
        let head = match nsp {
            "/" => "40".to_owned(),
            _ => format!("40{nsp},"),
        };
        self.say(&head).await;
        sid(&self.text().await, &head)
    }

    // ---- Sending --------------------------------------------------------------------------

    /// Sends a text message.
    pub(crate) async fn say(&mut self, text: &str) {
        self.write(&frame(Opcode::Text, text.as_bytes())).await;
    }

    /// Sends text messages in one piece.
    pub(crate) async fn say_all<T: AsRef<str>>(&mut self, texts: impl IntoIterator<Item = T>) {
        self.write(&frames(texts)).await;
    }

    /// Sends a binary message.
    pub(crate) async fn say_binary(&mut self, data: &[u8]) {
        self.write(&frame(Opcode::Binary, data)).await;
    }

    /// Closes the websocket.
    pub(crate) async fn say_close(&mut self) {
        self.write(&frame(Opcode::Close, &[])).await;
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        patiently(self.stream.write_all(bytes)).await.unwrap();
    }

    // ---- Receiving ------------------------------------------------------------------------

    /// Reads more; false at the end, orderly or not.
    async fn fill(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.bytes).await;
        read.is_ok_and(|len| len > 0)
    }

    /// What comes next, pings too.
    async fn receive_raw(&mut self) -> Received {
        loop {
            let len = self.bytes.len();
            let mut input = &mut self.bytes[self.taken..];
            let frame = self.decoder.decode(&mut input).unwrap();
            self.taken = len - input.len();
            let received = frame.map(|frame| match frame {
                Frame::Text(text) => Received::Text(text.into_owned()),
                Frame::Binary(data) => Received::Binary(data.into_owned()),
                Frame::Close { code, .. } => Received::Close(code),
                other => panic!("the server pings by packets: {other:?}"),
            });
            if let Some(received) = received {
                return received;
            }
            // The decoder keeps what is unfinished.
            self.bytes.clear();
            self.taken = 0;
            if !self.fill().await {
                return Received::End;
            }
        }
    }

    /// What comes next. Pings are answered and left out.
    pub(crate) async fn receive(&mut self) -> Received {
        // Patience is for all of it: pings never end.
        patiently(async {
            loop {
                let received = self.receive_raw().await;
                if received != Received::Text("2".to_owned()) {
                    return received;
                }
                self.say("3").await;
            }
        })
        .await
    }

    /// The next message, pings too.
    pub(crate) async fn packet(&mut self) -> Received {
        patiently(self.receive_raw()).await
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

    #[track_caller]
    pub(crate) fn expect_binary(&mut self, data: &[u8]) -> impl Future<Output = ()> {
        self.expect_received(Received::Binary(data.to_vec()))
    }

    /// The server closes in good order, without a code.
    #[track_caller]
    pub(crate) fn expect_close(&mut self) -> impl Future<Output = ()> {
        self.expect_received(Received::Close(None))
    }

    #[track_caller]
    fn expect_received(&mut self, expected: Received) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            let received = self.receive().await;
            assert_eq!(received, expected, "at {caller}");
        }
    }

    /// Answers pings for so long and expects nothing else. Tells how many came.
    #[track_caller]
    pub(crate) fn idle(&mut self, duration: Duration) -> impl Future<Output = usize> {
        let caller = std::panic::Location::caller();
        async move {
            let end = Instant::now() + duration;
            let mut pings = 0;
            while let Ok(received) = timeout_at(end, self.receive_raw()).await {
                assert_eq!(received, Received::Text("2".to_owned()), "at {caller}");
                self.say("3").await;
                pings += 1;
            }
            pings
        }
    }

    /// Whether nothing arrives although everything else has come to rest. Needs paused time.
    pub(crate) async fn is_silent(&mut self) -> bool {
        tokio::select! {
            biased;
            _ = self.receive_raw() => false,
            () = settle() => true,
        }
    }
}

/// The socket id in the answer to a CONNECT.
#[track_caller]
pub(crate) fn sid(answer: &str, head: &str) -> String {
    let data = answer.strip_prefix(head);
    let data = data.unwrap_or_else(|| panic!("{answer} does not answer {head}"));
    let data: Value = serde_json::from_str(data).unwrap();
    let sid = data["sid"].as_str().unwrap();
    assert_eq!(sid.len(), 20);
    sid.to_owned()
}

/// Text messages as the frames of a client.
pub(crate) fn frames<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let texts = texts.into_iter();
    texts
        .flat_map(|text| frame(Opcode::Text, text.as_ref().as_bytes()))
        .collect()
}

/// A message as the frame of a client.
fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    fragment(opcode, true, payload)
}

/// A frame of a client, which ends its message or does not.
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

/// A session on polling, by its requests.
#[derive(Clone)]
pub(crate) struct Polling {
    io: Io,
    pub(crate) sid: String,
}

impl Polling {
    /// Opens a session.
    pub(crate) async fn open(io: &Io) -> Self {
        let (status, body) = request(io, "GET", "EIO=4&transport=polling", "").await;
        assert_eq!(status, 200, "{body}");
        let handshake: Value = serde_json::from_str(&body[1..]).unwrap();
        Self {
            io: io.clone(),
            sid: handshake["sid"].as_str().unwrap().to_owned(),
        }
    }

    /// Joins a namespace.
    pub(crate) async fn join(&self, nsp: &str) -> String {
        let head = match nsp {
            "/" => "40".to_owned(),
            _ => format!("40{nsp},"),
        };
        self.say(&head).await;
        sid(&self.get().await, &head)
    }

    /// A request and its answer.
    pub(crate) async fn ask(&self, method: &str, body: &str) -> (u16, String) {
        let query = format!("EIO=4&transport=polling&sid={}", self.sid);
        request(&self.io, method, &query, body).await
    }

    /// A POST that must be answered `ok`.
    pub(crate) async fn say(&self, payload: &str) {
        assert_eq!(self.ask("POST", payload).await, (200, "ok".to_owned()));
    }

    /// The head of what a GET brings.
    pub(crate) async fn headers(&self) -> http::HeaderMap {
        let query = format!("EIO=4&transport=polling&sid={}", self.sid);
        answer(&self.io, "GET", &query, "").await.headers().clone()
    }

    /// A GET that must bring something.
    pub(crate) async fn get(&self) -> String {
        let (status, body) = self.ask("GET", "").await;
        assert_eq!(status, 200, "{body}");
        body
    }

    #[track_caller]
    pub(crate) fn expect(&self, payload: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move { assert_eq!(self.get().await, payload, "at {caller}") }
    }
}

/// A request for the server's path, and its answer.
pub(crate) async fn request(io: &Io, method: &str, query: &str, body: &str) -> (u16, String) {
    let response = answer(io, method, query, body).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

async fn answer(io: &Io, method: &str, query: &str, body: &str) -> http::Response<Full<Bytes>> {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("/socket.io/?{query}"))
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .unwrap();
    patiently(io.handle(request)).await
}
