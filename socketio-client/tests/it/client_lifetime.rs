//! How clients end, and that they leave nothing behind.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socketio_client::{AckError, Client, Data, Socket};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::host::{Door, Host, config, patiently, settle, websocket};

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_says_goodbye() {
    for config in [config(), websocket()] {
        let host = Host::new();
        let pen = host.pen.clone();
        let mut diary = host.diary;
        host.io
            .on_disconnect(move |reason: socketio_server::DisconnectReason| {
                pen.note(reason.as_str());
                async {}
            });
        let network = host.network.clone();
        let client = Client::with_connector(config, move |_| {
            let connected = network.connect();
            async move { connected }
        });
        let socket = client.of("/");
        patiently(client.connect()).await.unwrap();
        let mut status = client.status();
        drop(client);
        settle().await;
        assert!(socket.is_connected());
        socket.emit("last", &()).unwrap();
        drop(socket);
        diary.expect("client namespace disconnect").await;
        while patiently(status.changed()).await.is_some() {}
        settle().await;
        assert_eq!(host.network.open(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn close_waits_for_handlers_and_lets_go_of_them() {
    let mut host = Host::new();
    let client = host.client();
    let token = Arc::new(());
    let (pen, door) = (host.pen.clone(), Door::new());
    let (kept, gate, itself) = (Arc::clone(&token), door.clone(), client.clone());
    client.on("slow", move || {
        let (kept, pen, door) = (Arc::clone(&kept), pen.clone(), gate.clone());
        // A client in a handler of its own holds itself.
        let client = itself.clone();
        async move {
            door.pass().await;
            pen.note(format!("done {}", client.is_open()));
            drop(kept);
        }
    });
    patiently(client.connect()).await.unwrap();
    host.io.emit("slow", &()).unwrap();
    settle().await;
    let closing = tokio::spawn(async move { client.close().await });
    settle().await;
    assert!(!closing.is_finished());
    door.open();
    host.diary.expect("done false").await;
    patiently(closing).await.unwrap();
    assert_eq!(Arc::strong_count(&token), 1);
}

#[tokio::test(start_paused = true)]
async fn handlers_that_run_hold_the_client_until_they_end() {
    let mut host = Host::new();
    let client = host.client();
    let (pen, door) = (host.pen.clone(), Door::new());
    let gate = door.clone();
    client.on("slow", move |socket: Socket| {
        let (pen, door) = (pen.clone(), gate.clone());
        async move {
            door.pass().await;
            pen.note(format!("done {}", socket.is_connected()));
        }
    });
    patiently(client.connect()).await.unwrap();
    host.io.emit("slow", &()).unwrap();
    settle().await;
    drop(client);
    settle().await;
    door.open();
    host.diary.expect("done true").await;
    settle().await;
    assert_eq!(host.network.open(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_to_a_client_that_is_dropped_meanwhile_are_answered() {
    let host = Host::new();
    host.io.on("echo", async |Data(n): Data<u8>| n);
    let client = host.client();
    patiently(client.connect()).await.unwrap();
    let asked = client.call::<u8>("echo", &3);
    drop(client);
    assert_eq!(patiently(asked).await.unwrap(), 3);
    settle().await;
    assert_eq!(host.network.open(), 0);
}

/// How many times a link is lost: enough for what is left behind each time to add up.
const RECONNECTIONS: u32 = match cfg!(debug_assertions) {
    true => 1_000,
    // Optimised, it takes some seconds.
    false => 100_000,
};

/// Connects, asks, and loses the link, so many times.
async fn reconnect(host: &Host, client: &Client, times: u32) {
    for n in 0..times {
        patiently(client.connect()).await.unwrap();
        let answer = client.call::<u32>("echo", &n).await;
        assert!(matches!(answer, Ok(echo) if echo == n), "{answer:?}");
        let lost = client.call::<u32>("never", &n);
        let mut status = client.status();
        host.network.cut();
        assert!(matches!(lost.await, Err(AckError::Disconnected)));
        patiently(status.changed()).await.unwrap();
    }
}

/// A server that answers, and greets whoever comes.
fn greeter() -> Host {
    let host = Host::new();
    host.io.on("echo", async |Data(n): Data<u32>| n);
    host.io
        .on_connect(async |socket: socketio_server::Socket| drop(socket.emit("hello", &())));
    host
}

#[tokio::test(start_paused = true)]
async fn many_reconnections_leave_nothing_behind() {
    let token = Arc::new(());
    let host = greeter();
    let client = host.websocket_client();
    let kept = Arc::clone(&token);
    client.on("hello", move |socket: Socket| {
        let kept = Arc::clone(&kept);
        async move {
            let _ = socket.call::<u32>("never", &()).await;
            drop(kept);
        }
    });
    reconnect(&host, &client, RECONNECTIONS).await;
    client.disconnect();
    settle().await;
    assert_eq!(Arc::strong_count(&token), 2);
    client.close().await;
    assert_eq!(Arc::strong_count(&token), 1);
    assert_eq!(host.network.open(), 0);
}

#[test]
fn reconnections_do_not_make_the_heap_grow() {
    let runtime = runtime();
    let (host, client) = {
        let _guard = runtime.enter();
        let host = greeter();
        let client = host.websocket_client();
        (host, client)
    };
    // Queues and tables reach their sizes.
    runtime.block_on(reconnect(&host, &client, 100));
    let heap = allocation_counter::measure(|| runtime.block_on(reconnect(&host, &client, 300)));
    // At one byte each it would be more.
    assert!(heap.bytes_current < 256, "{heap:?}");
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

#[test]
fn a_client_survives_its_runtime() {
    let client = {
        let runtime = runtime();
        let _guard = runtime.enter();
        let host = Host::new();
        let client = host.client();
        runtime.block_on(async {
            patiently(client.connect()).await.unwrap();
        });
        let asked = client.call::<u8>("never", &());
        drop(runtime);
        assert!(!client.of("/").is_connected());
        let mut asked = pin!(asked);
        let mut cx = Context::from_waker(Waker::noop());
        let answer = asked.as_mut().poll(&mut cx);
        assert!(matches!(answer, Poll::Ready(Err(AckError::Disconnected))));
        client
    };
    runtime().block_on(async {
        // Its server is gone with the other runtime, but it can be asked.
        assert!(patiently(client.connect()).await.is_err());
    });
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_with_its_client_though_that_was_never_connected() {
    let client = Host::new().client();
    let mut status = client.status();
    let begun = Instant::now();
    let both = async { tokio::join!(status.changed(), async { drop(client) }) };
    let (changed, ()) = patiently(both).await;
    // It was told, and did not find out when its patience had come to an end.
    assert_eq!((changed, begun.elapsed()), (None, Duration::ZERO));
}
