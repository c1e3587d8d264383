//! What handlers may fail with, and what they ask for in vain.

use std::future::Ready;
use std::sync::Arc;

use parking_lot::Mutex;
use socketio_server::test::Server;
use socketio_server::{
    Auth, BoxError, Data, DisconnectReason, EventContext, EventName, FromEvent, HandlerError,
    HandlerErrorKind, Io, Local, RawArgs, Rejection, Socket, SocketId, State,
};

use super::Absent;
use crate::client::Polling;
use crate::host::{Host, settle};

fn panic_at_once(_: Socket) -> Ready<()> {
    panic!("at once");
}

#[tokio::test(start_paused = true)]
async fn a_failure_reaches_the_hook_with_its_place_and_the_client_goes_on() {
    let failures = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&failures);
    let io = Io::builder()
        .on_error(move |error| {
            let kind = match &error.kind {
                HandlerErrorKind::Rejected(_) => "rejected",
                HandlerErrorKind::Failed(_) => "failed",
                HandlerErrorKind::Panicked(_) => "panicked",
                _ => "otherwise",
            };
            let (place, what) = (error.nsp.clone(), error.kind.to_string());
            let failure = (
                place,
                error.sid.to_string(),
                error.event.clone(),
                kind,
                what,
            );
            noted.lock().push(failure);
        })
        .build();
    io.of("/chat")
        .on("early", panic_at_once)
        .on("soon", async || {
            if true {
                panic!("in the {} poll", "first");
            }
        })
        .on("late", async || {
            tokio::task::yield_now().await;
            if true {
                std::panic::panic_any(7);
            }
        })
        .on("fails", async || Err::<(), BoxError>("broken".into()))
        .on("fails late", async || {
            tokio::task::yield_now().await;
            "x".parse::<u64>()
        })
        .on("typed", async |Data(_): Data<u64>| ())
        .on("works", async || "fine")
        .on_disconnect(panic_at_once);
    let expected = [
        ("early", "panicked", "panicked: at once"),
        ("soon", "panicked", "panicked: in the first poll"),
        ("late", "panicked", "panicked: (no message)"),
        ("fails", "failed", "broken"),
        ("fails late", "failed", "invalid digit found in string"),
        (
            "typed",
            "rejected",
            "arguments do not fit: arguments do not fit the type",
        ),
        ("disconnect", "panicked", "panicked: at once"),
    ];
    let client = Polling::open(&io).await;
    let sid = client.join("/chat").await;
    for (event, kind, what) in expected {
        match event {
            "disconnect" => client.say("41/chat,").await,
            _ => {
                let events = format!("42/chat,0[\"{event}\"]\u{1e}42/chat,1[\"works\"]");
                client.say(&events).await;
                // Whatever failed has no answer.
                client.expect(r#"43/chat,1["fine"]"#).await;
            }
        }
        settle().await;
        let (nsp, from, name, sort, text) = failures.lock().pop().unwrap();
        assert_eq!((&*nsp, &from, &*name), ("/chat", &sid, event));
        assert_eq!((sort, &*text), (kind, what));
        assert!(failures.lock().is_empty());
    }
}

