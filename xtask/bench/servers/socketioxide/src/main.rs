//! The measured program on socketioxide: what it answers is said in `xtask/bench/README.md`.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use bytes::Bytes;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use tokio::net::TcpListener;

#[tokio::main(worker_threads = 1)]
async fn main() -> Result<(), Box<dyn Error>> {
    let (layer, io) = SocketIo::builder()
        .ping_interval(Duration::from_secs(300))
        .build_layer();
    io.ns("/", async |socket: SocketRef| {
        socket.on(
            "echo",
            async |socket: SocketRef, Data(text): Data<String>| {
                socket.emit("echo", &text).ok();
            },
        );
        socket.on("ask", async |Data(text): Data<String>, ack: AckSender| {
            ack.send(&text).ok();
        });
        socket.on(
            "binary",
            async |socket: SocketRef, Data(bytes): Data<Bytes>| {
                socket.emit("binary", &bytes).ok();
            },
        );
        socket.on(
            "broadcast",
            async |io: SocketIo, Data(text): Data<String>| {
                io.emit("news", &text).await.ok();
            },
        );
    });

    let app = Router::new().layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, app).await?;
    Ok(())
}
