//! Connecting, and what keeps a client from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::json;
use socketio_client::{
    AckError, Client, Config, ConnectError, DisconnectReason, EventName, SendError, Socket, Stage,
    Status, Transport,
};
use socketio_server::{Auth, ConnectError as Refusal};
use tokio::time::Instant;

use crate::host::{Host, config, pass, patiently, settle, websocket};

/// Lets in whoever shows the token.
fn guard(host: &Host, nsp: &str) {
    let guard = async |Auth(auth): Auth<serde_json::Value>| match auth["token"].as_str() {
        Some("good") => Ok(()),
        _ => Err(Refusal::new("not you").with_data(json!({ "code": 7 }))),
    };
    host.io.of(nsp).on_connect(guard);
}

#[tokio::test(start_paused = true)]
async fn connect_returns_when_the_server_has_let_the_client_in() {
    let host = Host::new();
    for client in [host.client(), host.websocket_client()] {
        let socket = client.of("/");
        assert!(!socket.is_connected() && !socket.is_active() && !client.is_open());
        assert_eq!((socket.id(), client.transport()), (None, None));
        patiently(client.connect()).await.unwrap();
        assert!(socket.is_connected() && socket.is_active() && client.is_open());
        let id = socket.id().unwrap();
        assert_eq!(host.io.of("/").len(), 1);
        assert!(host.io.to(id.as_str()).sockets().len() == 1);
        settle().await;
        assert_eq!(client.transport(), Some(Transport::Websocket));
        // Once more, at once.
        client.connect().await.unwrap();
        assert_eq!(socket.id().unwrap(), id);
        client.close().await;
        assert_eq!((socket.id(), client.transport()), (None, None));
        assert!(!socket.is_active());
        settle().await;
        assert_eq!(host.io.of("/").len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn several_namespaces_share_a_link_and_have_ids_of_their_own() {
    let host = Host::new();
    host.io.of("/a");
    host.io.of("/b");
    let client = host.websocket_client();
    let (a, b) = (client.of("/a"), client.of("b"));
    assert_eq!(a, client.of("a"));
    patiently(client.connect()).await.unwrap();
    assert!(a.is_connected() && b.is_connected());
    assert_ne!(a.id(), b.id());
    assert_eq!(host.network.dialled(), 1);
    // The default one was not asked for.
    assert!(host.io.of("/").is_empty());
    let late = client.of("/");
    patiently(late.connect()).await.unwrap();
    assert_eq!(host.io.of("/").len(), 1);
    a.disconnect();
    settle().await;
    assert!(host.io.of("/a").is_empty() && b.is_connected());
    patiently(a.connect()).await.unwrap();
    assert_eq!((host.io.of("/a").len(), host.network.dialled()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_forgotten_can_be_spoken_of_anew() {
    let host = Host::new();
    host.io.of("/a");
    let client = host.client();
    patiently(client.of("/").connect()).await.unwrap();
    let token = Arc::new(());
    for _ in 0..3 {
        let a = client.of("/a");
        let kept = Arc::clone(&token);
        a.on("event", move || {
            let _ = &kept;
            async {}
        });
        patiently(a.connect()).await.unwrap();
        let asked = a.call::<u8>("unknown", &());
        a.forget();
        let answer = patiently(asked).await;
        assert!(matches!(answer, Err(AckError::Disconnected)), "{answer:?}");
        settle().await;
        assert!(host.io.of("/a").is_empty());
        a.emit("nobody", &()).unwrap();
        assert!(!a.is_active() && a.id().is_none());
        drop(a);
        assert_eq!(Arc::strong_count(&token), 1);
    }
    client.of("/").forget();
    assert!(!client.of("/").is_active());
    patiently(client.connect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_the_servers_words_and_is_not_repeated() {
    let mut host = Host::new();
    guard(&host, "/admin");
    let client = host.client();
    let admin = client.of("/admin");
    let pen = host.pen.clone();
    admin.on_connect_error(move |socket: Socket, error: ConnectError| {
        pen.note(format!("{}: {error}", socket.namespace()));
        async {}
    });
    client.of("/");
    let error = patiently(client.connect()).await.unwrap_err();
    let ConnectError::Refused { message, data } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (message.as_str(), data),
        ("not you", Some(json!({ "code": 7 })))
    );
    host.diary.expect("/admin: not you").await;
    // A failure leaves nothing behind.
    settle().await;
    assert!(!admin.is_active() && !client.of("/").is_active());
    assert!(host.io.of("/").is_empty());
    assert_eq!(client.status().get(), Status::Closed);

    admin.auth(json!({ "token": "good" }));
    patiently(client.connect()).await.unwrap();
    assert!(admin.is_connected() && client.of("/").is_connected());
    assert!(host.diary.rest().is_empty());
}

#[tokio::test(start_paused = true)]
async fn credentials_url_and_headers_are_asked_for_at_every_attempt() {
    let host = Host::start(|io| io.keep_headers(["x-attempt".parse().unwrap()]));
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    host.io.on_connect(
        move |socket: socketio_server::Socket, Auth(auth): Auth<serde_json::Value>| {
            let handshake = socket.handshake();
            let header = handshake.header("x-attempt");
            let header = header.map(str::to_owned);
            let mut query = handshake.query().split('&');
            let room = query.find(|it| it.starts_with("room"));
            let room = room.map(str::to_owned);
            notes.lock().push((auth, header, room));
            async {}
        },
    );
    let client = host.websocket_client();
    let counter = || {
        let count = AtomicUsize::new(0);
        move || count.fetch_add(1, Ordering::Relaxed)
    };
    let (tokens, urls, headers) = (counter(), counter(), counter());
    client.auth_with(move || {
        let n = tokens();
        async move {
            pass(Duration::from_millis(5)).await;
            json!({ "token": n })
        }
    });
    client.url_with(move || {
        let n = urls();
        async move { format!("http://memory?room={n}") }
    });
    client.headers_with(move || {
        let value = HeaderValue::from(headers());
        async move {
            Ok::<_, std::io::Error>(HeaderMap::from_iter([(
                "x-attempt".parse().unwrap(),
                value,
            )]))
        }
    });
    patiently(client.connect()).await.unwrap();
    host.network.cut();
    settle().await;
    patiently(client.connect()).await.unwrap();
    let expected = |n: u8| {
        let (header, room) = (Some(n.to_string()), Some(format!("room={n}")));
        (json!({ "token": n }), header, room)
    };
    assert_eq!(*seen.lock(), [expected(0), expected(1)]);
}

#[tokio::test(start_paused = true)]
async fn providers_that_fail_or_panic_fail_the_attempt() {
    let host = Host::new();
    let mut config = websocket();
    config.reconnection.enabled = false;
    let client = host.client_with(config);
    client.auth_with(async || Err::<(), _>("no token"));
    let error = patiently(client.connect()).await.unwrap_err();
    assert_eq!(error.to_string(), "no credentials: no token");
    client.auth_with(async || -> serde_json::Value { panic!("no luck") });
    let error = patiently(client.connect()).await.unwrap_err();
    assert_eq!(error.to_string(), "no credentials: panicked: no luck");
    client.auth("just text");
    let error = patiently(client.connect()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no credentials: credentials are no JSON object"
    );
    client.auth(());
    client.url_with(async || Err::<String, _>("no such service"));
    let error = patiently(client.connect()).await.unwrap_err();
    assert!(error.to_string().contains("no such service"), "{error}");
    client.url_with(async || "http://memory".to_owned());
    patiently(client.connect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_is_the_outcome_unless_retries_are_asked_for() {
    let host = Host::new();
    host.network.go_down();
    let client = host.client();
    let error = patiently(client.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Link(_)), "{error:?}");
    // No attempt follows.
    let dialled = host.network.dialled();
    pass(Duration::from_secs(60)).await;
    assert_eq!(host.network.dialled(), dialled);
    patiently(client.wait()).await;

    let start = Instant::now();
    let network = host.network.clone();
    tokio::spawn(async move {
        pass(Duration::from_secs(20)).await;
        network.come_up();
    });
    patiently(client.connect_with_retry()).await.unwrap();
    assert!((20..26).contains(&start.elapsed().as_secs()));
    client.close().await;

    host.network.go_down();
    let mut config = config();
    config.reconnection.attempts = Some(3);
    let client = host.client_with(config);
    let before = host.network.dialled();
    let error = patiently(client.connect_with_retry()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Link(_)), "{error:?}");
    assert_eq!(host.network.dialled() - before, 4);
    assert!(client.status().get() == Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_dropped_or_left_is_over() {
    let host = Host::new();
    guard(&host, "/");
    let client = host.client();
    client.auth_with(async || {
        pass(Duration::from_secs(10)).await;
        json!({ "token": "good" })
    });
    let attempt = tokio::time::timeout(Duration::from_secs(1), client.connect());
    assert!(attempt.await.is_err());
    settle().await;
    assert!(!client.of("/").is_active());
    assert_eq!(
        (client.status().get(), host.network.open()),
        (Status::Closed, 0)
    );

    let other = client.clone();
    let attempt = tokio::spawn(async move { other.connect().await });
    settle().await;
    client.disconnect();
    let error = patiently(attempt).await.unwrap().unwrap_err();
    let lost = ConnectError::Lost(DisconnectReason::ClientDisconnect);
    assert_eq!(error.to_string(), lost.to_string());
    patiently(client.connect()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stages_and_status_tell_how_the_link_does() {
    let mut host = Host::new();
    let client = host.websocket_client();
    let pen = host.pen.clone();
    client.on_stage(move |stage: &Stage| {
        let name = format!("{stage:?}");
        pen.note(name.split([' ', '(']).next().unwrap());
    });
    let mut status = client.status();
    assert_eq!(status.get(), Status::Closed);
    client.open();
    assert_eq!(patiently(status.changed()).await, Some(Status::Opening));
    assert_eq!(patiently(status.changed()).await, Some(Status::Open));
    host.diary.expect("Open").await;
    host.network.go_down();
    assert_eq!(patiently(status.changed()).await, Some(Status::Waiting));
    for stage in [
        "Closed",
        "Reconnecting",
        "ReconnectAttempt",
        "OpenFailed",
        "ReconnectError",
    ] {
        host.diary.expect(stage).await;
    }
    host.network.come_up();
    for stage in ["Reconnecting", "ReconnectAttempt", "Open", "Reconnected"] {
        host.diary.expect(stage).await;
    }
    client.disconnect();
    patiently(client.wait()).await;
    host.diary.expect("Closed").await;
    drop(client);
    while patiently(status.changed()).await.is_some() {}
    assert_eq!(status.get(), Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn nothing_can_be_known_about_a_server_that_is_not_named() {
    let client = Client::new(Config::new("ftp://memory"));
    let error = patiently(client.connect()).await.unwrap_err();
    assert!(matches!(error, ConnectError::Link(_)), "{error:?}");
    client.on_fallback(async |EventName(name): EventName| name);
    let error = client.emit("newListener", &()).unwrap_err();
    assert!(matches!(error, SendError::Encode(_)));
}
