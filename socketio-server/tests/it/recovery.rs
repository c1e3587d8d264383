//! Connection state recovery: who gets a socket back, with what, and who does not. What the log
//! itself keeps and refuses is tested with socketio-proto.

mod backlog;
mod concurrency;
mod ends;
mod phone;
mod privacy;
mod undecided;

use std::time::Duration;

use serde_json::{Value, json};
use socketio_server::parser::MsgPack;
use socketio_server::{
    Auth, Binary, Builder, Data, DisconnectReason, Io, RecoveryConfig, Report, Socket, State,
};

use self::phone::Phone;
use crate::client::{Client, Received};
use crate::host::{Host, PIPE, Pen, settle};

fn builder() -> Builder {
    let pen = |socket: &Socket| {
        let pen = socket.get::<Pen>();
        pen.map(|pen| pen.note(format!("{} has expired", socket.namespace().name())))
    };
    Io::builder()
        .connection_state_recovery(RecoveryConfig::default())
        .on_recovery_expired(move |socket| {
            pen(socket);
        })
}

/// Sockets note what becomes of them, and a new one is in `room`.
fn watched(builder: Builder) -> Host {
    let host = Host::start(builder);
    host.io.on_connect(async |socket: Socket, pen: State<Pen>| {
        if !socket.recovered() {
            socket.join("room");
            socket.insert(Pen::clone(&pen));
        }
        pen.note(format!("connected, recovered: {}", socket.recovered()));
    });
    host.io
        .on_disconnect(async |reason: DisconnectReason, pen: State<Pen>| pen.note(reason.as_str()));
    host.io.on("ask", async |socket: Socket| {
        let mut rooms: Vec<_> = socket.rooms().iter().map(|it| it.to_string()).collect();
        rooms.sort();
        let data = socket.get::<String>().map(|it| it.to_string());
        (socket.id().to_string(), rooms, data)
    });
    host
}

fn host() -> Host {
    watched(builder())
}

