//! An Engine.IO server, with Socket.IO on it, on threads and nothing but `std::net`: long-polling,
//! websocket and the move from one to the other, for clients of both revisions.
//!
//! ```text
//!  a thread per connection                      a thread per session
//!  main.rs ──► requests.rs ──► websocket.rs             │
//!  bytes       become calls    frames become calls      │ time
//!                   └───────────────┴────► session.rs ◄─┘
//!                                          calls, then outputs ──► responses, frames
//! ```
//!
//! `http.rs` and `application.rs` do no I/O, so that the example on smol has the same.
//!
//! `cargo run -p engineio-example-std-net -- 3000`; behind the port may stand the interval and the
//! timeout of the heartbeat, in milliseconds.

mod application;
mod http;
mod requests;
mod session;
mod websocket;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use engineio_proto::server::Config;

use crate::requests::Next;
use crate::session::Sessions;

/// Bytes that are read of a client that is not listened to any more.
const FAREWELL: u64 = 1 << 20;

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().ok());
    let mut number = |default| numbers.next().flatten().unwrap_or(default);
    let listener = TcpListener::bind(("127.0.0.1", number(3000) as u16))?;
    println!("listening on http://{}", listener.local_addr()?);
    let config = Arc::new(Config {
        ping_interval: number(25_000),
        ping_timeout: number(20_000),
        ..Config::default()
    });
    let sessions = Arc::new(Sessions::default());
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            continue;
        };
        let connection = Connection {
            config: config.clone(),
            sessions: sessions.clone(),
            stream: Arc::new(stream),
            unread: Vec::new(),
        };
        // If it fails, its session has been told, and nobody else is concerned.
        thread::spawn(|| connection.serve());
    }
    Ok(())
}

/// A TCP connection, on its thread.
struct Connection {
    config: Arc<Config>,
    sessions: Arc<Sessions>,
    stream: Arc<TcpStream>,
    /// What has been read too far.
    unread: Vec<u8>,
}

impl Connection {
    fn serve(mut self) -> io::Result<()> {
        // Longer than a living client is ever silent: a poll is over by the next heartbeat.
        let patience = self.config.ping_interval + self.config.ping_timeout + 1_000;
        let patience = Some(Duration::from_millis(patience));
        self.stream.set_read_timeout(patience)?;
        self.stream.set_write_timeout(patience)?;
        self.stream.set_nodelay(true)?;
        loop {
            let request = match http::Request::parse(&self.unread, self.config.max_payload) {
                Ok(Some((request, end))) => {
                    self.unread.drain(..end);
                    request
                }
                Ok(None) if self.fill()? == 0 => return Ok(()),
                Ok(None) => continue,
                Err(status) => return self.part(&http::bare(status)),
            };
            let body = self.read_body(request.body_len);
            match self.handle(&request, body.ok()) {
                Ok((shared, Next::Answer(id))) => {
                    // What comes before the answer, the end of the stream or a request that cannot
                    // wait for it, gives the request up.
                    let read = match self.unread.len() {
                        0 => self.fill(),
                        len => Ok(len),
                    };
                    let gone = shared.tell(|state| state.abandon(id)) || read? == 0;
                    if gone || !request.keep_alive {
                        return Ok(());
                    }
                }
                Ok((shared, Next::Frames(id))) => {
                    let unread = std::mem::take(&mut self.unread);
                    websocket::read(&self.stream, unread, self.config.max_payload, &shared, id);
                    return self.part(&[]);
                }
                Err(error) => return self.part(&request.refuse(&error)),
            }
        }
    }

    fn read_body(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < len {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..len).collect())
    }

    /// Reads more; zero bytes are the end.
    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let len = (&*self.stream).read(&mut buffer)?;
        self.unread.extend_from_slice(&buffer[..len]);
        Ok(len)
    }

    /// Says a last word and waits until the client has hung up, lest the word be lost on the way.
    fn part(&self, word: &[u8]) -> io::Result<()> {
        let mut stream = &*self.stream;
        stream.write_all(word)?;
        stream.shutdown(Shutdown::Write)?;
        io::copy(&mut stream.take(FAREWELL), &mut io::sink()).map(drop)
    }
}
