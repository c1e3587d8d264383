//! Peers that break the rules, break off, or stop reading: each costs bounded memory and ends its
//! own session at most.

mod frames;
mod readers;
mod requests;

use engineio_server::{Config, OutboxLimits, ProtocolConfig};

use crate::host::Host;
use crate::puppet::{Events, Reaction};
use crate::wire::UPGRADE;

/// Small limits, so that going over them is cheap.
fn limited() -> Config {
    Config {
        protocol: ProtocolConfig {
            max_payload: 1_000,
            ..ProtocolConfig::default()
        },
        outbox: OutboxLimits {
            soft: 64 * 1024,
            hard: 256 * 1024,
            ..OutboxLimits::default()
        },
        ..Config::default()
    }
}

fn start(reaction: Reaction) -> (Host, Events) {
    Host::start(limited(), reaction)
}

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

/// The server still does its work.
async fn assert_serves(host: &Host) {
    let client = host.open().await;
    client.say("4hello").await;
    client.expect("4hello").await;
    client.say("1").await;
}

#[tokio::test(start_paused = true)]
async fn thousands_that_come_and_go_leave_nothing_behind() {
    let (host, _events) = start(Reaction::Echo);
    for round in 0..3_000 {
        match round % 6 {
            // Gone before the handshake is read.
            0 => drop(host.send("GET", POLLING, &[], "").await),
            1 => drop(host.send("GET", WEBSOCKET, UPGRADE, "").await),
            // Gone with a poll waiting.
            2 => drop(host.open().await.park().await),
            // Gone in the middle of a message.
            3 => {
                let mut websocket = host.open_websocket().await;
                websocket.wire.write(b"\x81\x85").await;
            }
            // Gone in the middle of an upgrade.
            4 => {
                let client = host.open().await;
                host.websocket(&client.sid).await.say("2probe").await;
                client.park().await;
            }
            _ => host.open().await.say("1").await,
        }
    }
    host.assert_empty().await;
    assert_eq!(host.server.acceptor().alive(), 0);
    assert_serves(&host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_at_once_leave_nothing_behind() {
    let (host, _events) = Host::start_tcp(limited(), Reaction::Echo).await;
    let host = std::sync::Arc::new(host);
    let crowd: Vec<_> = (0..200)
        .map(|number| {
            let host = std::sync::Arc::clone(&host);
            tokio::spawn(async move {
                let client = host.open().await;
                if number % 2 == 0 {
                    client.say("4hello").await;
                    client.expect("4hello").await;
                }
                let mut websocket = host.websocket(&client.sid).await;
                websocket.say("2probe").await;
                if number % 3 == 0 {
                    websocket.say("5").await;
                    websocket.say("4hello").await;
                    websocket.expect("3probe").await;
                    websocket.expect("4hello").await;
                } else {
                    // Its session would otherwise wait for a heartbeat.
                    client.say("1").await;
                }
            })
        })
        .collect();
    for one in crowd {
        one.await.unwrap();
    }
    host.assert_empty().await;
    assert_eq!(host.server.acceptor().alive(), 0);
}
