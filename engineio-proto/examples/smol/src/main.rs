//! The Engine.IO server of the example on `std::net`, on smol. What is done for the sessions is the
//! same, and what is left out as well; but nothing bounds what waits for a client that does not read.
//! A connection has one task that reads, and keeps the time of its session, and one that writes.
//!
//! `cargo run -p engineio-example-smol -- [PORT [PING_INTERVAL_MS PING_TIMEOUT_MS]]`

#[path = "../../std-net/src/server.rs"]
mod server;

use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use engineio_proto::http1;
use engineio_proto::ws::{Decoder, Role};
use smol::Timer;
use smol::channel::{Receiver, Sender, unbounded};
use smol::net::{TcpListener, TcpStream};
use smol::prelude::*;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(20);
/// How long a client may take to send a request, or to take what it is sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a session writes.
type Stream = Sender<Vec<u8>>;

fn main() -> io::Result<()> {
    smol::block_on(listen())
}

async fn listen() -> io::Result<()> {
    let mut args = std::env::args().filter_map(|arg| arg.parse().ok());
    let listener = TcpListener::bind(("127.0.0.1", args.next().unwrap_or(3000) as u16)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut server = server::Server::default();
    let config = Arc::make_mut(&mut server.config);
    config.ping_interval = args.next().unwrap_or(config.ping_interval);
    config.ping_timeout = args.next().unwrap_or(config.ping_timeout);
    let server = Arc::new(server);
    for id in 0.. {
        let (stream, _) = listener.accept().await?;
        let server = server.clone();
        smol::spawn(async move { serve(&server, id, stream).await }).detach();
    }
    Ok(())
}

/// Reads a connection to its end.
async fn serve(server: &server::Server, id: u32, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    let mut decoder = http1::Decoder::default();
    let call = loop {
        let len = within(PATIENCE, stream.read(&mut buffer)).await?;
        let call = decoder.decode(&buffer[..len], "/engine.io/", &server.config);
        if let Some(call) = call.transpose() {
            break call;
        }
    };
    let (sender, outgoing) = unbounded();
    smol::spawn(carry(stream.clone(), outgoing)).detach();
    let is_link = call.as_ref().is_ok_and(|call| !call.switch.is_empty());
    match call.and_then(|call| server.enter(id, &sender, call)) {
        Err(refusal) => write(&sender, http1::encode(refusal)),
        Ok(peer) => {
            let mut decoder = Decoder::new(Role::Server, server.config.max_payload);
            while peer.lock().act().streams.contains_key(&id) {
                let read = within(TICK, stream.read(&mut buffer)).await;
                let mut peer = peer.lock();
                match read {
                    Ok(0) => peer.end(id, []),
                    Ok(len) if is_link => peer.receive(id, &mut decoder, &mut buffer[..len]),
                    Err(error) if error.kind() != ErrorKind::TimedOut => peer.end(id, []),
                    _ => {}
                }
            }
        }
    }
    drop(sender);
    // Closed before the client has sent everything, it would take its last word back.
    while within(PATIENCE, stream.read(&mut buffer)).await? > 0 {}
    Ok(())
}

/// Whoever sends to a connection that has failed will read its end.
fn write(stream: &Stream, bytes: impl AsRef<[u8]>) {
    _ = stream.try_send(bytes.as_ref().to_vec());
}

/// Writes on a connection, to the end or until it takes no more.
async fn carry(mut stream: TcpStream, outgoing: Receiver<Vec<u8>>) -> io::Result<()> {
    while let Ok(bytes) = outgoing.recv().await {
        if within(PATIENCE, stream.write_all(&bytes)).await.is_err() {
            return stream.shutdown(Shutdown::Both);
        }
    }
    stream.shutdown(Shutdown::Write)
}

async fn within<T>(patience: Duration, io: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = async {
        Timer::after(patience).await;
        Err(ErrorKind::TimedOut.into())
    };
    io.or(late).await
}
