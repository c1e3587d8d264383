//! Typed events: what they are on the wire, and what reads them.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{Binary, EncodeError, Event, Io, RawArgs, Socket, Typed};

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
            Ok::<_, EncodeError>(Move(1, 2))
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
    client.emit("image", &("dot", Binary::from(vec![8, 9])));
    for echoed in [
        r#"chat message [{"roomName":"tea","text":"hi"}]"#,
        "board [[1,2]]",
        "point [[3,4]]",
        "move [5,6]",
        "your turn []",
        r#"list [{"items":[7]}]"#,
        r#"image ["dot",{"_placeholder":true,"num":0}] + 2 bytes"#,
    ] {
        assert_eq!(client.receive().await.to_string(), echoed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_event_is_answered_with_its_own_type() {
    let client = echoing().await;
    assert!(client.call::<bool>("move", &(1, 2)).await.unwrap());
    assert!(!client.call::<bool>("move", &(2, 1)).await.unwrap());
    let RawArgs(answer) = client.call("your turn", &()).await.unwrap();
    assert_eq!(answer.raw(), "[1,2]");
    let RawArgs(answer) = client.call("board", &([1],)).await.unwrap();
    assert_eq!(answer.raw(), "");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_with_the_type_of_its_event() {
    let io = Io::builder().build();
    let server = Server::new(&io);
    let mut client = server.connect().await.unwrap();
    let [socket] = &io.broadcast().sockets()[..] else {
        panic!("one socket");
    };
    let (answer, ()) = tokio::join!(socket.call_event(&YourTurn), async {
        client.expect_event("your turn").await.ack(&([3, 4],));
    });
    assert_eq!(answer.unwrap(), Move(3, 4));
    let mut answers = io.call_event(&Move(5, 6)).unwrap();
    client.expect_event("move").await.ack(&true);
    let (_, answer) = answers.next().await.unwrap();
    assert!(answer.unwrap());
}

#[tokio::test(start_paused = true)]
async fn what_is_only_sent_need_not_be_readable() {
    let io = Io::builder().build();
    let server = Server::new(&io);
    let mut client = server.connect().await.unwrap();
    let news = News("rain", 3);
    let chat = io.of("/");
    let [socket] = &io.broadcast().sockets()[..] else {
        panic!("one socket");
    };
    io.emit_event(&news).unwrap();
    io.dynamic("/room/{id}").emit_event(&news).unwrap();
    chat.emit_event(&news).unwrap();
    chat.broadcast().emit_event(&news).unwrap();
    socket.emit_event(&news).unwrap();
    for _ in 0..4 {
        assert_eq!(client.receive().await.to_string(), r#"news ["rain",3]"#);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_stands_anywhere_among_the_parameters_of_a_handler() {
    let io = Io::builder().build();
    io.on("late", async |_: Socket, Typed(Move(a, b)): Typed<Move>| {
        a + b
    })
    .on("maybe", |it: Option<Move>| it.map_or(0, |Move(a, b)| a * b));
    let client = Server::new(&io).connect().await.unwrap();
    assert_eq!(client.call::<u8>("late", &(1, 2)).await.unwrap(), 3);
    assert_eq!(client.call::<u8>("maybe", &(4, 5)).await.unwrap(), 20);
    assert_eq!(client.call::<u8>("maybe", "no move").await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn arguments_of_another_shape_are_rejected() {
    let rejected = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&rejected);
    let io = Io::builder()
        .on_error(move |error| noted.lock().push(error.to_string()))
        .build();
    io.on_event(|_: Move| true).on("done", || ());
    let client = Server::new(&io).connect().await.unwrap();
    client.emit("move", &("a", "b"));
    client.call::<()>("done", &()).await.unwrap();
    let rejected = rejected.lock();
    let [rejected] = &rejected[..] else {
        panic!("{rejected:?}");
    };
    assert!(rejected.contains("arguments do not fit"), "{rejected}");
}
