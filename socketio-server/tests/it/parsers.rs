//! Servers that speak another form than text: what changes for clients, and what does not.

use serde_json::json;
use socketio_server::parser::{Body, DecodeError, Limits, MsgPack, Packet, Parser};
use socketio_server::{Args, Binary, ConnectError, Data, EncodeError, Encoded, Io, Socket, Value};

use crate::client::{Client, Received};
use crate::host::Host;

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
