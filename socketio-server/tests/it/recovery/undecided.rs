//! While the connect handler decides about a socket that goes on: what happens then is missed once, and
//! who is lost meanwhile can still come back.

use serde_json::json;
use socketio_server::{ConnectError, RecoveryConfig, Socket, State};

use super::builder;
use super::phone::Phone;
use crate::host::{Door, Host, Pen, settle};

#[tokio::test(start_paused = true)]
async fn what_happens_while_a_connect_handler_waits_is_missed_once() {
    let mut host = Host::start(builder());
    host.io
        .on_connect(async |socket: Socket, door: State<Door>, pen: State<Pen>| {
            if socket.recovered() {
                socket.join("later");
                socket.emit("welcome back", &()).unwrap();
                pen.note("waits");
                door.pass().await;
            }
            socket.emit("welcome", &()).unwrap();
        });
    let mut phone = Phone::connect(&host).await;
    assert_eq!(phone.event().await, json!(["welcome"]));
    let socket = phone.socket(&host.io);
    let claim = phone.cut().await;
    host.io.emit("before", &()).unwrap();
    let mut client = Phone::say_connect(&host, &claim).await;
    host.diary.expect("waits").await;
    host.io.emit("meanwhile", &()).unwrap();
    host.io.to("later").emit("not there yet", &()).unwrap();
    socket.emit("by its former handle", &()).unwrap();
    assert!(client.is_silent().await);
    host.door.open();
    let (mut phone, missed) = Phone::take_answer(client).await;
    let expected = ["before", "meanwhile", "by its former handle"];
    assert_eq!(missed, expected.map(|event| json!([event])));
    for event in ["welcome back", "welcome"] {
        assert_eq!(phone.event().await, json!([event]));
    }
    host.io.to("later").emit("there", &()).unwrap();
    assert_eq!(phone.event().await, json!(["there"]));
}

#[tokio::test(start_paused = true)]
async fn a_link_that_breaks_while_a_connect_handler_waits_can_be_replaced() {
    let mut host = Host::start(builder());
    let decide = async |socket: Socket, door: State<Door>, pen: State<Pen>| {
        pen.note(format!("recovered: {}", socket.recovered()));
        socket.emit("welcome", &socket.recovered()).unwrap();
        if socket.recovered() {
            door.pass().await;
            socket.emit("decided", &()).unwrap();
        }
    };
    host.io.on_connect(decide);
    let mut phone = Phone::connect(&host).await;
    phone.event().await;
    let claim = phone.cut().await;
    let client = Phone::say_connect(&host, &claim).await;
    settle().await;
    drop(client);
    settle().await;
    host.io.emit("missed", &()).unwrap();
    host.door.open();
    settle().await;
    let (mut phone, missed) = Phone::reconnect(&host, &claim).await;
    // The handler of the link that broke has come to its end as well.
    let expected = [
        json!(["welcome", true]),
        json!(["missed"]),
        json!(["decided"]),
    ];
    assert_eq!(missed, expected);
    assert_eq!(phone.pid, claim.pid);
    for event in [json!(["welcome", true]), json!(["decided"])] {
        assert_eq!(phone.event().await, event);
    }
    let recovered = [false, true, true].map(|it| format!("recovered: {it}"));
    assert_eq!(host.diary.rest(), recovered);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_has_lost_its_socket() {
    let host = Host::start(builder());
    host.io.on_connect(async |socket: Socket| {
        socket.emit("welcome", &()).unwrap();
        match socket.recovered() {
            true => Err(ConnectError::new("not you again")),
            false => Ok(()),
        }
    });
    let mut phone = Phone::connect(&host).await;
    phone.event().await;
    let claim = phone.cut().await;
    let mut client = Phone::say_connect(&host, &claim).await;
    client.expect(r#"44{"message":"not you again"}"#).await;
    let (phone, missed) = Phone::reconnect(&host, &claim).await;
    assert_ne!(phone.sid, claim.sid);
    assert!(missed.is_empty());
    assert_eq!(host.io.of("/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_log_that_forgets_while_a_connect_handler_waits_is_no_way_to_go_on() {
    let config = RecoveryConfig {
        max_entries: 2,
        ..RecoveryConfig::default()
    };
    let host = Host::start(builder().connection_state_recovery(config));
    host.io
        .on_connect(async |socket: Socket, door: State<Door>| {
            if socket.recovered() {
                door.pass().await;
            }
        });
    let mut phone = Phone::connect(&host).await;
    host.io.emit("event", &0).unwrap();
    phone.event().await;
    let claim = phone.cut().await;
    let mut client = Phone::say_connect(&host, &claim).await;
    settle().await;
    for n in 1..4 {
        host.io.emit("event", &n).unwrap();
    }
    host.door.open();
    // Neither let in nor refused: it is to try again.
    client.expect_close().await;
    let (phone, missed) = Phone::reconnect(&host, &claim).await;
    assert_ne!(phone.sid, claim.sid);
    assert!(missed.is_empty());
}
