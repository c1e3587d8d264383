//! Servers that speak another form than text: what changes for clients, and what does not.

use std::time::Duration;

use serde_json::json;
use socketio_server::parser::{Body, DecodeError, Limits, MsgPack, Packet, Parser};
use socketio_server::test::Server;
use socketio_server::{
    AckError, Args, Binary, ConnectError, Data, DisconnectReason, EncodeError, Encoded, Io, Socket,
    State, Value,
};

use crate::client::{Client, Received};
use crate::host::{Door, Host, Pen};

fn hex(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.as_bytes().chunks(2).map(byte).collect()
}

/// Joins the default namespace.
async fn join(client: &mut Client) {
    client.say_binary(&hex("82a47479706500a36e7370a12f")).await;
    let Received::Binary(answer) = client.receive().await else {
        panic!("no packet");
    };
    assert!(answer.starts_with(&hex("83a47479706500a46461746181a3736964b4")));
}

/// An event `e` with these arguments, two in all.
fn event(args: &str) -> Vec<u8> {
    hex(&format!("83a47479706502a46461746193a165{args}a36e7370a12f"))
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_is_one_binary_message_on_each_transport() {
    let host = Host::start(Io::builder().parser(MsgPack));
    let mut websocket = host.open().await;
    join(&mut websocket).await;
    let polling = host.poll().await;
    polling.say("bgqR0eXBlAKNuc3ChLw==").await;
    assert!(polling.get().await.starts_with('b'));

    let bytes = Binary::from(vec![1, 2, 3]);
    let report = host.io.emit("e", &(bytes, 7)).unwrap();
    assert_eq!(report.queued, 2);
    websocket.expect_binary(&event("c40301020307")).await;
    polling
        .expect("bg6R0eXBlAqRkYXRhk6FlxAMBAgMHo25zcKEv")
        .await;
}

#[tokio::test(start_paused = true)]
async fn handlers_do_not_notice() {
    let host = Host::start(Io::builder().parser(MsgPack));
    host.io.on(
        "e",
        async |socket: Socket, Data((bytes, data)): Data<(Binary, Value)>| {
            let doubled = [&bytes[..], &bytes[..]].concat();
            socket.emit("e", &(data, Binary::from(doubled))).map(drop)
        },
    );
    let mut client = host.open().await;
    join(&mut client).await;
    client.say_binary(&event("c402070881a161d40000")).await;
    client.expect_binary(&event("80c40407080708")).await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_arrives_in_the_same_form() {
    let host = Host::start(Io::builder().parser(MsgPack));
    host.io.on_connect(async || {
        let error = ConnectError::new("no");
        Err::<(), _>(error.with_data(json!({ "code": 7 })))
    });
    let mut client = host.open().await;
    client.say_binary(&hex("82a47479706500a36e7370a12f")).await;
    let refusal =
        "83a47479706504a46461746182a76d657373616765a26e6fa46461746181a4636f646507a36e7370a12f";
    client.expect_binary(&hex(refusal)).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_speaks_text_is_sent_away() {
    let host = Host::start(Io::builder().parser(MsgPack));
    let mut client = host.open().await;
    client.say("40").await;
    client.expect_close().await;
}

#[tokio::test(start_paused = true)]
async fn bytes_are_counted_as_in_text() {
    let host = Host::start(Io::builder().parser(MsgPack).max_attachments(1));
    host.io
        .on("e", async |socket: Socket| socket.emit("ok", &()).map(drop));
    let mut client = host.open().await;
    join(&mut client).await;
    client.say_binary(&event("c40107c0")).await;
    client
        .expect_binary(&hex("83a47479706502a46461746191a26f6ba36e7370a12f"))
        .await;
    client.say_binary(&event("c40107c40107")).await;
    client.expect_close().await;
}

/// An event is a line: its name, a space, its arguments.
#[derive(Debug)]
struct Lines;

impl Parser for Lines {
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
        match &packet.body {
            Body::Connect(_) => Ok("welcome".to_owned().into()),
            Body::Event { name, args } => Ok(format!("{name} {}", args.raw()).into()),
            _ => Err(EncodeError::Parser("only events are lines".into())),
        }
    }

    fn decode_text<'a>(&self, text: &'a str, _: &Limits) -> Result<Packet<'a>, DecodeError> {
        let body = match text.split_once(' ') {
            None => Body::Connect(None),
            Some((name, args)) => Body::Event {
                name: name.into(),
                args: Args::new(format!("[{args}]"), Vec::new())?,
            },
        };
        Ok(Packet::new("/", None, body))
    }
}

