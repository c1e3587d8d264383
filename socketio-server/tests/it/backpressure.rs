//! Clients that take too little, under each policy, on websocket and on polling.

use std::time::Duration;

use socketio_server::test::{Client, Connect, Server};
use socketio_server::{
    AckError, Binary, BoxError, Builder, Data, Io, OutboxLimits, OverflowPolicy, PendingAck,
    ServerLimits, Socket,
};

const SOFT: usize = 200_000;
const HARD: usize = 400_000;
const STALL: Duration = Duration::from_secs(10);

/// Bytes of a block on the wire, about.
const BLOCK: usize = 10_000;

const POLICIES: [OverflowPolicy; 3] = [
    OverflowPolicy::Disconnect,
    OverflowPolicy::DropNewest,
    OverflowPolicy::DropOldest,
];

fn builder(policy: OverflowPolicy) -> Builder {
    Io::builder().outbox_limits(OutboxLimits {
        soft: SOFT,
        hard: HARD,
        stall: STALL,
        policy,
    })
}

fn server(policy: OverflowPolicy) -> Server {
    let io = builder(policy).build();
    io.on("ask", |Data(n): Data<u64>| n);
    Server::new(&io)
}

/// A way to connect on each transport.
fn transports(server: &Server) -> [Connect; 2] {
    let buffer = 1_000;
    [
        server.connect().buffer(buffer),
        server.connect().polling().buffer(buffer),
    ]
}

/// A client that reads nothing from now on, and its socket.
async fn stopped(server: &Server, connect: Connect) -> (Client, Socket) {
    let client = connect.await.unwrap();
    let socket = server.io().to(client.id()).sockets().remove(0);
    server.settle().await;
    client.set_reading(false);
    server.settle().await;
    (client, socket)
}

fn block(number: usize) -> (usize, String) {
    (number, "x".repeat(BLOCK))
}

