//! The Engine.IO server of the example on `std::net`, on smol: all tasks share one thread. What does
//! no I/O is the same for every driver, and so is what is left out.
//!
//! `cargo run -p engineio-example-smol -- [PORT [PING_INTERVAL_MS PING_TIMEOUT_MS]]`

#[path = "../../std-net/src/http.rs"]
mod http;
#[path = "../../std-net/src/server.rs"]
mod server;

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use engineio_proto::server::Config;
use engineio_proto::ws::{Decoder, Role};
use smol::channel::{Receiver, unbounded};
use smol::future::{or, zip};
use smol::io::{AsyncReadExt, AsyncWriteExt};
use smol::net::{TcpListener, TcpStream};
use smol::{LocalExecutor, Timer};

use crate::server::Server;

/// How late a deadline may be noticed.
const TICK: Duration = Duration::from_millis(20);

fn main() -> io::Result<()> {
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(listen(&executor)))
}

async fn listen(executor: &LocalExecutor<'_>) -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse().ok());
    let mut number = |default| numbers.next().flatten().unwrap_or(default);
    let listener = TcpListener::bind(("127.0.0.1", number(3000) as u16)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut config = Config::default();
    config.ping_interval = number(config.ping_interval);
    config.ping_timeout = number(config.ping_timeout);
    let mut server = Server::default();
    server.config = Arc::new(config);
    let server = Rc::new(RefCell::new(server));
    executor.spawn(keep_time(server.clone())).detach();
    for id in 0.. {
        let (stream, _) = listener.accept().await?;
        executor.spawn(serve(server.clone(), id, stream)).detach();
    }
    Ok(())
}

async fn keep_time(server: Rc<RefCell<Server>>) {
    loop {
        Timer::after(TICK).await;
        server.borrow_mut().handle_timeouts();
    }
}

/// A connection to its end.
async fn serve(server: Rc<RefCell<Server>>, id: u32, stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let config = server.borrow().config.clone();
    // Longer than a living client is ever silent: a poll is over by the next heartbeat.
    let patience = Duration::from_millis(config.ping_interval + config.ping_timeout + 1_000);
    let (sender, outgoing) = unbounded();
    // Whoever sends to a connection that has failed will hear of its end.
    let sender = Box::new(move |bytes| _ = sender.try_send(bytes));
    let reading = read(&server, id, stream.clone(), sender, patience);
    let writing = write(stream, outgoing, patience);
    let (read, written) = zip(reading, writing).await;
    read.and(written)
}

async fn read(
    server: &RefCell<Server>,
    id: u32,
    mut stream: TcpStream,
    outgoing: server::Outgoing,
    patience: Duration,
) -> io::Result<()> {
    let max_payload = server.borrow().config.max_payload;
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    let is_websocket = loop {
        match http::parse(&bytes, max_payload) {
            Ok(Some(request)) => {
                server.borrow_mut().handle(id, &request, outgoing);
                break request.head.upgrade;
            }
            Ok(None) => {}
            Err(refusal) => {
                outgoing(refusal);
                drop(outgoing);
                break false;
            }
        }
        match within(patience, stream.read(&mut buffer)).await? {
            0 => return Ok(()),
            len => bytes.extend_from_slice(&buffer[..len]),
        }
    };
    let mut decoder = Decoder::new(Role::Server, max_payload);
    // Also behind a last word, which a connection closed too early would lose on the way.
    while let Ok(len @ 1..) = within(patience, stream.read(&mut buffer)).await {
        if is_websocket {
            let mut server = server.borrow_mut();
            server.handle_frames(id, &mut decoder, &mut buffer[..len]);
        }
    }
    server.borrow_mut().handle_end(id, None);
    Ok(())
}

async fn write(
    mut stream: TcpStream,
    outgoing: Receiver<Vec<u8>>,
    patience: Duration,
) -> io::Result<()> {
    while let Ok(bytes) = outgoing.recv().await {
        within(patience, stream.write_all(&bytes)).await?;
    }
    stream.shutdown(Shutdown::Write)
}

async fn within<T>(patience: Duration, io: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let end = async {
        Timer::after(patience).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    or(io, end).await
}