fn broken_hook(_: &HandlerError) {
    panic!("the hook");
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_costs_nobody_the_connection() {
    let io = Io::builder().on_error(broken_hook).build();
    io.on("fail", async || Err::<(), _>("on purpose"))
        .on("echo", async |args: RawArgs| args);
    let client = Polling::open(&io).await;
    client.join("/").await;
    client.say("420[\"fail\"]\u{1e}421[\"echo\",1]").await;
    client.expect("431[1]").await;
    assert_eq!(io.of("/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_that_panics_refuses() {
    let mut host = Host::new();
    for (nsp, late) in [("/early", false), ("/late", true)] {
        host.io.of(nsp).on_connect(move || async move {
            if late {
                tokio::task::yield_now().await;
            }
            if true {
                panic!("oh");
            }
        });
    }
    host.io.of("/picky").on_connect(async |_: Data<u64>| ());
    let mut client = host.open().await;
    for (nsp, note) in [
        ("/early", "panicked: oh"),
        ("/late", "panicked: oh"),
        ("/picky", "argument is missing"),
    ] {
        client.say(&format!("40{nsp},")).await;
        let refusal = format!(r#"44{nsp},{{"message":"internal server error"}}"#);
        client.expect(&refusal).await;
        let note = format!("connect in {nsp} failed: {note}");
        host.diary.expect(&note).await;
        host.assert_deserted(nsp);
    }
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_asks_for_in_vain_is_named() {
    let mut host = Host::new();
    host.io
        .on("number", async |_: Data<u64>| "ran")
        .on("pair", async |_: Data<(u64, u64)>| "ran")
        .on("state", async |_: State<Absent>| "ran")
        .on("local", async |_: Local<Absent>| "ran")
        .on("auth", async |_: Auth<Vec<u64>>| "ran")
        .on("reason", async |_: DisconnectReason| "ran")
        .on("token", async |_: Token| "ran");
    let mut client = host.join("/").await;
    let misfit = "arguments do not fit: arguments do not fit the type";
    let absent = "it::handlers::Absent is missing";
    let auth = "credentials do not fit: invalid type: map, expected a sequence at line 1 column 0";
    for (event, note) in [
        (r#"["number","1"]"#, misfit),
        (r#"["number",-1]"#, misfit),
        (r#"["number",null]"#, misfit),
        (r#"["number"]"#, misfit),
        (r#"["pair",1]"#, misfit),
        (r#"["pair",[1,2]]"#, misfit),
        (r#"["state"]"#, absent),
        (r#"["local"]"#, absent),
        (r#"["auth"]"#, auth),
        (r#"["reason"]"#, "disconnect reason is missing"),
        (r#"["token"]"#, "token is missing"),
        (r#"["token","guess"]"#, "wrong token"),
    ] {
        client.say(&format!("420{event}")).await;
        let name = event.split('"').nth(1).unwrap();
        host.diary
            .expect(&format!("{name} in / failed: {note}"))
            .await;
        assert!(client.is_silent().await);
    }
    client.say(r#"420["number",1]"#).await;
    client.expect(r#"430["ran"]"#).await;
}

/// An extractor of an application's own.
#[derive(Debug)]
struct Token(SocketId, String);

impl FromEvent for Token {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let token = event.args()?.first::<Option<String>>();
        match token.map_err(Rejection::Args)? {
            Some(token) if token == "secret" => Ok(Self(event.socket().id(), token)),
            Some(_) => Err(Rejection::Other("wrong token".into())),
            None => Err(Rejection::Missing("token")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_extractor_of_ones_own_takes_what_it_wants() {
    let io = Io::builder().build();
    io.on("token", async |token: Token, name: EventName| {
        (token.0.to_string(), token.1, name.0)
    });
    let client = Server::new(&io).connect().await.unwrap();
    let answer: [String; 3] = client.call("token", "secret").await.unwrap();
    assert_eq!(answer, [client.id(), "secret", "token"]);
}

#[tokio::test(start_paused = true)]
async fn an_option_or_a_result_takes_the_place_of_a_rejection() {
    let host = Host::new();
    host.io
        .on("option", async |number: Option<Data<u64>>| {
            number.map(|Data(number)| number)
        })
        .on("result", async |number: Result<Data<u64>, Rejection>| {
            number.map_or_else(|rejection| rejection.to_string(), |it| it.to_string())
        })
        .on(
            "kept",
            async |state: Option<State<Absent>>, local: Option<Local<u64>>| {
                (state.is_some(), local.map(|local| *local))
            },
        )
        .on("keep", async |socket: Socket, Data(it): Data<u64>| {
            socket.insert(it).map(|old| *old)
        });
    let mut client = host.join("/").await;
    for (event, answer) in [
        (r#"["option",1]"#, "[1]"),
        (r#"["option","1"]"#, "[null]"),
        (r#"["option"]"#, "[null]"),
        (r#"["result",1]"#, r#"["1"]"#),
        (
            r#"["result",[]]"#,
            r#"["arguments do not fit: arguments do not fit the type"]"#,
        ),
        (r#"["kept"]"#, "[false,null]"),
        (r#"["keep",5]"#, "[null]"),
        (r#"["keep",6]"#, "[5]"),
        (r#"["kept"]"#, "[false,6]"),
    ] {
        client.say(&format!("420{event}")).await;
        client.expect(&format!("430{answer}")).await;
    }
}
