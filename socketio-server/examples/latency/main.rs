//! A latency meter, on http://localhost:3000: how long an event and its acknowledgement take, asked by
//! the page and asked by the server.
//!
//! `cargo run --release -p socketio-server --example latency`
//!
//! ```text
//!   client → server              server → client
//!     ping  ()   → nothing         ping  ()                 → nothing
//!     start ()                     took  (milliseconds)     each second, once started
//! ```

#[path = "../site/mod.rs"]
mod site;

use std::time::Duration;

use socketio_server::{BoxError, Io, Socket};
use tokio::time::Instant;

use crate::site::Site;

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let io = site.builder(include_str!("index.html"), &[])?.build();
    io.on("ping", || {});
    io.on("start", start);
    site.serve(&io)
}

/// A handler may go on for as long as it likes: those behind it start when it first waits.
async fn start(io: Io, socket: Socket) -> Result<(), BoxError> {
    while socket.is_connected() && io.sleep(Duration::from_secs(1)).await {
        let asked = Instant::now();
        // Ends with the connection at the latest.
        let answer = socket.call::<()>("ping", &()).await;
        if answer.is_ok() {
            socket.emit("took", &(asked.elapsed().as_secs_f64() * 1000.0))?;
        }
    }
    Ok(())
}
