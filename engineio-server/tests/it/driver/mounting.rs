//! Ways to serve: tower, single requests, an accept loop; on every network and runtime.

use std::time::Duration;

use bytes::Bytes;
use engineio_server::{Config, Mount, Server, Transport};
use http_body_util::{BodyExt, Full};
use tokio::task::yield_now;
use tokio::time::Instant;
use tower::{Layer, ServiceExt, service_fn};

use crate::host::{Host, patiently, settle};
use crate::puppet::{Puppets, Reaction, send};
use crate::wire::UPGRADE;

fn get(target: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(target).body(Full::default()).unwrap()
}

const HANDSHAKE: &str = "/engine.io/?EIO=4&transport=polling";

#[tokio::test(start_paused = true)]
async fn the_server_is_a_tower_service_for_its_path() {
    let server = Server::new(Config::default(), Puppets::new(Reaction::Echo).0);
    let service = Mount(server.clone()).alone();
    let response = service.clone().oneshot(get(HANDSHAKE)).await.unwrap();
    assert_eq!(response.status(), 200);
    for elsewhere in ["/", "/engine.iota", "/engine"] {
        let response = service.clone().oneshot(get(elsewhere)).await.unwrap();
        assert_eq!(response.status(), 404, "{elsewhere}");
    }
    assert_eq!(server.sessions(), 1);
}

#[tokio::test(start_paused = true)]
async fn as_a_layer_the_server_leaves_other_paths_to_the_service_inside() {
    let config = Config {
        path: "/realtime/".into(),
        ..Config::default()
    };
    let server = Server::new(config, Puppets::new(Reaction::Echo).0);
    assert_eq!(server.path(), "/realtime");
    let inner = service_fn(async |request: http::Request<Full<Bytes>>| {
        let body = format!("inner {}", request.uri().path());
        Ok::<_, std::io::Error>(http::Response::new(Full::new(Bytes::from(body))))
    });
    let service = Mount(server.clone()).layer(inner);
    for (path, expected) in [
        ("/", "inner /"),
        ("/realtimes", "inner /realtimes"),
        ("/realtime", "0{"),
        ("/realtime/", "0{"),
        ("/realtime/below", "0{"),
    ] {
        let target = format!("{path}?EIO=4&transport=polling");
        let response = service.clone().oneshot(get(&target)).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(expected.as_bytes()), "{path}: {body:?}");
    }
    assert_eq!(server.sessions(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_upgraded_is_refused() {
    let (puppets, mut events) = Puppets::new(Reaction::Echo);
    let server = Server::new(Config::default(), puppets);
    let mut request = http::Request::get("/engine.io/?EIO=4&transport=websocket");
    for (name, value) in UPGRADE {
        request = request.header(*name, *value);
    }
    // Nobody has attached a connection to it.
    let request = request.body(Full::<Bytes>::default()).unwrap();
    assert_eq!(server.handle(request).await.status(), 400);
    assert!(events.drain().is_empty());
}

#[tokio::test(start_paused = true)]
async fn giving_up_a_request_is_dropping_its_future() {
    let (puppets, mut events) = Puppets::new(Reaction::Nothing);
    let server = Server::new(Config::default(), puppets);
    let response = server.handle(get(HANDSHAKE)).await;
    assert_eq!(response.status(), 200);
    let session = events.opened().await;
    assert_eq!(session.transport(), Transport::Polling);
    let poll = get(&format!("{HANDSHAKE}&sid={}", session.sid().as_str()));
    let poll = server.handle(poll);
    tokio::select! {
        biased;
        _ = poll => panic!("there is nothing to fetch"),
        () = settle() => {}
    }
    let (reason, detail) = events.closed().await;
    assert_eq!(reason, "transport error");
    assert_eq!(detail, Some("poll connection closed prematurely"));
}

// ---- Networks and runtimes ----------------------------------------------------------------

/// Open, talk, move, talk, leave; on every network.
async fn live() {
    for (host, mut events) in Host::on_each_network(&Config::default(), Reaction::Echo).await {
        let client = host.open().await;
        let session = events.opened().await;
        client.say("4polling").await;
        client.expect("4polling").await;
        let mut websocket = host.websocket(&client.sid).await;
        websocket.say("2probe").await;
        websocket.expect("3probe").await;
        websocket.say("5").await;
        let text = format!("4{}", "long ".repeat(50_000));
        websocket.say(&text).await;
        websocket.expect(&text).await;
        send(&session, "pushed");
        websocket.expect("4pushed").await;
        assert_eq!(session.transport(), Transport::Websocket);
        websocket.say("1").await;
        websocket.expect_close(None).await;
        drop(websocket);
        assert_eq!(events.closed().await, ("transport close", None));
        host.assert_empty().await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_session_lives_on_a_current_thread_runtime() {
    live().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lives_on_a_multi_thread_runtime() {
    live().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_independent_websocket_client_is_served() {
    let (host, _events) = Host::start_tcp(Config::default(), Reaction::Echo).await;
    let address = host.address();
    let client = tokio::task::spawn_blocking(move || {
        let stream = std::net::TcpStream::connect(address).unwrap();
        let url = format!("ws://{address}/engine.io/?EIO=4&transport=websocket");
        let (mut websocket, _) = tungstenite::client(url, stream).unwrap();
        assert!(
            websocket
                .read()
                .unwrap()
                .to_text()
                .unwrap()
                .starts_with("0{")
        );
        websocket.send("4hello".into()).unwrap();
        assert_eq!(websocket.read().unwrap().to_text().unwrap(), "4hello");
        websocket.close(None).unwrap();
        while websocket.read().is_ok() {}
    });
    patiently(client).await.unwrap();
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn serve_stops_with_the_requests_it_is_answering() {
    let (mut host, mut events) = Host::start(Config::default(), Reaction::Echo);
    let client = host.open().await;
    let session = events.opened().await;
    let mut idle = client.start_post("4hello").await;
    idle.response("POST").await.assert(200, "ok");
    client.expect("4hello").await;
    let mut poll = client.park().await;
    let mut websocket = host.open_websocket().await;
    settle().await;
    let asked = Instant::now();
    host.stop();
    yield_now().await;
    // Nobody is let in, nobody is waited for but the poll.
    assert!(host.connect().await.rest().await.is_empty());
    assert!(idle.rest().await.is_empty());
    assert!(!host.serving.is_finished());
    send(&session, "last words");
    poll.response("GET").await.assert(200, "4last words");
    assert!(poll.rest().await.is_empty());
    patiently(&mut host.serving).await.unwrap();
    // A websocket belongs to its session, not to HTTP.
    websocket.say("4still here").await;
    websocket.expect("4still here").await;
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_goes_on_holds_up_the_end_for_a_second() {
    let (mut host, mut events) = Host::start(Config::default(), Reaction::Echo);
    let client = host.open().await;
    events.opened().await;
    let mut poll = client.park().await;
    settle().await;
    let asked = Instant::now();
    host.stop();
    patiently(&mut host.serving).await.unwrap();
    assert_eq!(asked.elapsed(), Duration::from_secs(1));
    assert!(poll.rest().await.is_empty());
}
