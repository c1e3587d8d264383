//! Sessions recorded from the JavaScript server, replayed line by line: what its client said is
//! said to ours, and what it answered is expected, ids left open. What ours has recorded meanwhile
//! happens again.

mod http;
mod recovery;

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketio_server::parser::MsgPack;
use socketio_server::{
    AckSender, Binary, ConnectError, DisconnectReason, EventName, Io, NamespaceRequest, PendingAck,
    RawArgs, RecoveryConfig, Socket, State,
};

use crate::client::{Client, Received};
use crate::host::{Host, Pen, settle};
use crate::record::{Files, assert_replays};

const FLOWS: &str = include_str!("../vectors/flows.json");

/// Flows that are not replayed here, and why.
const SKIPPED: [(&str, &str); 1] = [(
    "connection state recovery",
    "it has several links: `recovery` replays it",
)];

/// Where ours deliberately acts otherwise.
struct Difference {
    flow: &'static str,
    reason: &'static str,
    /// What the log ends with instead, from this line on.
    from: usize,
    log: &'static [&'static str],
    /// How the sockets end instead.
    disconnects: &'static [(&'static str, &'static str)],
}

/// The flow whose packets are in MessagePack.
const MSGPACK: &str = "msgpack session from the JS client";

const DIFFERENCES: [Difference; 5] = [
    Difference {
        flow: "EIO3 connection state recovery enabled",
        reason: "clients of old know nothing of offsets, and get no argument more",
        from: 2,
        log: &[r#"< 42["hi"]"#],
        disconnects: &[("/", "server shutting down")],
    },
    Difference {
        flow: "server disconnects namespace",
        reason: "an event that crossed the server's DISCONNECT is ignored instead of closing all",
        from: 4,
        log: &[r#"> 42["x"]"#],
        disconnects: &[("/", "server namespace disconnect")],
    },
    Difference {
        flow: "event without payload",
        reason: "an event without a name is malformed",
        from: 3,
        log: &["> 42", "< ws close 1005"],
        disconnects: &[("/", "forced close")],
    },
    Difference {
        flow: "close packet over websocket",
        reason: "a client that says goodbye is gone",
        from: 3,
        log: &["> 1", "< ws close 1005"],
        disconnects: &[("/", "transport close")],
    },
    Difference {
        flow: MSGPACK,
        reason: "what is undefined is left out, and keys are in the order of an event's; \
                 how the socket ended was not recorded",
        from: 2,
        log: &[
            "< <hex 83a47479706500a46461746181a3736964b4><sid2><hex a36e7370a12f>",
            "> <hex 85a47479706502a46461746192a46563686fc4020102a76f7074696f6e7381a8636f6d7072657373c3a2696400a36e7370a12f>",
            "< <hex 84a47479706503a46461746191c4020102a2696400a36e7370a12f>",
        ],
        disconnects: &[("/", "server shutting down")],
    },
];

#[derive(Deserialize)]
struct Flows {
    flows: Vec<Flow>,
}

#[derive(Deserialize)]
struct Flow {
    name: String,
    /// The MessagePack recording leaves it out.
    eio: Option<u8>,
    #[serde(default)]
    log: Vec<String>,
    #[serde(default)]
    options: Options,
    /// Namespace, reason, description.
    #[serde(default)]
    server_disconnects: Vec<(String, String, Value)>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Options {
    connect_timeout: Option<u64>,
    #[serde(rename = "allowEIO3")]
    allow_eio3: bool,
    connection_state_recovery: Option<Recovery>,
    #[serde(flatten)]
    other: HashMap<String, Value>,
}

/// With its defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recovery {}

/// Credentials of the recordings, members in their order.
#[derive(Serialize, Deserialize)]
struct Token {
    token: String,
    b: String,
}

/// The query of a handshake, members in their order.
#[derive(Serialize)]
struct Opening {
    #[serde(rename = "EIO")]
    eio: String,
    transport: String,
}

#[tokio::test(start_paused = true)]
async fn recorded_sessions_go_as_they_went() {
    let Flows { flows } = serde_json::from_str(FLOWS).unwrap();
    let mut skipped = HashMap::from(SKIPPED);
    let mut differences = DIFFERENCES
        .iter()
        .map(|it| (it.flow, it))
        .collect::<HashMap<_, _>>();
    for mut flow in flows {
        if skipped.remove(&*flow.name).is_some() {
            continue;
        }
        if let Some(difference) = differences.remove(&*flow.name) {
            assert!(!difference.reason.is_empty());
            flow.adapt(difference);
        }
        if http::is_recorded(&flow) {
            http::replay(&flow).await;
            continue;
        }
        for payloads in [false, true] {
            replay(&flow, payloads).await;
        }
    }
    assert!(
        skipped.is_empty() && differences.is_empty(),
        "unknown names"
    );
}

impl Flow {
    fn adapt(&mut self, difference: &Difference) {
        self.log.truncate(difference.from);
        let instead = difference.log.iter().map(|&line| line.to_owned());
        self.log.extend(instead);
        let disconnects = difference.disconnects.iter();
        self.server_disconnects = disconnects
            .map(|&(nsp, reason)| (nsp.to_owned(), reason.to_owned(), Value::Null))
            .collect();
    }
}

async fn replay(flow: &Flow, payloads: bool) {
    let name = &flow.name;
    assert!(flow.options.other.is_empty(), "{name}: unknown options");
    assert!(!flow.log.is_empty(), "{name}: nothing to replay");
    let mut builder = Io::builder();
    if let Some(timeout) = flow.options.connect_timeout {
        builder = builder.connect_timeout(Duration::from_millis(timeout));
    }
    if let Some(Recovery {}) = flow.options.connection_state_recovery {
        builder = builder.connection_state_recovery(RecoveryConfig::default());
    }
    builder = builder.allow_eio3(flow.options.allow_eio3);
    if name == MSGPACK {
        builder = builder.parser(MsgPack);
    }
    let files = Files::default();
    let mut host = Host::start(files.record(builder, payloads));
    prepare(&host.io, name);

    let eio = flow.eio.unwrap_or(4);
    let mut client = Client::upgrade_in(host.connect(1 << 16), eio, "").await;
    let mut ids = HashMap::new();
    let mut closed = false;
    for line in &flow.log {
        // The MessagePack recording spells the handshake so.
        let line = line.replacen("open:", "0", 1);
        let (direction, packet) = line.split_at(2);
        let bytes = packet.starts_with("<hex ").then(|| unhex(packet));
        match (direction, bytes) {
            ("> ", Some(bytes)) => {
                let bytes: Vec<u8> = bytes.chars().map(|byte| byte as u8).collect();
                client.say_binary(&bytes).await;
            }
            ("> ", None) => client.say(packet).await,
            ("< ", Some(bytes)) => {
                let Received::Binary(received) = client.receive().await else {
                    panic!("{name}: {line}");
                };
                assert_matches(name, &chars(&received), &bytes, &mut ids);
            }
            ("< ", None) if packet == "ws close 1005" => {
                assert_eq!(client.receive().await, Received::Close(None), "{name}");
                closed = true;
            }
            ("< ", None) => assert_matches(name, &client.text().await, packet, &mut ids),
            _ => panic!("{name}: {line}"),
        }
    }
    if !closed {
        assert!(client.is_silent().await, "{name}: something else came");
    }
    settle().await;
    let mut ends = host.diary.rest();
    let patience = Duration::from_secs(60);
    assert!(host.io.shutdown(patience).await.is_complete());
    ends.extend(host.diary.rest());
    assert_replays(&files.take());
    // The reference reports broken packets to the sockets as well, as an event of theirs.
    let expected = flow.server_disconnects.iter();
    let expected = expected.filter(|(_, reason, _)| reason != "error event");
    let expected = expected.map(|(nsp, reason, _)| format!("{nsp} {reason}"));
    assert_eq!(ends, expected.collect::<Vec<_>>(), "{name}");
}

/// Compares a packet with one of a recording, in which `<sid1>` and the like stand for new ids.
fn assert_matches(name: &str, packet: &str, pattern: &str, ids: &mut HashMap<String, String>) {
    let mut expected = pattern.to_owned();
    if let Some((before, rest)) = pattern.split_once("<sid") {
        let key = &rest[..rest.find('>').unwrap()];
        let id = packet.get(before.len()..before.len() + 20);
        let id = id.unwrap_or_else(|| panic!("{name}: {packet}"));
        assert!(
            id.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            "{name}: {packet}"
        );
        assert!(ids.values().all(|known| known != id), "{name}: id again");
        ids.insert(key.to_owned(), id.to_owned());
        expected = expected.replace(&format!("<sid{key}>"), id);
    }
    assert_eq!(packet, expected, "{name}");
}

/// What `<hex 0102>` says, a character per byte; anything else between brackets stays.
fn unhex(line: &str) -> String {
    let parts = line.split_inclusive('>');
    let part = |part: &str| match part.strip_prefix("<hex ") {
        Some(digits) => {
            let digits = digits.trim_end_matches('>').as_bytes();
            let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
            chars(&digits.chunks(2).map(byte).collect::<Vec<_>>())
        }
        None => part.to_owned(),
    };
    parts.map(part).collect()
}

fn chars(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The application that was recorded: every one echoes, some do more.
fn prepare(io: &Io, flow: &str) {
    for nsp in ["/", "/admin"] {
        io.of(nsp).on("echo", echo).on_disconnect(note_end);
    }
    match flow {
        "middleware error" => io.on_connect(async || {
            let error = ConnectError::new("Not authorized");
            Err::<(), _>(error.with_data(json!({ "code": "E1" })))
        }),
        "middleware error without data" => {
            io.on_connect(async || Err::<(), _>(ConnectError::new("nope")))
        }
        "server disconnects namespace" => io.on_connect(async |socket: Socket| socket.disconnect()),
        "server disconnects and closes" => {
            io.on_connect(async |socket: Socket| socket.disconnect_and_close())
        }
        "ack: unknown id and duplicate" => io.on_connect(async |socket: Socket| {
            let answer: PendingAck<RawArgs> = socket.call("q", &());
            tokio::spawn(async move {
                let RawArgs(answer) = answer.await.unwrap();
                let all = answer.all::<Value>().unwrap();
                socket.emit("got", &(all,)).unwrap();
            });
        }),
        "EIO3 middleware error on default namespace" => {
            io.on_connect(async || Err::<(), _>(ConnectError::new("nope")))
        }
        "EIO3 middleware error with data" => io.on_connect(async || {
            Err::<(), _>(ConnectError::new("nope").with_data(json!({ "a": 1 })))
        }),
        "EIO3 custom namespace with query" => {
            io.of("/admin").on_connect(async |socket: Socket| {
                let auth: Token = socket.auth().unwrap();
                let mut query = socket.handshake().query().split('&').map(|pair| {
                    let (_, value) = pair.split_once('=').unwrap();
                    value.to_owned()
                });
                let query = Opening {
                    eio: query.next().unwrap(),
                    transport: query.next().unwrap(),
                };
                let is_derived = socket.id().as_str().starts_with("/admin#");
                socket.emit("auth", &(auth, &query, is_derived)).unwrap();
            });
            io
        }
        "EIO3 connection state recovery enabled" => io.on_connect(async |socket: Socket| {
            socket.emit("hi", &()).unwrap();
        }),
        "EIO3 binary" => io.on_connect(async |socket: Socket| {
            let bytes = Binary(Bytes::from_static(&[1, 2]));
            socket.emit("bin", &bytes).unwrap();
        }),
        "emit in connection handler is sent after CONNECT" => {
            io.on_connect(async |socket: Socket| {
                socket.emit("hi", &()).unwrap();
                let bytes = Binary(Bytes::from_static(&[1, 2, 3]));
                socket.emit("bin", &bytes).unwrap();
            })
        }
        "dynamic namespace" => {
            // The reference's rule is `/^\/dyn-\d+$/`.
            let numbered = |request: NamespaceRequest| {
                let number = request.name().strip_prefix("/dyn-");
                number.is_some_and(|it| it.parse::<u32>().is_ok())
            };
            io.dynamic_if(numbered)
                .on_connect(|socket: Socket| {
                    let name = socket.namespace().name();
                    socket.emit("hi", name).map(drop).unwrap();
                })
                .on_disconnect(note_end);
            io
        }
        _ => io,
    };
}

async fn note_end(socket: Socket, reason: DisconnectReason, pen: State<Pen>) {
    pen.note(format!("{} {reason}", socket.namespace().name()));
}

/// Answers if an answer is wanted, else sends the event back.
async fn echo(socket: Socket, EventName(name): EventName, ack: AckSender, args: RawArgs) {
    if ack.is_expected() {
        ack.send(&args).unwrap();
    } else {
        socket.emit(&name, &args).unwrap();
    }
}
