//! A server on the protocol's own sessions, for streams that are byte queues. It echoes nothing: the
//! test says what it sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use engineio_proto::server::{Config, LinkEnd, LinkId, Output, RequestId, Session};
use engineio_proto::ws::{ControlFrame, Decoder, Frame, Role};
use engineio_proto::{Action, Content, Format, Head, Message, Request, RequestError, Sid, Tick};
use tungstenite::handshake::derive_accept_key;

use super::super::StreamId;

#[derive(Default)]
pub(super) struct Server {
    config: Arc<Config>,
    pub(super) peers: Vec<Peer>,
    pub(super) connections: BTreeMap<StreamId, Connection>,
    next: u32,
}

/// A session and what its application has received.
pub(super) struct Peer {
    sid: Sid,
    pub(super) session: Session,
    pub(super) received: Vec<Vec<u8>>,
    pub(super) closed: bool,
}

/// One byte stream as the server has it.
#[derive(Default)]
pub(super) struct Connection {
    input: Vec<u8>,
    /// What is on its way to the client.
    pub(super) output: Vec<u8>,
    usage: Usage,
    /// Whether it ends once all of that has arrived.
    pub(super) ends: bool,
}

#[derive(Default)]
enum Usage {
    #[default]
    Idle,
    Request(usize, RequestId),
    Link(usize, LinkId, Format, Box<Decoder>),
}

