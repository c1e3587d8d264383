//! A running server and the ways to reach it: over memory, where paused time makes every wait
//! exact, or over real sockets.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engineio_server::{Config, Listener, ProtocolConfig, Server, serve};
use http::StatusCode;
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::puppet::{Events, Puppets, Reaction};
use crate::wire::{Response, Websocket, Wire, request, sid};

/// Bytes a connection over memory holds in each direction before its writer has to wait.
const PIPE: usize = 4 * 1024;

/// A puppet theatre that is being served.
pub(crate) struct Host {
    pub(crate) server: Server<Puppets>,
    pub(crate) serving: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
    dial: Dial,
}

enum Dial {
    Memory(mpsc::UnboundedSender<DuplexStream>),
    Tcp(SocketAddr),
    Unix(PathBuf),
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

impl Host {
    /// Over memory.
    pub(crate) fn start(config: Config, reaction: Reaction) -> (Self, Events) {
        let (dial, accept) = mpsc::unbounded_channel();
        Self::serve(config, reaction, Memory(accept), Dial::Memory(dial))
    }

    /// Over memory, with the defaults and echoing puppets.
    pub(crate) fn echo() -> (Self, Events) {
        Self::start(Config::default(), Reaction::Echo)
    }

    pub(crate) async fn start_tcp(config: Config, reaction: Reaction) -> (Self, Events) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self::serve(config, reaction, listener, Dial::Tcp(address))
    }

    fn start_unix(config: Config, reaction: Reaction, path: PathBuf) -> (Self, Events) {
        let listener = UnixListener::bind(&path).unwrap();
        Self::serve(config, reaction, listener, Dial::Unix(path))
    }

    /// One host per network.
    pub(crate) async fn on_each_network(
        config: &Config,
        reaction: Reaction,
    ) -> [(Self, Events); 3] {
        static SOCKETS: AtomicUsize = AtomicUsize::new(0);
        let name = format!(
            "engineio-{}-{}.sock",
            std::process::id(),
            SOCKETS.fetch_add(1, Ordering::Relaxed),
        );
        let path = std::env::temp_dir().join(name);
        [
            Self::start(config.clone(), reaction),
            Self::start_tcp(config.clone(), reaction).await,
            Self::start_unix(config.clone(), reaction, path),
        ]
    }

    fn serve<L: Listener>(
        config: Config,
        reaction: Reaction,
        listener: L,
        dial: Dial,
    ) -> (Self, Events) {
        let (puppets, events) = Puppets::new(reaction);
        let server = Server::new(config, puppets);
        let (stop, stopped) = oneshot::channel::<()>();
        let answering = server.clone();
        let respond = move |request: http::Request<Incoming>| {
            let server = answering.clone();
            async move {
                if server.takes(request.uri().path()) {
                    return server.handle(request).await;
                }
                let mut response = http::Response::new(Full::default());
                *response.status_mut() = StatusCode::NOT_FOUND;
                response
            }
        };
        let stopped = async {
            // A host that is dropped serves until its runtime ends.
            if stopped.await.is_err() {
                future::pending().await
            }
        };
        let host = Self {
            server,
            serving: tokio::spawn(serve(listener, respond, stopped)),
            stop: Some(stop),
            dial,
        };
        (host, events)
    }

    /// Asks the accept loop to end.
    pub(crate) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// The bound address of a server on TCP.
    pub(crate) fn address(&self) -> SocketAddr {
        match self.dial {
            Dial::Tcp(address) => address,
            _ => panic!("not on tcp"),
        }
    }

    pub(crate) async fn connect(&self) -> Wire {
        match &self.dial {
            Dial::Memory(dial) => {
                let (near, far) = tokio::io::duplex(PIPE);
                // Refused like a connection to a closed port: the far end is dropped.
                let _ = dial.send(far);
                Wire::new(near)
            }
            Dial::Tcp(address) => {
                let stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                Wire::new(stream)
            }
            Dial::Unix(path) => Wire::new(UnixStream::connect(path).await.unwrap()),
        }
    }

