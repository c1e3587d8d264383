//! A running server over memory, where paused time makes every wait exact, and what its handlers
//! tell the test.

use std::future;
use std::io;
use std::time::Duration;

use socketio_server::{Builder, Io, Listener, Shutdown};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::client::{Client, Polling};

/// Bytes a connection over memory holds in each direction before its writer has to wait.
pub(crate) const PIPE: usize = 64 * 1024;

/// A server, a way to reach it, and what its handlers have noted.
pub(crate) struct Host {
    pub(crate) io: Io,
    pub(crate) diary: Diary,
    pub(crate) pen: Pen,
    pub(crate) door: Door,
    pub(crate) serving: JoinHandle<Shutdown>,
    dial: mpsc::UnboundedSender<DuplexStream>,
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
    /// With the defaults.
    pub(crate) fn new() -> Self {
        Self::start(Io::builder())
    }

    /// Handlers find a [`Pen`] and the host's [`Door`] in their state. What fails is noted.
    pub(crate) fn start(builder: Builder) -> Self {
        Self::start_until(builder, future::pending(), Duration::ZERO)
    }

    /// Serves until `stop` is ready.
    pub(crate) fn start_until(
        builder: Builder,
        stop: impl Future<Output = ()> + Send + 'static,
        patience: Duration,
    ) -> Self {
        let (pen, diary) = mpsc::unbounded_channel();
        let pen = Pen(pen);
        let door = Door(watch::Sender::new(false));
        let failures = pen.clone();
        let io = builder
            .state(pen.clone())
            .state(door.clone())
            .on_error(move |error| {
                let (event, nsp, kind) = (&error.event, &error.nsp, &error.kind);
                failures.note(format!("{event} in {nsp} failed: {kind}"));
            })
            .build();
        let (dial, accept) = mpsc::unbounded_channel();
        let server = io.clone();
        let serving = async move { server.serve(Memory(accept), stop, patience).await };
        Self {
            io,
            diary: Diary(diary),
            pen,
            door,
            serving: tokio::spawn(serving),
            dial,
        }
    }

    /// A bare connection.
    pub(crate) fn connect(&self, pipe: usize) -> DuplexStream {
        let (near, far) = tokio::io::duplex(pipe);
        // Refused like a connection to a closed port: the far end is dropped.
        let _ = self.dial.send(far);
        near
    }

    /// A session on websocket that has joined nothing yet.
    pub(crate) async fn open(&self) -> Client {
        Client::open(self.connect(PIPE)).await
    }

    /// A websocket client that has joined a namespace.
    pub(crate) async fn join(&self, nsp: &str) -> Client {
        let mut client = self.open().await;
        client.join(nsp).await;
        client
    }

    /// A session on polling that has joined nothing yet.
    pub(crate) async fn poll(&self) -> Polling {
        Polling::open(&self.io).await
    }

    /// No socket and no room of a namespace is left.
    #[track_caller]
    pub(crate) fn assert_deserted(&self, nsp: &str) {
        let namespace = self.io.of(nsp);
        assert_eq!(namespace.len(), 0);
        assert_eq!(namespace.adapter().socket_count(), 0);
        assert_eq!(namespace.adapter().room_names(), []);
    }
}

/// What handlers write with.
#[derive(Clone)]
pub(crate) struct Pen(mpsc::UnboundedSender<String>);

impl Pen {
    pub(crate) const fn new(notes: mpsc::UnboundedSender<String>) -> Self {
        Self(notes)
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        // A test that has seen enough may have dropped its end.
        let _ = self.0.send(text.into());
    }
}

/// What handlers have noted, in order.
pub(crate) struct Diary(mpsc::UnboundedReceiver<String>);

impl Diary {
    pub(crate) async fn next(&mut self) -> String {
        patiently(self.0.recv()).await.expect("the server lives")
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
    pub(crate) fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        let mut state = self.0.subscribe();
        state.wait_for(|open| *open).await.expect("the door lives");
    }
}

/// Returns when nothing else can run: only then does paused time move.
pub(crate) async fn settle() {
    // Virtual time: only used where it is paused.
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Waits for what must come. A test that waits in vain fails instead of hanging.
pub(crate) async fn patiently<T>(awaited: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(120);
    tokio::time::timeout(patience, awaited)
        .await
        .expect("what the test waits for happens")
}
