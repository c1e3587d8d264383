//! Error hooks: whom they hear of, what they are told, and what becomes of what they return.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use socketio_server::{
    Ack, AckSender, BoxError, ConnectError, Data, ErrorReply, HandlerError, HandlerErrorKind, Io,
    Socket,
};

use crate::client::Polling;
use crate::host::{Host, settle};

/// Fails at once, late, by panicking, or because of what it is given.
fn register_failures(io: &Io, nsp: &str) {
    io.of(nsp)
        .on("at once", |_: Socket| Err::<(), BoxError>("broken".into()))
        .on("late", async || {
            tokio::task::yield_now().await;
            Err::<(), BoxError>("broken".into())
        })
        .on("panic", || {
            if true {
                panic!("oh");
            }
        })
        .on("panic late", async || {
            tokio::task::yield_now().await;
            if true {
                panic!("oh");
            }
        })
        .on("typed", |_: Data<u64>| ());
}

const FAILURES: [&str; 5] = ["at once", "late", "panic", "panic late", "typed"];

#[tokio::test(start_paused = true)]
async fn a_hook_is_told_who_it_was_and_what_was_said() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&told);
    let io = Io::builder()
        .on_error(move |error| {
            assert_eq!(error.socket.id(), error.sid);
            assert_eq!(error.socket.namespace().name(), error.nsp);
            let args = error.args.as_ref().map(|args| args.0.raw().to_owned());
            noted
                .lock()
                .push((error.sid.to_string(), error.event.clone(), args));
        })
        .build();
    register_failures(&io, "/chat");
    let client = Polling::open(&io).await;
    let sid = client.join("/chat").await;
    for event in FAILURES {
        client
            .say(&format!(r#"42/chat,["{event}","what",{{"was":1}}]"#))
            .await;
        settle().await;
        let args = r#""what",{"was":1}"#.to_owned();
        let expected = (sid.clone(), event.to_owned(), Some(args));
        assert_eq!(told.lock().pop(), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_returns_is_the_acknowledgement() {
    let mut host = Host::new();
    register_failures(&host.io, "/chat");
    host.io
        .of("/chat")
        .on_error(|error| Ack((500, error.kind.to_string())))
        .on("by hand", |_: AckSender| {
            Err::<(), BoxError>("broken".into())
        })
        .on("not run", |_: AckSender, _: Data<u64>| ())
        .on("fine", || "fine");
    let mut client = host.join("/chat").await;
    for (event, answer) in [
        ("at once", r#"[500,"broken"]"#),
        ("late", r#"[500,"broken"]"#),
        ("panic", r#"[500,"panicked: oh"]"#),
        ("panic late", r#"[500,"panicked: oh"]"#),
        (
            "typed",
            r#"[500,"arguments do not fit: arguments do not fit the type"]"#,
        ),
        (
            "not run",
            r#"[500,"arguments do not fit: arguments do not fit the type"]"#,
        ),
        ("fine", r#"["fine"]"#),
    ] {
        client.say(&format!(r#"42/chat,0["{event}"]"#)).await;
        client.expect(&format!("43/chat,0{answer}")).await;
    }
    // Not the hook's to answer: the client did not ask, or the handler has taken that on itself.
    client.say(r#"42/chat,["at once"]"#).await;
    client.say(r#"42/chat,0["by hand"]"#).await;
    assert!(client.is_silent().await);
    assert_eq!(host.diary.rest(), [""; 0]);
}

/// What a client gets from a hook that returns what `reply` makes: as an acknowledgement, and when
/// it wants to connect.
async fn assert_answers<R: ErrorReply + 'static>(
    reply: impl Fn() -> R + Send + Sync + Clone + 'static,
    ack: Option<&str>,
    refusal: &str,
) {
    let host = Host::new();
    let hook = reply.clone();
    host.io.of("/events").on_error(move |_| reply());
    host.io
        .of("/connects")
        .on_error(move |_| hook())
        .on_connect(|_: Data<u64>| ());
    register_failures(&host.io, "/events");
    let mut client = host.join("/events").await;
    client.say(r#"42/events,0["at once"]"#).await;
    match ack {
        Some(ack) => client.expect(&format!("43/events,0{ack}")).await,
        None => assert!(client.is_silent().await),
    }
    client.say("40/connects,").await;
    client.expect(&format!("44/connects,{refusal}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_return_nothing_a_value_or_a_refusal() {
    let usual = r#"{"message":"internal server error"}"#;
    assert_answers(|| (), None, usual).await;
    assert_answers(|| None::<bool>, None, usual).await;
    let message = r#"{"message":"sorry"}"#;
    assert_answers(|| "sorry", Some(r#"["sorry"]"#), message).await;
    assert_answers(|| Some("sorry".to_owned()), Some(r#"["sorry"]"#), message).await;
    let data = r#"{"message":"internal server error","data":false}"#;
    assert_answers(|| false, Some("[false]"), data).await;
    let data = r#"{"message":"internal server error","data":{"code":7}}"#;
    assert_answers(|| json!({ "code": 7 }), Some(r#"[{"code":7}]"#), data).await;
    let data = r#"{"message":"internal server error","data":[7,"x"]}"#;
    assert_answers(|| Ack((7, "x")), Some(r#"[7,"x"]"#), data).await;
    let error = || ConnectError::new("no").with_data([1]);
    let refusal = r#"{"message":"no","data":[1]}"#;
    assert_answers(error, Some(&format!("[{refusal}]")), refusal).await;
}

#[tokio::test(start_paused = true)]
async fn a_hook_decides_how_failed_connect_handlers_refuse() {
    let host = Host::new();
    let hook = |error: &HandlerError| {
        assert!(error.args.is_none() && error.event == "connect");
        match &error.kind {
            HandlerErrorKind::Panicked(_) => Some("later"),
            _ => None,
        }
    };
    for (nsp, late) in [("/early", false), ("/late", true)] {
        host.io
            .of(nsp)
            .on_error(hook)
            .on_connect(move || async move {
                if late {
                    tokio::task::yield_now().await;
                }
                if true {
                    panic!("oh");
                }
            });
    }
    host.io
        .of("/typed")
        .on_error(hook)
        .on_connect(|_: Data<u64>| ());
    // What the handler itself decides is no failure.
    host.io
        .of("/refused")
        .on_error(|_| "not asked")
        .on_connect(|| Err::<(), _>(ConnectError::new("no")));
    let mut client = host.open().await;
    for (nsp, message) in [
        ("/early", "later"),
        ("/late", "later"),
        ("/typed", "internal server error"),
        ("/refused", "no"),
    ] {
        client.say(&format!("40{nsp},")).await;
        let refusal = format!(r#"44{nsp},{{"message":"{message}"}}"#);
        client.expect(&refusal).await;
        host.assert_deserted(nsp);
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_without_a_hook_has_the_servers() {
    let mut host = Host::new();
    for nsp in ["/", "/own", "/other"] {
        register_failures(&host.io, nsp);
    }
    host.io.of("/own").on_error(|_| "own");
    for nsp in ["/", "/other"] {
        let mut client = host.join(nsp).await;
        let head = if nsp == "/" { "" } else { "/other," };
        for event in ["at once", "late"] {
            client.say(&format!(r#"42{head}0["{event}"]"#)).await;
            let note = format!("{event} in {nsp} failed: broken");
            host.diary.expect(&note).await;
        }
        assert!(client.is_silent().await);
    }
    let mut client = host.join("/own").await;
    client.say(r#"42/own,0["late"]"#).await;
    client.expect(r#"43/own,0["own"]"#).await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_hook_returns_may_be_impossible_to_encode() {
    let host = Host::new();
    register_failures(&host.io, "/");
    host.io
        .of("/")
        .on_error(|_| Ack(std::collections::HashMap::from([((1, 2), 3)])))
        .on("fine", || "fine");
    let mut client = host.join("/").await;
    client.say(r#"420["at once"]"#).await;
    client.say(r#"421["fine"]"#).await;
    client.expect(r#"431["fine"]"#).await;
    assert!(client.is_silent().await);
}
