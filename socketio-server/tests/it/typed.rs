//! Typed events: what they are on the wire, and what reads them.

use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{
    Ack, Binary, BoxError, Data, EncodeError, Event, HandlerErrorKind, Io, RawArgs, Socket, Typed,
};

/// One argument, an object.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("chat message")]
#[serde(rename_all = "camelCase")]
struct ChatMessage {
    room_name: String,
    text: String,
}

/// Two arguments.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("move", ack = bool)]
struct Move(u8, u8);

/// One argument.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("board")]
struct Board(Vec<u8>);

/// One argument, which is an array.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("point")]
struct Point((u8, u8));

/// No argument.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("your turn", ack = Move)]
struct YourTurn;

/// Bytes beside an argument.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("image")]
struct Image(String, Binary);

/// Of any type.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event("list")]
struct List<T> {
    items: Vec<T>,
}

/// Only ever sent.
#[derive(Event, Serialize)]
#[event("news")]
struct News<'a>(&'a str, u8);

/// Sends back what it has been sent, which is read and written on the way.
async fn echo<E: Event + Serialize>(event: &E, socket: &Socket) -> Result<(), EncodeError> {
    socket.emit_event(event).map(drop)
}

async fn echoing() -> Client {
    let io = Io::builder().build();
    io.on_event(async |it: ChatMessage, socket: Socket| echo(&it, &socket).await)
        .on_event(async |it: Board, socket: Socket| echo(&it, &socket).await)
        .on_event(async |it: Point, socket: Socket| echo(&it, &socket).await)
        .on_event(async |it: Image, socket: Socket| echo(&it, &socket).await)
        .on_event(async |it: List<u8>, socket: Socket| echo(&it, &socket).await)
        .on_event(async |it: Move, socket: Socket| {
            echo(&it, &socket).await?;
            Ok::<_, EncodeError>(it.0 < it.1)
        })
        .on_event(async |_: YourTurn, socket: Socket| {
            echo(&YourTurn, &socket).await?;
            Ok::<_, EncodeError>(Ack(Move(1, 2)))
        });
    Server::new(&io).connect().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn fields_are_arguments_both_ways() {
    let mut client = echoing().await;
    client.emit("chat message", &json!({ "roomName": "tea", "text": "hi" }));
    client.emit("board", &([1, 2],));
    client.emit("point", &([3, 4],));
    client.emit("move", &(5, 6));
    client.emit("your turn", &());
    client.emit("list", &json!({ "items": [7] }));
    for (name, args) in [
        ("chat message", json!([{ "roomName": "tea", "text": "hi" }])),
        ("board", json!([[1, 2]])),
        ("point", json!([[3, 4]])),
        ("move", json!([5, 6])),
        ("your turn", json!([])),
        ("list", json!([{ "items": [7] }])),
    ] {
        let RawArgs(echoed) = client.expect(name).await;
        let echoed: serde_json::Value = serde_json::from_str(&echoed.raw()).unwrap();
        assert_eq!(echoed, args, "{name}");
    }
}
