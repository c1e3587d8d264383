//! The measured program on socketio-client: what it does is said in `xtask/bench/README.md`.

use std::env;
use std::error::Error;
use std::ops::Range;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use socketio_client::engine::Transport;
use socketio_client::{Client, Config, Data, Socket};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

type Failure = Box<dyn Error + Send + Sync>;

/// What all clients have in common.
struct Shared {
    text: String,
    /// How many events each client has under way.
    depth: AtomicU64,
    echoes: AtomicU64,
}

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("no url")?;
    let shared = Arc::new(Shared {
        text: arguments.next().ok_or("no text")?,
        depth: AtomicU64::new(0),
        echoes: AtomicU64::new(0),
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
                    client.of("/").emit("echo", &shared.message(0))?;
                }
            }
            _ => {}
        }
        println!("{}", shared.echoes.load(Relaxed));
    }
    Ok(())
}

async fn connect(url: &str, shared: &Arc<Shared>) -> Result<Client, Failure> {
    let mut config = Config::new(url);
    config.engine.transports = vec![Transport::Websocket];
    let client = Client::new(config);
    let shared = Arc::clone(shared);
    let (due, sent) = (AtomicU64::new(0), AtomicU64::new(1));
    client
        .of("/")
        .on("echo", move |socket: Socket, Data(echo): Data<String>| {
            let mut next = shared.next(&due, &sent, &echo);
            let sent = next.try_for_each(|n| socket.emit("echo", &shared.message(n)));
            async { sent }
        });
    client.connect().await?;
    Ok(client)
}

impl Shared {
    /// Which events are sent for an answer: one, or two until enough of them are under way.
    fn next(&self, due: &AtomicU64, sent: &AtomicU64, echo: &str) -> Range<u64> {
        let (n, first) = (due.fetch_add(1, Relaxed), sent.load(Relaxed));
        if echo != self.message(n) {
            eprintln!("wrong answer: {echo}");
            process::exit(1);
        }
        self.echoes.fetch_add(1, Relaxed);
        let end = (first + 2).min(n + 1 + self.depth.load(Relaxed));
        sent.store(end, Relaxed);
        first..end
    }

    fn message(&self, n: u64) -> String {
        format!("{n} {}", self.text)
    }
}
