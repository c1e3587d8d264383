//! What the official Socket.IO 5 suite asks of a server, case by case, in our own words and on a
//! virtual clock. The configuration is the one it prescribes.

use std::time::Duration;

use serde_json::{Value, json};
use socketio_server::{Auth, Io, RawArgs, Socket};

use crate::client::{Client, Polling, Received, request, sid};
use crate::host::{Host, PIPE, settle};

const PING_INTERVAL: Duration = Duration::from_millis(300);
const PING_TIMEOUT: Duration = Duration::from_millis(200);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);

fn start() -> Host {
    let host = Host::start(
        Io::builder()
            .allow_eio3(false)
            .heartbeat(PING_INTERVAL, PING_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT),
    );
    for nsp in ["/", "/custom"] {
        host.io
            .of(nsp)
            .on_connect(async |socket: Socket, Auth(auth): Auth<Value>| {
                drop(socket.emit("auth", &(auth,)));
            })
            .on("message", async |socket: Socket, args: RawArgs| {
                socket.emit("message-back", &args).map(drop)
            })
            .on("message-with-ack", async |args: RawArgs| args);
    }
    host
}

/// A client of the main namespace that has been greeted.
async fn connected(host: &Host) -> Client {
    let mut client = host.join("/").await;
    client.expect(r#"42["auth",{}]"#).await;
    client
}

// ---- Engine.IO: handshake -----------------------------------------------------------------

#[track_caller]
fn assert_handshake(packet: &str, upgrades: &Value) {
    let handshake: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    let expected = json!({
        "sid": handshake["sid"].as_str().unwrap(),
        "upgrades": upgrades,
        "pingInterval": 300,
        "pingTimeout": 200,
        "maxPayload": 1_000_000,
    });
    assert_eq!(handshake, expected);
}

#[tokio::test(start_paused = true)]
async fn a_session_opens_on_polling() {
    let host = start();
    let (status, body) = request(&host.io, "GET", "EIO=4&transport=polling", "").await;
    assert_eq!(status, 200);
    assert_handshake(&body, &json!(["websocket"]));
}

#[tokio::test(start_paused = true)]
async fn a_session_opens_on_websocket() {
    let host = start();
    let mut client = Client::upgrade(host.connect(PIPE), "").await;
    assert_handshake(&client.text().await, &json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_out_of_order_is_refused() {
    let host = start();
    for (method, query) in [
        ("GET", "transport=polling"),
        ("GET", "EIO=abc&transport=polling"),
        ("GET", "EIO=4"),
        ("GET", "EIO=4&transport=abc"),
        ("POST", "EIO=4&transport=polling"),
        ("PUT", "EIO=4&transport=polling"),
    ] {
        let (status, _) = request(&host.io, method, query, "").await;
        assert_eq!(status, 400, "{method} {query}");
    }
    for query in [
        "transport=websocket",
        "EIO=abc&transport=websocket",
        "EIO=4",
        "EIO=4&transport=abc",
    ] {
        let answer = Client::ask(host.connect(PIPE), query).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{query}: {answer}");
    }
}

// ---- Engine.IO: heartbeat and close -------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_over_polling() {
    let host = start();
    let client = host.poll().await;
    for _ in 0..3 {
        client.expect("2").await;
        client.say("3").await;
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_over_websocket() {
    let host = start();
    let mut client = host.open().await;
    for _ in 0..3 {
        assert_eq!(client.packet().await, Received::Text("2".into()));
        client.say("3").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_pong_ends_the_session() {
    let host = start();
    let polling = host.poll().await;
    let mut client = host.open().await;
    assert_eq!(client.packet().await, Received::Text("2".into()));
    assert_eq!(client.packet().await, Received::Close(None));
    settle().await;
    assert_eq!(polling.ask("GET", "").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_close_packet_ends_the_session() {
    let host = start();
    let polling = host.poll().await;
    let (poll, posted) = tokio::join!(polling.get(), polling.ask("POST", "1"));
    assert_eq!(poll, "6");
    assert_eq!(posted, (200, "ok".into()));
    assert_eq!(polling.ask("GET", "").await.0, 400);

    let mut client = host.open().await;
    client.say("1").await;
    client.expect_close().await;
}

// ---- Engine.IO: upgrade -------------------------------------------------------------------

/// A session that has moved; the client did not wait for the answer to its probe if `hasty`.
async fn upgrade(host: &Host, hasty: bool) -> (Polling, Client) {
    let polling = host.poll().await;
    let mut client = Client::upgrade(host.connect(PIPE), &polling.sid).await;
    if hasty {
        client.say_all(["2probe", "5"]).await;
        client.expect("3probe").await;
    } else {
        client.say("2probe").await;
        client.expect("3probe").await;
        client.say("5").await;
    }
    (polling, client)
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_from_polling_to_websocket() {
    let host = start();
    for hasty in [false, true] {
        let (_, mut client) = upgrade(&host, hasty).await;
        client.say("40").await;
        sid(&client.text().await, "40");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_moved_takes_no_other_transport() {
    let host = start();
    let (polling, mut client) = upgrade(&host, true).await;
    assert_eq!(polling.ask("GET", "").await.0, 400);

    let mut second = Client::upgrade(host.connect(PIPE), &polling.sid).await;
    second.expect_close().await;
    client.join("/").await;
}

// ---- Connecting ---------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn namespaces_are_joined_with_and_without_credentials() {
    let host = start();
    for (nsp, auth) in [
        ("", ""),
        ("", r#"{"token":"123"}"#),
        ("/custom,", ""),
        ("/custom,", r#"{"token":"abc"}"#),
    ] {
        let mut client = host.open().await;
        client.say(&format!("40{nsp}{auth}")).await;
        let answer = client.text().await;
        let head = format!("40{nsp}");
        let id = sid(&answer, &head);
        assert_eq!(answer, format!(r#"{head}{{"sid":"{id}"}}"#));
        let seen = if auth.is_empty() { "{}" } else { auth };
        client.expect(&format!(r#"42{nsp}["auth",{seen}]"#)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_namespace_is_refused() {
    let host = start();
    let mut client = host.open().await;
    client.say("40/random").await;
    let refusal = r#"44/random,{"message":"Invalid namespace"}"#;
    client.expect(refusal).await;
}

#[tokio::test(start_paused = true)]
async fn who_joins_nothing_is_closed() {
    let host = start();
    let mut client = host.open().await;
    let almost = CONNECT_TIMEOUT - Duration::from_millis(10);
    assert_eq!(client.idle(almost).await, 3);
    client.expect_close().await;
}

// ---- Disconnecting ------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_session_outlives_its_last_namespace() {
    let host = start();
    let mut client = connected(&host).await;
    client.say("41").await;
    assert_eq!(client.packet().await, Received::Text("2".into()));
}

#[tokio::test(start_paused = true)]
async fn leaving_one_namespace_leaves_the_others_alone() {
    let host = start();
    let mut client = connected(&host).await;
    client.join("/custom").await;
    client.expect(r#"42/custom,["auth",{}]"#).await;
    client
        .say_all(["41/custom", r#"42["message","to the main one"]"#])
        .await;
    client
        .expect(r#"42["message-back","to the main one"]"#)
        .await;
}

// ---- Messages -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn events_and_acknowledgements_carry_text_and_bytes() {
    const TWO: &str = r#"{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}"#;

    let host = start();
    let mut client = connected(&host).await;
    client.say(r#"42["message",1,"2",{"3":[true]}]"#).await;
    client
        .expect(r#"42["message-back",1,"2",{"3":[true]}]"#)
        .await;
    client
        .say(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#)
        .await;
    client.expect(r#"43456[1,"2",{"3":[false]}]"#).await;

    for (event, answer) in [
        (
            format!(r#"452-["message",{TWO}]"#),
            format!(r#"452-["message-back",{TWO}]"#),
        ),
        (
            format!(r#"452-789["message-with-ack",{TWO}]"#),
            format!("462-789[{TWO}]"),
        ),
    ] {
        client.say(&event).await;
        client.say_binary(&[1, 2, 3]).await;
        client.say_binary(&[4, 5, 6]).await;
        client.expect(&answer).await;
        client.expect_binary(&[1, 2, 3]).await;
        client.expect_binary(&[4, 5, 6]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_closes_the_connection() {
    let host = start();
    for packet in [
        "4abc",
        "42{}",
        r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#,
    ] {
        let mut stranger = host.open().await;
        stranger.say(packet).await;
        stranger.expect_close().await;

        let mut client = connected(&host).await;
        client.say(packet).await;
        client.expect_close().await;
    }
}
