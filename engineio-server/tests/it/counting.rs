//! How many tasks a session takes, counted by the runtime, and how often a broadcast is encoded,
//! counted by the allocator.

use std::convert::Infallible;
use std::time::Duration;

use allocation_counter::measure;
use bytes::Bytes;
use engineio_server::{Config, Prepared};
use futures_util::stream;
use http_body_util::{Full, StreamBody};
use hyper::body::Frame;
use tokio::runtime::{Builder, Handle};

use crate::host::{Host, pass, settle};
use crate::puppet::{Order, Reaction, order};

/// Sessions that are open together.
const SESSIONS: usize = 20;

/// Tasks that are left when everything that can run has run.
async fn tasks() -> usize {
    settle().await;
    Handle::current().metrics().num_alive_tasks()
}

#[tokio::test(start_paused = true)]
async fn a_session_on_websocket_is_one_task() {
    let (host, _events) = Host::echo();
    let base = tasks().await;
    let mut clients = Vec::new();
    for open in 1..=SESSIONS {
        clients.push(host.open_websocket().await);
        assert_eq!(tasks().await, base + open);
    }
    for client in &mut clients {
        client.say("4hello").await;
        client.expect("4hello").await;
        client.expect("2").await;
        client.say("3").await;
    }
    assert_eq!(tasks().await, base + SESSIONS);
    for client in &mut clients[SESSIONS / 2..] {
        client.say("1").await;
    }
    drop(clients);
    assert_eq!(tasks().await, base);
}

#[tokio::test(start_paused = true)]
async fn a_session_on_polling_is_one_task() {
    let (host, _events) = Host::echo();
    let base = tasks().await;
    let mut clients = Vec::new();
    for open in 1..=SESSIONS {
        clients.push(host.open().await);
        assert_eq!(tasks().await, base + open);
    }
    for client in &clients {
        client.say("4hello").await;
        client.expect("4hello").await;
    }
    assert_eq!(tasks().await, base + SESSIONS);
    let (orderly, silent) = clients.split_at(SESSIONS / 2);
    for client in orderly {
        client.say("1").await;
    }
    assert_eq!(tasks().await, base + silent.len());
    // Longer than a heartbeat may take.
    pass(Duration::from_secs(60)).await;
    assert_eq!(tasks().await, base);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_moves_stays_one_task() {
    let (host, _events) = Host::echo();
    let base = tasks().await;
    let client = host.open().await;
    let mut websocket = host.websocket(&client.sid).await;
    websocket.say("2probe").await;
    websocket.expect("3probe").await;
    assert_eq!(tasks().await, base + 1);
    websocket.say("5").await;
    assert_eq!(tasks().await, base + 1);
    websocket.say("4hello").await;
    websocket.expect("4hello").await;
    drop(websocket);
    assert_eq!(tasks().await, base);
}

/// Bytes of an attachment next to which everything else that a broadcast takes is little.
const ATTACHMENT: usize = 1 << 20;

/// How often a form of the attachment is made for an event to websockets that were opened with these
/// parameters.
fn encodings(parameters: &[&str]) -> u64 {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    let (host, mut events) = runtime.block_on(async { Host::echo() });
    let mut sessions = Vec::new();
    let clients: Vec<_> = parameters
        .iter()
        .map(|parameters| {
            runtime.block_on(async {
                let mut websocket = host.websocket_with(parameters, "").await;
                assert!(websocket.text().await.starts_with("0{"));
                sessions.push(events.opened().await);
                websocket
            })
        })
        .collect();
    let attachment = vec![7; ATTACHMENT].into();
    let event = Prepared::from_parts(b"51-[]".to_vec(), 0, vec![attachment]);
    let info = measure(|| {
        runtime.block_on(async {
            for session in &sessions {
                order(session, Order::Send(event.clone()));
            }
            settle().await;
        });
    });
    // Nobody reads: what they have got by now is a few kilobytes each.
    drop(clients);
    info.bytes_total / ATTACHMENT as u64
}

#[test]
fn a_broadcast_makes_each_form_of_its_attachment_once() {
    let all = ["EIO=3", "EIO=4", "EIO=3&b64=1", "EIO=4&b64=1"];
    for (parameters, expected) in all.iter().zip([1, 0, 1, 1]) {
        assert_eq!(
            encodings(&[*parameters; SESSIONS]),
            expected,
            "{parameters}"
        );
    }
    // Two of these are longer by a third.
    assert_eq!(encodings(&all.repeat(SESSIONS / all.len())), 3);
}

#[test]
fn a_post_in_single_bytes_takes_little_more_than_in_one_piece() {
    const LEN: usize = 200_000;
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    let (host, mut events) =
        runtime.block_on(async { Host::start(Config::default(), Reaction::Nothing) });
    let session = runtime.block_on(async {
        host.open().await;
        events.opened().await
    });
    let target = format!(
        "/engine.io/?EIO=4&transport=polling&sid={}",
        session.sid().as_str()
    );
    let piece = |_| Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"4")));
    let pieces = (0..LEN).map(piece);
    let body = StreamBody::new(stream::iter(pieces));
    let request = http::Request::post(target).body(body).unwrap();
    let info = measure(|| {
        let response = runtime.block_on(host.server.handle(request));
        assert_eq!(response.status(), 200);
    });
    assert_eq!(runtime.block_on(events.text()), "4".repeat(LEN - 1));
    let most = info.bytes_max as usize;
    assert!(most < 6 * LEN, "{most} bytes");
}

/// Every client on polling has one of these, most of the time.
#[tokio::test]
async fn a_poll_that_waits_is_small() {
    let (host, _events) = Host::echo();
    let request = http::Request::new(Full::<Bytes>::default());
    let size = size_of_val(&host.server.handle(request));
    assert!(size <= 1088, "{size} bytes");
}
