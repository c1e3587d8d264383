//! Producers that wait for room.

use std::pin::pin;

use engineio_server::OverflowPolicy;
use futures_util::FutureExt;

use super::{Reader, SOFT, push, push_beyond, start};
use crate::host::settle;

#[tokio::test(start_paused = true)]
async fn a_producer_that_waits_goes_on_when_half_of_what_fits_has_left() {
    let (host, mut events) = start(OverflowPolicy::Disconnect);
    for (mut reader, session) in Reader::both(&host, &mut events).await {
        assert_eq!(session.ready().now_or_never(), Some(true));
        let mut next = push_beyond(&session, 0, SOFT).await;
        // One that is given up leaves nothing behind that would disturb others.
        assert_eq!(session.ready().now_or_never(), None);
        let mut ready = pin!(session.ready());
        assert_eq!((&mut ready).now_or_never(), None);
        assert_eq!((&mut ready).now_or_never(), None);
        reader.beat().await;
        let read = reader.numbers().await.len();
        assert_eq!(read, next);
        assert!(ready.await);
        // Under the limit there is no waiting.
        while session.buffered() + super::BLOCK < SOFT {
            assert_eq!(session.ready().now_or_never(), Some(true));
            push(&session, next).unwrap();
            next += 1;
            settle().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_waits_is_told_of_the_end() {
    for policy in super::POLICIES {
        let (host, mut events) = start(policy);
        for (reader, session) in Reader::both(&host, &mut events).await {
            push_beyond(&session, 0, SOFT).await;
            let waiting = {
                let session = session.clone();
                tokio::spawn(async move { session.ready().await })
            };
            settle().await;
            assert!(!waiting.is_finished());
            session.close();
            settle().await;
            assert!(waiting.is_finished());
            assert!(!waiting.await.unwrap());
            assert_eq!(session.ready().now_or_never(), Some(false));
            drop(reader);
        }
    }
}
