//! Handlers: what they are given, what they may fail with, and which of them an event reaches.

use std::future::Ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{
    Ack, AckError, Auth, Binary, BoxError, Data, DisconnectReason, EventContext, EventName,
    FromEvent, HandlerError, HandlerErrorKind, Io, Local, RawArgs, Rejection, Socket, SocketId,
    State,
};

use crate::client::{Polling, Received};
use crate::host::{Host, Pen, settle};

// ---- Failures -----------------------------------------------------------------------------

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

/// A type nobody stores.
#[derive(Debug)]
struct Absent;

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

// ---- Arguments ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn missing_arguments_read_as_null_and_surplus_ones_are_ignored() {
    let host = Host::new();
    host.io
        .on("none", async || ())
        .on("one", async |Data(it): Data<Option<u64>>| it)
        .on("two", async |Data(it): Data<(u64, Option<String>)>| it)
        .on("same", async |a: Data<u64>, b: Data<(u64, u64)>| {
            (*a, b.0.0, b.0.1)
        });
    let mut client = host.join("/").await;
    for (event, answer) in [
        (r#"["none",1,2]"#, "[]"),
        (r#"["one"]"#, "[null]"),
        (r#"["one",1,"surplus"]"#, "[1]"),
        (r#"["two",1]"#, "[1,null]"),
        (r#"["two",1,"x",{"y":[]}]"#, r#"[1,"x"]"#),
        (r#"["same",1,2]"#, "[1,1,2]"),
    ] {
        client.say(&format!("420{event}")).await;
        client.expect(&format!("430{answer}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn arguments_that_are_no_json_close_the_link_whoever_asks_for_them() {
    for packet in [
        r#"42["unheard",x]"#,
        r#"42["nothing",x]"#,
        r#"42["unit",x]"#,
        r#"42["number",1,x]"#,
        r#"42["raw",[1,]]"#,
        r#"42["option",x]"#,
        r#"42["result",{]"#,
        r#"42["in vain",x]"#,
        r#"420["asked",x]"#,
        "430[x]",
    ] {
        let mut host = Host::new();
        note_disconnects(&host.io);
        host.io
            .on("nothing", async |pen: State<Pen>| pen.note("ran"))
            .on("unit", async |_: Data<()>, pen: State<Pen>| pen.note("ran"))
            .on("number", async |_: Data<u64>, pen: State<Pen>| {
                pen.note("ran");
            })
            .on("raw", async |_: RawArgs, pen: State<Pen>| pen.note("ran"))
            .on("option", async |_: Option<Data<u64>>, pen: State<Pen>| {
                pen.note("ran");
            })
            .on(
                "result",
                async |_: Result<Data<u64>, Rejection>, pen: State<Pen>| pen.note("ran"),
            )
            .on("in vain", async |_: State<Absent>| ())
            .on("asked", async || ());
        let mut client = host.join("/").await;
        let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
        let call = socket.call::<()>("ask", &());
        client.expect(r#"420["ask"]"#).await;
        client.say(packet).await;
        assert_eq!(client.receive().await, Received::Close(None), "{packet}");
        assert!(matches!(call.await, Err(AckError::Disconnected)));
        host.diary.expect("forced close").await;
        settle().await;
        assert_eq!(host.diary.rest(), [""; 0], "{packet}");
    }
}

fn note_disconnects(io: &Io) {
    io.on_disconnect(async |pen: State<Pen>, reason: DisconnectReason| {
        pen.note(reason.as_str());
    });
}

#[derive(Serialize, Deserialize)]
struct Upload {
    name: String,
    #[serde(flatten)]
    part: Part,
    thumbnail: Option<Binary>,
    chunks: Vec<Binary>,
    content: Vec<Content>,
}

#[derive(Serialize, Deserialize)]
struct Part {
    number: u64,
    bytes: Binary,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Content {
    Number(u64),
    Text(String),
    Bytes(Binary),
    Deep { inner: Binary },
}

#[tokio::test(start_paused = true)]
async fn bytes_are_found_wherever_a_type_has_them() {
    let host = Host::new();
    host.io
        .on("upload", async |Data(it): Data<Upload>| {
            assert_eq!(&it.part.bytes[..], [0]);
            assert_eq!(it.thumbnail.as_ref().map(|it| it[0]), Some(1));
            assert_eq!([it.chunks[0][0], it.chunks[1][0]], [2, 3]);
            assert!(matches!(&it.content[2], Content::Bytes(bytes) if bytes[0] == 4));
            Ack(it)
        })
        .on("none", async |Data(it): Data<Option<Binary>>| it);
    let mut client = host.join("/").await;
    let at = |num: u8| format!(r#"{{"_placeholder":true,"num":{num}}}"#);
    let upload = format!(
        r#"{{"name":"cat","number":7,"bytes":{},"thumbnail":{},"chunks":[{},{}],"content":[1,"two",{},{{"inner":{}}}]}}"#,
        at(0),
        at(1),
        at(2),
        at(3),
        at(4),
        at(5)
    );
    client.say(&format!(r#"456-0["upload",{upload}]"#)).await;
    for byte in 0..6 {
        client.say_binary(&[byte]).await;
    }
    client.expect(&format!("466-0[{upload}]")).await;
    for byte in 0..6 {
        client.expect_binary(&[byte]).await;
    }
    client.say(r#"421["none",null]"#).await;
    client.expect("431[null]").await;
}

// ---- What belongs to whom -----------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn state_is_everybodys_and_local_is_the_sockets_own() {
    let io = Io::builder().state(AtomicU64::new(0)).build();
    for nsp in ["/", "/other"] {
        let namespace = io.of(nsp);
        namespace.on_connect(async |socket: Socket| drop(socket.insert(AtomicU64::new(0))));
        namespace.on(
            "count",
            async |all: State<AtomicU64>, own: Local<AtomicU64>| {
                let all = all.fetch_add(1, Ordering::Relaxed) + 1;
                (all, own.fetch_add(1, Ordering::Relaxed) + 1)
            },
        );
    }
    let server = Server::new(&io);
    let one = server.connect().await.unwrap();
    let two = server.connect().await.unwrap();
    let two_elsewhere = two.join("/other").await.unwrap();
    let count = async |client: &Client| client.call::<(u64, u64)>("count", &()).await.unwrap();
    assert_eq!(count(&one).await, (1, 1));
    assert_eq!(count(&one).await, (2, 2));
    assert_eq!(count(&two).await, (3, 1));
    assert_eq!(count(&two_elsewhere).await, (4, 1));
    // What belongs to a socket does not outlive it.
    one.disconnect();
    let one_again = one.join("/").await.unwrap();
    assert_eq!(count(&one_again).await, (5, 1));
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_ask_for_eight_things() {
    let io = Io::builder().build();
    io.on_connect(async |socket: Socket| drop(socket.insert(7_u64)))
        .on("all", everything);
    let connect = Server::new(&io).connect().auth(json!({ "user": "me" }));
    let client = connect.await.unwrap();
    let (socket, sid, number, own, name): (String, String, u64, u64, String) =
        client.call("all", &1).await.unwrap();
    assert_eq!([&*socket, &*sid], [client.id(); 2]);
    assert_eq!((number, own, &*name), (1, 7, "all"));
}

#[derive(Deserialize)]
struct User {
    user: String,
}

#[expect(clippy::too_many_arguments, reason = "that is the test")]
async fn everything(
    socket: Socket,
    sid: SocketId,
    Data(number): Data<u64>,
    own: Local<u64>,
    EventName(name): EventName,
    auth: Auth<User>,
    RawArgs(args): RawArgs,
    io: Io,
) -> Ack<(String, String, u64, u64, String)> {
    assert_eq!(auth.user, "me");
    assert_eq!(args.raw(), "1");
    assert_eq!(io.of("/").len(), 1);
    Ack((socket.id().to_string(), sid.to_string(), number, *own, name))
}

fn double(Data(number): Data<u64>) -> u64 {
    2 * number
}

fn fallible(Data(text): Data<String>) -> Result<u64, std::num::ParseIntError> {
    text.parse()
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_be_a_plain_function_or_closure() {
    let mut host = Host::new();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = AtomicU64::new(0);
    host.io
        .on("double", double)
        .on("add", |Data((a, b)): Data<(i64, i64)>| a + b)
        .on("none", || ())
        .on("nothing asked", || "fine")
        .on("fallible", fallible)
        .on("count", move || counted.fetch_add(1, Ordering::Relaxed))
        .on("panic", |_: Socket| {
            if true {
                panic!("plainly");
            }
        })
        .on_connect(|| Ok::<_, socketio_server::ConnectError>(()))
        .on_disconnect({
            let seen = Arc::clone(&seen);
            move |_: DisconnectReason| _ = seen.fetch_add(1, Ordering::Relaxed)
        });
    let mut client = host.join("/").await;
    for (event, answer) in [
        (r#"["double",21]"#, "[42]"),
        (r#"["add",2,-3]"#, "[-1]"),
        (r#"["none"]"#, "[]"),
        (r#"["nothing asked"]"#, r#"["fine"]"#),
        (r#"["fallible","7"]"#, "[7]"),
        (r#"["count"]"#, "[0]"),
        (r#"["count"]"#, "[1]"),
    ] {
        client.say(&format!("420{event}")).await;
        client.expect(&format!("430{answer}")).await;
    }
    for (event, note) in [
        (
            r#"["fallible","x"]"#,
            "fallible in / failed: invalid digit found in string",
        ),
        (r#"["panic"]"#, "panic in / failed: panicked: plainly"),
    ] {
        client.say(&format!("420{event}")).await;
        host.diary.expect(note).await;
        assert!(client.is_silent().await);
    }
    client.say("41").await;
    settle().await;
    assert_eq!(seen.load(Ordering::Relaxed), 1);
}

/// Eight parameters, of which none is the event's.
#[expect(clippy::too_many_arguments, reason = "that is the test")]
fn plain_everything(
    socket: Socket,
    sid: SocketId,
    Data(number): Data<u64>,
    own: Option<Local<u64>>,
    EventName(name): EventName,
    _: Option<State<Absent>>,
    RawArgs(args): RawArgs,
    io: Io,
) -> (bool, u64, bool, usize) {
    assert_eq!(args.raw(), "1");
    let known = socket.id() == sid && name == "all";
    (known, number, own.is_some(), io.of("/").len())
}

#[tokio::test(start_paused = true)]
async fn a_plain_handler_may_ask_for_eight_things_as_well() {
    let io = Io::builder().build();
    io.on("all", plain_everything);
    let client = Server::new(&io).connect().await.unwrap();
    let answer: (bool, u64, bool, usize) = client.call("all", &1).await.unwrap();
    assert_eq!(answer, (true, 1, false, 1));
}

// ---- Which handler ------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn an_event_finds_the_handler_of_its_name_however_it_is_written() {
    let host = Host::new();
    for name in [
        "plain",
        "with space",
        "grüße ☃ 𝄞",
        "7",
        "",
        "\"\\\n",
        "message",
    ] {
        host.io.on(name, async |EventName(name): EventName| name);
    }
    let mut client = host.join("/").await;
    for (written, name) in [
        (r#""plain""#, r#""plain""#),
        (r#""pl\u0061in""#, r#""plain""#),
        (r#""with space""#, r#""with space""#),
        (r#""grüße ☃ 𝄞""#, r#""grüße ☃ 𝄞""#),
        (r#""gr\u00fc\u00dfe \u2603 \ud834\udd1e""#, r#""grüße ☃ 𝄞""#),
        (r#""7""#, r#""7""#),
        ("7", r#""7""#),
        (r#""""#, r#""""#),
        (r#""\"\\\n""#, r#""\"\\\n""#),
        (r#""message""#, r#""message""#),
    ] {
        client.say(&format!("420[{written}]")).await;
        client.expect(&format!("430[{name}]")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_handles_is_ignored() {
    let mut host = Host::new();
    host.io.on("heard", async || ());
    host.io.of("/other").on("elsewhere", async || ());
    let mut client = host.join("/").await;
    for name in ["unheard", "Heard", "heard ", "elsewhere"] {
        client.say(&format!(r#"420["{name}",1]"#)).await;
        assert!(client.is_silent().await, "{name}");
    }
    let binary = r#"451-0["unheard",{"_placeholder":true,"num":0}]"#;
    client.say(binary).await;
    client.say_binary(&[1]).await;
    client.say(r#"421["heard"]"#).await;
    client.expect("431[]").await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_handler_hears_its_own_namespace_only() {
    let io = Io::builder().build();
    for nsp in ["/", "/one", "/two"] {
        io.of(nsp).on("where", move || async move { nsp });
    }
    let root = Server::new(&io).connect().await.unwrap();
    let one = root.join("/one").await.unwrap();
    let two = root.join("/two").await.unwrap();
    for client in [one, root, two] {
        let nsp: String = client.call("where", &()).await.unwrap();
        assert_eq!(nsp, client.namespace());
    }
}
