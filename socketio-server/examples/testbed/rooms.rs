//! Events about rooms, broadcasts, and who is where.

use std::time::Duration;

use socketio_server::{AckSender, BoxError, Data, EncodeError, Handlers, Namespace, Socket, Value};

/// Adds these events.
pub(crate) fn add(handlers: Handlers) -> Handlers {
    handlers
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
            async |namespace: Namespace, Data((room, payload)): Data<(String, Value)>| {
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
            async |namespace: Namespace, Data(payload): Data<Value>| {
                namespace.emit("room-message", &payload).map(drop)
            },
        )
        .on(
            "everyone-ready",
            async |namespace: Namespace, Data(payload): Data<Value>| {
                let ready = namespace.volatile();
                ready.emit("room-message", &payload).map(drop)
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
                namespace.to(from.as_str()).leave(from);
            },
        )
        .on(
            "close-room",
            |namespace: Namespace, Data(room): Data<String>| namespace.close_room(room),
        )
        .on("send-away", send_away)
        .on_disconnecting(async |socket: Socket| {
            let rooms = socket.rooms();
            socket.to(rooms).emit("left", &()).map(drop)
        })
}

async fn to_rooms(
    namespace: Namespace,
    Data((rooms, except, payload)): Data<(Vec<String>, Vec<String>, Value)>,
) -> Result<(), EncodeError> {
    let mut target = namespace.except(except);
    if !rooms.is_empty() {
        target = target.to(rooms);
    }
    target.emit("room-message", &payload).map(drop)
}

async fn ask_room(
    namespace: Namespace,
    Data((room, payload)): Data<(String, Value)>,
) -> Result<(Vec<Value>, bool), EncodeError> {
    let asked = namespace.to(room).call::<Value>("question", &payload)?;
    let all = asked.timeout(Duration::from_secs(1)).all().await;
    let asked = all.len();
    let answers: Vec<Value> = all.into_iter().filter_map(|(_, it)| it.ok()).collect();
    let complete = answers.len() == asked;
    Ok((answers, complete))
}

fn send_away(
    namespace: Namespace,
    Data((room, close)): Data<(String, bool)>,
    ack: AckSender,
) -> Result<(), BoxError> {
    // First: the caller may be among them.
    ack.send(&())?;
    let room = namespace.to(room);
    if close {
        room.disconnect_and_close();
    } else {
        room.disconnect();
    }
    Ok(())
}
