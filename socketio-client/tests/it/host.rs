//! A running server over memory, where paused time makes every wait exact; ways to it that can be
//! cut; and what handlers at both ends tell the test.

use std::future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use socketio_client::engine::Target;
use socketio_client::{Client, Config, Transport};
use socketio_server::{Io, Listener};
use tokio::io::{DuplexStream, copy_bidirectional, duplex};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// Bytes a connection holds in each direction before its writer has to wait.
const PIPE: usize = 64 * 1024;

/// A server and the ways to it.
pub(crate) struct Host {
    pub(crate) io: Io,
    pub(crate) pen: Pen,
    pub(crate) diary: Diary,
    pub(crate) network: Network,
}

impl Host {
    /// With the defaults.
    pub(crate) fn new() -> Self {
        Self::start(|io| io)
    }

    pub(crate) fn start(
        build: impl FnOnce(socketio_server::Builder) -> socketio_server::Builder,
    ) -> Self {
        let (pen, diary) = Pen::new();
        let io = build(Io::builder()).build();
        let (dial, accept) = mpsc::unbounded_channel();
        let server = io.clone();
        tokio::spawn(async move {
            let stop = future::pending();
            server.serve(Memory(accept), stop, Duration::ZERO).await
        });
        Self {
            io,
            pen,
            diary,
            network: Network(Arc::new(Inner {
                dial,
                down: AtomicBool::new(false),
                dialled: AtomicUsize::new(0),
                frozen: watch::Sender::new(()),
                relays: Mutex::new(Vec::new()),
            })),
        }
    }

    /// A client on polling that moves to websocket.
    pub(crate) fn client(&self) -> Client {
        self.client_with(config())
    }

    /// A client on websocket alone: its streams are one each.
    pub(crate) fn websocket_client(&self) -> Client {
        self.client_with(websocket())
    }

    /// What fails is noted.
    pub(crate) fn client_with(&self, config: Config) -> Client {
        let network = self.network.clone();
        let client = Client::with_connector(config, move |_: Target| {
            let connected = network.connect();
            async move { connected }
        });
        let pen = self.pen.clone();
        client.on_error(move |error| pen.note(error.to_string()));
        client
    }
}

pub(crate) fn config() -> Config {
    Config::new("http://memory")
}

pub(crate) fn websocket() -> Config {
    let mut config = config();
    config.engine.transports = vec![Transport::Websocket];
    config
}

/// Connections over memory, in the order they were dialled.
pub(crate) struct Memory(pub(crate) mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Memory {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => future::pending().await,
        }
    }
}

/// What lies between clients and the server.
#[derive(Clone)]
pub(crate) struct Network(Arc<Inner>);

struct Inner {
    dial: mpsc::UnboundedSender<DuplexStream>,
    down: AtomicBool,
    dialled: AtomicUsize,
    frozen: watch::Sender<()>,
    relays: Mutex<Vec<JoinHandle<()>>>,
}

impl Network {
    pub(crate) fn connect(&self) -> io::Result<DuplexStream> {
        self.0.dialled.fetch_add(1, Ordering::Relaxed);
        if self.0.down.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (client, mut near) = duplex(PIPE);
        let (mut far, server) = duplex(PIPE);
        let mut frozen = self.0.frozen.subscribe();
        let relay = tokio::spawn(async move {
            tokio::select! {
                // However it ends, both ends see it.
                _ = copy_bidirectional(&mut near, &mut far) => {}
                // Held, but nothing moves any more.
                _ = frozen.changed() => future::pending().await,
            }
        });
        let mut relays = self.0.relays.lock();
        relays.retain(|relay| !relay.is_finished());
        relays.push(relay);
        let sent = self.0.dial.send(server);
        sent.map_err(|_| io::ErrorKind::ConnectionRefused.into())
            .map(|()| client)
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        for relay in self.0.relays.lock().drain(..) {
            relay.abort();
        }
    }

    /// Nothing moves on the connections there are any more, and nobody is told.
    pub(crate) fn freeze(&self) {
        self.0.frozen.send_replace(());
    }

    /// Cuts all connections, and refuses new ones.
    pub(crate) fn go_down(&self) {
        self.0.down.store(true, Ordering::Relaxed);
        self.cut();
    }

    pub(crate) fn come_up(&self) {
        self.0.down.store(false, Ordering::Relaxed);
    }

    /// How often somebody wanted a connection.
    pub(crate) fn dialled(&self) -> usize {
        self.0.dialled.load(Ordering::Relaxed)
    }

    /// How many connections there are.
    pub(crate) fn open(&self) -> usize {
        let relays = self.0.relays.lock();
        relays.iter().filter(|relay| !relay.is_finished()).count()
    }
}

/// What handlers write with.
#[derive(Clone)]
pub(crate) struct Pen(mpsc::UnboundedSender<String>);

impl Pen {
    pub(crate) fn new() -> (Self, Diary) {
        let (pen, diary) = mpsc::unbounded_channel();
        (Self(pen), Diary(diary))
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        // A test that has seen enough may have dropped its end.
        let _ = self.0.send(text.into());
    }
}

/// What has been noted, in order.
pub(crate) struct Diary(mpsc::UnboundedReceiver<String>);

impl Diary {
    pub(crate) async fn next(&mut self) -> String {
        patiently(self.0.recv()).await.expect("the pen lives")
    }

    #[track_caller]
    pub(crate) fn expect(&mut self, note: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move { assert_eq!(self.next().await, note, "at {caller}") }
    }

    /// What has been noted and not been taken yet.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// Holds handlers up until it is opened.
#[derive(Clone)]
pub(crate) struct Door(watch::Sender<bool>);

impl Door {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        let mut state = self.0.subscribe();
        state.wait_for(|open| *open).await.expect("the door lives");
    }
}

/// Lets time pass.
pub(crate) async fn pass(time: Duration) {
    // Virtual time: only used where it is paused.
    tokio::time::sleep(time).await;
}

/// Returns when nothing else can run: only then does paused time move.
pub(crate) async fn settle() {
    pass(Duration::from_millis(1)).await;
}

/// Waits for what must come. A test that waits in vain fails instead of hanging.
pub(crate) async fn patiently<T>(awaited: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(300);
    tokio::time::timeout(patience, awaited)
        .await
        .expect("what the test waits for happens")
}
