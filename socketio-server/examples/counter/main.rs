//! A counter that runs in the background, on http://localhost:3000: every page sees the same number.
//!
//! `cargo run -p socketio-server --example counter`
//!
//! The server says `count (number)` to everyone each second, and to whoever comes. A page may say
//! `reset ()`, and `run (boolean)` to stop it and let it run again.

#[path = "../site/mod.rs"]
mod site;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use socketio_server::{BoxError, Data, Io, Socket, State};

use crate::site::Site;

#[derive(Default)]
struct Counter {
    count: AtomicU64,
    is_stopped: AtomicBool,
}

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let page = include_str!("index.html");
    let io = site.builder(page, &[])?.state(Counter::default()).build();

    io.on_connect(|socket: Socket, counter: State<Counter>| {
        let _ = socket.emit("count", &counter.count.load(Relaxed));
    });
    io.on("reset", |io: Io, counter: State<Counter>| {
        counter.count.store(0, Relaxed);
        io.emit("count", &0).map(drop)
    });
    io.on("run", |counter: State<Counter>, Data(runs): Data<bool>| {
        counter.is_stopped.store(!runs, Relaxed);
    });
    io.spawn(count(io.clone()));

    site.serve(&io)
}

/// Until the server ends.
async fn count(io: Io) -> Result<(), BoxError> {
    let counter = io.state::<Counter>().ok_or("no counter")?;
    while io.sleep(Duration::from_secs(1)).await {
        if !counter.is_stopped.load(Relaxed) {
            io.emit("count", &(counter.count.fetch_add(1, Relaxed) + 1))?;
        }
    }
    Ok(())
}
