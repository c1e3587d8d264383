//! An Engine.IO server, with Socket.IO on it, on smol: long-polling, websocket and the move from one
//! to the other, for clients of both revisions. All tasks share one thread.
//!
//! ```text
//!  a task per connection                        a task per session
//!  main.rs ──► requests.rs ──► websocket.rs             │
//!  bytes       become calls    frames become calls      │ time
//!                   └───────────────┴────► session.rs ◄─┘
//!                                          calls, then outputs ──► channels to the connections
//! ```
//!
//! `cargo run -p engineio-example-smol -- 3000`; behind the port may stand the interval and the
//! timeout of the heartbeat, in milliseconds.

// What does no I/O is the same for every driver.
#[path = "../../std-net/src/application.rs"]
mod application;
#[path = "../../std-net/src/http.rs"]
mod http;
mod requests;
mod session;
mod websocket;

use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use engineio_proto::server::Config;
use smol::Timer;
use smol::future::or;
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};

use crate::requests::Next;
use crate::session::Sessions;

/// Bytes that are read of a client that is not listened to any more.
const FAREWELL: u64 = 1 << 20;

fn main() -> io::Result<()> {
    let sessions = Rc::new(Sessions::default());
    smol::block_on(sessions.executor.run(listen(sessions.clone())))
}

async fn listen(sessions: Rc<Sessions>) -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().ok());
    let mut number = |default| numbers.next().flatten().unwrap_or(default);
    let listener = TcpListener::bind(("127.0.0.1", number(3000) as u16)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let config = Arc::new(Config {
        ping_interval: number(25_000),
        ping_timeout: number(20_000),
        ..Config::default()
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = Connection {
            config: config.clone(),
            sessions: sessions.clone(),
            stream,
            unread: Vec::new(),
        };
        // If it fails, its session has been told, and nobody else is concerned.
        sessions.executor.spawn(connection.serve()).detach();
    }
}

/// A TCP connection, in its task.
struct Connection {
    config: Arc<Config>,
    sessions: Rc<Sessions>,
    stream: TcpStream,
    /// What has been read too far.
    unread: Vec<u8>,
}

impl Connection {
    async fn serve(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        loop {
            let request = match http::Request::parse(&self.unread, self.config.max_payload) {
                Ok(Some((request, end))) => {
                    self.unread.drain(..end);
                    request
                }
                Ok(None) if self.fill().await? == 0 => return Ok(()),
                Ok(None) => continue,
                Err(status) => return self.part(&http::bare(status)).await,
            };
            let body = self.read_body(request.body_len).await;
            match self.handle(&request, body.ok()) {
                Ok((shared, Next::Answer(id, answer))) => {
                    // What comes before the answer, the end of the stream or a request that cannot
                    // wait for it, gives the request up.
                    let early = async {
                        _ = self.fill().await;
                        None
                    };
                    let Some(answer) = or(async { answer.recv().await.ok() }, early).await else {
                        shared.tell(|state| state.abandon(id));
                        return Ok(());
                    };
                    self.write(&http::respond(&answer)).await?;
                    if !request.keep_alive {
                        return Ok(());
                    }
                }
                Ok((shared, Next::Frames(id, format, outgoing))) => {
                    if let Some(switch) = request.switch() {
                        // Should it fail, so does the next read.
                        _ = self.write(&switch).await;
                    }
                    self.serve_link(&shared, id, format, outgoing).await;
                    return self.part(&[]).await;
                }
                Err(error) => return self.part(&request.refuse(&error)).await,
            }
        }
    }
    async fn read_body(&mut self, len: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < len {
            if self.fill().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..len).collect())
    }

    /// Reads more; zero bytes are the end.
    async fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let len = patiently(&self.config, self.stream.read(&mut buffer)).await?;
        self.unread.extend_from_slice(&buffer[..len]);
        Ok(len)
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        patiently(&self.config, self.stream.write_all(bytes)).await
    }

    /// Says a last word and waits until the client has hung up, lest the word be lost on the way.
    async fn part(&mut self, word: &[u8]) -> io::Result<()> {
        self.write(word).await?;
        self.stream.shutdown(Shutdown::Write)?;
        let rest = (&mut self.stream).take(FAREWELL);
        let rest = smol::io::copy(rest, smol::io::sink());
        patiently(&self.config, rest).await.map(drop)
    }
}

/// Waits for longer than a living client is ever silent: a poll is over by the next heartbeat.
async fn patiently<T>(config: &Config, io: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let patience = config.ping_interval + config.ping_timeout + 1_000;
    let end = async {
        Timer::after(Duration::from_millis(patience)).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    or(io, end).await
}