// ---- What comes back ----------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_socket_goes_on_with_its_id_rooms_and_data_and_what_it_missed() {
    let mut host = host();
    let mut phone = Phone::connect(&host).await;
    let other = Phone::connect(&host).await;
    host.diary.expect("connected, recovered: false").await;
    host.diary.expect("connected, recovered: false").await;
    let io = &host.io;
    let socket = phone.socket(io);
    socket.join("tea");
    socket.insert(String::from("kept"));
    socket.session::<Vec<u8>>().save(vec![7]);
    io.emit("first", &1).unwrap();
    assert_eq!(phone.event().await, json!(["first", 1]));
    io.emit("lost on the way", &2).unwrap();

    let claim = phone.cut().await;
    host.diary.expect("transport close").await;
    let (mine, others) = (socket.id(), other.socket(io).id());
    io.emit("to all", &()).unwrap();
    io.to("tea").emit("to a room", &("a", 1)).unwrap();
    io.to(["tea", "room"]).emit("to both", &()).unwrap();
    io.to("coffee").emit("to others", &()).unwrap();
    io.to(others).emit("to another", &()).unwrap();
    io.to("room")
        .except("tea")
        .emit("but not to these", &())
        .unwrap();
    io.except(&mine).emit("but not to this one", &()).unwrap();
    io.to(mine).emit("to its id", &[1, 2]).unwrap();
    let bytes = Binary(vec![1, 2].into());
    io.emit("bytes", &bytes).unwrap();
    let dropped = socket.emit("to a former handle", &()).unwrap();
    assert_eq!((dropped.queued, dropped.dropped), (0, 1));
    io.volatile().emit("volatile", &()).unwrap();
    let _ = io.call::<()>("question", &()).unwrap();

    let (mut phone, missed) = Phone::reconnect(&host, &claim).await;
    let bytes = json!(["bytes", { "_placeholder": true, "num": 0 }]);
    let expected = [
        json!(["lost on the way", 2]),
        json!(["to all"]),
        json!(["to a room", "a", 1]),
        json!(["to both"]),
        json!(["to its id", 1, 2]),
        bytes,
        json!(["to a former handle"]),
    ];
    assert_eq!(missed, expected);
    assert_eq!((&phone.sid, &phone.pid), (&claim.sid, &claim.pid));
    host.diary.expect("connected, recovered: true").await;
    phone.client.say(r#"420["ask"]"#).await;
    let answer = format!(r#"430["{}",["room","tea"],"kept"]"#, claim.sid);
    phone.client.expect(&answer).await;

    assert_eq!(*phone.socket(io).session::<Vec<u8>>().get(), [7]);

    // It is the same for those who send.
    io.emit("to all", &()).unwrap();
    socket.emit("to a former handle", &()).unwrap();
    io.to("tea").emit("to a room", &()).unwrap();
    for event in ["to all", "to a former handle", "to a room"] {
        assert_eq!(phone.event().await, json!([event]));
    }
    assert!(phone.client.is_silent().await);
    assert_eq!(io.of("/").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_event_without_acknowledgement_ends_with_an_offset() {
    let mut host = host();
    host.io.on_connect(async |socket: Socket| {
        socket.emit("hi", &()).unwrap();
    });
    let mut phone = Phone::connect(&host).await;
    assert_eq!(phone.event().await, json!(["hi"]));
    let first = phone.offset.clone().unwrap();
    let socket = phone.socket(&host.io);
    socket.emit("direct", &"text").unwrap();
    assert_eq!(phone.event().await, json!(["direct", "text"]));
    assert_ne!(phone.offset.as_ref(), Some(&first));
    let second = phone.offset.clone().unwrap();
    // What is not logged shows where the client is anyway.
    settle().await;
    assert_eq!(socket.emit_volatile("volatile", &"x").unwrap().queued, 1);
    assert_eq!(phone.event().await, json!(["volatile", "x"]));
    assert_eq!(phone.offset.as_ref(), Some(&second));
    settle().await;
    host.io.volatile().emit("volatile", &"y").unwrap();
    assert_eq!(phone.event().await, json!(["volatile", "y"]));
    assert_eq!(phone.offset.as_ref(), Some(&second));
    // Questions and answers are as ever.
    let question = socket.call::<u8>("question", &"why");
    phone.client.expect(r#"420["question","why"]"#).await;
    phone.client.say("430[7]").await;
    assert_eq!(question.await.unwrap(), 7);
    phone.client.say(r#"421["ask"]"#).await;
    assert!(phone.client.text().await.starts_with("431["));
    assert!(host.diary.rest().is_empty());
}

#[tokio::test(start_paused = true)]
async fn clients_of_old_get_neither_pid_nor_offset_on_the_same_namespace() {
    let host = host();
    let mut phone = Phone::connect(&host).await;
    let mut old = Client::upgrade_in(host.connect(PIPE), 3, "").await;
    assert!(old.text().await.starts_with(r#"0{"sid":""#));
    old.expect("40").await;
    host.io.emit("all", &(1, "x")).unwrap();
    assert_eq!(phone.event().await, json!(["all", 1, "x"]));
    old.expect(r#"42["all",1,"x"]"#).await;
    let bytes = Binary(vec![7].into());
    host.io.to("room").emit("bytes", &bytes).unwrap();
    old.expect(r#"451-["bytes",{"_placeholder":true,"num":0}]"#)
        .await;
    old.expect_binary(&[4, 7]).await;
    settle().await;
    host.io.volatile().emit("volatile", &()).unwrap();
    old.expect(r#"42["volatile"]"#).await;
    let sockets = host.io.sockets();
    let socket = sockets.iter().find(|it| it.id().as_str() != phone.sid);
    socket.unwrap().emit("direct", &()).unwrap();
    old.expect(r#"42["direct"]"#).await;
    settle().await;
    socket.unwrap().emit_volatile("direct", &()).unwrap();
    old.expect(r#"42["direct"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn events_in_messagepack_are_recovered_too() {
    let host = Host::start(builder().parser(MsgPack));
    host.io.on_connect(async |socket: Socket| {
        let greeting = ("x", Binary(vec![1].into()));
        let _ = socket.emit("greeting", &greeting).unwrap();
    });
    let mut client = host.open().await;
    // {"type":0,"nsp":"/"}
    client.say_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    let Received::Binary(answer) = client.receive().await else {
        panic!("an answer");
    };
    let pid = phone::msgpack_text(&answer, "pid");
    let Received::Binary(greeting) = client.receive().await else {
        panic!("a greeting");
    };
    // ["greeting","x",<01>,"<offset>"]
    let data = phone::after(&greeting, b"\xa8greeting\xa1x\xc4\x01\x01");
    let offset = phone::msgpack_string(data);
    host.io.emit("missed", &()).unwrap();
    drop(client);
    settle().await;
    let mut client = host.open().await;
    let mut connect = b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x82\xa3pid\xb4".to_vec();
    connect.extend_from_slice(pid.as_bytes());
    connect.extend_from_slice(b"\xa6offset");
    connect.push(0xa0 | u8::try_from(offset.len()).unwrap());
    connect.extend_from_slice(offset.as_bytes());
    client.say_binary(&connect).await;
    let Received::Binary(missed) = client.receive().await else {
        panic!("what was missed");
    };
    assert!(phone::after(&missed, b"\xa6missed").len() > offset.len());
    let Received::Binary(answer) = client.receive().await else {
        panic!("an answer");
    };
    assert_eq!(phone::msgpack_text(&answer, "pid"), pid);
}

// ---- Where it comes back to -----------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn middlewares_are_not_asked_again_unless_told_to() {
    for skip_middlewares in [true, false] {
        let config = RecoveryConfig {
            skip_middlewares,
            ..RecoveryConfig::default()
        };
        let mut host = Host::start(builder().connection_state_recovery(config));
        host.io
            .before_connect(async |pen: State<Pen>| pen.note("asked"));
        host.io.on_connect(async |socket: Socket| {
            socket.emit("hi", &()).unwrap();
        });
        let mut phone = Phone::connect(&host).await;
        phone.event().await;
        host.diary.expect("asked").await;
        let claim = phone.cut().await;
        let (phone, _) = Phone::reconnect(&host, &claim).await;
        assert_eq!(phone.sid, claim.sid);
        assert_eq!(host.diary.rest().is_empty(), skip_middlewares);
    }
}

#[tokio::test(start_paused = true)]
async fn a_dynamic_namespace_outlives_its_last_socket_as_long_as_that_may_come_back() {
    let host = Host::start(builder());
    host.io
        .dynamic("/game/{id}")
        .on_connect(async |socket: Socket| {
            socket.emit("hi", &()).unwrap();
        });
    let mut client = host.open().await;
    client.say("40/game/7,").await;
    let (answer, greeting) = (client.text().await, client.text().await);
    let (_, offset) = phone::event(&greeting);
    let answer: Value = serde_json::from_str(&answer["40/game/7,".len()..]).unwrap();
    drop(client);
    settle().await;
    let auth = json!({ "pid": answer["pid"], "offset": offset });
    let mut client = host.open().await;
    client.say(&format!("40/game/7,{auth}")).await;
    assert!(
        client
            .text()
            .await
            .contains(answer["sid"].as_str().unwrap())
    );
    drop(client);
    // Virtual time: its session has expired.
    tokio::time::sleep(Duration::from_secs(130)).await;
    let mut client = host.open().await;
    client.say(&format!("40/game/7,{auth}")).await;
    assert!(
        !client
            .text()
            .await
            .contains(answer["sid"].as_str().unwrap())
    );
}

// ---- Without it ---------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_server_without_recovery_knows_of_none() {
    let host = watched(Io::builder());
    let mut client = host.open().await;
    client.say(r#"40{"pid":"x","offset":"y"}"#).await;
    let answer = client.text().await;
    assert!(!answer.contains("pid"), "{answer}");
    let report = host.io.emit("event", &()).unwrap();
    client.expect(r#"42["event"]"#).await;
    let queued = Report::default();
    assert_eq!((report.queued, report.deferred), (1, queued.deferred));
}

#[tokio::test(start_paused = true)]
async fn credentials_of_the_application_s_own_come_along_with_a_claim() {
    let host = Host::start(builder());
    host.io
        .on_connect(async |socket: Socket, auth: Auth<Value>| {
            let token = auth["token"].as_str().unwrap_or("none").to_owned();
            let _ = socket.emit("token", &token).unwrap();
        });
    host.io.on("echo", async |Data(data): Data<Value>| data);
    let mut phone = Phone::connect(&host).await;
    assert_eq!(phone.event().await, json!(["token", "none"]));
    let mut claim = phone.cut().await;
    claim.token = Some("secret");
    let (mut phone, _) = Phone::reconnect(&host, &claim).await;
    assert_eq!(phone.sid, claim.sid);
    assert_eq!(phone.event().await, json!(["token", "secret"]));
}
