//! Every future of the async client, dropped at its first poll, at its second, and so on up to its
//! end: what its documentation says of that holds at each of them.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use socketio_client::engine::{self, Connection, Target};
use socketio_client::{Client, Data, SimpleClient, Status};
use tokio::runtime::Builder;

use crate::host::{Host, config, patiently, settle, websocket};

/// More polls than any of them needs.
const MANY: usize = 1000;

/// Runs a test on paused time, and one task at a time between two of its polls.
fn step_by_step(test: impl Future<Output = ()>) {
    let mut runtime = Builder::new_current_thread();
    runtime.enable_all().start_paused(true).event_interval(1);
    runtime.build().unwrap().block_on(test);
}

/// Lets one other task run.
async fn step() {
    let mut was_polled = false;
    poll_fn(|cx| match std::mem::replace(&mut was_polled, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// Polls a future so often, a step of the others after each, and drops it.
async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(it) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(it);
        }
        step().await;
    }
    None
}

/// Runs something for 0 polls, 1, 2 and so on, until it says what the future has come to.
async fn at_every_poll<T>(mut run: impl AsyncFnMut(usize) -> Option<T>) -> T {
    for polls in 0..MANY {
        if let Some(it) = run(polls).await {
            assert!(polls > 0, "done without a poll");
            return it;
        }
    }
    panic!("the future does not end");
}

/// Nothing is left of an attempt, at either end.
fn assert_left(host: &Host, client: &Client, polls: usize) {
    assert_eq!(client.status().get(), Status::Closed, "after {polls} polls");
    assert_eq!(host.network.open(), 0, "after {polls} polls");
    assert_eq!(host.io.of("/").len(), 0, "after {polls} polls");
}

/// Both ways to a server.
fn hosts() -> [(Host, Client); 2] {
    [config(), websocket()].map(|config| {
        let host = Host::new();
        host.io.on("echo", async |Data(n): Data<usize>| n);
        let client = host.client_with(config);
        (host, client)
    })
}

#[test]
fn an_attempt_that_is_dropped_leaves_the_namespace() {
    step_by_step(async {
        for (host, client) in hosts() {
            let root = client.of("/");
            let mut most = 0;
            for attempt in 0..4 {
                let outcome = at_every_poll(async |polls| {
                    let outcome = match attempt {
                        0 => poll_and_drop(client.connect(), polls).await,
                        1 => poll_and_drop(client.connect_with_retry(), polls).await,
                        2 => poll_and_drop(root.connect(), polls).await,
                        _ => poll_and_drop(root.connect_with_retry(), polls).await,
                    };
                    settle().await;
                    if outcome.is_none() {
                        assert_left(&host, &client, polls);
                    }
                    most = most.max(polls);
                    outcome
                });
                outcome.await.unwrap();
                assert!(root.is_connected());
                client.close().await;
            }
            assert!(most > 5, "the server answers at once: {most}");
        }
    });
}

#[test]
fn a_call_that_is_dropped_does_not_get_in_the_way_of_the_next() {
    step_by_step(async {
        for (_host, client) in hosts() {
            patiently(client.connect()).await.unwrap();
            let answer = at_every_poll(async |polls| {
                let answer = poll_and_drop(client.call::<usize>("echo", &polls), polls).await;
                assert_eq!(client.call::<usize>("echo", &MANY).await.unwrap(), MANY);
                answer.map(|it| (it.unwrap(), polls))
            });
            let (answer, polls) = answer.await;
            assert_eq!(answer, polls);
        }
    });
}

#[test]
fn whoever_waits_and_is_dropped_has_changed_nothing() {
    step_by_step(async {
        for (host, client) in hosts() {
            patiently(client.connect()).await.unwrap();
            at_every_poll(async |polls| {
                let mut status = client.status();
                assert_eq!(poll_and_drop(client.wait(), polls).await, None);
                assert_eq!(poll_and_drop(status.changed(), polls).await, None);
                host.network.cut();
                // What has changed meanwhile is told to whoever asks next.
                assert_eq!(patiently(status.changed()).await, Some(Status::Waiting));
                patiently(client.connect()).await.unwrap();
                (polls == 50).then_some(())
            })
            .await;
            let socket = client.of("/");
            let ended = at_every_poll(async |polls| {
                patiently(client.connect()).await.unwrap();
                socket.disconnect();
                poll_and_drop(client.wait(), polls).await
            });
            ended.await;
        }
    });
}

