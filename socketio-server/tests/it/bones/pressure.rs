//! Clients that read too little, or send without a pause.

use std::time::Duration;

use serde_json::json;
use socketio_server::{BoxError, Io, RawArgs, Socket};

use super::note_disconnects;
use crate::client::Client;
use crate::host::Host;

#[tokio::test(start_paused = true)]
async fn a_burst_to_a_healthy_client_arrives_in_order() {
    let host = Host::new();
    host.io.on("burst", async |socket: Socket| {
        let filling = "x".repeat(1_000);
        (0..5_000).try_for_each(|n| socket.emit("tick", &(n, &filling)).map(drop))?;
        Ok::<_, BoxError>("done")
    });
    let mut client = host.join("/").await;
    client.say(r#"420["burst"]"#).await;
    for n in 0..5_000 {
        let tick = client.text().await;
        assert!(tick.starts_with(&format!(r#"42["tick",{n},"xxx"#)), "{n}");
    }
    client.expect(r#"430["done"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_small_events_are_no_more_than_a_burst() {
    const COUNT: usize = 100_000;
    let host = Host::new();
    host.io.on("burst", async |socket: Socket| {
        let queued = |n| socket.emit("n", &n).map(|report| report.queued);
        (0..COUNT).try_fold(0, |sum, n| queued(n).map(|it| sum + it))
    });
    let mut client = host.join("/").await;
    client.say(r#"420["burst"]"#).await;
    for n in 0..COUNT {
        assert_eq!(client.text().await, format!(r#"42["n",{n}]"#));
    }
    client.expect(&format!("430[{COUNT}]")).await;
}

/// What a socket's queue took, in bytes, before it was full.
fn fill(socket: &Socket) -> usize {
    let block = json!("x".repeat(100_000));
    let mut bytes = 0;
    while socket.emit("block", &block).unwrap().queued == 1 {
        bytes += 100_000;
        assert!(bytes < 64 << 20, "there is no bound");
    }
    bytes
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_costs_little_and_is_closed() {
    const HARD: usize = 32 << 20;

    let mut host = Host::new();
    note_disconnects(&host.io);
    let mut bystander = host.join("/").await;
    let [other] = host.io.of("/").broadcast().sockets().try_into().unwrap();

    let stopped = host.join("/").await;
    let victim = host.io.of("/").except(other.id()).sockets().remove(0);
    assert!((HARD - 200_000..=HARD).contains(&fill(&victim)));
    host.diary.expect("transport error").await;
    drop(stopped);

    let poller = host.poll().await;
    poller.join("/").await;
    let victim = host.io.of("/").except(other.id()).sockets().remove(0);
    assert!((HARD - 200_000..=HARD).contains(&fill(&victim)));
    host.diary.expect("transport error").await;
    assert_eq!(poller.ask("GET", "").await.0, 400);

    other.emit("still here", &()).unwrap();
    bystander.expect(r#"42["still here"]"#).await;
    assert_eq!(host.io.of("/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_over_the_soft_limit_is_closed_after_a_while() {
    let mut host = Host::new();
    note_disconnects(&host.io);
    let mut bystander = host.join("/").await;
    let [other] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    let slow = host.join("/").await;
    let poller = host.poll().await;
    poller.join("/").await;

    let block = json!("x".repeat(100_000));
    for _ in 0..25 {
        assert_eq!(host.io.emit("block", &block).unwrap().queued, 3);
        assert!(bystander.text().await.starts_with(r#"42["block","#));
    }
    bystander.idle(Duration::from_secs(9)).await;
    assert_eq!(other.broadcast().emit("block", &block).unwrap().queued, 2);
    bystander.idle(Duration::from_secs(2)).await;
    assert_eq!(other.broadcast().emit("block", &block).unwrap().queued, 0);
    host.diary.expect("transport error").await;
    host.diary.expect("transport error").await;
    drop(slow);
    assert_eq!(host.io.of("/").broadcast().sockets(), [other]);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_goes_on_reading_is_kept() {
    // The first pong leaves after everything has been read.
    let forever = Duration::from_secs(1_000);
    let host = Host::start(Io::builder().heartbeat(forever, forever));
    let mut client = host.join("/").await;
    let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    let block = json!("x".repeat(100_000));
    for _ in 0..50 {
        assert_eq!(socket.emit("block", &block).unwrap().queued, 1);
    }
    for _ in 0..50 {
        // Virtual time: the reader takes one message every few seconds.
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(socket.emit("more", &()).unwrap().queued, 1);
        assert!(client.text().await.starts_with(r#"42["block","#));
    }
    for _ in 0..50 {
        client.expect(r#"42["more"]"#).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_stops_sending_is_kept() {
    const COUNT: usize = 40_000;

    let host = Host::new();
    host.io.on("echo", async |args: RawArgs| args);
    // All of it fits, so that the server always finds more to read.
    let mut client = Client::open(host.connect(64 << 20)).await;
    client.join("/").await;
    let filling = "x".repeat(1_000);
    client
        .say_all((0..COUNT).map(|n| format!(r#"42{n}["echo","{filling}"]"#)))
        .await;
    for n in 0..COUNT {
        let answer = client.text().await;
        assert!(answer.starts_with(&format!("43{n}[")), "{answer}");
    }
}
