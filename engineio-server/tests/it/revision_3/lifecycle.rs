//! The client pings, and the ways a session ends, in each form that polling has. Deadlines are
//! checked to the millisecond.

use tokio::time::Instant;

use super::{INTERVAL, TIMEOUT, binary, in_each_form, post_bytes, posted, start, upgrade};
use crate::host::{pass, settle};
use crate::puppet::{Order, Reaction, order};

// ---- Heartbeat -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn pings_are_answered_on_polling() {
    for (parameters, pong) in in_each_form("1:3") {
        let (host, _events) = start(Reaction::Echo);
        let client = host.open_with(parameters).await;
        for _ in 0..3 {
            let mut poll = client.park().await;
            pass(INTERVAL).await;
            client.say(&posted(parameters, "1:2")).await;
            poll.response("GET").await.assert(200, &pong);
        }
        assert_eq!(host.server.sessions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_on_a_websocket_and_none_come() {
    let (host, _events) = start(Reaction::Echo);
    let mut websocket = host.websocket_with("EIO=3", "").await;
    assert!(websocket.text().await.starts_with("0{"));
    for _ in 0..3 {
        pass(INTERVAL).await;
        websocket.say("2").await;
        websocket.expect("3").await;
    }
    websocket.say_binary(&[2]).await;
    websocket.expect("3").await;
    assert!(websocket.wire.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_missing_ping_ends_a_session_on_polling() {
    for (parameters, end) in in_each_form("1:1") {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        pass(INTERVAL).await;
        client.say(&posted(parameters, "1:2")).await;
        let pinged = Instant::now();
        client.get().await;
        // Messages keep nobody alive.
        pass(INTERVAL).await;
        client.say(&posted(parameters, "2:4a")).await;
        client.expect(&end).await;
        assert_eq!(pinged.elapsed(), INTERVAL + TIMEOUT);
        assert_eq!(events.closed().await.0, "ping timeout");
        client.assert_unknown().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_ping_ends_a_session_on_websocket() {
    let (host, mut events) = start(Reaction::Nothing);
    let opened = Instant::now();
    let mut websocket = host.websocket_with("EIO=3", "").await;
    assert!(websocket.text().await.starts_with("0{"));
    websocket.expect_close(None).await;
    assert_eq!(opened.elapsed(), INTERVAL + TIMEOUT);
    assert_eq!(events.closed().await, ("ping timeout", None));
}

#[tokio::test(start_paused = true)]
async fn the_ping_stays_due_when_it_was_through_an_upgrade() {
    let (host, mut events) = start(Reaction::Nothing);
    let opened = Instant::now();
    let client = host.open_with("EIO=3").await;
    pass(INTERVAL).await;
    let mut websocket = upgrade(&host, "EIO=3", &client.sid).await;
    websocket.expect_close(None).await;
    assert_eq!(opened.elapsed(), INTERVAL + TIMEOUT);
    assert_eq!(events.closed().await, ("ping timeout", None));
}

#[tokio::test(start_paused = true)]
async fn a_client_must_not_send_pongs() {
    let wrong = ("transport error", Some("invalid heartbeat direction"));
    for (parameters, end) in in_each_form("1:1") {
        let (host, mut events) = start(Reaction::Echo);
        let client = host.open_with(parameters).await;
        let mut poll = client.park().await;
        client.say(&posted(parameters, "1:3")).await;
        poll.response("GET").await.assert(200, &end);
        assert_eq!(events.closed().await, wrong);
    }
    let (host, mut events) = start(Reaction::Echo);
    let mut websocket = host.websocket_with("EIO=3", "").await;
    assert!(websocket.text().await.starts_with("0{"));
    websocket.say("3").await;
    websocket.expect_close(None).await;
    assert_eq!(events.closed().await, wrong);
}

// ---- Close ---------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_close_packet_releases_the_poll_in_its_form() {
    for (parameters, released) in in_each_form("1:6") {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        let mut poll = client.park().await;
        client.say(&posted(parameters, "1:12:4a")).await;
        poll.response("GET").await.assert(200, &released);
        assert_eq!(events.closed().await, ("transport close", None));
        client.assert_unknown().await;
    }
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open_with("EIO=3").await;
    let mut poll = client.park().await;
    let close = b"\x01\x01\xff\x01\0\x02\xff4a";
    post_bytes(&host, &client, close).await.assert(200, "ok");
    poll.response("GET").await.assert(200, "1:6");
    assert_eq!(events.closed().await, ("transport close", None));
}

#[tokio::test(start_paused = true)]
async fn a_closing_server_says_so_in_the_form_of_the_poll() {
    for (parameters, end) in in_each_form("1:1") {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        let mut poll = client.park().await;
        settle().await;
        order(&events.opened().await, Order::Close);
        poll.response("GET").await.assert(200, &end);
        assert_eq!(events.closed().await, ("forced close", None));
    }
    // Behind bytes as well, for it is in a payload of its own.
    let (host, mut events) = start(Reaction::Nothing);
    let client = host.open_with("EIO=3").await;
    let session = events.opened().await;
    order(&session, binary(&[7]));
    order(&session, Order::Close);
    settle().await;
    let response = client.get().await;
    assert_eq!(response.body, b"\x01\x02\xff\x04\x07");
    client.get().await.assert(200, "1:1");
}

#[tokio::test(start_paused = true)]
async fn requests_that_overlap_end_the_session() {
    for (parameters, end) in in_each_form("1:1") {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        let mut first = client.park().await;
        client.get().await.assert(400, "");
        first.response("GET").await.assert(200, &end);
        let overlap = ("transport error", Some("overlap from client"));
        assert_eq!(events.closed().await, overlap);

        let client = host.open_with(parameters).await;
        let session = events.opened().await;
        order(&session, Order::Read(false));
        settle().await;
        let mut poll = client.park().await;
        let mut first = client.start_post(posted(parameters, "2:4a")).await;
        settle().await;
        client
            .post(posted(parameters, "2:4b"))
            .await
            .assert(400, "");
        poll.response("GET").await.assert(200, &end);
        first.response("POST").await.assert(400, "");
        let overlap = ("transport error", Some("data request overlap from client"));
        assert_eq!(events.closed().await, overlap);
    }
}
