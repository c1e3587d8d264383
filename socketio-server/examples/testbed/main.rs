//! The server that real clients and the official conformance suite are run against. What it does
//! is written down in `xtask/clients/README.md`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::json;
use socketio_server::parser::MsgPack;
use socketio_server::{
    AckSender, Auth, Binary, BoxError, ConnectError, Data, DisconnectReason, Handlers, Io,
    Namespace, Param, RawArgs, RecoveryConfig, Socket, State, Value,
};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::watch;

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
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Msgpack,
}

/// Why tagged sockets were disconnected, for others to ask.
struct Reasons(watch::Sender<HashMap<String, &'static str>>);

struct Tag(String);

fn main() -> ExitCode {
    let flags = Flags::parse();
    let mut runtime = match flags.threads {
        // Even a single worker would run the task first that was woken last.
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    match runtime.worker_threads(flags.threads).enable_all().build() {
        Ok(runtime) => runtime.block_on(run(flags)),
        Err(error) => {
            eprintln!("cannot start: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    let address = SocketAddr::from(([127, 0, 0, 1], flags.port));
    let listener = match TcpListener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("cannot listen on {address}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut builder = Io::builder();
    if let Form::Msgpack = flags.parser {
        builder = builder.parser(MsgPack);
    }
    if flags.recovery_ms > 0 {
        builder = builder.connection_state_recovery(RecoveryConfig {
            max_disconnection_duration: Duration::from_millis(flags.recovery_ms),
            ..RecoveryConfig::default()
        });
    }
    let io = builder
        .heartbeat(
            Duration::from_millis(flags.ping_interval),
            Duration::from_millis(flags.ping_timeout),
        )
        .max_payload(flags.max_payload)
        .connect_timeout(Duration::from_millis(flags.connect_timeout))
        .allow_eio3(!flags.refuse_eio3)
        .state(Reasons(watch::Sender::default()))
        .build();
    for name in ["/", "/custom"] {
        io.of(name).add(events()).on_connect(greet);
    }
    io.dynamic("/game/{id}")
        .before_connect(|Param(id): Param<u64>| match id {
            0 => Err(ConnectError::new("no such game")),
            _ => Ok(()),
        })
        .add(events())
        .on_connect(greet);
    let refuse = io.of("/refuse");
    refuse.on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
        if auth["token"].as_str() != Some("secret") {
            let reason = json!({ "code": 401, "reason": "no token" });
            return Err(ConnectError::new("not allowed").with_data(reason));
        }
        greet(socket, Auth(auth)).await
    });
    refuse.add(events());

    if let Ok(address) = listener.local_addr() {
        println!("listening on http://{address}");
    }
    let _ = io.serve(listener, stop(), Duration::from_secs(4)).await;
    ExitCode::SUCCESS
}

async fn greet(socket: Socket, Auth(auth): Auth<Value>) -> Result<(), ConnectError> {
    // A recovered socket was greeted before.
    if socket.recovered() {
        return Ok(());
    }
    let sent = socket.emit("auth", &auth);
    sent.map(drop)
        .map_err(|_| ConnectError::new("cannot greet"))
}

/// An [`AckSender`] that is not used makes an event that is never acknowledged.
fn events() -> Handlers {
    Handlers::new()
        .on(
            "message",
            async |socket: Socket, _: AckSender, args: RawArgs| {
                socket.emit("message-back", &args).map(drop)
            },
        )
        .on(
            "écho-🎉",
            async |socket: Socket, _: AckSender, args: RawArgs| {
                socket.emit("écho-🎉", &args).map(drop)
            },
        )
        .on("message-with-ack", async |args: RawArgs| args)
        .on("ask-me", async |socket: Socket, args: RawArgs| {
            Ok::<RawArgs, BoxError>(socket.call("question", &args).await?)
        })
        .on("size", async |Data(data): Data<Binary>| data.len())
        .on(
            "seq",
            async |socket: Socket, _: AckSender, Data(i): Data<u64>| {
                socket.emit("seq-back", &i).map(drop)
            },
        )
        .on(
            "burst",
            async |socket: Socket, _: AckSender, Data(n): Data<u64>| {
                (0..n).try_for_each(|i| socket.emit("tick", &i).map(drop))
            },
        )
        .on(
            "volatile-burst",
            async |socket: Socket, Data(n): Data<u64>| {
                (0..n).try_for_each(|i| socket.emit_volatile("v", &i).map(drop))?;
                socket.emit("v-end", &()).map(drop)
            },
        )
        .on("join", async |socket: Socket, Data(room): Data<String>| {
            socket.join(room);
        })
        .on("leave", async |socket: Socket, Data(room): Data<String>| {
            socket.leave(room);
        })
        .on("rooms", async |socket: Socket| {
            let mut rooms: Vec<String> =
                socket.rooms().iter().map(|room| (**room).into()).collect();
            rooms.sort();
            rooms
        })
        .on(
            "to-room",
            async |socket: Socket, Data((room, payload)): Data<(String, Value)>| {
                socket.to(room).emit("room-message", &payload).map(drop)
            },
        )
        .on(
            "in-room",
            async |socket: Socket, Data((room, payload)): Data<(String, Value)>| {
                let namespace = socket.namespace();
                namespace.to(room).emit("room-message", &payload).map(drop)
            },
        )
        .on("to-rooms", to_rooms)
        .on(
            "broadcast",
            async |socket: Socket, Data(payload): Data<Value>| {
                socket.broadcast().emit("room-message", &payload).map(drop)
            },
        )
        .on(
            "everyone",
            async |socket: Socket, Data(payload): Data<Value>| {
                socket.namespace().emit("room-message", &payload).map(drop)
            },
        )
        .on("ask-room", ask_room)
        .on(
            "members",
            |namespace: Namespace, Data(room): Data<String>| namespace.participants(room).len(),
        )
        .on(
            "move-room",
            |namespace: Namespace, Data((from, to)): Data<(String, String)>| {
                namespace.to(from.as_str()).join(to);
                namespace.close_room(from);
            },
        )
        .on(
            "send-away",
            |namespace: Namespace, Data(room): Data<String>, ack: AckSender| {
                // First: the caller may be among them.
                let acked = ack.send(&());
                namespace.to(room).disconnect();
                acked
            },
        )
        .once("only-once", |socket: Socket, Data(i): Data<u64>| {
            socket.emit("only-once-back", &i).map(drop)
        })
        .on("where", |namespace: Namespace| namespace.name().to_owned())
        .on(
            "state-set",
            async |socket: Socket, Data(value): Data<Value>| {
                socket.insert(value);
            },
        )
        .on("state-get", async |socket: Socket| {
            socket.get::<Value>().map(|value| (*value).clone())
        })
        .on("transport", async |socket: Socket| {
            socket.transport().as_str()
        })
        .on("tag", async |socket: Socket, Data(tag): Data<String>| {
            socket.insert(Tag(tag));
        })
        .on("reason-of", reason_of)
        .on(
            "disconnect-me",
            async |socket: Socket, _: AckSender, Data(close): Data<Option<bool>>| {
                socket.emit("bye", &())?;
                if close == Some(true) {
                    socket.disconnect_and_close();
                } else {
                    socket.disconnect();
                }
                Ok::<_, BoxError>(())
            },
        )
        .on("fail", async || Err::<(), _>("asked to fail"))
        .on_disconnect(
            async |socket: Socket, reason: DisconnectReason, reasons: State<Reasons>| {
                if let Some(tag) = socket.get::<Tag>() {
                    reasons.0.0.send_modify(|all| {
                        all.insert(tag.0.clone(), reason.as_str());
                    });
                }
            },
        )
}

async fn to_rooms(
    socket: Socket,
    Data((rooms, except, payload)): Data<(Vec<String>, Vec<String>, Value)>,
) -> Result<(), BoxError> {
    let mut target = socket.namespace().except(except);
    if !rooms.is_empty() {
        target = target.to(rooms);
    }
    target.emit("room-message", &payload)?;
    Ok(())
}

async fn ask_room(
    socket: Socket,
    ack: AckSender,
    Data((room, payload)): Data<(String, Value)>,
) -> Result<(), BoxError> {
    let asked = socket
        .namespace()
        .to(room)
        .call::<Value>("question", &payload)?;
    let answers = asked.timeout(Duration::from_secs(1)).all().await;
    let answers: Vec<Value> = answers.into_iter().filter_map(|(_, it)| it.ok()).collect();
    Ok(ack.send(&answers)?)
}

async fn reason_of(
    Data(tag): Data<String>,
    reasons: State<Reasons>,
) -> Result<&'static str, BoxError> {
    let mut known = reasons.0.0.subscribe();
    let known = known.wait_for(|all| all.contains_key(&tag)).await?;
    Ok(known.get(&tag).copied().unwrap_or_default())
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
