//! Extractors of applications: what becomes of events they reject.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{
    Ack, ConnectError, EventContext, EventName, FromEvent, Io, Rejection, Socket,
};

use crate::host::{Host, settle};

/// The user of a socket, if it has logged in; how others fare, they decide by the event's name.
struct LoggedIn(Arc<String>);

impl FromEvent for LoggedIn {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        if let Some(user) = event.socket().get() {
            return Ok(Self(user));
        }
        let nsp = event.socket().namespace().name();
        Err(match (event.name(), nsp) {
            ("reply", _) | (_, "/reply") => Rejection::reply("log in first"),
            ("reply with data", _) | (_, "/data") => {
                Rejection::reply((401, json!({ "log": "in" })))
            }
            ("disconnect me", _) | (_, "/disconnect") => Rejection::disconnect(),
            ("fail", _) => Rejection::Other("nobody there".into()),
            _ => Rejection::refuse(ConnectError::new("log in").with_data(["first"])),
        })
    }
}

fn guarded(LoggedIn(user): LoggedIn) -> String {
    (*user).clone()
}

#[tokio::test(start_paused = true)]
async fn a_rejection_may_answer_in_the_handlers_place() {
    let mut host = Host::new();
    for event in ["reply", "reply with data", "refuse"] {
        host.io.on(event, guarded);
    }
    host.io
        .on("log in", |socket: Socket| {
            drop(socket.insert("me".to_owned()))
        })
        // Passed on as an error, it is the same rejection.
        .on("passed on", async |user: Result<LoggedIn, Rejection>| {
            tokio::task::yield_now().await;
            user.map(|LoggedIn(user)| user.len())
        })
        .on("option", |user: Option<LoggedIn>| user.is_some());
    let mut client = host.join("/").await;
    for (event, answer) in [
        ("reply", r#"["log in first"]"#),
        ("reply with data", r#"[401,{"log":"in"}]"#),
        ("refuse", r#"[{"message":"log in","data":["first"]}]"#),
        ("passed on", r#"[{"message":"log in","data":["first"]}]"#),
        ("option", "[false]"),
        ("log in", "[]"),
        ("reply", r#"["me"]"#),
        ("refuse", r#"["me"]"#),
        ("passed on", "[2]"),
        ("option", "[true]"),
    ] {
        client.say(&format!(r#"420["{event}"]"#)).await;
        client.expect(&format!("430{answer}")).await;
    }
    // Nothing has failed.
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_answers_only_who_has_asked() {
    let host = Host::new();
    host.io.on("reply", guarded).on("refuse", guarded);
    let mut client = host.join("/").await;
    client.say_all([r#"42["reply"]"#, r#"42["refuse"]"#]).await;
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_may_send_the_client_away() {
    let io = Io::builder().build();
    io.on("disconnect me", guarded)
        .on("echo", |EventName(it): EventName| it);
    let mut client: Client = Server::new(&io).connect().await.unwrap();
    assert_eq!(client.call::<String>("echo", &()).await.unwrap(), "echo");
    client.emit("disconnect me", &());
    assert_eq!(client.expect_disconnect().await, "io server disconnect");
    assert!(io.of("/").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_may_refuse_a_client_that_connects() {
    let mut host = Host::new();
    let ran = Arc::new(Mutex::new(Vec::new()));
    for nsp in ["/reply", "/data", "/refuse", "/disconnect"] {
        let ran = Arc::clone(&ran);
        host.io
            .of(nsp)
            .on_connect(move |_: LoggedIn| ran.lock().push(nsp));
    }
    let mut client = host.open().await;
    for (nsp, refusal) in [
        ("/reply", r#"{"message":"log in first"}"#),
        (
            "/data",
            r#"{"message":"internal server error","data":[401,{"log":"in"}]}"#,
        ),
        ("/refuse", r#"{"message":"log in","data":["first"]}"#),
        (
            "/disconnect",
            r#"{"message":"Connection rejected by server"}"#,
        ),
    ] {
        client.say(&format!("40{nsp},")).await;
        client.expect(&format!("44{nsp},{refusal}")).await;
        host.assert_deserted(nsp);
    }
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    assert!(ran.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_extractor_that_fails_is_the_hooks() {
    let mut host = Host::new();
    host.io.on("fail", guarded);
    let mut client = host.join("/").await;
    client.say(r#"420["fail"]"#).await;
    host.diary.expect("fail in / failed: nobody there").await;
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_cannot_be_encoded_is_none() {
    /// Answers with a value that cannot be written as JSON.
    struct Odd;
    impl FromEvent for Odd {
        fn from_event(_: &mut EventContext<'_>) -> Result<Self, Rejection> {
            let keys = std::collections::HashMap::from([((1, 2), 3)]);
            Err(Rejection::reply(keys))
        }
    }
    let host = Host::new();
    host.io
        .on("odd", |_: Odd| Ack(1))
        .on("fine", || Ack((1, 2)));
    let mut client = host.join("/").await;
    client.say_all([r#"420["odd"]"#, r#"421["fine"]"#]).await;
    client.expect("431[1,2]").await;
    assert!(client.is_silent().await);
}
