//! A Socket.IO server inside an axum application: one port, one router, shared state.
//!
//! `cargo run -p socketio-example-axum -- 3000`, then `curl localhost:3000/visitors`.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use socketio_server::{Data, EncodeError, Io, Socket};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args()
        .nth(1)
        .map_or(Ok(3000), |port| port.parse())?;
    let (io, app) = application();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            let _ = tokio::signal::ctrl_c().await;
            let _ = io.shutdown(Duration::from_secs(5)).await;
        })
        .await?;
    Ok(())
}

fn application() -> (Io, Router) {
    let io = Io::builder().build();
    io.on("hello", hello);
    let app = Router::new()
        .route("/visitors", get(visitors))
        .with_state(io.clone())
        .layer(io.layer());
    (io, app)
}

/// The others are told; the client gets its greeting as the acknowledgement.
async fn hello(socket: Socket, Data(name): Data<String>) -> Result<String, EncodeError> {
    socket.broadcast().emit("joined", &name)?;
    Ok(format!("hello {name}"))
}

/// HTTP handlers reach the same server: here, how many clients are connected.
async fn visitors(State(io): State<Io>) -> String {
    format!("{}\n", io.of("/").len())
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use socketio_server::test::Server;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn visitors_are_greeted_announced_and_counted() {
        let (io, app) = application();
        let server = Server::with_service(&io, app);
        let mut alice = server.connect().await.unwrap();
        let bob = server.connect().await.unwrap();
        let answer: String = bob.call("hello", "Bob").await.unwrap();
        assert_eq!(answer, "hello Bob");
        assert_eq!(alice.expect::<String>("joined").await, "Bob");
        let request = Request::get("/visitors").body("").unwrap();
        assert_eq!(server.request(request).await.body(), "2\n");
    }
}