/// The numbers of the blocks that a client finds when it reads again.
async fn numbers(client: &mut Client) -> Vec<usize> {
    client.set_reading(true);
    let events = client.received().await;
    let blocks = events.iter().filter(|event| event.name() == "block");
    let blocks = blocks.map(|event| event.data::<(usize, String)>().0);
    blocks.collect()
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stops_is_sent_away_or_loses_the_newest_or_the_oldest_events() {
    for policy in POLICIES {
        let server = server(policy);
        for connect in transports(&server) {
            let (mut client, socket) = stopped(&server, connect).await;
            let mut total = 0;
            while socket.buffered() <= SOFT {
                assert_eq!(socket.emit("block", &block(total)).unwrap().queued, 1);
                total += 1;
                server.settle().await;
            }
            let early = total;
            assert_eq!(socket.dropped(), 0);
            server.advance(STALL).await;
            if policy == OverflowPolicy::Disconnect {
                assert!(!socket.is_connected());
                assert_eq!(socket.emit("block", &()).unwrap().dropped, 1);
                continue;
            }
            for number in early..early + 100 {
                let report = socket.emit("block", &block(number)).unwrap();
                let newest = policy == OverflowPolicy::DropNewest;
                assert_eq!((report.queued, report.dropped), (!newest as _, newest as _));
                total += 1;
                assert!(socket.buffered() <= SOFT + 2 * BLOCK);
                server.settle().await;
            }
            let numbers = numbers(&mut client).await;
            assert_eq!(socket.dropped() as usize, total - numbers.len());
            assert!(numbers.is_sorted());
            assert!(numbers.contains(&0));
            match policy {
                OverflowPolicy::DropNewest => assert_eq!(numbers.len(), early),
                _ => assert!(numbers.contains(&(total - 1))),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn neither_answers_nor_questions_are_dropped_in_favour_of_events() {
    for policy in [OverflowPolicy::DropNewest, OverflowPolicy::DropOldest] {
        let server = server(policy);
        let client = server.connect().buffer(1_000).await.unwrap();
        let socket = server.io().to(client.id()).sockets().remove(0);
        server.settle().await;
        let (mut client, answer) = {
            let answer = client.call::<u64>("ask", &7);
            client.set_reading(false);
            (client, answer)
        };
        let question: PendingAck<u64> = socket.timeout(STALL * 3).call("ask", &block(0));
        for number in 0..SOFT / BLOCK + 1 {
            socket.emit("block", &block(number)).unwrap();
            server.settle().await;
        }
        server.advance(STALL).await;
        for number in 0..100 {
            socket.emit("block", &block(number)).unwrap();
        }
        assert!(socket.dropped() > 0);
        client.set_reading(true);
        assert_eq!(answer.await.unwrap(), 7);
        client.expect_event("ask").await.ack(&8);
        assert_eq!(question.await.unwrap(), 8);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_can_be_sent_away_under_every_policy() {
    for policy in POLICIES {
        let server = server(policy);
        for connect in transports(&server) {
            let (mut client, socket) = stopped(&server, connect).await;
            let question: PendingAck<()> = socket.call("ask", &());
            for number in 0..SOFT / BLOCK / 2 {
                socket.emit("block", &block(number)).unwrap();
                server.settle().await;
            }
            socket.disconnect();
            assert!(!socket.is_connected());
            assert!(matches!(question.await, Err(AckError::Disconnected)));
            let got = numbers(&mut client).await;
            assert_eq!(got, Vec::from_iter(0..SOFT / BLOCK / 2));
            assert_eq!(client.expect_disconnect().await, "io server disconnect");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_to_a_healthy_client_arrives_whole_beside_one_that_has_stopped() {
    for policy in POLICIES {
        let server = server(policy);
        for connect in transports(&server) {
            let (_stopped, slow) = stopped(&server, connect).await;
            for connect in transports(&server) {
                let mut client = connect.await.unwrap();
                let healthy = server.io().to(client.id()).sockets().remove(0);
                let count = HARD / BLOCK - 2;
                for number in 0..count {
                    healthy.emit("block", &block(number)).unwrap();
                    slow.emit("block", &block(number)).unwrap();
                }
                assert_eq!(numbers(&mut client).await, Vec::from_iter(0..count));
                assert_eq!((healthy.dropped(), healthy.buffered()), (0, 0));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn volatile_events_that_are_dropped_are_counted() {
    let server = server(OverflowPolicy::Disconnect);
    for connect in transports(&server) {
        let (mut client, socket) = stopped(&server, connect).await;
        socket.emit("block", &block(0)).unwrap();
        server.settle().await;
        for _ in 0..3 {
            assert_eq!(socket.volatile().emit("x", &()).unwrap().dropped, 1);
        }
        assert_eq!(socket.dropped(), 3);
        assert_eq!(numbers(&mut client).await, [0]);
        assert_eq!(socket.volatile().emit("x", &()).unwrap().queued, 1);
        client.expect::<()>("x").await;
    }
}

// ---- Room ---------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_producer_that_waits_for_room_never_sends_too_much_and_loses_nothing() {
    const COUNT: usize = 10 * HARD / BLOCK;

    for policy in POLICIES {
        let server = server(policy);
        // In the client's own task, where the queue is emptied as well.
        server.io().on("all", async |socket: Socket| {
            for number in 0..COUNT {
                assert!(socket.buffered() <= SOFT + 2 * BLOCK);
                let report = socket.emit_when_ready("block", &block(number)).await?;
                assert_eq!(report.queued, 1);
            }
            Ok::<_, BoxError>("done")
        });
        for connect in transports(&server) {
            let (mut client, socket) = stopped(&server, connect).await;
            let producer = tokio::spawn({
                let socket = socket.clone();
                async move {
                    let mut number = 0;
                    while number < COUNT && socket.ready().await {
                        socket.emit("block", &block(number)).unwrap();
                        assert!(socket.buffered() <= SOFT + 2 * BLOCK);
                        number += 1;
                    }
                    number
                }
            });
            server.settle().await;
            assert!(!producer.is_finished() && socket.buffered() > SOFT / 2);
            assert_eq!(numbers(&mut client).await, Vec::from_iter(0..COUNT));
            assert_eq!(producer.await.unwrap(), COUNT);
            let done = client.call::<String>("all", &());
            assert_eq!(numbers(&mut client).await, Vec::from_iter(0..COUNT));
            assert_eq!(done.await.unwrap(), "done");
            assert_eq!(socket.dropped(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_producer_that_waits_for_room_learns_that_its_client_is_gone() {
    let server = server(OverflowPolicy::Disconnect);
    for connect in transports(&server) {
        let (_client, socket) = stopped(&server, connect).await;
        assert!(socket.ready().await);
        for number in 0..SOFT / BLOCK + 2 {
            socket.emit("block", &block(number)).unwrap();
            server.settle().await;
        }
        assert!(!socket.ready().await);
        let report = socket.emit_when_ready("block", &()).await.unwrap();
        assert_eq!(report.dropped, 1);
    }
    // One that is sent away has no room either, though its link lives on.
    let _client = server.connect().await.unwrap();
    let socket = server.io().sockets().remove(0);
    assert!(socket.ready().await);
    socket.disconnect();
    assert!(!socket.ready().await);
}

// ---- The server as a whole ----------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn too_much_for_all_clients_together_is_borne_by_newcomers_then_by_those_who_lag_most() {
    const LIMIT: usize = 160_000;

    for policy in POLICIES {
        let io = builder(policy)
            .server_limits(ServerLimits {
                bytes: LIMIT,
                ..ServerLimits::default()
            })
            .build();
        let server = Server::new(&io);
        for connect in transports(&server) {
            let mut healthy = server.connect().await.unwrap();
            let (_client, lagging) = stopped(&server, connect).await;
            let before = io.stats();
            let mut refused = 0;
            for number in 0.. {
                io.emit("block", &block(number)).unwrap();
                assert_eq!(numbers(&mut healthy).await, [number]);
                if !lagging.is_connected() {
                    break;
                }
                let waiting = io.stats().waiting;
                assert!(waiting <= LIMIT);
                let newcomer = server.connect().await;
                assert_eq!(newcomer.is_err(), waiting >= LIMIT / 4 * 3);
                if let Err(refusal) = newcomer {
                    assert!(refusal.to_string().contains("503"), "{refusal}");
                    refused += 1;
                }
            }
            let stats = io.stats();
            assert!(refused > 0);
            assert_eq!(stats.refused - before.refused, refused);
            assert_eq!((stats.evicted - before.evicted, stats.waiting), (1, 0));
            drop(healthy);
            server.settle().await;
            assert_eq!(io.stats().sessions, 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn messages_may_be_of_any_size() {
    let io = Io::builder().max_payload(usize::MAX).build();
    io.on("length", |Data(bytes): Data<Binary>| bytes.len());
    let client = Server::new(&io).connect().await.unwrap();
    let bytes = Binary::from(vec![0; 2_000_000]);
    assert_eq!(
        client.call::<usize>("length", &bytes).await.unwrap(),
        2_000_000
    );
}
