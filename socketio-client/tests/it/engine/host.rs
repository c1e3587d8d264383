//! An Engine.IO server that echoes, over memory or over real sockets.

use std::future;
use std::io;
use std::time::Duration;

use engineio_server::{
    Acceptor, Application, CloseReason, Config as ServerConfig, Listener, Message, Prepared,
    ProtocolConfig, Refusal, Server, Session, SessionContext, serve,
};
use socketio_client::engine::{Config, Connect, Connection, Error, Target, Transport};
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Bytes a connection over memory holds in each direction before its writer has to wait.
const PIPE: usize = 4 * 1024;

/// The far ends of connections over memory.
pub(super) type Dialed = mpsc::UnboundedSender<DuplexStream>;

/// Echoes messages; closes at the text `close`. It refuses those who ask for that.
pub(super) struct Echo(mpsc::UnboundedSender<CloseReason>);

impl Acceptor for Echo {
    type Application = Self;

    fn open(&self, _: Session<()>, head: &http::request::Parts) -> Result<Self, Refusal> {
        match head.uri.query() {
            Some(query) if query.contains("refuse=me") => Err(Refusal::new("you")),
            _ => Ok(Self(self.0.clone())),
        }
    }
}

impl Application for Echo {
    type Entry = ();

    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
        match message {
            Message::Text("close") => cx.close(),
            Message::Text(text) => cx.send(Prepared::text(text)),
            Message::Binary(data) => cx.send(Prepared::binary(data.into_owned().into())),
        }
    }

    fn handle_entry(&mut self, _: &mut SessionContext<'_, '_>, (): ()) {}

    fn handle_close(&mut self, reason: CloseReason, _: Option<&'static str>) {
        let _ = self.0.send(reason);
    }
}

/// Connections over memory, in the order they were dialled.
struct Memory(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Memory {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => future::pending().await,
        }
    }
}

/// A server, and how its sessions end.
pub(super) struct Host {
    pub(super) server: Server<Echo>,
    ends: mpsc::UnboundedReceiver<CloseReason>,
    dialed: Dialed,
    /// Where it is served on TCP, if it is.
    pub(super) url: String,
}

impl Host {
    /// Over memory.
    pub(super) fn start() -> Self {
        let (dialed, accept) = mpsc::unbounded_channel();
        Self::serve(Memory(accept), dialed, "http://memory.invalid".into())
    }

    pub(super) async fn start_tcp() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self::serve(listener, mpsc::unbounded_channel().0, url)
    }

    pub(super) fn serve(listener: impl Listener, dialed: Dialed, url: String) -> Self {
        let (end, ends) = mpsc::unbounded_channel();
        let config = ServerConfig {
            protocol: ProtocolConfig::default(),
            ..ServerConfig::default()
        };
        let server = Server::new(config, Echo(end));
        let answering = server.clone();
        let respond = move |request| {
            let server = answering.clone();
            async move { server.handle(request).await }
        };
        tokio::spawn(serve(listener, respond, future::pending()));
        Self {
            server,
            ends,
            dialed,
            url,
        }
    }

    pub(super) fn config(&self, way: Way) -> Config {
        let mut config = Config::new(self.url.as_str());
        config.transports = match way {
            Way::Polling => vec![Transport::Polling],
            Way::Websocket => vec![Transport::Websocket],
            Way::Upgrade => vec![Transport::Polling, Transport::Websocket],
        };
        config
    }

    /// Opens byte streams over memory.
    pub(super) fn connector(&self) -> impl Connect + use<> {
        let dialed = self.dialed.clone();
        move |_: Target| {
            let (near, far) = tokio::io::duplex(PIPE);
            // Refused like a connection to a closed port: the far end is dropped.
            let _ = dialed.send(far);
            future::ready(Ok(near))
        }
    }

    pub(super) async fn open(&self, way: Way) -> Result<Connection, Error> {
        Connection::open_with(self.config(way), self.connector()).await
    }

    /// How the next session ends.
    pub(super) async fn end(&mut self) -> CloseReason {
        self.ends.recv().await.unwrap()
    }
}

/// How a session is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Polling,
    Websocket,
    Upgrade,
}

pub(super) const WAYS: [Way; 3] = [Way::Polling, Way::Websocket, Way::Upgrade];

/// Ends a test that hangs, in virtual or in real time.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(24 * 3600);
    tokio::time::timeout(limit, future).await.unwrap()
}
