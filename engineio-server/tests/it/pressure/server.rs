//! Too much for all clients together.

use std::time::Duration;

use engineio_server::{OverflowPolicy, Prepared, PushError, ServerLimits, Session};

use super::{BLOCK, POLICIES, Reader, opened, push, start_with};
use crate::host::{Host, settle};
use crate::puppet::{Events, Order};
use crate::wire::UPGRADE;

/// Less than the soft limit of a single client.
const LIMIT: usize = 160_000;

fn start(policy: OverflowPolicy) -> (Host, Events) {
    let limits = ServerLimits {
        bytes: LIMIT,
        retry_after: Duration::from_secs(7),
    };
    start_with(policy, limits)
}

/// Pushes until so many bytes wait for all clients.
async fn fill(host: &Host, session: &Session<Order>, bytes: usize) {
    for number in 0.. {
        if host.server.stats().waiting >= bytes {
            return;
        }
        push(session, number).unwrap();
        settle().await;
        assert!(number < 100, "it is not counted");
    }
}

fn push_volatile(session: &Session<Order>) -> Result<(), PushError> {
    let message = Prepared::text("0 volatile");
    let bytes = message.wire_len();
    session.push_volatile(Order::Send(message), bytes)
}

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

async fn assert_refuses(host: &Host) {
    for (target, headers) in [(POLLING, &[][..]), (WEBSOCKET, UPGRADE)] {
        let mut wire = host.send("GET", target, headers, "").await;
        let response = wire.response("GET").await;
        assert_eq!(response.status, 503);
        assert_eq!(response.header("retry-after"), Some("7"));
    }
}

#[tokio::test(start_paused = true)]
async fn newcomers_are_refused_first_and_told_when_to_come_back() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        for (mut reader, session) in Reader::both(&host, &mut events).await {
            fill(&host, &session, LIMIT / 2).await;
            let client = host.open().await;
            let newcomer = opened(&mut events).await;
            let refused = host.server.stats().refused;
            fill(&host, &session, LIMIT * 3 / 4).await;
            assert_refuses(&host).await;
            assert_eq!(host.server.stats().refused, refused + 2);
            // Whoever is there goes on.
            push_volatile(&newcomer).unwrap_err();
            let poll = client.park().await;
            settle().await;
            push_volatile(&newcomer).unwrap();
            drop(poll);
            client.say("1").await;
            assert!(!reader.numbers().await.is_empty());
            assert_eq!(host.server.stats().waiting, 0);
            host.open().await.say("1").await;
            opened(&mut events).await;
        }
        assert_eq!(host.server.stats().evicted, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn volatile_messages_are_dropped_before_anybody_is_evicted() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        let [(mut reader, lagging), (mut other, healthy)] = Reader::both(&host, &mut events).await;
        assert!(other.numbers().await.is_empty());
        push_volatile(&healthy).unwrap();
        assert_eq!(other.numbers().await, [0]);
        fill(&host, &lagging, LIMIT * 7 / 8).await;
        let dropped = host.server.stats().dropped_volatile;
        assert_eq!(push_volatile(&healthy), Err(PushError::NotReady));
        assert_eq!(healthy.dropped(), 1);
        assert_eq!(host.server.stats().dropped_volatile, dropped + 1);
        // Everything else arrives.
        push(&healthy, 1).unwrap();
        assert_eq!(other.numbers().await, [1]);
        assert!(!reader.numbers().await.is_empty());
        push_volatile(&healthy).unwrap();
        assert_eq!(other.numbers().await, [0]);
        assert_eq!(host.server.stats().evicted, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_those_who_lag_most_are_evicted() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        for swap in [false, true] {
            let mut both = Reader::both(&host, &mut events).await;
            if swap {
                both.swap(0, 1);
            }
            let [(_most, most), (mut less, lags)] = both;
            for number in 0..LIMIT / BLOCK / 4 {
                push(&lags, number).unwrap();
            }
            settle().await;
            let evicted = host.server.stats().evicted;
            for number in 0.. {
                if push(&most, number).is_err() {
                    break;
                }
                settle().await;
                let waiting = host.server.stats().waiting;
                assert!(waiting <= LIMIT, "{waiting}");
            }
            settle().await;
            assert!(most.is_closed() && !lags.is_closed());
            let stats = host.server.stats();
            assert_eq!(stats.evicted, evicted + 1);
            assert_eq!(stats.waiting, lags.buffered());
            let numbers = less.numbers().await;
            assert_eq!(numbers, Vec::from_iter(0..LIMIT / BLOCK / 4));
            assert_eq!(host.server.stats().waiting, 0);
            let reason = events.closed().await;
            assert_eq!(reason, ("transport error", Some("client is too slow")));
            less.numbers().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_counted_of_those_who_have_gone() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        for (reader, session) in Reader::both(&host, &mut events).await {
            fill(&host, &session, LIMIT / 2).await;
            drop(reader);
            session.close();
        }
        host.assert_empty().await;
        assert_eq!(host.server.stats().waiting, 0);
    }
}
