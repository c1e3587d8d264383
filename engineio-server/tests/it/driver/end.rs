//! How sessions end, and what a server waits for when it is to end itself.

use std::time::Duration;

use engineio_server::{PushError, Shutdown};
use tokio::time::Instant;

use crate::host::{Host, pass, patiently, settle};
use crate::puppet::{Order, order, send};
use crate::wire::Received;

#[tokio::test(start_paused = true)]
async fn a_panic_ends_only_its_own_session() {
    let (host, mut events) = Host::echo();
    let mut other = host.open_websocket().await;
    events.opened().await;

    let client = host.open().await;
    let session = events.opened().await;
    let mut poll = client.park().await;
    settle().await;
    order(&session, Order::Panic);
    assert_eq!(poll.response("GET").await.status, 400);
    client.assert_unknown().await;
    assert!(session.is_closed());
    assert_eq!(
        session.push(Order::Close, 0).unwrap_err(),
        PushError::Closed
    );

    let mut websocket = host.open_websocket().await;
    order(&events.opened().await, Order::Panic);
    assert_eq!(websocket.receive().await, Received::End);

    assert_eq!(host.server.sessions(), 1);
    assert_eq!(host.server.acceptor().alive(), 1);
    other.say("4alive").await;
    other.expect("4alive").await;
    drop(other);
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn by_default_a_silent_client_is_gone_after_forty_five_seconds() {
    let (host, mut events) = Host::echo();
    let opened = Instant::now();
    let websocket = host.open_websocket().await;
    assert_eq!(events.closed().await, ("ping timeout", None));
    assert_eq!(opened.elapsed(), Duration::from_secs(45));
    drop(websocket);
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn idle_waits_for_sessions_and_spawned_tasks() {
    let (host, mut events) = Host::echo();
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    host.server.spawn(pass(Duration::from_secs(30)));
    let asked = Instant::now();
    order(&session, Order::Close);
    websocket.expect_close(None).await;
    drop(websocket);
    patiently(host.server.idle()).await;
    assert_eq!(asked.elapsed(), Duration::from_secs(30));
    assert_eq!(host.server.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_closing_server_opens_no_session_and_serves_those_it_has() {
    let (host, _events) = Host::echo();
    let client = host.open().await;
    host.server.close();
    let target = "/engine.io/?EIO=4&transport=polling";
    assert_eq!(host.ask("GET", target, "").await.status, 503);
    client.say("4still served").await;
    client.expect("4still served").await;
    assert_eq!(host.server.all_sessions().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_delivers_what_was_pushed_before_and_takes_nothing_after() {
    let (host, mut events) = Host::echo();
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    let client = host.open().await;
    let polled = events.opened().await;
    let mut poll = client.park().await;
    settle().await;
    send(&session, "last words");
    send(&polled, "last words");
    let shutdown = host.server.shutdown(Duration::from_secs(5));
    let (ended, ()) = tokio::join!(shutdown, async {
        settle().await;
        let late = session.push(Order::Close, 0);
        assert_eq!(late.unwrap_err(), PushError::Closed);
        websocket.expect("4last words").await;
        websocket.expect_close(None).await;
        drop(websocket);
        poll.response("GET").await.assert(200, "4last words");
        client.expect("1").await;
    });
    assert_eq!(ended, Shutdown::Complete);
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_closes_its_end_holds_up_a_shutdown_for_a_second() {
    let (host, mut events) = Host::echo();
    let mut websocket = host.open_websocket().await;
    events.opened().await;
    let asked = Instant::now();
    let ended = host.server.shutdown(Duration::from_secs(5)).await;
    assert_eq!(ended, Shutdown::Complete);
    assert_eq!(asked.elapsed(), Duration::from_secs(1));
    websocket.expect_close(None).await;
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_ever() {
    let (host, mut events) = Host::echo();
    let client = host.open().await;
    let session = events.opened().await;
    send(&session, "never fetched");
    let asked = Instant::now();
    let ended = host.server.shutdown(Duration::from_secs(5)).await;
    assert_eq!(ended, Shutdown::Interrupted);
    assert_eq!(asked.elapsed(), Duration::from_secs(5));
    drop(client);
}
