//! Sending: the steps before it, its verbs, and the order in which things arrive.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socketio_server::test::{Client, Server};
use socketio_server::{AckError, Acks, Io, Report, Socket, SocketId};
use tokio::time::Instant;

use crate::client::Polling;

/// A server, and two clients of the default namespace with their sockets.
async fn two() -> (Server, [(Client, Socket); 2]) {
    let server = Server::new(&Io::builder().build());
    let a = connect(&server).await;
    let b = connect(&server).await;
    (server, [a, b])
}

async fn connect(server: &Server) -> (Client, Socket) {
    let client = server.connect().await.unwrap();
    let socket = server.io().to(client.id()).sockets().remove(0);
    (client, socket)
}

#[track_caller]
fn assert_queued(report: Report, queued: usize) {
    assert_eq!((report.queued, report.dropped), (queued, 0));
}

// ---- Verbs --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn whoever_can_emit_can_send_a_message() {
    let (server, [(mut a, socket), (mut b, _)]) = two().await;
    let io = server.io();
    let nsp = io.of("/");
    for (report, count) in [
        (socket.send(&1), 1),
        (socket.volatile().send(&1), 0),
        (io.send(&("x", 2)), 2),
        (nsp.send(&("x", 2)), 2),
        (nsp.to(b.id()).send("to b"), 1),
    ] {
        let report = report.unwrap();
        assert_eq!(report.queued, count, "{report:?}");
    }
    assert_eq!(a.expect::<u64>("message").await, 1);
    for client in [&mut a, &mut b] {
        for _ in 0..2 {
            let args: (String, u64) = client.expect("message").await;
            assert_eq!(args, ("x".to_owned(), 2));
        }
    }
    assert_eq!(b.expect::<String>("message").await, "to b");
    a.expect_nothing().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_reaches_nobody_whatever_it_is_a_list_of() {
    let (server, [(mut a, socket), (mut b, _)]) = two().await;
    let io = server.io();
    let none = BTreeSet::<String>::new();
    let nobody = [
        io.to([] as [&str; 0]),
        io.to(Vec::<String>::new()),
        io.to(&[] as &[SocketId]),
        io.to(HashSet::<String>::new()),
        io.to(&none),
        io.local().to([] as [&str; 0]),
        socket.to(Vec::<SocketId>::new()),
        io.to([] as [&str; 0]).except("x"),
    ];
    for selection in nobody {
        assert_queued(selection.emit("x", &()).unwrap(), 0);
        assert_queued(selection.clone().volatile().send(&()).unwrap(), 0);
        let mut acks: Acks<()> = selection.call("x", &()).unwrap();
        assert!(acks.next().await.is_none());
        assert!(selection.sockets().is_empty());
        selection.disconnect();
    }
    a.expect_nothing().await;
    b.expect_nothing().await;
    assert!(a.is_connected() && b.is_connected());
}

