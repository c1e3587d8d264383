//! All sessions, and what is done for them, whatever moves the bytes. They echo.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use engineio_proto::http1::{self, Call};
use engineio_proto::server::{Config, LinkId, Output, Response, Session};
use engineio_proto::ws::{ControlFrame, Decoder, Frame};
use engineio_proto::{Format, Prepared, Request, RequestError, Sid, Tick};
use parking_lot::Mutex;

use crate::{Stream, write};

#[derive(Default)]
pub(crate) struct Server {
    pub(crate) config: Arc<Config>,
    sessions: Mutex<HashMap<Sid, Shared>>,
}

type Shared = Arc<Mutex<Peer>>;

/// A session, and its websockets and requests that have not had their last word.
pub(crate) struct Peer {
    session: Session,
    pub(crate) streams: HashMap<u32, (Stream, Format)>,
}

impl Server {
    /// Hands a request to its session, which may be new.
    pub(crate) fn enter(&self, id: u32, stream: &Stream, call: Call) -> Result<Shared, Response> {
        let format = call.wanted.format()?;
        let known = |sid| self.sessions.lock().get(&sid).cloned();
        let peer = if let Request::Open { transport, .. } = call.wanted {
            let mut secret = [0; 15];
            getrandom::fill(&mut secret).map_err(|_| Response::bare(500))?;
            let (config, sid) = (self.config.clone(), Sid::from_random(secret));
            let session = Session::open(config, transport, format, &sid, id, now());
            let streams = HashMap::new();
            let peer = Arc::new(Mutex::new(Peer { session, streams }));
            let mut all = self.sessions.lock();
            // Of those without a connection, nobody else keeps the time.
            all.retain(|_, it| Arc::strong_count(it) > 1 || !it.lock().act().session.is_closed());
            all.insert(sid, peer.clone());
            Some(peer)
        } else {
            call.wanted.sid().and_then(known)
        };
        let peer = peer.ok_or(RequestError::UnknownSid)?;
        let Peer { session, streams } = &mut *peer.lock();
        session.handle_request(now(), &call.wanted, id, call.content, call.body)?;
        while let Some(message) = session.next_message(now()) {
            let answer = Prepared::from(message);
            session.send(answer);
        }
        write(stream, call.switch);
        streams.insert(id, (stream.clone(), format));
        Ok(peer.clone())
    }
}

impl Peer {
    /// Takes what a websocket has brought.
    pub(crate) fn receive(&mut self, id: u32, decoder: &mut Decoder, mut input: &mut [u8]) {
        while let Some((stream, _)) = self.streams.get(&id)
            && let Some(frame) = decoder.decode(&mut input).transpose()
        {
            match frame {
                Ok(Frame::Ping(payload)) => write(stream, ControlFrame::pong(&payload, None)),
                Ok(Frame::Close { code, .. }) => self.end(id, ControlFrame::close(code, None)),
                Ok(frame) => {
                    if let Some(message) = self.session.handle_frame(now(), LinkId(id), &frame) {
                        self.session.send(message.into());
                    }
                }
                Err(error) => self.end(id, ControlFrame::close(Some(error.close_code()), None)),
            }
        }
    }

    /// The last word on a connection. The session hears of it, unless it was its own.
    pub(crate) fn end(&mut self, id: u32, last_word: impl AsRef<[u8]>) {
        if let Some((stream, _)) = self.streams.remove(&id) {
            write(&stream, last_word);
        }
        self.session.handle_end(now(), id);
    }

    /// Does what is due, and what the session asks for.
    pub(crate) fn act(&mut self) -> &Self {
        self.session.handle_timeout(now());
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Reply { request, response } => self.end(request.0, http1::encode(response)),
                Output::Send { link, item } => {
                    if let Some((stream, format)) = self.streams.get(&link.0) {
                        write(stream, item.frames(*format).collect::<Vec<_>>().concat());
                    }
                }
                Output::CloseLink { link } => self.end(link.0, ControlFrame::close(None, None)),
                _ => {} // `Upgraded` and `Closed`, for applications that want to know.
            }
        }
        self
    }
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}
