//! Events about one client: echoes, acknowledgements, order, and what is known of it.
//!
//! An [`AckSender`] that is not used makes an event that is never acknowledged.

use std::collections::HashMap;
use std::time::Duration;

use socketio_server::{
    AckSender, Auth, Binary, BoxError, ConnectError, Data, DisconnectReason, EncodeError, Handlers,
    Namespace, RawArgs, Session, Socket, State, Transport, Value,
};
use tokio::sync::watch;

/// Why tagged sockets were disconnected, for others to ask.
#[derive(Default)]
pub(crate) struct Reasons(watch::Sender<HashMap<String, &'static str>>);

/// Of a socket whose client wants to hear when it has moved to another transport.
struct TellsMoves;

struct Tag(String);

/// Tells a client what it has said of itself.
pub(crate) async fn greet(socket: Socket, Auth(auth): Auth<Value>) -> Result<(), ConnectError> {
    // A recovered socket was greeted before.
    if socket.recovered() {
        return Ok(());
    }
    let sent = socket.emit("auth", &auth);
    sent.map(drop)
        .map_err(|_| ConnectError::new("cannot greet"))
}

/// All of these events.
pub(crate) fn all() -> Handlers {
    about_the_socket(in_order(echoes(Handlers::new())))
}

fn echoes(handlers: Handlers) -> Handlers {
    handlers
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
        .on(
            "send-me",
            async |socket: Socket, _: AckSender, args: RawArgs| socket.send(&args).map(drop),
        )
        .on("message-with-ack", async |args: RawArgs| args)
        .on("ask-me", async |socket: Socket, args: RawArgs| {
            Ok::<RawArgs, BoxError>(socket.call("question", &args).await?)
        })
        .on(
            "ask-me-within",
            async |socket: Socket, Data((ms, payload)): Data<(u64, Value)>| {
                let answer = socket.call("question", &payload);
                let answer = answer.timeout(Duration::from_millis(ms)).await;
                answer.unwrap_or_else(|_| Value::from("no answer"))
            },
        )
        .on("size", async |Data(data): Data<Binary>| data.len())
        .on("fail", async || Err::<(), _>("asked to fail"))
}

fn in_order(handlers: Handlers) -> Handlers {
    handlers
        .on(
            "seq",
            async |socket: Socket, _: AckSender, Data(i): Data<u64>| {
                socket.emit("seq-back", &i).map(drop)
            },
        )
        .on(
            "burst",
            async |socket: Socket, _: AckSender, Data(n): Data<u64>| burst(&socket, n),
        )
        .on(
            "volatile-burst",
            async |socket: Socket, _: AckSender, Data(n): Data<u64>| {
                (0..n).try_for_each(|i| socket.emit_volatile("v", &i).map(drop))?;
                socket.emit("v-end", &()).map(drop)
            },
        )
        .on("race", race)
        .once("only-once", |socket: Socket, Data(i): Data<u64>| {
            socket.emit("only-once-back", &i).map(drop)
        })
        .on(
            "stop",
            async |socket: Socket, _: AckSender, Data(n): Data<u64>| {
                let sent = burst(&socket, n);
                socket.io().stop();
                sent
            },
        )
}

fn about_the_socket(handlers: Handlers) -> Handlers {
    handlers
        .on("where", |namespace: Namespace| namespace.name().to_owned())
        .on("mood", async |socket: Socket| {
            let handshake = socket.handshake();
            let parameter = handshake.parameter("mood").map(Into::into);
            let [header, cookie] = [handshake.header("x-mood"), handshake.cookie("mood")];
            vec![
                parameter,
                header.map(str::to_owned),
                cookie.map(str::to_owned),
            ]
        })
        .on(
            "state-set",
            async |session: Session<Value>, Data(value): Data<Value>| session.save(value),
        )
        .on("state-get", async |session: Session<Value>| {
            (*session.get()).clone()
        })
        .on("transport", async |transport: Transport| transport.as_str())
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
        .on("tell-moves", async |socket: Socket| {
            drop(socket.insert(TellsMoves))
        })
        .on_upgrade(async |socket: Socket, transport: Transport| {
            if socket.get::<TellsMoves>().is_some() {
                socket.emit("upgraded", &transport.as_str())?;
            }
            Ok::<_, EncodeError>(())
        })
        .on_disconnect(
            async |socket: Socket, reason: DisconnectReason, State(reasons): State<Reasons>| {
                if let Some(tag) = socket.get::<Tag>() {
                    reasons.0.send_modify(|all| {
                        all.insert(tag.0.clone(), reason.as_str());
                    });
                }
            },
        )
}

fn burst(socket: &Socket, n: u64) -> Result<(), EncodeError> {
    (0..n).try_for_each(|i| socket.emit("tick", &i).map(drop))
}

/// Emits from several tasks at once.
async fn race(socket: Socket, Data((tasks, laps)): Data<(u64, u64)>) -> Result<(), BoxError> {
    let runners: Vec<_> = (0..tasks)
        .map(|task| {
            let socket = socket.clone();
            tokio::spawn(async move {
                for lap in 0..laps {
                    socket.emit("lap", &(task, lap))?;
                    tokio::task::yield_now().await;
                }
                Ok::<_, EncodeError>(())
            })
        })
        .collect();
    for runner in runners {
        runner.await??;
    }
    Ok(())
}

async fn reason_of(
    Data(tag): Data<String>,
    State(reasons): State<Reasons>,
) -> Result<&'static str, BoxError> {
    let mut known = reasons.0.subscribe();
    let known = known.wait_for(|all| all.contains_key(&tag)).await?;
    Ok(known.get(&tag).copied().unwrap_or_default())
}
