//! What things cost, counted: allocations, calls, bytes that stay. The figures hold by
//! construction, so they are the same on every machine, however busy it is.
//!
//! The heap is counted per thread. So a test here runs its whole server on its own thread, and only
//! while it says so.

mod memory;
mod pipe;
mod traffic;

use std::future;
use std::io;
use std::time::Duration;

use engineio_proto::ws::{Decoder, Frame, Role};
use socketio_server::{Data, EncodeError, Io, Listener, Socket};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::client::{Received, frames};
use crate::host::settle;
use pipe::{ClientEnd, Connection, ServerEnd, pipe};

/// A server whose tasks run only inside the methods of this.
struct Stage {
    runtime: Runtime,
    io: Io,
    dial: mpsc::UnboundedSender<ServerEnd>,
}

/// Connections in the order in which they were dialled.
struct Memory(mpsc::UnboundedReceiver<ServerEnd>);

impl Listener for Memory {
    type Io = ServerEnd;

    async fn accept(&mut self) -> io::Result<ServerEnd> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => future::pending().await,
        }
    }
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let io = Io::builder().build();
        let (dial, accept) = mpsc::unbounded_channel();
        let server = io.clone();
        runtime.spawn(async move {
            let listener = Memory(accept);
            server
                .serve(listener, future::pending(), Duration::ZERO)
                .await
        });
        Self { runtime, io, dial }
    }

    /// Lets everything run that can.
    fn settle(&self) {
        self.runtime.block_on(settle());
    }

    /// Opens websockets on these connections, for the session with this id if there is one.
    fn websockets(&self, connections: Vec<Connection>, sid: &str) -> Vec<Client> {
        let query = format!("EIO=4&transport=websocket&sid={sid}");
        let request = format!(
            "GET /socket.io/?{query} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        let mut clients = Vec::with_capacity(connections.len());
        for (server_end, end) in connections {
            assert!(self.dial.send(server_end).is_ok());
            end.write(request.as_bytes());
            clients.push(Client { end });
        }
        self.settle();
        for client in &clients {
            assert!(client.end.read().starts_with(b"HTTP/1.1 101 "));
        }
        clients
    }

    /// Websocket clients that have joined the default namespace, on these connections.
    fn join_on(&self, connections: Vec<Connection>) -> Vec<Client> {
        let clients = self.websockets(connections, "");
        for client in &clients {
            client.say(&["40"]);
        }
        self.settle();
        for client in &clients {
            let [Received::Text(answer)] = &client.received()[..] else {
                panic!("one answer to the CONNECT");
            };
            assert!(answer.starts_with(r#"40{"sid":""#), "{answer}");
        }
        clients
    }

    fn join(&self) -> Client {
        self.join_all(1).remove(0)
    }

    /// So many that have joined.
    fn join_all(&self, count: usize) -> Vec<Client> {
        self.join_on((0..count).map(|_| pipe()).collect())
    }
}

/// A websocket. Dropping it cuts the connection.
struct Client {
    end: ClientEnd,
}

impl Client {
    /// Sends text messages in one piece.
    fn say(&self, texts: &[&str]) {
        self.end.write(&frames(texts));
    }

    /// Takes the messages that have arrived, which must be whole.
    fn received(&self) -> Vec<Received> {
        let mut bytes = self.end.read();
        let mut input = &mut bytes[..];
        let mut decoder = Decoder::new(Role::Client, usize::MAX >> 1);
        let mut received = Vec::new();
        while let Some(frame) = decoder.decode(&mut input).unwrap() {
            received.push(match frame {
                Frame::Text(text) => Received::Text(text.into_owned()),
                Frame::Binary(data) => Received::Binary(data.into_owned()),
                other => panic!("unexpected {other:?}"),
            });
        }
        assert_eq!(decoder.kept_bytes(), 0);
        received
    }
}

/// Sends a text back as an event of its own.
async fn echo(socket: Socket, Data(text): Data<String>) -> Result<(), EncodeError> {
    socket.emit("echo", &text).map(drop)
}
