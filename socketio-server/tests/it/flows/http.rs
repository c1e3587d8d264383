//! Sessions of real clients, recorded with the HTTP around them: what a connection carried is told
//! in order, each request on a connection of its own.

use socketio_server::Io;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::{Flow, prepare};
use crate::host::{Host, PIPE, patiently, settle};

/// Headers of a websocket's request.
const UPGRADE: &str = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                       sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What a request that waits for its answer is.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Poll,
    Post,
    Websocket,
}

pub(super) fn is_recorded(flow: &Flow) -> bool {
    flow.log.iter().any(|line| line.contains(" HTTP/1.1"))
}

pub(super) async fn replay(flow: &Flow) {
    let host = Host::start(Io::builder().allow_eio3(true));
    prepare(&host.io, &flow.name);
    let mut replay = Replay {
        host,
        waiting: Vec::new(),
        websocket: None,
        ids: Vec::new(),
    };
    for line in &flow.log {
        println!("{}: {line}", flow.name);
        let (direction, rest) = line.split_at(2);
        let (head, body) = rest.split_once(" | ").unwrap_or((rest, ""));
        match (direction, bytes(rest)) {
            ("> ", None) => replay.ask(head, body).await,
            ("< ", None) => replay.expect(head, body).await,
            ("> ", Some(bytes)) => {
                let websocket = replay.websocket.as_mut().unwrap();
                websocket.write_all(&bytes).await.unwrap();
            }
            ("< ", Some(bytes)) => {
                let websocket = replay.websocket.as_mut().unwrap();
                let mut received = vec![0; bytes.len()];
                patiently(websocket.read_exact(&mut received))
                    .await
                    .unwrap();
                assert_eq!(received, bytes);
            }
            _ => panic!("no direction"),
        }
    }
    settle().await;
    // The session has moved: it ends with its websocket, and with no request.
    let mut host = replay.host;
    assert!(host.diary.rest().is_empty());
    drop(replay.websocket);
    settle().await;
    assert_eq!(host.diary.rest(), ["/ transport close"]);
}

struct Replay {
    host: Host,
    waiting: Vec<(Kind, DuplexStream)>,
    websocket: Option<DuplexStream>,
    /// Recorded ids, and what is in their places now.
    ids: Vec<(String, String)>,
}

impl Replay {
    /// Sends a request: `GET /path HTTP/1.1`.
    async fn ask(&mut self, line: &str, body: &str) {
        let kind = match line {
            _ if line.contains("transport=websocket") => Kind::Websocket,
            _ if line.starts_with("POST ") => Kind::Post,
            _ => Kind::Poll,
        };
        let mut line = line.replace("<t>", "t");
        for (recorded, id) in &self.ids {
            line = line.replace(recorded, id);
        }
        let upgrade = if kind == Kind::Websocket { UPGRADE } else { "" };
        let len = body.len();
        let request = format!(
            "{line}\r\nhost: localhost\r\ncontent-type: text/plain;charset=UTF-8\r\n\
             {upgrade}content-length: {len}\r\n\r\n{body}"
        );
        let mut stream = self.host.connect(PIPE);
        stream.write_all(request.as_bytes()).await.unwrap();
        self.waiting.push((kind, stream));
    }

    /// Takes the answer to the oldest request that can have it: `HTTP/1.1 200 OK`.
    async fn expect(&mut self, line: &str, body: &str) {
        let kind = match (line, body) {
            _ if line.starts_with("HTTP/1.1 101 ") => Kind::Websocket,
            (_, "ok") => Kind::Post,
            _ => Kind::Poll,
        };
        let index = self.waiting.iter().position(|(it, _)| *it == kind);
        let (_, mut stream) = self.waiting.remove(index.expect("a request"));
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(patiently(stream.read_u8()).await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        assert_eq!(head.lines().next(), Some(&*line.to_lowercase()));
        if kind == Kind::Websocket {
            return self.websocket = Some(stream);
        }
        let (_, len) = head.split_once("content-length: ").unwrap();
        let len = len.lines().next().unwrap().parse().unwrap();
        let mut received = vec![0; len];
        stream.read_exact(&mut received).await.unwrap();
        let received = String::from_utf8(received).unwrap();
        let mut expected = body.to_owned();
        if let (Some(recorded), Some(id)) = (id(body), id(&received)) {
            expected = body.replace(recorded, id);
            self.ids.push((recorded.to_owned(), id.to_owned()));
        }
        assert_eq!(received, expected);
    }
}

/// The id in a handshake or in the answer to a CONNECT.
fn id(packet: &str) -> Option<&str> {
    packet.split_once(r#""sid":""#)?.1.get(..20)
}

/// What `<bytes 0102>` says.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("<bytes ")?.strip_suffix('>')?;
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    Some(pairs.map(byte).collect())
}
