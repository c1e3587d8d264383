//! How many tasks a session takes, counted by the runtime.

use std::time::Duration;

use tokio::runtime::Handle;

use crate::host::{Host, pass, settle};

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