    /// A request on a connection of its own, without waiting for the answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Wire {
        let mut wire = self.connect().await;
        wire.write(&request(method, target, headers, body.as_ref()))
            .await;
        wire
    }

    /// A request and its answer.
    pub(crate) async fn ask(&self, method: &str, target: &str, body: &str) -> Response {
        let mut wire = self.send(method, target, &[], body).await;
        wire.response(method).await
    }

    /// Opens a session on polling.
    pub(crate) async fn open(&self) -> Polling<'_> {
        self.open_with("EIO=4").await
    }

    /// The same with parameters of the test's choice, which all its requests have.
    pub(crate) async fn open_with(&self, parameters: &'static str) -> Polling<'_> {
        let target = format!("/engine.io/?{parameters}&transport=polling");
        let response = self.ask("GET", &target, "").await;
        assert_eq!(response.status, 200, "{}", response.text());
        Polling {
            host: self,
            sid: sid(&response.text().replace('\\', "")),
            parameters,
        }
    }

    /// Opens a websocket for a session, or without one a session on it; its handshake is still to
    /// be received.
    pub(crate) async fn websocket(&self, sid: &str) -> Websocket {
        self.websocket_with("EIO=4", sid).await
    }

    /// The same with parameters of the test's choice.
    pub(crate) async fn websocket_with(&self, parameters: &str, sid: &str) -> Websocket {
        let target = format!("/engine.io/?{parameters}&transport=websocket&sid={sid}");
        Websocket::open(self.connect().await, &target)
            .await
            .unwrap()
    }

    /// Opens a session on a websocket and takes its handshake.
    pub(crate) async fn open_websocket(&self) -> Websocket {
        let mut websocket = self.websocket("").await;
        assert!(websocket.text().await.starts_with("0{"));
        websocket
    }

    /// Nothing is left of any session.
    pub(crate) async fn assert_empty(&self) {
        patiently(self.server.idle()).await;
        assert_eq!(self.server.sessions(), 0);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Dial::Unix(path) = &self.dial {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A session on polling, by its requests. Each uses a connection of its own.
#[derive(Clone)]
pub(crate) struct Polling<'a> {
    host: &'a Host,
    pub(crate) sid: String,
    parameters: &'static str,
}

impl Polling<'_> {
    pub(crate) fn target(&self) -> String {
        let Self {
            parameters, sid, ..
        } = self;
        format!("/engine.io/?{parameters}&transport=polling&sid={sid}")
    }

    /// A GET and its answer.
    pub(crate) async fn get(&self) -> Response {
        self.park().await.response("GET").await
    }

    /// A GET whose answer is left for later.
    pub(crate) async fn park(&self) -> Wire {
        self.host.send("GET", &self.target(), &[], "").await
    }

    /// A POST and its answer.
    pub(crate) async fn post(&self, body: impl AsRef<[u8]>) -> Response {
        self.start_post(body).await.response("POST").await
    }

    /// A POST whose answer is left for later.
    pub(crate) async fn start_post(&self, body: impl AsRef<[u8]>) -> Wire {
        self.host.send("POST", &self.target(), &[], body).await
    }

    /// A POST that must be answered `ok`.
    pub(crate) async fn say(&self, body: &str) {
        self.post(body).await.assert(200, "ok");
    }

    /// A GET that must bring this payload.
    pub(crate) async fn expect(&self, payload: &str) {
        self.get().await.assert(200, payload);
    }

    pub(crate) async fn assert_unknown(&self) {
        self.get()
            .await
            .assert(400, r#"{"code":1,"message":"Session ID unknown"}"#);
    }
}

/// A configuration with these protocol limits.
pub(crate) fn protocol(protocol: ProtocolConfig) -> Config {
    Config {
        protocol,
        ..Config::default()
    }
}

/// Lets paused time pass. Whatever can run or is due meanwhile does.
pub(crate) async fn pass(time: Duration) {
    // Virtual time: it moves only when nothing else can run.
    tokio::time::sleep(time).await;
}

/// Returns when nothing else can run.
pub(crate) async fn settle() {
    pass(Duration::from_millis(1)).await;
}

/// Waits for what must come. A test that waits in vain fails instead of hanging.
pub(crate) async fn patiently<T>(awaited: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, awaited)
        .await
        .expect("what the test waits for happens")
}
