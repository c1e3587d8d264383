//! The measured program on socketio-server: what it answers is said in `xtask/bench/README.md`.

use std::error::Error;
use std::future;
use std::time::Duration;

use socketio_server::{Binary, Data, EncodeError, Io, Socket};
use tokio::net::TcpListener;

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Box<dyn Error>> {
    let io = Io::builder()
        .heartbeat(Duration::from_secs(300), Duration::from_secs(20))
        .build();
    io.on("echo", async |socket: Socket, Data(text): Data<String>| {
        socket.emit("echo", &text).map(drop)
    })
    .on("ask", async |Data(text): Data<String>| text)
    .on(
        "binary",
        async |socket: Socket, Data(bytes): Data<Binary>| socket.emit("binary", &bytes).map(drop),
    )
    .on("broadcast", async |io: Io, Data(text): Data<String>| {
        io.emit("news", &text).map(drop)?;
        Ok::<_, EncodeError>(())
    });

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let _ = io.serve(listener, future::pending(), Duration::ZERO).await;
    Ok(())
}
