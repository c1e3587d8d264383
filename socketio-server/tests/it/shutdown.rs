//! The end of a server: what clients still receive, and what it waits for.

use std::time::Duration;

use futures_util::FutureExt;
use socketio_server::{AckError, DisconnectReason, Handler, Io, Socket, State, Tally};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::client::{Client, Received, request};
use crate::host::{Door, Host, PIPE, Pen, settle};

const PATIENCE: Duration = Duration::from_secs(10);

fn note_disconnects(io: &Io) {
    io.on_disconnect(async |pen: State<Pen>, reason: DisconnectReason| {
        pen.note(reason.as_str());
    });
}

/// A handler and a disconnect handler that wait at the door.
fn hold_up(io: &Io) {
    io.on("work", async |door: State<Door>, pen: State<Pen>| {
        door.pass().await;
        pen.note("worked");
    });
    io.on_disconnect(async |door: State<Door>, pen: State<Pen>| {
        door.pass().await;
        pen.note("left");
    });
}

/// Takes the server's goodbye, and goes.
async fn part(mut client: Client) {
    client.expect_close().await;
    assert_eq!(client.receive().await, Received::End);
}

#[tokio::test(start_paused = true)]
async fn clients_see_the_end_after_everything_that_was_emitted_before() {
    let mut host = Host::new();
    note_disconnects(&host.io);
    let mut client = host.join("/").await;
    let poller = host.poll().await;
    poller.join("/").await;
    for n in 0..3 {
        host.io.emit("news", &n).unwrap();
    }
    let receive = async {
        for n in 0..3 {
            client.expect(&format!(r#"42["news",{n}]"#)).await;
        }
        part(client).await;
    };
    let poll = async {
        let news = "42[\"news\",0]\u{1e}42[\"news\",1]\u{1e}42[\"news\",2]";
        poller.expect(news).await;
        poller.expect("1").await;
    };
    let start = Instant::now();
    let (shutdown, (), ()) = tokio::join!(host.io.shutdown(PATIENCE), receive, poll);
    assert!(shutdown.is_complete());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(host.diary.rest(), ["server shutting down"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_is_waiting_is_answered_with_the_end() {
    let mut host = Host::new();
    note_disconnects(&host.io);
    let poller = host.poll().await;
    poller.join("/").await;
    let waiting = tokio::spawn({
        let poller = poller.clone();
        async move { poller.get().await }
    });
    settle().await;
    let start = Instant::now();
    assert!(host.io.shutdown(PATIENCE).await.is_complete());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(waiting.await.unwrap(), "1");
    assert_eq!(host.diary.rest(), ["server shutting down"]);
    assert_ne!(poller.ask("GET", "").await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn handlers_and_disconnect_handlers_are_awaited() {
    let mut host = Host::new();
    hold_up(&host.io);
    let mut client = host.join("/").await;
    client.say(r#"42["work"]"#).await;
    settle().await;
    let io = host.io.clone();
    let shutdown = tokio::spawn(async move { io.shutdown(PATIENCE).await });
    part(client).await;
    // Virtual time: nearly all of the patience.
    tokio::time::sleep(PATIENCE - Duration::from_millis(10)).await;
    assert!(!shutdown.is_finished());
    assert_eq!(host.diary.rest(), [""; 0]);
    host.door.open();
    assert!(shutdown.await.unwrap().is_complete());
    let mut ends = host.diary.rest();
    ends.sort();
    assert_eq!(ends, ["left", "worked"]);
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    for held_up_by in ["handler", "client", "poller"] {
        let mut host = Host::new();
        if held_up_by == "handler" {
            hold_up(&host.io);
        }
        let mut client = match held_up_by {
            "client" => Some(Client::open(host.connect(1_000)).await),
            _ => Some(host.open().await),
        };
        match held_up_by {
            "handler" => {
                let mut client = client.take().unwrap();
                client.join("/").await;
                client.say(r#"42["work"]"#).await;
                settle().await;
            }
            "client" => {
                client.as_mut().unwrap().join("/").await;
                // More than it takes.
                host.io.emit("much", &"x".repeat(10_000)).unwrap();
            }
            _ => {
                client = None;
                drop(host.poll().await.join("/").await);
            }
        }
        let start = Instant::now();
        let shutdown = host.io.shutdown(PATIENCE).await;
        assert!(!shutdown.is_complete(), "{held_up_by}");
        assert_eq!(start.elapsed(), PATIENCE);
        assert_eq!(host.diary.rest(), [""; 0]);
        drop(client);
    }
}

#[tokio::test(start_paused = true)]
async fn without_clients_there_is_nothing_to_wait_for() {
    let host = Host::new();
    let start = Instant::now();
    assert!(host.io.shutdown(PATIENCE).await.is_complete());
    assert!(host.io.shutdown(Duration::ZERO).await.is_complete());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_let_in_any_more() {
    let mut host = Host::new();
    hold_up(&host.io);
    let mut client = host.join("/").await;
    client.say(r#"42["work"]"#).await;
    settle().await;
    let io = host.io.clone();
    let shutdown = tokio::spawn(async move { io.shutdown(PATIENCE).await });
    settle().await;
    let mut client = Some(client);
    for finished in [false, true] {
        assert_eq!(shutdown.is_finished(), finished);
        let (status, _) = request(&host.io, "GET", "EIO=4&transport=polling", "").await;
        assert_eq!(status, 503);
        let stream = host.connect(PIPE);
        let head = Client::ask(stream, "EIO=4&transport=websocket").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        if let Some(client) = client.take() {
            part(client).await;
            host.door.open();
            host.diary.next().await;
            host.diary.next().await;
            settle().await;
        }
    }
    assert!(shutdown.await.unwrap().is_complete());
}

#[tokio::test(start_paused = true)]
async fn serving_ends_with_the_shutdown() {
    for (patience, is_enough) in [(PATIENCE, true), (Duration::from_secs(1), false)] {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = stopped.map(|_| ());
        let mut host = Host::start_until(Io::builder(), stopped, patience);
        hold_up(&host.io);
        let mut client = host.join("/").await;
        client.say(r#"42["work"]"#).await;
        assert!(client.is_silent().await);
        assert!(!host.serving.is_finished());
        stop.send(()).unwrap();
        part(client).await;
        settle().await;
        assert!(!host.serving.is_finished());
        let door = host.door.clone();
        tokio::spawn(async move {
            // Virtual time: the handlers are to end this late.
            tokio::time::sleep(PATIENCE / 2).await;
            door.open();
        });
        let shutdown = (&mut host.serving).await.unwrap();
        assert_eq!(shutdown.is_complete(), is_enough);
        assert_eq!(host.diary.rest().len(), if is_enough { 2 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_that_is_repeated_is_one() {
    let mut host = Host::new();
    note_disconnects(&host.io);
    let client = host.join("/").await;
    let (one, two, ()) = tokio::join!(
        host.io.shutdown(PATIENCE),
        host.io.shutdown(PATIENCE),
        part(client),
    );
    assert!(one.is_complete() && two.is_complete());
    assert!(host.io.shutdown(PATIENCE).await.is_complete());
    assert_eq!(host.diary.rest(), ["server shutting down"]);
}

#[tokio::test(start_paused = true)]
async fn sockets_that_outlive_the_server_reach_nobody() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let namespace = host.io.of("/");
    let [socket] = namespace.broadcast().sockets().try_into().unwrap();
    let call = socket.call::<()>("ask", &());
    client.expect(r#"420["ask"]"#).await;
    let (_, ()) = tokio::join!(host.io.shutdown(PATIENCE), part(client));
    assert!(matches!(call.await, Err(AckError::Disconnected)));
    assert!(!socket.is_connected());
    assert_eq!(socket.emit("x", &()).unwrap().dropped, 1);
    assert!(namespace.is_empty());
    assert_eq!(namespace.emit("x", &()).unwrap().queued, 0);
    socket.disconnect();
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_shut_the_server_down() {
    let mut host = Host::new();
    note_disconnects(&host.io);
    host.io
        .on("stop", async |socket: Socket, io: Io, pen: State<Pen>| {
            socket.emit("bye", &()).unwrap();
            tokio::spawn(async move {
                let shutdown = io.shutdown(PATIENCE).await;
                pen.note(shutdown.to_string());
            });
        });
    let mut client = host.join("/").await;
    client.say(r#"420["stop"]"#).await;
    client.expect(r#"42["bye"]"#).await;
    client.expect("430[]").await;
    part(client).await;
    host.diary.expect("server shutting down").await;
    let report = "1 client, 1 handler, 0 tasks finished";
    host.diary.expect(report).await;
}

#[tokio::test(start_paused = true)]
async fn a_report_counts_who_was_done_and_names_who_was_not() {
    for is_in_time in [true, false] {
        let host = Host::new();
        hold_up(&host.io);
        host.io.of("/quick").on_disconnect(async || {});
        let mut waiting = host.join("/").await;
        waiting.say(r#"42["work"]"#).await;
        let mut gone = host.join("/").await;
        gone.say(r#"42["work"]"#).await;
        settle().await;
        drop(gone);
        let quick = host.join("/quick").await;
        let mut slow = Client::open(host.connect(1_000)).await;
        slow.join("/quick").await;
        let io = host.io.clone();
        host.io.spawn_named("feed", async move {
            io.stopping().await;
            std::future::pending::<()>().await;
        });
        // More than the last one takes.
        host.io
            .of("/quick")
            .emit("much", &"x".repeat(2_000))
            .unwrap();
        if is_in_time {
            host.door.open();
        }
        let (shutdown, (), ()) = tokio::join!(host.io.shutdown(PATIENCE), part(waiting), async {
            let mut quick = quick;
            quick.receive().await;
            part(quick).await;
        });
        drop(slow);
        assert!(!shutdown.is_complete());
        let names = |tally: &Tally| {
            let names = tally.unfinished.iter();
            let names = names.map(|(name, count)| format!("{count} {name}"));
            names.collect::<Vec<_>>()
        };
        assert_eq!(shutdown.clients.finished, 2);
        assert_eq!(names(&shutdown.clients), ["1 websocket"]);
        assert_eq!(names(&shutdown.tasks), ["1 feed"]);
        if is_in_time {
            // Of the client that has gone before, both may be done already.
            assert!(shutdown.handlers.finished >= 3);
            assert_eq!(names(&shutdown.handlers), [""; 0]);
        } else {
            assert_eq!(shutdown.handlers.finished, 2);
            assert_eq!(
                names(&shutdown.handlers),
                ["2 disconnect in /", "2 work in /"]
            );
            assert_eq!(
                shutdown.to_string(),
                "2 clients, 2 handlers, 0 tasks finished; unfinished: client websocket, handler \
                 disconnect in / (2 times), handler work in / (2 times), task feed"
            );
        }
    }
}

#[tokio::test]
async fn handlers_in_tasks_and_threads_of_their_own_are_named_as_well() {
    let host = Host::start(Io::builder().blocking_threads(1));
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let block = move || released.lock().unwrap().recv().unwrap_or_default();
    host.io.on("block", block.blocking());
    let wait = async |door: State<Door>| door.pass().await;
    host.io.on("spawn", wait.spawned());
    let mut client = host.join("/").await;
    client
        .say_all([r#"42["block"]"#, r#"42["block"]"#, r#"42["spawn"]"#])
        .await;
    // All of them have been started when the one behind them is answered.
    host.io.on("last", async || {});
    client.say(r#"420["last"]"#).await;
    client.expect("430[]").await;
    let io = host.io.clone();
    let shutdown = tokio::spawn(async move { io.shutdown(PATIENCE / 100).await });
    part(client).await;
    let shutdown = shutdown.await.unwrap();
    let unfinished = &shutdown.handlers.unfinished;
    assert_eq!(unfinished.get("block in /"), Some(&2));
    assert_eq!(unfinished.get("spawn in /"), Some(&1));
    host.door.open();
    drop(release);
    let shutdown = host.io.shutdown(PATIENCE).await;
    assert!(shutdown.is_complete());
    assert_eq!(shutdown.handlers.finished, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_opens_at_the_last_moment_is_closed_like_the_others() {
    for _ in 0..200 {
        // Nobody polls for the goodbye.
        let impatient = Io::builder().protocol(|protocol| protocol.close_timeout = 1);
        let io = impatient.build();
        let opening = [(); 3].map(|()| {
            let io = io.clone();
            let open = async move || request(&io, "GET", "EIO=4&transport=polling", "").await.0;
            tokio::spawn(async move { while open().await == 200 {} })
        });
        // The others are at it as well by now.
        request(&io, "GET", "EIO=4&transport=polling", "").await;
        assert!(io.shutdown(PATIENCE).await.is_complete());
        for clients in opening {
            clients.await.unwrap();
        }
        assert!(io.shutdown(Duration::ZERO).await.is_complete());
    }
}
