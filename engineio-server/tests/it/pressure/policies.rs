//! What happens to a client that takes too little, under each policy: on websocket and on polling,
//! and to a healthy one beside it.

use std::time::Duration;

use engineio_server::{OverflowPolicy, PushError};
use tokio::time::Instant;

use super::{
    BLOCK, HARD, POLICIES, Reader, SOFT, STALL, TOO_SLOW, number, push, push_beyond, push_kept,
    start,
};
use crate::host::{pass, settle};
use crate::puppet::Order;

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up_when_its_time_is_up_though_nothing_is_pushed() {
    let (host, mut events) = start(OverflowPolicy::Disconnect);
    for (_reader, session) in Reader::both(&host, &mut events).await {
        let start = Instant::now();
        push_beyond(&session, 0, SOFT).await;
        pass(STALL - start.elapsed() - Duration::from_millis(1)).await;
        assert!(!session.is_closed());
        assert_eq!(events.closed().await, TOO_SLOW);
        assert!(start.elapsed() <= STALL + Duration::from_millis(1));
        assert_eq!(session.buffered(), 0);
    }
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn where_the_newest_are_dropped_a_client_gets_what_came_first() {
    let (host, mut events) = start(OverflowPolicy::DropNewest);
    for (mut reader, session) in Reader::both(&host, &mut events).await {
        let next = push_beyond(&session, 0, SOFT).await;
        pass(STALL).await;
        for late in next..next + 10 {
            assert_eq!(push(&session, late), Err(PushError::Dropped));
        }
        assert_eq!(session.dropped(), 10);
        // What must not be dropped is not.
        push_kept(&session, 1_000).unwrap();
        reader.beat().await;
        let numbers = reader.numbers().await;
        assert_eq!(numbers, Vec::from_iter((0..next).chain([1_000])));
        // It takes something again.
        push(&session, 2_000).unwrap();
        assert_eq!(reader.numbers().await, [2_000]);
        assert_eq!(session.dropped(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_oldest_are_dropped_a_client_gets_what_came_last() {
    /// Bytes that may have been handed to the transport ahead of time, and one block more.
    const AHEAD: usize = 64 * 1024 + 2 * BLOCK;

    let (host, mut events) = start(OverflowPolicy::DropOldest);
    for (mut reader, session) in Reader::both(&host, &mut events).await {
        let next = push_beyond(&session, 0, SOFT).await;
        push_kept(&session, 1_000).unwrap();
        pass(STALL).await;
        let last = next + 100;
        for late in next..last {
            push(&session, late).unwrap();
            assert!(session.buffered() <= SOFT + BLOCK);
            settle().await;
        }
        reader.beat().await;
        let numbers = reader.numbers().await;
        let total = last + 1;
        assert_eq!(session.dropped() as usize, total - numbers.len());
        // The first ones were on their way, the last ones were spared, in order.
        let first = numbers.iter().zip(0..).take_while(|&(&got, n)| got == n);
        let first = first.count();
        assert!((1..=AHEAD / BLOCK).contains(&first), "{first}");
        let rest: Vec<_> = numbers[first..].to_vec();
        assert_eq!(rest[0], 1_000);
        let count = rest.len() - 1;
        assert!(count * BLOCK > SOFT - AHEAD - 2 * BLOCK, "{count}");
        assert_eq!(rest[1..], Vec::from_iter(last - count..last));
    }
}

#[tokio::test(start_paused = true)]
async fn the_hard_limit_counts_at_once() {
    for policy in [OverflowPolicy::DropNewest, OverflowPolicy::DropOldest] {
        let (host, mut events) = start(policy);
        for (mut reader, session) in Reader::both(&host, &mut events).await {
            let mut refused = 0;
            let total = 2 * HARD / BLOCK;
            for number in 0..total {
                refused += usize::from(push(&session, number).is_err());
                assert!(session.buffered() <= HARD);
                settle().await;
            }
            let numbers = reader.numbers().await;
            assert!(numbers.is_sorted());
            assert_eq!(session.dropped() as usize, total - numbers.len());
            let newest = policy == OverflowPolicy::DropNewest;
            assert_eq!(refused, if newest { total - numbers.len() } else { 0 });
            assert_eq!(numbers.contains(&(total - 1)), !newest);
            assert!(
                numbers.len() * BLOCK > HARD - 3 * BLOCK,
                "{}",
                numbers.len()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_must_not_be_dropped_ends_the_session_at_the_hard_limit() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        for (_reader, session) in Reader::both(&host, &mut events).await {
            let mut count = 0;
            while push_kept(&session, count).is_ok() {
                count += 1;
                assert!(session.buffered() <= HARD);
            }
            assert!(count * BLOCK > HARD - 2 * BLOCK);
            assert_eq!(push(&session, 0), Err(PushError::Full));
            assert_eq!(events.closed().await, TOO_SLOW);
        }
        host.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_carried_out_though_a_client_takes_nothing() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        for (mut reader, session) in Reader::both(&host, &mut events).await {
            let next = push_beyond(&session, 0, SOFT / 2).await;
            session.push_order(Order::Close).unwrap();
            settle().await;
            // The application has closed the session; what comes behind that does not leave.
            push(&session, 1_000).unwrap();
            settle().await;
            match &mut reader {
                Reader::Websocket(websocket) => {
                    for number in 0..next {
                        assert_eq!(self::number(&websocket.text().await), number);
                    }
                    websocket.expect_close(None).await;
                }
                Reader::Polling(polling, _) => {
                    let payload = polling.get().await;
                    let blocks = payload.text().split('\u{1e}');
                    assert!(blocks.map(number).eq(0..next));
                    assert_eq!(polling.get().await.text(), "1");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_to_a_healthy_client_arrives_whole_under_every_policy() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        let count = (HARD - BLOCK) / (BLOCK + 20);
        for (mut reader, session) in Reader::both(&host, &mut events).await {
            for round in 0..3 {
                for number in 0..count {
                    push(&session, round * count + number).unwrap();
                }
                let numbers = reader.numbers().await;
                assert_eq!(numbers, Vec::from_iter(round * count..(round + 1) * count));
            }
            assert_eq!((session.dropped(), session.buffered()), (0, 0));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_harms_nobody_else() {
    for policy in POLICIES {
        let (host, mut events) = start(policy);
        let [(_stopped, slow), (mut reader, healthy)] = Reader::both(&host, &mut events).await;
        for number in 0..2 * HARD / BLOCK {
            let _ = push(&slow, number);
            push(&healthy, number).unwrap();
            assert_eq!(reader.numbers().await, [number]);
        }
        assert_eq!(healthy.dropped(), 0);
        assert_eq!(slow.is_closed(), policy == OverflowPolicy::Disconnect);
    }
}