#[test]
fn events_are_not_lost_with_whoever_waits_for_them() {
    step_by_step(async {
        for (host, client) in hosts() {
            let mut events = client.events();
            patiently(client.connect()).await.unwrap();
            at_every_poll(async |polls| {
                host.io.emit("tick", &polls).unwrap();
                let taken = poll_and_drop(events.next(), polls).await;
                let was_taken = taken.is_some();
                let event = match taken {
                    Some(event) => event,
                    None => patiently(events.next()).await,
                };
                assert_eq!(event.unwrap().data::<usize>().unwrap(), polls);
                was_taken.then_some(())
            })
            .await;
        }
    });
}

#[test]
fn closing_goes_on_without_whoever_waits_for_it() {
    step_by_step(async {
        for (host, client) in hosts() {
            at_every_poll(async |polls| {
                patiently(client.connect()).await.unwrap();
                let closed = poll_and_drop(client.close(), polls).await;
                settle().await;
                match polls {
                    0 => assert!(client.is_open(), "nobody has begun to close it"),
                    _ => assert_left(&host, &client, polls),
                }
                closed
            })
            .await;
        }
    });
}

/// The simple client's own client, which outlives it.
fn joinable() -> [(Host, Client, Arc<AtomicU32>); 2] {
    hosts().map(|(host, client)| {
        let heard = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&heard);
        host.io.on("note", move || {
            count.fetch_add(1, Ordering::Relaxed);
            async {}
        });
        (host, client, heard)
    })
}

#[test]
fn a_simple_client_can_be_left_at_any_time() {
    step_by_step(async {
        for (host, client, _) in joinable() {
            at_every_poll(async |polls| {
                let joined = poll_and_drop(SimpleClient::join(client.of("/")), polls).await;
                settle().await;
                match joined {
                    None => {
                        assert_left(&host, &client, polls);
                        None
                    }
                    Some(joined) => {
                        assert!(joined.unwrap().socket().is_connected());
                        Some(())
                    }
                }
            })
            .await;
            at_every_poll(async |polls| {
                let simple = SimpleClient::join(client.of("/")).await.unwrap();
                let left = poll_and_drop(simple.disconnect(), polls).await;
                settle().await;
                if polls > 0 {
                    assert_left(&host, &client, polls);
                }
                left
            })
            .await;
        }
    });
}

#[test]
fn what_a_simple_client_is_dropped_from_happens_once_or_not_at_all() {
    step_by_step(async {
        for (host, client, heard) in joinable() {
            let mut simple = SimpleClient::join(client.of("/")).await.unwrap();
            let mut sent = 0;
            at_every_poll(async |polls| {
                host.network.cut();
                settle().await;
                let emitted = poll_and_drop(simple.emit("note", &()), polls).await;
                patiently(simple.call::<usize>("echo", &1)).await.unwrap();
                sent += u32::from(emitted.is_some());
                assert_eq!(heard.load(Ordering::Relaxed), sent, "after {polls} polls");
                // It is offline until time passes, however often it is polled.
                emitted.or((polls == 50).then_some(Ok(())))
            })
            .await
            .unwrap();
            at_every_poll(async |polls| {
                let patience = Duration::from_secs(1);
                let one = poll_and_drop(simple.call::<usize>("echo", &polls), polls).await;
                let within = simple.call_within::<usize>(patience, "echo", &polls);
                let other = poll_and_drop(within, polls).await;
                assert_eq!(simple.call::<usize>("echo", &MANY).await.unwrap(), MANY);
                one.zip(other)
                    .map(|(one, other)| assert_eq!(one.unwrap(), other.unwrap()))
            })
            .await;
            at_every_poll(async |polls| {
                host.io.emit("tick", &polls).unwrap();
                let taken = poll_and_drop(simple.receive(None), polls).await;
                let was_taken = taken.is_some();
                let event = match taken {
                    Some(event) => event,
                    None => patiently(simple.receive(Duration::from_secs(1))).await,
                };
                assert_eq!(event.unwrap().data::<usize>().unwrap(), polls);
                was_taken.then_some(())
            })
            .await;
        }
    });
}

#[test]
fn a_session_that_is_being_opened_can_be_dropped() {
    step_by_step(async {
        for config in [config(), websocket()] {
            let host = Host::new();
            let engine = || -> engine::Config { config.engine.clone() };
            at_every_poll(async |polls| {
                let network = host.network.clone();
                let connector = move |_: Target| {
                    let connected = network.connect();
                    async move { connected }
                };
                let opened = poll_and_drop(Connection::open_with(engine(), connector), polls).await;
                settle().await;
                if opened.is_none() {
                    assert_eq!(host.network.open(), 0, "after {polls} polls");
                }
                opened.map(Result::unwrap)
            })
            .await
            .close()
            .await;
        }
    });
}
