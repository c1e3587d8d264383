//! Events and calls, both ways.

use std::time::Duration;

use serde_json::{Value, json};
use socketio_server::test::Server;
use socketio_server::{AckError, AckSender, Binary, Data, Io, Socket, SocketId, State};
use tokio::sync::mpsc::{self, UnboundedSender};

/// Clients in a room hear what others say.
fn chat() -> Io {
    let io = Io::builder().build();
    io.on_connect(async |socket: Socket| socket.join("lobby"));
    io.on("say", async |socket: Socket, Data(text): Data<String>| {
        socket.to("lobby").emit("message", &text).map(drop)
    });
    io.on("add", async |Data((a, b)): Data<(i32, i32)>| a + b);
    io
}

#[tokio::test(start_paused = true)]
async fn every_client_hears_the_others_in_order() {
    let server = Server::new(&chat());
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(server.connect().await.unwrap());
    }
    for (n, client) in clients.iter().take(5).enumerate() {
        client.emit("say", &format!("{n}"));
        server.settle().await;
    }
    for (n, client) in clients.iter_mut().enumerate() {
        for said in (0..5).filter(|&said| said != n) {
            assert_eq!(client.expect::<String>("message").await, format!("{said}"));
        }
        client.expect_nothing().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_brings_what_the_handler_returns() {
    let server = Server::new(&chat());
    let client = server.connect().await.unwrap();
    let sum: i32 = client.call("add", &(1, 2)).await.unwrap();
    assert_eq!(sum, 3);
    // Several may be under way.
    let sums = (1..5).map(|n| client.call::<i32>("add", &(n, n)));
    let sums: Vec<_> = sums.collect();
    for (n, sum) in (1..5).zip(sums).collect::<Vec<_>>().into_iter().rev() {
        assert_eq!(sum.await.unwrap(), 2 * n);
    }
    let mismatch = client.call::<String>("add", &(1, 2)).await;
    assert!(matches!(mismatch, Err(AckError::Mismatch(_))));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_answers_times_out() {
    let io = chat();
    io.on("ignore", async |_: AckSender| ());
    io.on("leave", async |socket: Socket, ack: AckSender| {
        socket.disconnect();
        drop(ack);
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let before = tokio::time::Instant::now();
    let answer = client.call::<()>("ignore", &()).await;
    assert!(matches!(answer, Err(AckError::Timeout)));
    assert!(before.elapsed() >= Duration::from_secs(120));
    let answer = client.call::<()>("leave", &()).await;
    assert!(matches!(answer, Err(AckError::Disconnected)));
}

#[tokio::test(start_paused = true)]
async fn a_call_of_the_server_is_answered() {
    let io = chat();
    io.on("ask-me", async |socket: Socket| {
        let (a, b): (String, u8) = socket.call("question", &"ready?").await.unwrap();
        socket.emit("thanks", &(a, b)).map(drop)
    });
    let server = Server::new(&io);
    for connect in [server.connect(), server.connect().eio3().polling()] {
        let mut client = connect.await.unwrap();
        client.emit("ask-me", &());
        let question = client.expect_event("question").await;
        assert!(question.is_call());
        assert_eq!(question.name(), "question");
        assert_eq!(question.data::<String>(), "ready?");
        question.ack(&("yes", 1));
        let thanks: (String, u8) = client.expect("thanks").await;
        assert_eq!(thanks, ("yes".to_owned(), 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_call_collects_the_answers_of_all() {
    let io = chat();
    let server = Server::new(&io);
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(server.connect().await.unwrap());
    }
    let answers = io.of("/").call::<usize>("number", &()).unwrap();
    let mut ids = Vec::new();
    for (n, client) in clients.iter_mut().enumerate() {
        client.expect_event("number").await.ack(&n);
        ids.push(client.id().to_owned());
    }
    let mut answers = answers.all().await;
    answers.sort_by_key(|(_, answer)| *answer.as_ref().unwrap());
    let answered: Vec<String> = answers.iter().map(|(id, _)| id.to_string()).collect();
    assert_eq!(answered, ids);
}

#[tokio::test(start_paused = true)]
async fn data_of_any_shape_arrives_as_it_was_sent() {
    let io = chat();
    let server = Server::new(&io);
    let mut client = server.connect().await.unwrap();
    let bytes = Binary::from(vec![0, 255]);
    io.emit("none", &()).unwrap();
    io.emit("one", &json!({ "deep": [1, null] })).unwrap();
    io.emit("several", &("a", 1, &bytes)).unwrap();
    client.expect::<()>("none").await;
    let one: Value = client.expect("one").await;
    assert_eq!(one, json!({ "deep": [1, null] }));
    let several: (String, u8, Binary) = client.expect("several").await;
    assert_eq!(several, ("a".to_owned(), 1, bytes.clone()));

    io.emit("first", &1).unwrap();
    io.emit("second", &("x", &bytes)).unwrap();
    let events = client.received().await;
    let shown: Vec<_> = events.iter().map(ToString::to_string).collect();
    let second = r#"second ["x",{"_placeholder":true,"num":0}] + 2 bytes"#;
    assert_eq!(shown, ["first [1]", second]);
    assert!(client.received().await.is_empty());
    io.emit("third", &()).unwrap();
    let third = client.receive().await;
    assert_eq!((third.name(), third.is_call()), ("third", false));
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_the_time_of_the_clock_and_no_other() {
    let io = chat();
    io.on("later", async |socket: Socket, Data(seconds): Data<u64>| {
        // Virtual time: the test's clock is paused.
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        socket.emit("now", &seconds).map(drop)
    });
    let server = Server::new(&io);
    let mut client = server.connect().await.unwrap();
    client.emit("later", &60);
    client.expect_nothing().await;
    server.advance(Duration::from_secs(59)).await;
    client.expect_nothing().await;
    server.advance(Duration::from_secs(1)).await;
    let events = client.received().await;
    assert_eq!(events[0].data::<u64>(), 60);
    // Whoever waits for an event need not move the clock.
    client.emit("later", &100);
    assert_eq!(client.expect::<u64>("now").await, 100);
    // A day, through all heartbeats.
    server.advance(Duration::from_secs(24 * 60 * 60)).await;
    assert!(client.is_connected());
    assert_eq!(client.call::<i32>("add", &(1, 2)).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_at_the_end_of_an_advance_has_happened() {
    let (note, mut notes) = mpsc::unbounded_channel();
    let io = Io::builder().state::<UnboundedSender<u8>>(note).build();
    io.on("later", async |notes: State<UnboundedSender<u8>>| {
        // Virtual time: the test's clock is paused.
        tokio::time::sleep(Duration::from_secs(1)).await;
        notes.send(1).unwrap();
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    client.emit("later", &());
    server.settle().await;
    // To settle has taken a millisecond.
    server.advance(Duration::from_millis(999)).await;
    assert_eq!(notes.try_recv(), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_test_reaches_the_server_side_of_its_clients() {
    let io = chat();
    let server = Server::new(&io);
    let mut alice = server.connect().await.unwrap();
    let sockets = io.of("/").to("lobby").sockets();
    let ids: Vec<SocketId> = sockets.iter().map(Socket::id).collect();
    assert_eq!(ids[0].as_str(), alice.id());
    sockets[0].emit("private", &7).unwrap();
    assert_eq!(alice.expect::<u8>("private").await, 7);
}
