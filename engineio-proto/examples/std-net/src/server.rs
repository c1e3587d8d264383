//! All sessions, without I/O: bytes of connections become calls, outputs become bytes. It echoes.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use engineio_proto::server::{Config, LinkEnd, LinkId, Output, RequestId, Session};
use engineio_proto::ws::{ControlFrame, Decoder, Frame};
use engineio_proto::{Action, Format, Message, Prepared, Request, RequestError};
use engineio_proto::{Sid, Tick, Transport};

use crate::http;

/// Takes what is to be written on a connection, and hangs up when it is dropped.
pub(crate) type Outgoing = Box<dyn Fn(Vec<u8>) + Send>;

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) config: Arc<Config>,
    sessions: HashMap<Sid, Session>,
    /// Requests that wait for their answers, and websockets.
    connections: HashMap<u32, Connection>,
}

struct Connection {
    sid: Sid,
    format: Format,
    outgoing: Outgoing,
}

impl Server {
    /// Takes the one request of a connection, whose number names whatever becomes of it.
    pub(crate) fn handle(&mut self, id: u32, request: &http::Request<'_>, outgoing: Outgoing) {
        let (sid, format) = match self.call(id, request) {
            Ok(called) => called,
            Err(error) => return outgoing(http::response(&error.response())),
        };
        if let Some(switch) = &request.switch {
            outgoing(switch.clone());
        }
        let connection = Connection {
            sid,
            format,
            outgoing,
        };
        self.connections.insert(id, connection);
        self.act(sid);
    }

    /// Makes a call of a request. Returns whose it was, and the format of what is sent in return.
    fn call(
        &mut self,
        id: u32,
        request: &http::Request<'_>,
    ) -> Result<(Sid, Format), RequestError> {
        let (answer, link) = (RequestId(id), LinkId(id));
        match Request::read(&request.head, &self.config)? {
            Request::Open { transport, format } => {
                let format = format.ok_or(RequestError::UnsupportedVersion)?;
                let (config, sid) = (self.config.clone(), random_sid());
                let session = match transport {
                    Transport::Polling => {
                        Session::open_polling(config, format, &sid, answer, now())
                    }
                    _ => Session::open_link(config, format, &sid, link, now()),
                };
                self.sessions.insert(sid, session);
                Ok((sid, format))
            }
            Request::Session(wanted) => {
                let sid = wanted.sid.ok_or(RequestError::UnknownSid)?;
                let session = self.sessions.get_mut(&sid);
                let session = session.ok_or(RequestError::UnknownSid)?;
                match wanted.admit(Some((session.revision(), session.transport())))? {
                    Action::Get => session.handle_get(now(), answer),
                    Action::Post => {
                        let body = request.body.to_vec().into();
                        session.handle_post(now(), answer, request.content, body);
                        while let Some(message) = session.next_message(now()) {
                            let answer = echo(message);
                            session.send(answer);
                        }
                    }
                    Action::Websocket => session.handle_link(now(), link),
                    _ => return Err(RequestError::BadRequest),
                }
                Ok((sid, wanted.format))
            }
            _ => Err(RequestError::BadRequest),
        }
    }

    /// Takes what a websocket has brought.
    pub(crate) fn handle_frames(&mut self, id: u32, decoder: &mut Decoder, mut input: &mut [u8]) {
        let link = LinkId(id);
        while let Some(Connection { sid, outgoing, .. }) = self.connections.get(&id)
            && let Some(session) = self.sessions.get_mut(sid)
        {
            let answer = match decoder.decode(&mut input) {
                Ok(Some(Frame::Text(text))) => session.handle_text(now(), link, &text).map(echo),
                Ok(Some(Frame::Binary(data))) => {
                    session.handle_binary(now(), link, &data).map(echo)
                }
                Ok(Some(Frame::Ping(payload))) => {
                    outgoing(ControlFrame::pong(&payload, None).as_ref().to_vec());
                    None
                }
                Ok(Some(Frame::Pong(_))) => None,
                Ok(Some(Frame::Close { code, .. })) => return self.handle_end(id, code),
                Err(error) => return self.handle_end(id, Some(error.close_code())),
                Ok(None) => return self.act(*sid),
            };
            if let Some(answer) = answer {
                session.send(answer);
            }
        }
    }

    /// Nothing more comes on a connection: a poll was given up, or a websocket is to be closed.
    pub(crate) fn handle_end(&mut self, id: u32, code: Option<u16>) {
        let Some(Connection { sid, outgoing, .. }) = self.connections.remove(&id) else {
            return;
        };
        outgoing(ControlFrame::close(code, None).as_ref().to_vec());
        if let Some(session) = self.sessions.get_mut(&sid) {
            // Of these, the one that is not meant has no effect.
            session.handle_abandoned(now(), RequestId(id));
            session.handle_link_end(now(), LinkId(id), LinkEnd::Closed);
        }
        self.act(sid);
    }

    /// Tells the time to all sessions that wait for it.
    pub(crate) fn handle_timeouts(&mut self) {
        let is_due = |session: &Session| session.poll_timeout().is_some_and(|at| at <= now());
        let due = self.sessions.iter_mut().filter(|(_, it)| is_due(it));
        let due = due.map(|(sid, session)| {
            session.handle_timeout(now());
            *sid
        });
        for sid in due.collect::<Vec<_>>() {
            self.act(sid);
        }
    }

    /// Does what a session asks for.
    fn act(&mut self, sid: Sid) {
        let Some(session) = self.sessions.get_mut(&sid) else {
            return;
        };
        while let Some(output) = session.poll_output() {
            match output {
                Output::Reply { request, response } => {
                    let connection = self.connections.remove(&request.0);
                    connection.inspect(|it| (it.outgoing)(http::response(&response)));
                }
                Output::Send { link, item } => {
                    if let Some(connection) = self.connections.get(&link.0) {
                        let frames = item.frames(connection.format).collect::<Vec<_>>();
                        (connection.outgoing)(frames.concat());
                    }
                }
                Output::CloseLink { link } => {
                    let close = ControlFrame::close(None, None).as_ref().to_vec();
                    let connection = self.connections.remove(&link.0);
                    connection.inspect(|it| (it.outgoing)(close));
                }
                // `Upgraded` and `Closed` are for applications that want to know.
                _ => {}
            }
        }
        if session.is_closed() {
            self.sessions.remove(&sid);
        }
    }
}

fn echo(message: Message<'_>) -> Prepared {
    match message {
        Message::Text(text) => Prepared::text(text),
        Message::Binary(data) => Prepared::binary(data.into_owned().into()),
    }
}

/// Nobody can guess it.
fn random_sid() -> Sid {
    let mut bytes = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut bytes).expect("the system provides randomness");
    Sid::from_random(bytes)
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}
