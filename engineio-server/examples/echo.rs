//! Sends every message back: the server that conformance suites run against.
//!
//! `cargo run -p engineio-server --example echo -- --port 3000 --ping-interval 300`

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use engineio_server::{
    Acceptor, Application, CloseReason, Config, Message, Prepared, ProtocolConfig, Refusal, Server,
    Session, SessionContext,
};
use tokio::net::TcpListener;

/// An Engine.IO server that echoes.
#[derive(Parser)]
struct Flags {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Path of the endpoint
    #[arg(long, default_value = "/engine.io/")]
    path: String,
    /// Milliseconds between pings
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Milliseconds a pong may take
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// Bytes of the largest message
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
    /// Refuse clients of revision 3
    #[arg(long)]
    refuse_eio3: bool,
}

struct Echo;

impl Acceptor for Echo {
    type Application = Self;

    fn open(&self, _: Session<()>, _: &http::request::Parts) -> Result<Self, Refusal> {
        Ok(Self)
    }
}

impl Application for Echo {
    type Entry = ();

    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
        cx.send(match message {
            Message::Text(text) => Prepared::text(text),
            Message::Binary(data) => Prepared::binary(data.into_owned().into()),
        });
    }

    fn handle_entry(&mut self, _: &mut SessionContext<'_, '_>, (): ()) {}

    fn handle_close(&mut self, _: CloseReason, _: Option<&'static str>) {}
}

/// On one thread, so that connections are served in the order in which they arrive: suites send
/// requests side by side and expect an order.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let flags = Flags::parse();
    let config = Config {
        path: flags.path,
        protocol: ProtocolConfig {
            ping_interval: flags.ping_interval,
            ping_timeout: flags.ping_timeout,
            max_payload: flags.max_payload,
            allow_eio3: !flags.refuse_eio3,
            ..ProtocolConfig::default()
        },
        ..Config::default()
    };
    let address = SocketAddr::from(([127, 0, 0, 1], flags.port));
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}");
            return ExitCode::FAILURE;
        }
    };
    if let Ok(address) = listener.local_addr() {
        println!("listening on http://{address}");
    }
    let server = Server::new(config, Echo);
    engineio_server::serve(
        listener,
        move |request| {
            let server = server.clone();
            async move { server.handle(request).await }
        },
        stop(),
    )
    .await;
    ExitCode::SUCCESS
}

/// Ready when the process is asked to stop.
async fn stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                _ = tokio::signal::ctrl_c() => return,
            }
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