#[tokio::test(start_paused = true)]
async fn every_step_can_be_taken_from_the_server_and_from_a_namespace() {
    let (server, [(mut a, socket), (mut b, _)]) = two().await;
    let io = server.io();
    let nsp = io.of("/");
    socket.join("room");
    let ids = BTreeSet::from([a.id().to_owned(), b.id().to_owned()]);
    for (selection, reaches_b) in [
        (io.broadcast(), true),
        (io.local(), true),
        (nsp.local().to("room"), false),
        (io.local().to(&ids), true),
        (nsp.to(&ids).except(b.id()), false),
    ] {
        selection.emit("x", &()).unwrap();
        a.expect::<()>("x").await;
        if reaches_b {
            b.expect::<()>("x").await;
        }
        b.expect_nothing().await;
    }
    // A volatile event needs a queue that is empty.
    for selection in [io.volatile(), nsp.volatile()] {
        socket.emit("first", &()).unwrap();
        let report = selection.emit("x", &()).unwrap();
        assert_eq!((report.queued, report.dropped), (1, 1));
        a.expect::<()>("first").await;
        b.expect::<()>("x").await;
        a.expect_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_to_be_compressed_is_not() {
    let io = Io::builder().build();
    let polling = Polling::open(&io).await;
    polling.join("/").await;
    let socket = io.sockets().remove(0);
    let text = "x".repeat(2_000);
    let nsp = io.of("/");
    let to = || nsp.to(socket.id());
    type Emit<'a> = Box<dyn Fn() -> Report + 'a>;
    let table: [(Emit<'_>, bool); 8] = [
        (Box::new(|| io.emit("x", &text).unwrap()), false),
        (Box::new(|| io.compress(false).send(&text).unwrap()), true),
        (Box::new(|| io.compress(true).send(&text).unwrap()), false),
        (Box::new(|| nsp.compress(false).send(&text).unwrap()), true),
        (Box::new(|| to().compress(false).send(&text).unwrap()), true),
        (Box::new(|| to().send(&text).unwrap()), false),
        (
            Box::new(|| socket.compress(false).send(&text).unwrap()),
            true,
        ),
        (
            Box::new(|| socket.compress(true).send(&text).unwrap()),
            false,
        ),
    ];
    for (row, (emit, plain)) in table.into_iter().enumerate() {
        assert_queued(emit(), 1);
        let headers = polling.headers().await;
        let cache = headers["cache-control"].to_str().unwrap();
        assert_eq!(cache.contains("no-transform"), plain, "row {row}");
    }
    let call = socket.compress(false).call::<()>("x", &text);
    let headers = polling.headers().await;
    assert_eq!(headers["cache-control"], "no-store, no-transform");
    drop(call);
}

// ---- Acknowledgements ---------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn everyone_can_be_asked_and_whoever_does_not_answer_is_named() {
    let (server, [(mut a, _), (mut b, _)]) = two().await;
    let io = server.io();
    let seconds = Duration::from_secs;
    for (selection, patience) in [
        (io.broadcast(), 60),
        (io.timeout(seconds(5)), 5),
        (io.of("/").timeout(seconds(7)), 7),
        (io.broadcast().timeout(seconds(9)), 9),
    ] {
        let start = Instant::now();
        let mut acks: Acks<u64> = selection.call("ask", &()).unwrap();
        a.expect_event("ask").await.ack(&1);
        b.expect_event("ask").await;
        let (sid, answer) = acks.next().await.unwrap();
        assert_eq!((sid.as_str(), answer.unwrap()), (a.id(), 1));
        let (sid, answer) = acks.next().await.unwrap();
        assert_eq!(sid.as_str(), b.id());
        assert!(matches!(answer, Err(AckError::Timeout)), "{answer:?}");
        assert!(acks.next().await.is_none());
        assert_eq!(start.elapsed().as_secs(), patience);
    }
    let mut acks: Acks<u64> = io.call("ask", &()).unwrap();
    assert_eq!(acks.expected(), 2);
    b.expect_event("ask").await.ack(&2);
    assert_eq!(acks.next().await.unwrap().1.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_socket_can_be_asked_with_patience_of_ones_own() {
    let (_server, [(mut a, socket), _]) = two().await;
    let start = Instant::now();
    let call = socket
        .timeout(Duration::from_secs(3))
        .call::<()>("ask", &());
    a.expect_event("ask").await;
    assert!(matches!(call.await, Err(AckError::Timeout)));
    assert_eq!(start.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_volatile_question_that_is_dropped_is_told_at_once() {
    let (server, [(mut a, socket), (mut b, _)]) = two().await;
    socket.emit("first", &()).unwrap();
    let start = Instant::now();
    let call = socket.volatile().call::<()>("ask", &());
    let mut acks: Acks<u64> = server.io().volatile().call("ask", &()).unwrap();
    assert!(matches!(call.await, Err(AckError::Dropped)));
    let (sid, answer) = acks.next().await.unwrap();
    assert_eq!(sid.as_str(), a.id());
    assert!(matches!(answer, Err(AckError::Dropped)), "{answer:?}");
    b.expect_event("ask").await.ack(&2);
    assert_eq!(acks.next().await.unwrap().1.unwrap(), 2);
    assert!(acks.next().await.is_none());
    assert_eq!(start.elapsed(), Duration::ZERO);
    a.expect::<()>("first").await;
    a.expect_nothing().await;
}

// ---- Order --------------------------------------------------------------------------------

/// Emits on threads of the system.
const THREADS: usize = 4;

/// Emits of each.
const ROUNDS: usize = 2_000;

/// Each thread emits when the emit before has returned, on whichever thread that was: a baton that
/// goes around. So what arrives is the order in which `emit` returned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_in_the_order_in_which_emit_returned_on_any_thread() {
    let server = Server::new(&Io::builder().build());
    let (mut client, socket) = connect(&server).await;
    let baton = Arc::new(AtomicUsize::new(0));
    let threads = (0..THREADS).map(|me| {
        let (baton, socket) = (Arc::clone(&baton), socket.clone());
        std::thread::spawn(move || {
            for round in 0..ROUNDS {
                let turn = round * THREADS + me;
                while baton.load(Ordering::Acquire) != turn {
                    std::thread::yield_now();
                }
                // By turns directly and as one of many.
                match turn % 2 {
                    0 => socket.emit("tick", &turn).unwrap(),
                    _ => socket.namespace().emit("tick", &turn).unwrap(),
                };
                baton.store(turn + 1, Ordering::Release);
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    for turn in 0..THREADS * ROUNDS {
        assert_eq!(client.expect::<usize>("tick").await, turn);
    }
    threads.into_iter().for_each(|it| it.join().unwrap());
}

/// Without a baton there is no order between threads, but that of each of them is kept, and
/// attachments stay with their events.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_emit_at_once_keep_their_own_order() {
    let server = Server::new(&Io::builder().build());
    let (mut client, socket) = connect(&server).await;
    let threads = (0..THREADS).map(|me| {
        let socket = socket.clone();
        std::thread::spawn(move || {
            for round in 0..ROUNDS {
                let bytes = socketio_server::Binary::from(round.to_be_bytes().to_vec());
                socket.emit("tick", &(me, round, bytes)).unwrap();
            }
        })
    });
    let threads: Vec<_> = threads.collect();
    let mut next = [0; THREADS];
    for _ in 0..THREADS * ROUNDS {
        let (thread, round, bytes): (usize, usize, socketio_server::Binary) =
            client.expect("tick").await;
        assert_eq!(round, next[thread]);
        assert_eq!(bytes.0, round.to_be_bytes().as_slice());
        next[thread] += 1;
    }
    threads.into_iter().for_each(|it| it.join().unwrap());
}
