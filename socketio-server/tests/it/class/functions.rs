//! Functions that know their event.

use serde::Deserialize;
use socketio_server::test::Server;
use socketio_server::{Data, Event, Io, Socket, event};

use super::answer;

/// Adds.
#[event]
async fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
    a + b
}

#[event("sub tract")]
fn subtract(Data((a, b)): Data<(i64, i64)>) -> i64 {
    a - b
}

#[event]
fn r#type(socket: Socket) -> String {
    socket.namespace().name().to_owned()
}

/// The attribute of the derive and that of functions have the same name.
#[derive(Event, Deserialize)]
#[event("leave", ack = &'static str)]
struct Leave {
    reason: String,
}

#[event(typed)]
fn any_name(Leave { reason }: Leave) -> &'static str {
    if reason == "bored" { "bye" } else { "no" }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_registered_under_its_own_name() {
    let io = Io::builder().build();
    io.register(add).register(subtract).register(any_name);
    io.of("/else").register(r#type);
    io.any_namespace().register(add);
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    assert_eq!(client.call::<i64>("add", &(1, 2)).await.unwrap(), 3);
    assert_eq!(client.call::<i64>("sub tract", &(1, 2)).await.unwrap(), -1);
    let bored = serde_json::json!({ "reason": "bored" });
    assert_eq!(client.call::<String>("leave", &bored).await.unwrap(), "bye");
    let elsewhere = client.join("/else").await.unwrap();
    assert_eq!(answer(&elsewhere, "type").await, "/else");
    assert_eq!(elsewhere.call::<i64>("add", &(1, 2)).await.unwrap(), 3);
}