#[tokio::test(start_paused = true)]
async fn an_application_may_bring_a_parser_of_its_own() {
    let host = Host::start(Io::builder().parser(Lines));
    host.io.on(
        "add",
        async |socket: Socket, Data((a, b)): Data<(u8, u8)>| socket.emit("sum", &(a + b)).map(drop),
    );
    let mut client = host.open().await;
    client.say("4hello").await;
    client.expect("4welcome").await;
    client.say("4add 19,23").await;
    client.expect("4sum 42").await;
    client.say("4add 1,").await;
    client.expect_close().await;
}

/// Panics at what contains `boom`.
#[derive(Debug)]
struct Faulty;

impl Parser for Faulty {
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
        MsgPack.encode(packet)
    }

    fn decode_binary<'a>(
        &self,
        data: &'a [u8],
        limits: &Limits,
    ) -> Result<Packet<'a>, DecodeError> {
        assert!(!data.windows(4).any(|it| it == b"boom"), "a parser's bug");
        MsgPack.decode_binary(data, limits)
    }
}

#[tokio::test(start_paused = true)]
async fn a_parser_that_panics_ends_the_client_s_sockets_in_good_order() {
    let mut host = Host::start(Io::builder().parser(Faulty));
    for nsp in ["/", "/second"] {
        host.io
            .of(nsp)
            .on("wait", async |pen: State<Pen>, door: State<Door>| {
                door.pass().await;
                pen.note("the handler has ended");
            })
            .on_disconnecting(async |pen: State<Pen>, socket: Socket| {
                pen.note(format!("leaving {} rooms", socket.rooms().len()));
            })
            .on_disconnect(async |pen: State<Pen>, reason: DisconnectReason| {
                pen.note(reason.as_str());
            });
    }
    let server = Server::new(&host.io);
    let (client, neighbour) = (server.connect().await, server.connect().await);
    let (client, neighbour) = (client.unwrap(), neighbour.unwrap());
    client.join("/second").await.unwrap();
    let [socket] = host
        .io
        .of("/second")
        .broadcast()
        .sockets()
        .try_into()
        .unwrap();
    socket.join("room");
    let call = socket.call::<()>("ask", &());
    client.emit("wait", &());
    server.settle().await;
    client.emit("boom", &());
    assert!(matches!(call.await, Err(AckError::Disconnected)));
    server.settle().await;
    let mut notes = host.diary.rest();
    notes.sort_unstable();
    let [goodbye, no_rooms, room] = ["forced close", "leaving 0 rooms", "leaving 1 rooms"];
    assert_eq!(notes, [goodbye, goodbye, no_rooms, room]);
    host.assert_deserted("/second");
    assert!(!client.is_connected() && neighbour.is_connected());
    assert_eq!(host.io.of("/").len(), 1);
    host.door.open();
    host.diary.expect("the handler has ended").await;
    server.settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    let ended = host.io.shutdown(Duration::from_secs(10)).await;
    assert!(ended.is_complete(), "{ended}");
}

#[test]
fn a_runtime_that_ends_before_its_server_takes_the_sockets_along() {
    let io = Io::builder().build();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = runtime.block_on(async { Server::new(&io).connect().await.unwrap() });
    assert_eq!(io.of("/").len(), 1);
    drop(runtime);
    assert!(io.of("/").is_empty());
    drop(client);
}