impl Server {
    pub(super) fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            ..Self::default()
        }
    }

    pub(super) fn accept(&mut self, stream: StreamId) {
        self.connections.insert(stream, Connection::default());
    }

    /// Whether the server may close this stream as one that nobody needs.
    pub(super) fn is_idle(&self, stream: StreamId) -> bool {
        let connection = &self.connections[&stream];
        matches!(connection.usage, Usage::Idle) && connection.output.is_empty()
    }

    pub(super) fn handle_bytes(&mut self, now: Tick, stream: StreamId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&stream) else {
            return;
        };
        connection.input.extend_from_slice(bytes);
        match connection.usage {
            Usage::Idle | Usage::Request(..) => self.read_request(now, stream),
            Usage::Link(..) => self.read_frames(now, stream),
        }
        self.act();
    }

    /// The client's end is gone.
    pub(super) fn handle_end(&mut self, now: Tick, stream: StreamId) {
        let Some(connection) = self.connections.remove(&stream) else {
            return;
        };
        match connection.usage {
            Usage::Idle => {}
            Usage::Request(at, id) => self.peers[at].session.handle_abandoned(now, id),
            Usage::Link(at, link, ..) => {
                self.peers[at]
                    .session
                    .handle_link_end(now, link, LinkEnd::Closed);
            }
        }
        self.act();
    }

    pub(super) fn handle_timeout(&mut self, now: Tick) {
        for peer in &mut self.peers {
            peer.session.handle_timeout(now);
        }
        self.act();
    }

    pub(super) fn poll_timeout(&self) -> Option<Tick> {
        self.peers
            .iter()
            .filter_map(|it| it.session.poll_timeout())
            .min()
    }

    fn read_request(&mut self, now: Tick, stream: StreamId) {
        let Some(connection) = self.connections.get_mut(&stream) else {
            return;
        };
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(len)) = request.parse(&connection.input) else {
            return;
        };
        let header = |name: &str| {
            let mut headers = request.headers.iter();
            headers
                .find(|it| it.name == name)
                .map(|it| it.value.to_vec())
        };
        let digits = header("content-length").unwrap_or_else(|| b"0".to_vec());
        let end = len + String::from_utf8(digits).unwrap().parse::<usize>().unwrap();
        if connection.input.len() < end {
            return;
        }
        let key = header("sec-websocket-key");
        let content = Content::from_header(header("content-type").as_deref());
        let method = request.method.unwrap().to_owned();
        let query = request.path.unwrap().split_once('?').unwrap().1.to_owned();
        let body = connection.input[len..end].to_vec();
        connection.input.drain(..end);
        let head = Head {
            method: &method,
            subpath: "",
            query: &query,
            origin: None,
            upgrade: key.is_some(),
        };
        if let Err(error) = self.take(now, stream, &head, key, content, body) {
            let response = error.response();
            self.respond(stream, response.status, &response.body);
        }
    }

    fn take(
        &mut self,
        now: Tick,
        stream: StreamId,
        head: &Head<'_>,
        key: Option<Vec<u8>>,
        content: Content,
        body: Vec<u8>,
    ) -> Result<(), RequestError> {
        let id = self.next;
        self.next += 1;
        let config = self.config.clone();
        let (at, format, action) = match Request::read(head, &config)? {
            Request::Open { format, .. } => {
                let format = format.ok_or(RequestError::UnsupportedVersion)?;
                let at = self.peers.len();
                let sid = Sid::from_random([at as u8; 15]);
                let session = match key {
                    None => Session::open_polling(config, format, &sid, RequestId(id), now),
                    Some(_) => Session::open_link(config, format, &sid, LinkId(id), now),
                };
                let received = Vec::new();
                self.peers.push(Peer {
                    sid,
                    session,
                    received,
                    closed: false,
                });
                (at, format, None)
            }
            Request::Session(wanted) => {
                let known = self.peers.iter().position(|it| Some(it.sid) == wanted.sid);
                let at = known.ok_or(RequestError::UnknownSid)?;
                let session = &self.peers[at].session;
                let facts =
                    (!session.is_closed()).then(|| (session.revision(), session.transport()));
                (at, wanted.format, Some(wanted.admit(facts)?))
            }
            _ => return Err(RequestError::BadRequest),
        };
        let connection = self.connections.get_mut(&stream).unwrap();
        if let Some(key) = key {
            let accept = derive_accept_key(&key);
            let answer = format!(
                "HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                 sec-websocket-accept: {accept}\r\n\r\n"
            );
            connection.output.extend(answer.bytes());
            let decoder = Box::new(Decoder::new(Role::Server, 1_000_000));
            connection.usage = Usage::Link(at, LinkId(id), format, decoder);
        } else {
            connection.usage = Usage::Request(at, RequestId(id));
        }
        let peer = &mut self.peers[at];
        match action {
            Some(Action::Get) => peer.session.handle_get(now, RequestId(id)),
            Some(Action::Post) => {
                peer.session
                    .handle_post(now, RequestId(id), content, body.into());
                while let Some(message) = peer.session.next_message(now) {
                    peer.received.push(bytes(&message));
                }
            }
            Some(Action::Websocket) => peer.session.handle_link(now, LinkId(id)),
            _ => {}
        }
        Ok(())
    }

    fn read_frames(&mut self, now: Tick, stream: StreamId) {
        let Some(connection) = self.connections.get_mut(&stream) else {
            return;
        };
        let Usage::Link(at, link, _, decoder) = &mut connection.usage else {
            return;
        };
        let peer = &mut self.peers[*at];
        let mut input = &mut connection.input[..];
        while let Some(frame) = decoder.decode(&mut input).expect("frames") {
            let message = match &frame {
                Frame::Text(text) => peer.session.handle_text(now, *link, text),
                Frame::Binary(data) => peer.session.handle_binary(now, *link, data),
                Frame::Close { .. } => {
                    if !connection.ends {
                        connection
                            .output
                            .extend(ControlFrame::close(None, None).as_ref());
                    }
                    connection.ends = true;
                    peer.session.handle_link_end(now, *link, LinkEnd::Closed);
                    None
                }
                _ => None,
            };
            peer.received.extend(message.as_ref().map(bytes));
        }
        connection.input.clear();
    }

    /// Acts on what the sessions want.
    pub(super) fn act(&mut self) {
        for at in 0..self.peers.len() {
            while let Some(output) = self.peers[at].session.poll_output() {
                match output {
                    Output::Reply { request, response } => {
                        let stream =
                            self.find(|it| matches!(it, Usage::Request(_, id) if *id == request));
                        if let Some(stream) = stream {
                            self.respond(stream, response.status, &response.body);
                        }
                    }
                    Output::Send { link, item } => {
                        if let Some(connection) = self.link(link)
                            && let Usage::Link(_, _, format, _) = &connection.usage
                            && !connection.ends
                        {
                            item.frames(*format)
                                .for_each(|it| connection.output.extend(it));
                        }
                    }
                    Output::CloseLink { link } => {
                        if let Some(connection) = self.link(link)
                            && !connection.ends
                        {
                            connection
                                .output
                                .extend(ControlFrame::close(None, None).as_ref());
                            connection.ends = true;
                        }
                    }
                    Output::Closed { .. } => self.peers[at].closed = true,
                    _ => {}
                }
            }
        }
    }

    fn find(&self, is_it: impl Fn(&Usage) -> bool) -> Option<StreamId> {
        self.connections
            .iter()
            .find(|(_, it)| is_it(&it.usage))
            .map(|(stream, _)| *stream)
    }

    fn link(&mut self, link: LinkId) -> Option<&mut Connection> {
        let stream = self.find(|it| matches!(it, Usage::Link(_, id, ..) if *id == link))?;
        self.connections.get_mut(&stream)
    }

    /// Answers in one of the ways HTTP has, each in its turn.
    fn respond(&mut self, stream: StreamId, status: u16, body: &[u8]) {
        self.next += 1;
        let Some(connection) = self.connections.get_mut(&stream) else {
            return;
        };
        let kind = match self.config.allow_eio3 && std::str::from_utf8(body).is_err() {
            true => "content-type: application/octet-stream\r\n",
            false => "",
        };
        connection.usage = Usage::Idle;
        let head = format!("HTTP/1.1 {status} X\r\n{kind}");
        connection.output.extend(head.bytes());
        let len = body.len();
        match self.next % 3 {
            0 => {
                connection
                    .output
                    .extend(format!("content-length: {len}\r\n\r\n").bytes());
                connection.output.extend(body);
            }
            1 => {
                let (a, b) = body.split_at(len / 2);
                connection
                    .output
                    .extend(b"transfer-encoding: chunked\r\n\r\n");
                for chunk in [a, b].into_iter().filter(|it| !it.is_empty()) {
                    connection
                        .output
                        .extend(format!("{:x}\r\n", chunk.len()).bytes());
                    connection.output.extend(chunk);
                    connection.output.extend(b"\r\n");
                }
                connection.output.extend(b"0\r\n\r\n");
            }
            _ => {
                connection.output.extend(b"connection: close\r\n\r\n");
                connection.output.extend(body);
                connection.ends = true;
            }
        }
    }
}

pub(super) fn bytes(message: &Message<'_>) -> Vec<u8> {
    match message {
        Message::Text(text) => text.as_bytes().to_vec(),
        Message::Binary(data) => data.to_vec(),
    }
}
