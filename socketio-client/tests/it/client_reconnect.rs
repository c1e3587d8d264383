//! Losing the link, and getting it back.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socketio_client::{
    AckError, Client, Data, DisconnectReason, SendError, Socket, Status, WhenFull,
};
use tokio::time::Instant;

use crate::host::{Host, config, pass, patiently, settle, websocket};

/// Notes what happens to the connection.
fn observe(host: &Host, client: &Client) {
    let pen = host.pen.clone();
    client.on_connect(move |socket: Socket| {
        pen.note(format!("connect {}", socket.is_connected()));
        async {}
    });
    let pen = host.pen.clone();
    client.on_disconnect(move |socket: Socket, reason: DisconnectReason| {
        pen.note(format!("{reason} {}", socket.is_connected()));
        async {}
    });
}

/// A server that notes numbers, and what it has noted.
fn listen(host: &Host) -> Arc<Mutex<Vec<u32>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    host.io.on("say", move |Data(n): Data<u32>| {
        notes.lock().push(n);
        async move { n }
    });
    heard
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_comes_back_with_all_its_namespaces() {
    for config in [config(), websocket()] {
        let mut host = Host::new();
        host.io.of("/chat");
        let client = host.client_with(config);
        observe(&host, &client);
        let chat = client.of("/chat");
        patiently(client.connect()).await.unwrap();
        host.diary.expect("connect true").await;
        let id = client.of("/").id();
        for _ in 0..3 {
            host.network.cut();
            host.diary.expect("transport close false").await;
            host.diary.expect("connect true").await;
            settle().await;
            assert!(chat.is_connected());
            assert_ne!(client.of("/").id(), id);
        }
        assert_eq!(host.io.of("/chat").len(), 1);
        client.close().await;
        host.diary.expect("io client disconnect false").await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_emitted_while_offline_arrives_later_in_order() {
    let host = Host::new();
    let heard = listen(&host);
    let client = host.client();
    for n in 0..3 {
        client.emit("say", &n).unwrap();
    }
    assert!(!client.emit_volatile("say", &99).unwrap());
    patiently(client.connect()).await.unwrap();
    settle().await;
    assert!(client.emit_volatile("say", &3).unwrap());
    settle().await;
    host.network.go_down();
    settle().await;
    for n in 4..7 {
        client.emit("say", &n).unwrap();
    }
    let asked = client.call::<u32>("say", &7);
    assert!(!client.emit_volatile("say", &99).unwrap());
    host.network.come_up();
    assert_eq!(patiently(asked).await.unwrap(), 7);
    assert_eq!(*heard.lock(), [0, 1, 2, 3, 4, 5, 6, 7]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_while_offline_is_never_sent() {
    let host = Host::new();
    let heard = listen(&host);
    let client = host.client();
    let given_up = client.call::<u32>("say", &1);
    let timed_out = client
        .call::<u32>("say", &2)
        .timeout(Duration::from_secs(1));
    let kept = client.call::<u32>("say", &3);
    drop(given_up);
    assert!(matches!(timed_out.await, Err(AckError::Timeout)));
    patiently(client.connect()).await.unwrap();
    assert_eq!(patiently(kept).await.unwrap(), 3);
    assert_eq!(*heard.lock(), [3]);
}

#[tokio::test(start_paused = true)]
async fn answers_that_were_due_are_not_awaited_when_the_link_is_lost() {
    let host = Host::new();
    host.io
        .on("never", async || std::future::pending::<()>().await);
    let client = host.client();
    patiently(client.connect()).await.unwrap();
    let asked = client.call::<u8>("never", &());
    settle().await;
    host.network.go_down();
    assert!(matches!(
        patiently(asked).await,
        Err(AckError::Disconnected)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_full_buffer_refuses_or_forgets_the_oldest() {
    let host = Host::new();
    let heard = listen(&host);
    let mut config = websocket();
    config.buffer.max_bytes = 2000;
    let client = host.client_with(config.clone());
    let fits = (0..).take_while(|n| client.emit("say", n).is_ok()).count() as u32;
    assert!((5..100).contains(&fits));
    assert!(matches!(client.emit("say", &0), Err(SendError::Full)));
    patiently(client.connect()).await.unwrap();
    settle().await;
    assert_eq!(*heard.lock(), (0..fits).collect::<Vec<_>>());
    client.emit("say", &fits).unwrap();

    heard.lock().clear();
    config.buffer.when_full = WhenFull::DropOldest;
    let client = host.client_with(config);
    let first = client.call::<u32>("say", &0);
    for n in 1..200 {
        client.emit("say", &n).unwrap();
    }
    assert!(matches!(patiently(first).await, Err(AckError::Dropped)));
    patiently(client.connect()).await.unwrap();
    settle().await;
    assert_eq!(heard.lock().last(), Some(&199));
    assert!(heard.lock().len() < 100);
}

#[tokio::test(start_paused = true)]
async fn with_retries_events_arrive_in_order_although_the_link_is_lost() {
    let host = Host::new();
    let heard = listen(&host);
    let mut config = websocket();
    config.retries = 3;
    let client = host.client_with(config);
    patiently(client.connect()).await.unwrap();
    for n in 0..20 {
        client.emit("say", &n).unwrap();
        if n % 5 == 0 {
            host.network.cut();
        }
    }
    assert_eq!(patiently(client.call::<u32>("say", &20)).await.unwrap(), 20);
    // An answer may be lost with the link, and its event is then heard once more.
    let mut heard = heard.lock().clone();
    heard.dedup();
    assert_eq!(heard, (0..=20).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn whom_the_server_sends_away_does_not_come_back_by_itself() {
    let mut host = Host::new();
    let client = host.client();
    observe(&host, &client);
    patiently(client.connect()).await.unwrap();
    host.diary.expect("connect true").await;
    for socket in host.io.to(client.of("/").id().unwrap().as_str()).sockets() {
        socket.disconnect();
    }
    host.diary.expect("io server disconnect false").await;
    patiently(client.wait()).await;
    pass(Duration::from_secs(60)).await;
    assert!(host.diary.rest().is_empty());
    assert_eq!(client.status().get(), Status::Closed);
    // By hand.
    client.open();
    host.diary.expect("connect true").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_given_up_can_be_told_to_go_on() {
    let mut host = Host::new();
    let mut config = config();
    config.reconnection.attempts = Some(2);
    let client = host.client_with(config);
    observe(&host, &client);
    patiently(client.connect()).await.unwrap();
    host.network.go_down();
    patiently(client.wait()).await;
    host.network.come_up();
    pass(Duration::from_secs(60)).await;
    assert_eq!(host.diary.rest(), ["connect true", "transport close false"]);
    client.open();
    host.diary.expect("connect true").await;

    // And one that waits need not wait.
    host.network.cut();
    settle().await;
    assert_eq!(client.status().get(), Status::Waiting);
    let start = Instant::now();
    patiently(client.connect()).await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_noticed() {
    let mut host = Host::start(|io| io.heartbeat(Duration::from_secs(5), Duration::from_secs(5)));
    let client = host.websocket_client();
    observe(&host, &client);
    patiently(client.connect()).await.unwrap();
    host.diary.expect("connect true").await;
    pass(Duration::from_secs(100)).await;
    assert!(host.diary.rest().is_empty());
    host.network.freeze();
    host.diary.expect("ping timeout false").await;
    host.diary.expect("connect true").await;
}

#[tokio::test(start_paused = true)]
async fn a_new_link_does_not_wait_for_one_that_a_mute_server_holds_up() {
    for config in [config(), websocket()] {
        let mut host = Host::new();
        let client = host.client_with(config);
        observe(&host, &client);
        patiently(client.connect()).await.unwrap();
        host.diary.expect("connect true").await;
        let begun = Instant::now();
        for _ in 0..20 {
            host.network.freeze();
            client.disconnect();
            host.diary.expect("io client disconnect false").await;
            patiently(client.connect()).await.unwrap();
            host.diary.expect("connect true").await;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        // What is left of the old ones is given up in the end.
        client.close().await;
        assert!(
            begun.elapsed() <= Duration::from_secs(31),
            "{:?}",
            begun.elapsed()
        );
        assert_eq!(client.transport(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_does_not_reach_the_wrong_connection() {
    let host = Host::new();
    let client = host.websocket_client();
    let acks = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&acks);
    client.on("ask", move |ack: socketio_client::AckSender| {
        kept.lock().push(ack);
        async {}
    });
    patiently(client.connect()).await.unwrap();
    let before = host.io.of("/").call::<String>("ask", &()).unwrap();
    settle().await;
    host.network.cut();
    drop(before.all().await);
    patiently(client.connect()).await.unwrap();
    settle().await;
    let after = host.io.of("/").call::<String>("ask", &()).unwrap();
    settle().await;
    let mut acks = acks.lock().drain(..).collect::<Vec<_>>().into_iter();
    acks.next().unwrap().send("stale").unwrap();
    acks.next().unwrap().send("fresh").unwrap();
    let answers = after.all().await;
    assert_eq!(answers[0].1.as_ref().unwrap(), "fresh");
}
