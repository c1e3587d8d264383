//! The server that real clients and the official conformance suite are run against. What it does
//! is written down in `xtask/clients/README.md`.

mod events;
mod namespaces;
mod rooms;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use http::header::{COOKIE, HeaderName};
use http::request::Parts;
use socketio_server::parser::MsgPack;
use socketio_server::{Compression, Cors, Io, RecoveryConfig, SessionCookie};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// A Socket.IO server to test clients with.
#[derive(Parser)]
struct Flags {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Milliseconds between pings
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u64,
    /// Milliseconds a pong may take
    #[arg(long, default_value_t = 20_000)]
    ping_timeout: u64,
    /// Bytes of the largest message
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
    /// Milliseconds a client may take to join a namespace
    #[arg(long, default_value_t = 45_000)]
    connect_timeout: u64,
    /// Milliseconds for which a client that has lost its link can get its socket back; 0 for never
    #[arg(long, default_value_t = 0)]
    recovery_ms: u64,
    /// Refuse clients of Engine.IO 3
    #[arg(long)]
    refuse_eio3: bool,
    /// Threads; 1 serves connections in the order in which they arrive
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// How packets are spelled
    #[arg(long, value_enum, default_value_t = Form::Text)]
    parser: Form,
    /// Where requests are taken
    #[arg(long, default_value = "/socket.io/")]
    path: String,
    /// Name sessions in a cookie
    #[arg(long)]
    cookie: bool,
    /// Let pages of 127.0.0.1 in, whatever their port, and no others
    #[arg(long)]
    cors: bool,
    /// Compress the answers to polls
    #[arg(long)]
    http_compression: bool,
    /// Make namespaces of every name joinable
    #[arg(long)]
    any_namespace: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Msgpack,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    let mut runtime = match flags.threads {
        // Even a single worker would run the task first that was woken last.
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = runtime.worker_threads(flags.threads).enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(flags))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> io::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let io = server(&flags);
    let handlers = rooms::add(events::all());
    namespaces::add(&io, &handlers);
    if flags.any_namespace {
        namespaces::add_any(&io);
    }
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], flags.port))).await?;
    let stop = stop()?;
    println!("listening on http://{}", listener.local_addr()?);
    let _ = io.serve(listener, stop, Duration::from_secs(4)).await;
    Ok(())
}

/// What the flags ask for, without namespaces.
fn server(flags: &Flags) -> Io {
    let mut builder = Io::builder()
        .path(&flags.path)
        .heartbeat(
            Duration::from_millis(flags.ping_interval),
            Duration::from_millis(flags.ping_timeout),
        )
        .max_payload(flags.max_payload)
        .connect_timeout(Duration::from_millis(flags.connect_timeout))
        .allow_eio3(!flags.refuse_eio3)
        .allow_request(async |request: Parts| match request.uri.query() {
            Some(query) if query.contains("mood=bad") => Err("not in this mood"),
            _ => Ok(()),
        })
        .keep_headers([COOKIE, HeaderName::from_static("x-mood")])
        .state(events::Reasons::default());
    if let Form::Msgpack = flags.parser {
        builder = builder.parser(MsgPack);
    }
    if flags.recovery_ms > 0 {
        builder = builder.connection_state_recovery(RecoveryConfig {
            max_disconnection_duration: Duration::from_millis(flags.recovery_ms),
            ..RecoveryConfig::default()
        });
    }
    if flags.cookie {
        builder = builder.cookie(SessionCookie::default());
    }
    if flags.cors {
        let ours = |origin: &str, _: &Parts| origin.starts_with("http://127.0.0.1:");
        builder = builder.cors(Cors::matching(ours).credentials().refuse_others());
    }
    if flags.http_compression {
        builder = builder.http_compression(Compression::default());
    }
    if flags.any_namespace {
        builder = builder.accept_any_namespace();
    }
    builder.build()
}

/// Ready when the process is asked to stop, after this was called.
#[cfg(unix)]
fn stop() -> io::Result<impl Future<Output = ()> + Send> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
}
