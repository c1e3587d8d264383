//! Order and loss: through the upgrade, from many threads, before a close.

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engineio_server::{Config, PushError, Session};
use futures_util::FutureExt;
use tokio::task::yield_now;
use tokio::time::Instant;

use crate::host::{Host, pass, settle};
use crate::puppet::{Event, Order, Reaction, order, send};
use crate::wire::{Received, text_frame};

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_reordered_while_a_session_moves() {
    // The upgrade begins when the client has polled so many times, with messages both ways.
    for polls_before in 0..6 {
        let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
        let client = host.open().await;
        let session = events.opened().await;

        let numbers: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        let pushing = tokio::spawn({
            let numbers = numbers.clone();
            async move {
                for number in &numbers {
                    send(&session, number);
                    yield_now().await;
                }
            }
        });

        let mut received = Vec::new();
        let take = |received: &mut Vec<String>, payload: &str| {
            let packets = payload.split('\u{1e}').filter(|&it| it != "6");
            received.extend(packets.map(|it| it.strip_prefix('4').unwrap().to_owned()));
        };
        let mut said = 0..300;
        for _ in 0..polls_before {
            client.say(&format!("4{}", said.next().unwrap())).await;
            take(&mut received, client.get().await.text());
        }
        let mut websocket = host.websocket(&client.sid).await;
        let mut poll = client.park().await;
        let mut post = client
            .start_post(&format!("4{}", said.next().unwrap()))
            .await;
        websocket.say("2probe").await;
        websocket.expect("3probe").await;
        post.response("POST").await.assert(200, "ok");
        take(&mut received, poll.response("GET").await.text());
        let rest = said.map(|n| text_frame(&format!("4{n}")));
        let rest = rest.collect::<Vec<_>>().concat();
        websocket.wire.write(&text_frame("5")).await;
        websocket.wire.write(&rest).await;
        while received.len() < numbers.len() {
            take(&mut received, &websocket.text().await);
        }
        pushing.await.unwrap();
        assert_eq!(received, numbers);
        for number in &numbers {
            assert_eq!(&events.text().await, number);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_of_many_threads_arrive_in_push_order() {
    let (host, mut events) = Host::start_tcp(Config::default(), Reaction::Nothing).await;
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    let next = Arc::new(Mutex::new(0));
    let threads = [(); 4].map(|()| {
        let (session, next) = (session.clone(), Arc::clone(&next));
        std::thread::spawn(move || {
            for _ in 0..1_000 {
                let mut next = next.lock().unwrap();
                send(&session, &next.to_string());
                *next += 1;
            }
        })
    });
    for number in 0..4_000 {
        websocket.expect(&format!("4{number}")).await;
    }
    for thread in threads {
        thread.join().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn entries_of_the_task_itself_arrive_in_push_order() {
    let (host, _events) = Host::start(Config::default(), Reaction::EchoThroughQueue);
    let mut websocket = host.open_websocket().await;
    let frames: Vec<_> = (0..1_000).map(|n| text_frame(&format!("4{n}"))).collect();
    for (chunk, numbers) in frames.chunks(100).zip(0..) {
        websocket.wire.write(&chunk.concat()).await;
        for number in numbers * 100..(numbers + 1) * 100 {
            websocket.expect(&format!("4{number}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_and_the_move_are_reported_in_order() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let client = host.open().await;
    client.say("4before\u{1e}bAQ==").await;
    let mut websocket = host.websocket(&client.sid).await;
    websocket.say("5").await;
    websocket.say("4after").await;
    websocket.say("1").await;
    websocket.expect_close(None).await;
    let reported = events.drain();
    assert!(
        matches!(
            &reported[..],
            [
                Event::Open(_),
                Event::Text(before),
                Event::Binary(data),
                Event::Upgraded,
                Event::Text(after),
                Event::Closed(..),
            ] if before == "before" && data == &[1] && after == "after"
        ),
        "{reported:?}",
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_pushed_before_a_close_is_delivered_before_it() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);

    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    push_and_close(&session);
    for text in ["4a", "4b"] {
        websocket.expect(text).await;
    }
    websocket.expect_close(None).await;
    assert_eq!(events.closed().await, ("forced close", None));

    let client = host.open().await;
    let session = events.opened().await;
    let mut poll = client.park().await;
    settle().await;
    push_and_close(&session);
    let payload = "4a\u{1e}4b";
    poll.response("GET").await.assert(200, payload);
    client.expect("1").await;
    assert_eq!(events.closed().await, ("forced close", None));

    let client = host.open().await;
    let session = events.opened().await;
    push_and_close(&session);
    settle().await;
    assert!(!session.is_closed());
    client.expect(payload).await;
    client.expect("1").await;
    assert_eq!(events.closed().await, ("forced close", None));
    assert_eq!(
        session.push(Order::Close, 0).unwrap_err(),
        PushError::Closed
    );
}

fn push_and_close(session: &Session<Order>) {
    send(session, "a");
    send(session, "b");
    order(session, Order::Close);
}

#[tokio::test(start_paused = true)]
async fn a_ping_overtakes_messages_and_a_close_does_not() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let mut websocket = host.open_websocket().await;
    let session = events.opened().await;
    let messages: Vec<_> = (0..40).map(|n| format!("{n:0>10000}")).collect();
    for message in &messages {
        send(&session, message);
    }
    // The client reads nothing until it is due for a ping.
    pass(Duration::from_secs(26)).await;
    order(&session, Order::Close);
    let mut received = Vec::new();
    while let Received::Text(text) = websocket.receive().await {
        received.push(text);
    }
    let ping = received.iter().position(|it| it == "2").unwrap();
    assert!(ping < 10, "the ping came behind {ping} messages");
    received.remove(ping);
    assert!(received.iter().map(|it| &it[1..]).eq(&messages));
    assert_eq!(events.closed().await, ("forced close", None));
}

#[tokio::test(start_paused = true)]
async fn a_close_that_is_never_fetched_is_given_up() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Nothing);
    let client = host.open().await;
    let session = events.opened().await;
    let asked = Instant::now();
    push_and_close(&session);
    assert_eq!(events.closed().await, ("forced close", None));
    assert_eq!(asked.elapsed(), Duration::from_secs(30));
    client.assert_unknown().await;
}

/// Some clients send nothing more once they are told to leave, and would wait for the receipt.
#[tokio::test(start_paused = true)]
async fn a_post_is_answered_ahead_of_what_its_messages_led_to() {
    let (host, _events) = Host::echo();
    let client = host.open().await;
    let request = |method: &str, body: &'static str| {
        let request = http::Request::builder().method(method).uri(client.target());
        host.server.handle(request.body(body.to_owned()).unwrap())
    };
    let mut get = pin!(request("GET", ""));
    let mut post = pin!(request("POST", "4hello"));
    assert!((&mut get).now_or_never().is_none());
    assert!((&mut post).now_or_never().is_none());
    settle().await;
    // The receipt is there, and nobody has taken it yet.
    assert!((&mut get).now_or_never().is_none());
    assert!((&mut post).now_or_never().is_some());
    settle().await;
    assert!((&mut get).now_or_never().is_some());
}
