//! Handlers: what they are given, and which of them an event reaches.

mod failures;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{
    Ack, AckError, Auth, Binary, Data, DisconnectReason, EventName, Io, Local, RawArgs, Rejection,
    Socket, SocketId, State,
};

use crate::client::Received;
use crate::host::{Host, Pen, settle};

/// A type nobody stores.
#[derive(Debug)]
struct Absent;

// ---- Arguments ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn each_attachment_may_be_as_large_as_a_message() {
    let host = Host::new();
    host.io.on("files", |Data(files): Data<(Binary, Binary)>| {
        files.0.len() + files.1.len()
    });
    let mut client = host.join("/").await;
    client
        .say(r#"452-1["files",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#)
        .await;
    client.say_binary(&[0; 1_000_000]).await;
    client.say_binary(&[0; 1_000_000]).await;
    client.expect("431[2000000]").await;
}

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
    // The application has it as well, and a socket can be rid of its own.
    assert_eq!(io.state::<AtomicU64>().unwrap().load(Ordering::Relaxed), 4);
    assert!(io.state::<u64>().is_none());
    let socket = io.socket(two.id()).unwrap();
    assert!(socket.remove::<u64>().is_none() && socket.get::<AtomicU64>().is_some());
    assert_eq!(
        socket
            .remove::<AtomicU64>()
            .unwrap()
            .load(Ordering::Relaxed),
        1
    );
    assert!(socket.get::<AtomicU64>().is_none());
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
