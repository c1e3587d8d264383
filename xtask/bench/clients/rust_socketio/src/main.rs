//! The measured program on rust_socketio: what it does is said in `xtask/bench/README.md`.

use std::env;
use std::error::Error;
use std::ops::Range;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures_util::FutureExt;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};
use tokio::sync::Notify;

type Failure = Box<dyn Error + Send + Sync>;

/// What all clients have in common.
struct Shared {
    text: String,
    /// How many events each client has under way.
    depth: AtomicU64,
    echoes: AtomicU64,
    connected: Notify,
}

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("no url")?;
    let shared = Arc::new(Shared {
        text: arguments.next().ok_or("no text")?,
        depth: AtomicU64::new(0),
        echoes: AtomicU64::new(0),
        connected: Notify::new(),
    });
    let mut clients = Vec::new();
    let mut lines = BufReader::new(stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let (command, number) = line.split_once(' ').ok_or("no number")?;
        let number: u64 = number.parse()?;
        match command {
            "connect" => {
                for _ in 0..number {
                    clients.push(connect(&url, &shared).await?);
                }
            }
            "echo" => {
                shared.depth.store(number, Relaxed);
                for client in &clients {
                    client.emit("echo", shared.message(0)).await?;
                }
            }
            _ => {}
        }
        println!("{}", shared.echoes.load(Relaxed));
    }
    Ok(())
}

async fn connect(url: &str, shared: &Arc<Shared>) -> Result<Client, Failure> {
    let (on_echo, on_open) = (Arc::clone(shared), Arc::clone(shared));
    let (due, sent) = (AtomicU64::new(0), AtomicU64::new(1));
    let client = ClientBuilder::new(url)
        .transport_type(TransportType::Websocket)
        .on("open", move |_, _| {
            on_open.connected.notify_one();
            async {}.boxed()
        })
        .on("echo", move |payload, client| {
            let next = on_echo.next(&due, &sent, &payload);
            let shared = Arc::clone(&on_echo);
            async move {
                for n in next {
                    if let Err(error) = client.emit("echo", shared.message(n)).await {
                        eprintln!("not sent: {error}");
                        process::exit(1);
                    }
                }
            }
            .boxed()
        })
        .connect()
        .await?;
    // `connect` does not wait for the namespace.
    shared.connected.notified().await;
    Ok(client)
}

impl Shared {
    /// Which events are sent for an answer: one, or two until enough of them are under way.
    fn next(&self, due: &AtomicU64, sent: &AtomicU64, payload: &Payload) -> Range<u64> {
        let (n, first) = (due.fetch_add(1, Relaxed), sent.load(Relaxed));
        let expected = self.message(n);
        if !matches!(payload, Payload::Text(args) if args.first() == Some(&expected)) {
            eprintln!("wrong answer: {payload:?}");
            process::exit(1);
        }
        self.echoes.fetch_add(1, Relaxed);
        let end = (first + 2).min(n + 1 + self.depth.load(Relaxed));
        sent.store(end, Relaxed);
        first..end
    }

    fn message(&self, n: u64) -> serde_json::Value {
        format!("{n} {}", self.text).into()
    }
}
