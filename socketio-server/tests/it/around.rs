//! What stands around the handlers of events: middlewares of namespaces and of single sockets.

use std::sync::Arc;

use socketio_server::test::Server;
use socketio_server::{
    AckError, AckSender, Args, Data, EventContext, FromEvent, HandlerErrorKind, HandlerFuture, Io,
    Next, RawArgs, Rejection, Socket, State,
};

use crate::host::{Door, Host, Pen, settle};

/// A middleware that notes its name, then what it sees of the outcome.
fn around(
    host: &Host,
    name: &'static str,
) -> impl Fn(&mut EventContext<'_>, Next<'_>) -> HandlerFuture + use<> {
    let pen = host.pen.clone();
    move |event, next| {
        pen.note(format!("{name} before {}", event.name()));
        let handler = next.run(event);
        pen.note(format!("{name} taken"));
        let pen = pen.clone();
        HandlerFuture::new(async move {
            let outcome = handler.await;
            let seen = match &outcome {
                Ok(Some(RawArgs(args))) => format!("answer {}", args.raw()),
                Ok(None) => "no answer".to_owned(),
                Err(kind) => format!("failure: {kind}"),
            };
            pen.note(format!("{name} {seen}"));
            outcome
        })
    }
}

#[tokio::test(start_paused = true)]
async fn middlewares_are_put_around_each_other_and_see_the_event_and_its_outcome() {
    let mut host = Host::new();
    host.io
        .wrap(around(&host, "outer"))
        .wrap(around(&host, "inner"))
        .on("add", |Data((a, b)): Data<(u8, u8)>, pen: State<Pen>| {
            pen.note("handler");
            (a + b, "sum")
        })
        .on("wait", async |door: State<Door>| door.pass().await)
        .on("hand", |ack: AckSender| ack.send(&"by hand"))
        .on("fail", || Err::<(), _>("failed"))
        .on("panic", || {
            if true {
                panic!("in the handler");
            }
        });
    host.io.any_namespace().wrap(around(&host, "all"));
    let mut client = host.join("/").await;
    let mut expect = async |event: &str, middle: &[&str], outcome: &str| {
        client.say(&format!(r#"420["{event}",1,2]"#)).await;
        settle().await;
        let before = ["all", "outer", "inner"].map(|it| format!("{it} before {event}"));
        let taken = ["inner", "outer", "all"].map(|it| format!("{it} taken"));
        let after = ["inner", "outer", "all"].map(|it| format!("{it} {outcome}"));
        let middle = middle.iter().map(|&it| it.to_owned());
        let mut expected = Vec::from(before);
        expected.extend(taken);
        expected.extend(middle);
        expected.extend(after);
        let mut notes = host.diary.rest();
        let last = notes.split_off(expected.len().min(notes.len()));
        assert_eq!(notes, expected);
        last
    };
    let none = [""; 0];
    assert_eq!(expect("add", &["handler"], r#"answer 3,"sum""#).await, none);
    assert_eq!(expect("hand", &[], "no answer").await, none);
    assert_eq!(expect("unknown", &[], "no answer").await, none);
    let last = expect("fail", &[], "failure: failed").await;
    assert_eq!(last, ["fail in / failed: failed"]);
    let last = expect("panic", &[], "failure: panicked: in the handler").await;
    assert_eq!(last, ["panic in / failed: panicked: in the handler"]);
    client.expect(r#"430[3,"sum"]"#).await;
    client.expect(r#"430["by hand"]"#).await;
    assert!(client.is_silent().await);
    // Who leaves is no event.
    client.say("41").await;
    settle().await;
    assert_eq!(host.diary.rest(), none);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_may_change_drop_delay_or_answer_what_passes() {
    let mut host = Host::new();
    let door = host.door.clone();
    host.io
        .wrap(move |event, next| match event.name() {
            "dropped" => HandlerFuture::ready(Ok(None)),
            "answered" => {
                let answer = Args::new("[1,2]", Vec::new()).unwrap();
                HandlerFuture::ready(Ok(Some(RawArgs(answer.into_owned()))))
            }
            "renamed" => {
                let args = Args::new(r#"["other"]"#, Vec::new()).unwrap();
                next.run_as(event, "echo", &RawArgs(args.into_owned()))
            }
            "refused" => HandlerFuture::ready(Err(HandlerErrorKind::Failed("no".into()))),
            "forgiven" => {
                let handler = next.run(event);
                HandlerFuture::new(async move { handler.await.or(Ok(None)) })
            }
            "nowhere" => {
                let args = Args::new("[]", Vec::new()).unwrap();
                next.run_as(event, "unheard", &RawArgs(args.into_owned()))
            }
            "delayed" => {
                let (handler, door) = (next.run(event), door.clone());
                HandlerFuture::new(async move {
                    door.pass().await;
                    handler.await
                })
            }
            "panic" => panic!("in the middleware"),
            _ => next.run(event),
        })
        .on("echo", |args: RawArgs| args)
        .on("dropped", |pen: State<Pen>| pen.note("dropped"))
        .on("delayed", |pen: State<Pen>| pen.note("delayed"))
        .on("refused", |pen: State<Pen>| pen.note("refused"))
        .on("forgiven", || Err::<(), _>("failed"));
    let mut client = host.join("/").await;
    for (event, answer) in [
        (r#"420["echo","same"]"#, Some(r#"430["same"]"#)),
        (r#"421["dropped"]"#, None),
        (r#"422["answered"]"#, Some("432[1,2]")),
        (r#"423["renamed","one"]"#, Some(r#"433["other"]"#)),
        (r#"424["refused"]"#, None),
        (r#"425["forgiven"]"#, None),
        (r#"426["delayed"]"#, None),
        (r#"427["panic"]"#, None),
        (r#"428["nowhere"]"#, None),
    ] {
        client.say(event).await;
        match answer {
            Some(answer) => client.expect(answer).await,
            None => assert!(client.is_silent().await, "{event}"),
        }
    }
    assert_eq!(
        host.diary.rest(),
        [
            "refused in / failed: no",
            "panic in / failed: panicked: in the middleware"
        ]
    );
    host.door.open();
    client.expect("436[]").await;
    host.diary.expect("delayed").await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_middlewares_is_the_hook_s_and_its_answer_the_client_s() {
    let io = Io::builder().on_error(|_| "sorry").build();
    io.wrap(|event, next| next.run(event))
        .on("fail", || Err::<(), _>("failed"))
        .on("args", |Data(n): Data<u8>| n)
        .on("guard", |_: Guard| ());
    let client = Server::new(&io).connect().await.unwrap();
    for (event, answer) in [("fail", "sorry"), ("args", "sorry"), ("guard", "stop")] {
        let got: String = client.call(event, &"x").await.unwrap();
        assert_eq!(got, answer, "{event}");
    }
}

/// An extractor that decides.
struct Guard;

impl FromEvent for Guard {
    fn from_event(_: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Err(Rejection::reply("stop"))
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_arguments_end_the_connection_before_any_middleware_sees_them() {
    let mut host = Host::new();
    host.io.wrap(around(&host, "any"));
    let mut client = host.join("/").await;
    client.say(r#"42["event",x]"#).await;
    client.expect_close().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_of_one_socket_s_data_needs_no_handler_to_know_of_it() {
    let io = Io::builder().build();
    io.wrap(|event, next| {
        // A limit of two events for each client.
        let socket = event.socket();
        let seen = socket.get::<u8>().map_or(0, |seen| *seen);
        socket.insert(seen + 1);
        match seen < 2 {
            true => next.run(event),
            false => HandlerFuture::ready(Ok(None)),
        }
    })
    .on("event", || true);
    let server = Server::new(&io);
    for _ in 0..2 {
        let client = server.connect().await.unwrap();
        assert!(client.call::<bool>("event", &()).await.unwrap());
        assert!(client.call::<bool>("event", &()).await.unwrap());
        let third = client.call::<bool>("event", &()).await;
        assert!(matches!(third, Err(AckError::Timeout)));
    }
}

#[tokio::test(start_paused = true)]
async fn middlewares_of_a_socket_are_inside_those_of_its_namespace_and_for_no_other_socket() {
    let mut host = Host::new();
    host.io.wrap(around(&host, "all"));
    let (outer, inner) = (around(&host, "outer"), around(&host, "inner"));
    let (outer, inner) = (Arc::new(outer), Arc::new(inner));
    host.io.on_connect(move |socket: Socket| {
        if socket.namespace().is_empty() {
            let (outer, inner) = (outer.clone(), inner.clone());
            socket
                .wrap(move |event, next| outer(event, next))
                .wrap(move |event, next| inner(event, next))
                .on("own", || "own");
        }
    });
    host.io.on("shared", || "shared");
    let mut clients = [host.join("/").await, host.join("/").await];
    for (client, event, answer, names) in [
        (0, "shared", r#"answer "shared""#, 3),
        (0, "own", r#"answer "own""#, 3),
        (0, "unknown", "no answer", 3),
        (1, "shared", r#"answer "shared""#, 1),
        (1, "own", "no answer", 1),
    ] {
        clients[client].say(&format!(r#"42["{event}"]"#)).await;
        settle().await;
        let names = &["all", "outer", "inner"][..names];
        let before = names.iter().map(|it| format!("{it} before {event}"));
        let taken = names.iter().rev().map(|it| format!("{it} taken"));
        let after = names.iter().rev().map(|it| format!("{it} {answer}"));
        let expected: Vec<String> = before.chain(taken).chain(after).collect();
        assert_eq!(host.diary.rest(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_middleware_of_a_socket_needs_none_of_its_namespace_and_may_drop_or_rename() {
    let io = Io::builder().build();
    io.on_connect(|socket: Socket| {
        socket.wrap(|event, next| match event.name() {
            "dropped" => HandlerFuture::ready(Ok(None)),
            "renamed" => next.run_as(event, "echo", &RawArgs(Args::new("[2]", vec![]).unwrap())),
            _ => next.run(event),
        });
    })
    .on("echo", |args: RawArgs| args)
    .on("dropped", || true);
    let client = Server::new(&io).connect().await.unwrap();
    assert_eq!(client.call::<u8>("echo", &1).await.unwrap(), 1);
    assert_eq!(client.call::<u8>("renamed", &1).await.unwrap(), 2);
    let dropped = client.call::<bool>("dropped", &()).await;
    assert!(matches!(dropped, Err(AckError::Timeout)));
}
