//! Clients that stop reading, for a while or for good.

use std::time::Duration;

use engineio_server::{Prepared, PushError, Session};
use tokio::runtime::Handle;

use super::{limited, start};
use crate::host::{pass, settle};
use crate::puppet::{Order, Reaction, send};
use crate::wire::text_frame;

/// Pushes until the session takes no more; checks the bound after every push.
fn overflow(session: &Session<Order>) {
    let hard = limited().outbox.hard;
    let text = "x".repeat(1_000);
    let error = loop {
        let message = Prepared::text(&text);
        let len = message.wire_len();
        if let Err(error) = session.push(Order::Send(message), len) {
            break error;
        }
        assert!(session.buffered() <= hard);
    };
    assert_eq!(error, PushError::Full);
    assert!(session.buffered() <= hard);
}

const TOO_SLOW: (&str, Option<&str>) = ("transport error", Some("client is too slow"));

#[tokio::test(start_paused = true)]
async fn a_websocket_that_is_not_read_ends_at_the_hard_limit() {
    let (host, mut events) = start(Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    send(&session, &"x".repeat(100_000));
    send(&session, "next");
    settle().await;
    assert!(session.buffered() > 90_000);
    overflow(&session);
    assert_eq!(events.closed().await, TOO_SLOW);
    assert_eq!(session.buffered(), 0);
    assert_eq!(session.push(Order::Close, 0), Err(PushError::Closed));
    // The frame that was being written is finished. The rest is gone, here and there.
    assert_eq!(websocket.text().await.len(), 100_001);
    websocket.expect_close(None).await;
    drop(websocket);
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_does_not_come_ends_the_session_at_the_hard_limit() {
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    send(&session, &"x".repeat(100_000));
    settle().await;
    assert!(session.buffered() > 90_000);
    overflow(&session);
    assert_eq!(events.closed().await, TOO_SLOW);
    client.assert_unknown().await;
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_end_the_session_at_the_hard_limit() {
    // The application sends them itself, past the queue that could refuse.
    let (host, mut events) = start(Reaction::Echo);
    let mut websocket = host.open_websocket().await;
    let message = text_frame(&"4".repeat(1_000));
    let mut written = 0;
    while websocket.wire.try_write(&message).await {
        written += message.len();
        assert!(written < 1_000_000, "the server takes everything");
    }
    assert_eq!(events.closed().await, TOO_SLOW);

    let client = host.open().await;
    let session = events.opened().await;
    while client.post("4".repeat(1_000)).await.status == 200 {
        assert!(session.buffered() <= limited().outbox.hard);
    }
    assert_eq!(events.closed().await, TOO_SLOW);
}

#[tokio::test(start_paused = true)]
async fn a_client_over_the_soft_limit_must_take_something_now_and_then() {
    let (host, mut events) = start(Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    settle().await;
    send(&session, &"x".repeat(200_000));
    for _ in 0..5 {
        pass(Duration::from_millis(9_990)).await;
        send(&session, "more");
        websocket.say("3").await;
        websocket.wire.skip(1_000).await;
        settle().await;
    }
    assert!(session.buffered() > limited().outbox.soft);
    pass(Duration::from_millis(9_990)).await;
    assert!(!session.is_closed());
    // Nothing else is pushed: its time is up.
    assert_eq!(events.closed().await, TOO_SLOW);
}

#[tokio::test(start_paused = true)]
async fn a_client_under_the_soft_limit_may_lag_for_as_long_as_its_heart_beats() {
    let (host, mut events) = start(Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    settle().await;
    send(&session, &"x".repeat(50_000));
    for _ in 0..60 {
        pass(Duration::from_secs(1)).await;
        websocket.say("3").await;
        send(&session, "more");
    }
    assert_eq!(websocket.text().await.len(), 50_001);
    for _ in 0..60 {
        websocket.expect("4more").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_read_for_thirty_seconds_is_given_up() {
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    send(&session, &"x".repeat(100_000));
    let mut poll = client.park().await;
    settle().await;
    assert_eq!(session.buffered(), 0);
    let tasks = || Handle::current().metrics().num_alive_tasks();
    for _ in 0..3 {
        pass(Duration::from_millis(29_900)).await;
        // Any byte will do.
        poll.skip(1).await;
    }
    // Of the session nothing is left, of its answer there is.
    host.assert_empty().await;
    let held = tasks();
    pass(Duration::from_millis(29_900)).await;
    assert_eq!(tasks(), held);
    pass(Duration::from_millis(200)).await;
    assert_eq!(tasks(), held - 1);
    assert!(poll.rest().await.len() < 100_000);
}

#[tokio::test(start_paused = true)]
async fn a_burst_below_the_hard_limit_arrives_whole_and_in_order() {
    let (host, mut events) = start(Reaction::Nothing);

    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    let burst: Vec<_> = (0..2_000).map(|n| format!("{n:0>100}")).collect();
    settle().await;
    for text in &burst {
        send(&session, text);
    }
    for text in &burst {
        websocket.expect(&format!("4{text}")).await;
    }

    let client = host.open().await;
    let session = events.opened().await;
    for text in &burst {
        send(&session, text);
    }
    let payload = client.get().await;
    let packets = payload.text().split('\u{1e}');
    assert!(packets.eq(burst.iter().map(|text| format!("4{text}"))));
}
