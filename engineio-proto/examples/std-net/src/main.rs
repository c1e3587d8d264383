//! An Engine.IO server that echoes, on threads and `std::net`: polling, websocket, upgrade, both
//! revisions. Each connection has one thread, which also keeps the time of its session while it
//! waits. Left out: more than one request per connection, bodies in chunks, the end of a session
//! whose POST breaks off, CORS, a bound on what waits for a client that does not poll.
//!
//! `cargo run -p engineio-example-std-net -- [PORT [PING_INTERVAL_MS PING_TIMEOUT_MS]]`

mod server;

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use engineio_proto::http1;
use engineio_proto::ws::{Decoder, Role};

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(20);
/// How long a client may take to send a request, or to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where a session writes.
type Stream = Arc<TcpStream>;

fn main() -> io::Result<()> {
    let mut args = std::env::args().filter_map(|arg| arg.parse().ok());
    let listener = TcpListener::bind(("127.0.0.1", args.next().unwrap_or(3000) as u16))?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut server = server::Server::default();
    let config = Arc::make_mut(&mut server.config);
    config.ping_interval = args.next().unwrap_or(config.ping_interval);
    config.ping_timeout = args.next().unwrap_or(config.ping_timeout);
    std::thread::scope(|scope| {
        for (id, stream) in (0..).zip(listener.incoming().flatten()) {
            let server = &server;
            scope.spawn(move || serve(server, id, &Arc::new(stream)));
        }
        Ok(())
    })
}

/// A connection to its end.
fn serve(server: &server::Server, id: u32, stream: &Stream) -> io::Result<()> {
    let (mut reader, mut buffer) = (&**stream, [0; 16 * 1024]);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut decoder = http1::Decoder::default();
    let call = loop {
        let len = reader.read(&mut buffer)?;
        let call = decoder.decode(&buffer[..len], "/engine.io/", &server.config);
        if let Some(call) = call.transpose() {
            break call;
        }
    };
    let is_link = call.as_ref().is_ok_and(|call| !call.switch.is_empty());
    match call.and_then(|call| server.enter(id, stream, call)) {
        Err(refusal) => write(stream, http1::encode(refusal)),
        Ok(peer) => {
            stream.set_read_timeout(Some(TICK))?;
            let mut decoder = Decoder::new(Role::Server, server.config.max_payload);
            while peer.lock().act().streams.contains_key(&id) {
                let read = reader.read(&mut buffer);
                let mut peer = peer.lock();
                match read {
                    Ok(0) => peer.end(id, []),
                    Ok(len) if is_link => peer.receive(id, &mut decoder, &mut buffer[..len]),
                    Err(it) if !matches!(it.kind(), TimedOut | WouldBlock) => peer.end(id, []),
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

/// A connection that takes no more is at its end, which its thread will read.
fn write(mut stream: &TcpStream, bytes: impl AsRef<[u8]>) {
    if stream.write_all(bytes.as_ref()).is_err() {
        _ = stream.shutdown(Shutdown::Both);
    }
}
