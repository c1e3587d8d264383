//! An Engine.IO server that echoes, on threads and `std::net`: polling, websocket, upgrade, both
//! revisions. Left out: more than one request per connection, bodies in chunks, the end of a
//! session whose POST breaks off, CORS, a bound on what waits for a client that does not read.
//!
//! `cargo run -p engineio-example-std-net -- [PORT [PING_INTERVAL_MS PING_TIMEOUT_MS]]`

mod http;
mod server;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use engineio_proto::server::Config;
use engineio_proto::ws::{Decoder, Role};

use crate::server::Server;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().ok());
    let mut number = |default| numbers.next().flatten().unwrap_or(default);
    let listener = TcpListener::bind(("127.0.0.1", number(3000) as u16))?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut config = Config::default();
    config.ping_interval = number(config.ping_interval);
    config.ping_timeout = number(config.ping_timeout);
    let mut server = Server::default();
    server.config = Arc::new(config);
    let server = Arc::new(Mutex::new(server));
    let timed = server.clone();
    thread::spawn(move || {
        loop {
            thread::park_timeout(TICK);
            lock(&timed).handle_timeouts();
        }
    });
    for (id, stream) in (0..).zip(listener.incoming().flatten()) {
        let server = server.clone();
        thread::spawn(move || serve(&server, id, stream));
    }
    Ok(())
}

/// Reads a connection to its end. Another thread writes, so that nobody waits for a client while
/// the server is locked.
fn serve(server: &Mutex<Server>, id: u32, mut stream: TcpStream) -> io::Result<()> {
    let config = lock(server).config.clone();
    // Longer than a living client is ever silent: a poll is over by the next heartbeat.
    let patience = Duration::from_millis(config.ping_interval + config.ping_timeout + 1_000);
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let (sender, outgoing) = channel::<Vec<u8>>();
    thread::spawn(move || {
        _ = outgoing.iter().try_for_each(|it| writer.write_all(&it));
        _ = writer.shutdown(Shutdown::Write);
    });
    // Whoever sends to a connection that has failed will hear of its end.
    let outgoing = Box::new(move |bytes| _ = sender.send(bytes));
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    let is_websocket = loop {
        match http::parse(&bytes, config.max_payload) {
            Ok(Some(request)) => {
                lock(server).handle(id, &request, outgoing);
                break request.head.upgrade;
            }
            Ok(None) => {}
            Err(refusal) => {
                outgoing(refusal);
                drop(outgoing);
                break false;
            }
        }
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            len => bytes.extend_from_slice(&buffer[..len]),
        }
    };
    let mut decoder = Decoder::new(Role::Server, config.max_payload);
    // Also behind a last word, which a connection closed too early would lose on the way.
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        if is_websocket {
            lock(server).handle_frames(id, &mut decoder, &mut buffer[..len]);
        }
    }
    lock(server).handle_end(id, None);
    Ok(())
}

fn lock(server: &Mutex<Server>) -> MutexGuard<'_, Server> {
    // Invariant: nothing panics under the lock.
    server.lock().expect("not poisoned")
}
