//! An Engine.IO server that echoes, on threads and `std::net`: polling, websocket, upgrade, both
//! revisions. Each connection has one thread, which also keeps the time of its session while it
//! waits. Left out: more than one request per connection, bodies in chunks, the end of a session
//! whose POST breaks off, CORS, a bound on what waits for a client that does not poll.
//!
//! `cargo run -p engineio-example-std-net -- [PORT [PING_INTERVAL_MS PING_TIMEOUT_MS]]`

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use engineio_proto::http1::{self, Call};
use engineio_proto::server::{Config, LinkEnd, LinkId, Output, RequestId, Response, Session};
use engineio_proto::ws::{self, ControlFrame, Frame, Role};
use engineio_proto::{Format, Prepared, Request, RequestError, Sid, Tick};
use parking_lot::Mutex;
use tungstenite::handshake::derive_accept_key;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(20);
/// How long a client may take to send a request, or to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);

struct Server {
    config: Arc<Config>,
    sessions: Mutex<HashMap<Sid, Shared>>,
}

type Shared = Arc<Mutex<Peer>>;

/// A session, and its websockets and requests that have not had their last word.
struct Peer {
    session: Session,
    streams: HashMap<u32, (Arc<TcpStream>, Format)>,
}

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().ok());
    let mut number = |default| numbers.next().flatten().unwrap_or(default);
    let listener = TcpListener::bind(("127.0.0.1", number(3000) as u16))?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut config = Config::default();
    config.ping_interval = number(config.ping_interval);
    config.ping_timeout = number(config.ping_timeout);
    let (config, sessions) = (Arc::new(config), Mutex::default());
    let server = &Server { config, sessions };
    std::thread::scope(|scope| {
        for (id, stream) in (0..).zip(listener.incoming().flatten()) {
            scope.spawn(move || server.serve(id, &Arc::new(stream)));
        }
        Ok(())
    })
}

impl Server {
    /// A connection to its end.
    fn serve(&self, id: u32, stream: &Arc<TcpStream>) -> io::Result<()> {
        let (mut reader, mut buffer) = (&**stream, [0; 16 * 1024]);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut decoder = http1::Decoder::default();
        let call = loop {
            let len = reader.read(&mut buffer)?;
            let call = decoder.decode(&buffer[..len], "/engine.io/", &self.config);
            if let Some(call) = call.transpose() {
                break call;
            }
        };
        let is_link = call.as_ref().is_ok_and(|call| call.key.is_some());
        match call.and_then(|call| self.enter(id, stream, call)) {
            Err(refusal) => write(stream, http1::encode(refusal)),
            Ok(peer) => {
                stream.set_read_timeout(Some(TICK))?;
                let mut decoder = ws::Decoder::new(Role::Server, self.config.max_payload);
                while peer.lock().act().streams.contains_key(&id) {
                    let read = reader.read(&mut buffer);
                    let mut peer = peer.lock();
                    match read {
                        Ok(0) => peer.end(id, []),
                        Ok(len) if is_link => peer.receive(id, &mut decoder, &mut buffer[..len]),
                        Err(error) if error.kind() != ErrorKind::WouldBlock => peer.end(id, []),
                        _ => {}
                    }
                }
            }
        }
        // Closed before the client has sent everything, it would take its last word back.
        stream.shutdown(Shutdown::Write)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        io::copy(&mut reader, &mut io::sink()).map(drop)
    }

    /// Hands a request to its session, which may be new.
    fn enter(&self, id: u32, stream: &Arc<TcpStream>, call: Call) -> Result<Shared, Response> {
        let format = call.wanted.format()?;
        let known = |sid| self.sessions.lock().get(&sid).cloned();
        let peer = match call.wanted {
            Request::Open { transport, .. } => {
                let mut secret = [0; 15];
                getrandom::fill(&mut secret).map_err(|_| Response::bare(500))?;
                let (config, sid) = (self.config.clone(), Sid::from_random(secret));
                let session = Session::open(config, transport, format, &sid, id, now());
                let streams = HashMap::new();
                let peer = Arc::new(Mutex::new(Peer { session, streams }));
                let mut all = self.sessions.lock();
                // Of those without a connection, nobody else keeps the time.
                all.retain(|_, it| {
                    Arc::strong_count(it) > 1 || !it.lock().act().session.is_closed()
                });
                all.insert(sid, peer.clone());
                Some(peer)
            }
            Request::Session(wanted) => wanted.sid.and_then(known),
            _ => None,
        };
        let peer = peer.ok_or(RequestError::UnknownSid)?;
        let Peer { session, streams } = &mut *peer.lock();
        if let Request::Session(wanted) = &call.wanted {
            session.handle_request(now(), wanted, id, call.content, call.body)?;
        }
        while let Some(message) = session.next_message(now()) {
            let answer = Prepared::from(message);
            session.send(answer);
        }
        if let Some(key) = call.key {
            let accept = derive_accept_key(key.as_bytes());
            write(stream, http1::switching(&accept));
        }
        streams.insert(id, (stream.clone(), format));
        Ok(peer.clone())
    }
}

impl Peer {
    /// Takes what a websocket has brought.
    fn receive(&mut self, id: u32, decoder: &mut ws::Decoder, mut input: &mut [u8]) {
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
    fn end(&mut self, id: u32, last_word: impl AsRef<[u8]>) {
        if let Some((stream, _)) = self.streams.remove(&id) {
            write(&stream, last_word);
        }
        // Of these, the one that is not meant has no effect.
        self.session.handle_abandoned(now(), RequestId(id));
        self.session
            .handle_link_end(now(), LinkId(id), LinkEnd::Closed);
    }

    /// Does what is due, and what the session asks for.
    fn act(&mut self) -> &Self {
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
                // `Upgraded` and `Closed` are for applications that want to know.
                _ => {}
            }
        }
        self
    }
}

/// A connection that takes no more is at its end, which its thread will read.
fn write(mut stream: &TcpStream, bytes: impl AsRef<[u8]>) {
    if stream.write_all(bytes.as_ref()).is_err() {
        _ = stream.shutdown(Shutdown::Both);
    }
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}
