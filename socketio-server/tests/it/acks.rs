//! Acknowledgements in both directions: who may answer, when a wait ends, and what answers carry.

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use serde::{Serialize, Serializer};
use serde_json::json;
use socketio_server::{
    Ack, AckError, AckSender, Acks, Binary, BoxError, Data, Io, OutboxLimits, PendingAck, RawArgs,
    Socket, SocketId, State, Value,
};
use tokio::time::Instant;

use crate::client::Client;
use crate::host::{Door, Host, Pen, settle};

const MINUTE: Duration = Duration::from_secs(60);

/// The only socket of a namespace.
fn socket(host: &Host, nsp: &str) -> Socket {
    let [socket] = host.io.of(nsp).broadcast().sockets().try_into().unwrap();
    socket
}

/// Whether the server still keeps anything for an answer. Only then does it look at one, and this
/// one is no JSON.
async fn is_awaited(client: &mut Client, id: u64) -> bool {
    client.say(&format!("43{id}[x]")).await;
    !client.is_silent().await
}

#[track_caller]
fn assert_disconnected<T: Debug>(answer: Result<T, AckError>) {
    assert!(matches!(answer, Err(AckError::Disconnected)), "{answer:?}");
}

#[track_caller]
fn assert_timeout<T: Debug>(answer: Result<T, AckError>) {
    assert!(matches!(answer, Err(AckError::Timeout)), "{answer:?}");
}

// ---- Answers of a client ------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn an_answer_is_read_as_the_type_that_is_asked_for() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let socket = socket(&host, "/");

    let call: PendingAck<String> = socket.call("ask", &());
    client.expect(r#"420["ask"]"#).await;
    client.say(r#"430["first","second"]"#).await;
    assert_eq!(call.await.unwrap(), "first");

    let call: PendingAck<(String, u64)> = socket.call("ask", &("a", 1));
    client.expect(r#"421["ask","a",1]"#).await;
    client.say(r#"431["two",2,"surplus"]"#).await;
    assert_eq!(call.await.unwrap(), ("two".to_owned(), 2));

    let call: PendingAck<()> = socket.call("ask", &[1, 2].as_slice());
    client.expect(r#"422["ask",[1,2]]"#).await;
    client.say("432[]").await;
    call.await.unwrap();

    let call: PendingAck<(Vec<u64>, Option<u64>)> = socket.call("ask", &());
    client.expect(r#"423["ask"]"#).await;
    client.say("433[[1,2]]").await;
    assert_eq!(call.await.unwrap(), (vec![1, 2], None));

    let call: PendingAck<RawArgs> = socket.call("ask", &());
    client.expect(r#"424["ask"]"#).await;
    client.say(r#"434[ 1, {"a" :2}]"#).await;
    assert_eq!(call.await.unwrap().0.raw(), r#"1, {"a" :2}"#);
}

#[tokio::test(start_paused = true)]
async fn bytes_travel_in_questions_and_answers() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let question = (Binary::from(vec![1, 2]), "and");
    let call: PendingAck<(String, Vec<Binary>)> = socket(&host, "/").call("ask", &question);
    let text = r#"451-0["ask",{"_placeholder":true,"num":0},"and"]"#;
    client.expect(text).await;
    client.expect_binary(&[1, 2]).await;
    let list = r#"[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;
    client.say(&format!(r#"462-0["both",{list}]"#)).await;
    client.say_binary(&[3]).await;
    client.say_binary(&[4]).await;
    let (text, bytes) = call.await.unwrap();
    assert_eq!(text, "both");
    assert_eq!(bytes, [Binary::from(vec![4]), Binary::from(vec![3])]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_shape_is_a_mismatch_and_harms_nobody() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let socket = socket(&host, "/");
    for (id, answer) in [r#"["no number"]"#, "[]", "[-1]", "[null]", "[[1]]"]
        .into_iter()
        .enumerate()
    {
        let call: PendingAck<u64> = socket.call("ask", &());
        client.expect(&format!(r#"42{id}["ask"]"#)).await;
        client.say(&format!("43{id}{answer}")).await;
        let answer = call.await;
        assert!(matches!(answer, Err(AckError::Mismatch(_))), "{answer:?}");
    }
    assert!(socket.is_connected());
}

#[tokio::test(start_paused = true)]
async fn clients_can_be_asked_outside_of_the_runtime() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let socket = socket(&host, "/");
    let asked = std::thread::spawn(move || {
        drop(socket.call::<()>("given up", &()));
        socket.call::<u64>("how many", &()).timeout(Duration::MAX)
    });
    let answer = asked.join().unwrap();
    client.expect(r#"420["given up"]"#).await;
    client.expect(r#"421["how many"]"#).await;
    client.say("431[7]").await;
    assert_eq!(answer.await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_cannot_be_encoded_fails_by_itself() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let socket = socket(&host, "/");
    let call: PendingAck<()> = socket.call("disconnect", &());
    assert!(matches!(call.await, Err(AckError::Encode(_))));
    let call: PendingAck<()> = socket.call("ask", &HashMap::from([((1, 2), 3)]));
    assert!(matches!(call.await, Err(AckError::Encode(_))));
    assert!(socket.namespace().call::<()>("connect", &()).is_err());
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_unknown_late_or_repeated_are_ignored() {
    let host = Host::new();
    host.io.of("/other");
    let mut client = host.join("/").await;
    client.join("/other").await;
    let call: PendingAck<u64> = socket(&host, "/").call("ask", &());
    client.expect(r#"420["ask"]"#).await;
    client
        .say_all(["431[1]", "43/other,0[2]", "43[3]", "430[4]", "430[5]"])
        .await;
    assert_eq!(call.await.unwrap(), 4);
    assert!(!is_awaited(&mut client, 0).await);
    assert!(socket(&host, "/").is_connected());
}

#[tokio::test(start_paused = true)]
async fn only_an_addressee_can_answer() {
    let host = Host::new();
    let mut one = host.join("/").await;
    let call: PendingAck<u64> = socket(&host, "/").call("ask", &());
    let mut other = host.join("/").await;
    one.expect(r#"420["ask"]"#).await;
    other.say("430[1]").await;
    assert!(other.is_silent().await);
    one.say("430[2]").await;
    assert_eq!(call.await.unwrap(), 2);
}

// ---- The end of waiting -------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_awaited_for_a_minute_or_as_long_as_said() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let socket = socket(&host, "/");
    for (id, timeout) in [None, Some(Duration::from_secs(7)), Some(MINUTE * 5)]
        .into_iter()
        .enumerate()
    {
        let mut call: PendingAck<()> = socket.call("ask", &());
        if let Some(timeout) = timeout {
            call = call.timeout(timeout);
        }
        client.expect(&format!(r#"42{id}["ask"]"#)).await;
        let due = timeout.unwrap_or(MINUTE);
        let margin = Duration::from_millis(5);
        client.idle(due - margin).await;
        assert!((&mut call).now_or_never().is_none());
        let start = Instant::now();
        assert_timeout(call.await);
        assert!(start.elapsed() <= margin);
        assert!(!is_awaited(&mut client, id as u64).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_socket_that_ends_is_told_at_once() {
    let ends = [
        "client leaves",
        "server sends away",
        "server closes",
        "client is gone",
        "client breaks the rules",
    ];
    for end in ends {
        let host = Host::new();
        let mut client = host.join("/").await;
        let socket = socket(&host, "/");
        let call: PendingAck<()> = socket.call("ask", &());
        client.expect(r#"420["ask"]"#).await;
        // This one is still on its way.
        let queued: PendingAck<()> = socket.call("ask", &());
        let start = Instant::now();
        match end {
            "client leaves" => client.say("41").await,
            "server sends away" => socket.disconnect(),
            "server closes" => socket.disconnect_and_close(),
            "client is gone" => drop(client),
            "client breaks the rules" => client.say("4x").await,
            _ => unreachable!(),
        }
        assert_disconnected(call.await);
        assert_disconnected(queued.await);
        assert_disconnected(socket.call::<()>("ask", &()).await);
        assert_eq!(start.elapsed(), Duration::ZERO, "{end}");
    }
}

/// A server whose clients may lag behind by a kilobyte.
fn narrow() -> Host {
    Host::start(Io::builder().outbox_limits(OutboxLimits {
        hard: 1 << 10,
        soft: 1 << 9,
        ..OutboxLimits::default()
    }))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_leaves_its_queue_is_told_at_once() {
    let host = narrow();
    let _client = host.join("/").await;
    let socket = socket(&host, "/");
    let call: PendingAck<()> = socket.call("ask", &());
    let report = socket.emit("much", &"x".repeat(1 << 10)).unwrap();
    assert_eq!(report.dropped, 1);
    let start = Instant::now();
    assert_disconnected(call.await);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Bytes that look at their socket when they are dropped.
struct Curious(Socket);

impl AsRef<[u8]> for Curious {
    fn as_ref(&self) -> &[u8] {
        &[0; 100]
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let _ = self.0.is_connected();
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_overflow_drops_may_ask_its_socket() {
    let host = narrow();
    let _client = host.join("/").await;
    let socket = socket(&host, "/");
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let bytes = Binary(bytes::Bytes::from_owner(Curious(socket.clone())));
        socket.emit("look", &bytes).unwrap();
        let report = socket.emit("much", &"x".repeat(1 << 10)).unwrap();
        done.send(report.dropped).unwrap();
    });
    // In real time: a thread that locks itself out never comes back.
    assert_eq!(wait.recv_timeout(Duration::from_secs(10)), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_client_that_is_refused_is_told_at_once() {
    let host = Host::new();
    let calls = std::sync::Arc::new(parking_lot::Mutex::new(None));
    let kept = std::sync::Arc::clone(&calls);
    host.io.on_connect(move |socket: Socket| {
        *kept.lock() = Some(socket.call::<()>("ask", &()));
        async { Err::<(), _>(socketio_server::ConnectError::new("no")) }
    });
    let mut client = host.open().await;
    client.say("40").await;
    client.expect(r#"44{"message":"no"}"#).await;
    let call = calls.lock().take().unwrap();
    let start = Instant::now();
    assert_disconnected(call.await);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_a_call_that_was_given_up_before_the_client_was_let_in() {
    let host = Host::new();
    host.io
        .on_connect(async |socket: Socket, door: State<Door>| {
            drop(socket.call::<()>("ask", &()));
            door.pass().await;
        });
    let mut client = host.open().await;
    client.say("40").await;
    assert!(client.is_silent().await);
    host.door.open();
    assert!(client.text().await.starts_with("40{"));
    client.expect(r#"420["ask"]"#).await;
    assert!(!is_awaited(&mut client, 0).await);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_a_call_whose_future_is_dropped_whenever_that_is() {
    // Polls, the answer coming after the first.
    for polls in 0..3 {
        let host = Host::new();
        let mut client = host.join("/").await;
        {
            let mut call = pin!(socket(&host, "/").call::<u64>("ask", &()));
            for number in 0..polls {
                assert_eq!((&mut call).now_or_never().is_some(), number == 1);
                settle().await;
                if number == 0 && polls == 2 {
                    client.say("430[1]").await;
                    settle().await;
                }
            }
        }
        client.expect(r#"420["ask"]"#).await;
        assert!(!is_awaited(&mut client, 0).await, "after {polls}");
        // The test can tell one that is kept.
        let _call = socket(&host, "/").call::<u64>("ask", &());
        client.expect(r#"421["ask"]"#).await;
        assert!(is_awaited(&mut client, 1).await);
    }
}

// ---- Answers of many ----------------------------------------------------------------------

/// Clients in `/`, and who they are.
async fn crowd(host: &Host, count: usize) -> Vec<(String, Client)> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = host.open().await;
        clients.push((client.join("/").await, client));
    }
    clients
}

#[tokio::test(start_paused = true)]
async fn answers_of_many_come_as_they_are_given_and_end_with_the_last() {
    let host = Host::new();
    let mut clients = crowd(&host, 4).await;
    let mut acks: Acks<u64> = host.io.of("/").call("ask", &1).unwrap();
    assert_eq!(acks.expected(), 4);
    let start = Instant::now();
    for n in [2, 0, 3, 1] {
        let (sid, client) = &mut clients[n];
        client.expect(r#"420["ask",1]"#).await;
        client.say(&format!("430[{n}]")).await;
        let (from, answer) = acks.next().await.unwrap();
        assert_eq!(from.as_str(), sid);
        assert_eq!(answer.unwrap(), n as u64);
    }
    assert!(acks.next().await.is_none());
    assert!(acks.next().await.is_none());
    assert_eq!(acks.expected(), 4);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Counts how often it is written.
struct Counted<'a>(&'a AtomicUsize);

impl Serialize for Counted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        serializer.serialize_u64(7)
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_to_many_is_encoded_once() {
    let times = |count: usize| async move {
        let host = Host::new();
        let mut clients = crowd(&host, count).await;
        let written = AtomicUsize::new(0);
        let acks: Acks<u64> = host.io.of("/").call("ask", &Counted(&written)).unwrap();
        for (_, client) in &mut clients {
            client.expect(r#"420["ask",7]"#).await;
        }
        drop(acks);
        written.into_inner()
    };
    assert_eq!(times(5).await, times(1).await);
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_has_answered_with_that() {
    let host = Host::new();
    let mut clients = crowd(&host, 3).await;
    let acks: Acks<u64> = host.io.of("/").call("ask", &()).unwrap();
    for (_, client) in &mut clients {
        client.expect(r#"420["ask"]"#).await;
    }
    clients[1].1.say("430[1]").await;
    clients[0].1.say("41").await;
    let (gone, client) = clients.pop().unwrap();
    drop(client);
    let answers = HashMap::<String, _>::from_iter(
        acks.all()
            .await
            .into_iter()
            .map(|(sid, answer)| (sid.to_string(), answer)),
    );
    assert_eq!(answers.len(), 3);
    assert!(matches!(answers[&clients[1].0], Ok(1)));
    assert!(matches!(
        answers[&clients[0].0],
        Err(AckError::Disconnected)
    ));
    assert!(matches!(answers[&gone], Err(AckError::Disconnected)));
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_up_there_are_the_answers_so_far_and_who_did_not_answer() {
    for timeout in [None, Some(Duration::from_secs(3))] {
        let host = Host::new();
        let mut clients = crowd(&host, 3).await;
        let mut acks: Acks<u64> = host.io.of("/").call("ask", &()).unwrap();
        if let Some(timeout) = timeout {
            acks = acks.timeout(timeout);
        }
        let due = timeout.unwrap_or(MINUTE);
        let start = Instant::now();
        let mut collected = pin!(acks.all());
        assert!((&mut collected).now_or_never().is_none());
        for (_, client) in &mut clients {
            client.expect(r#"420["ask"]"#).await;
        }
        clients[0].1.say("430[1]").await;
        clients[1].1.say(r#"430["another shape"]"#).await;
        let [(_, a), (_, b), (_, c)] = &mut clients[..] else {
            unreachable!()
        };
        let all = async { tokio::join!(a.idle(due), b.idle(due), c.idle(due)) };
        let (answers, _) = tokio::join!(collected, all);
        assert_eq!(start.elapsed(), due);
        let [one, two, three] = answers.try_into().unwrap();
        assert_eq!(one.0.as_str(), clients[0].0);
        assert_eq!(one.1.unwrap(), 1);
        assert_eq!(two.0.as_str(), clients[1].0);
        assert!(matches!(two.1, Err(AckError::Mismatch(_))));
        assert_eq!(three.0.as_str(), clients[2].0);
        assert_timeout(three.1);
        for (_, client) in &mut clients {
            assert!(!is_awaited(client, 0).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_is_late_comes_up_once_and_is_given_up_with_the_stream() {
    for taken in 0..=3 {
        let host = Host::new();
        let mut clients = crowd(&host, 3).await;
        let mut acks: Acks<u64> = host.io.of("/").call("ask", &()).unwrap();
        acks = acks.timeout(Duration::from_secs(1));
        for (_, client) in &mut clients {
            client.expect(r#"420["ask"]"#).await;
        }
        // Virtual time: nobody has answered in time, one does afterwards.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut late = Vec::new();
        for _ in 0..taken {
            let (sid, answer) = acks.next().now_or_never().unwrap().unwrap();
            assert_timeout(answer);
            late.push(sid.to_string());
            let punctual = late.iter().position(|sid| *sid == clients[0].0);
            if punctual == Some(late.len() - 1) {
                clients[0].1.say("430[1]").await;
                settle().await;
            }
        }
        if taken == 3 {
            assert!(acks.next().now_or_never().unwrap().is_none());
            late.sort_unstable();
            let mut all: Vec<_> = clients.iter().map(|(sid, _)| sid.clone()).collect();
            all.sort_unstable();
            assert_eq!(late, all);
        }
        drop(acks);
        settle().await;
        for (_, client) in &mut clients {
            assert!(!is_awaited(client, 0).await, "after {taken}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_to_nobody_is_answered_at_once() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let start = Instant::now();
    let mut acks: Acks<()> = host.io.to("nowhere").call("ask", &()).unwrap();
    assert_eq!(acks.expected(), 0);
    assert!(acks.next().await.is_none());
    let acks: Acks<()> = socket(&host, "/").broadcast().call("ask", &()).unwrap();
    assert!(acks.all().await.is_empty());
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn a_question_to_many_reaches_the_selection_and_nobody_else_can_answer() {
    let host = Host::new();
    let mut clients = crowd(&host, 3).await;
    let sockets = host.io.of("/").broadcast().sockets();
    for socket in &sockets {
        if socket.id().as_str() != clients[2].0 {
            socket.join("room");
        }
    }
    let acks: Acks<u64> = host.io.to("room").call("ask", &()).unwrap();
    assert_eq!(acks.expected(), 2);
    clients[2].1.say("430[9]").await;
    assert!(clients[2].1.is_silent().await);
    for (_, client) in &mut clients[..2] {
        client.expect(r#"420["ask"]"#).await;
        client.say_all(["430[1]", "430[2]"]).await;
    }
    let answers = acks.map(|(_, answer)| answer.unwrap());
    assert_eq!(answers.collect::<Vec<_>>().await, [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_for_answers_of_many_dropped_whenever_that_is() {
    type Answers = Vec<(SocketId, Result<u64, AckError>)>;
    type Collect = fn(Acks<u64>) -> Pin<Box<dyn Future<Output = Answers>>>;
    let collects: [Collect; 3] = [
        |acks| Box::pin(acks.all()),
        |mut acks| Box::pin(async move { acks.next().await.into_iter().collect() }),
        |acks| Box::pin(acks.collect()),
    ];
    for (which, collect) in collects.into_iter().enumerate() {
        // Polls, one more answer coming after each.
        for polls in 0..=4 {
            let host = Host::new();
            let mut clients = crowd(&host, 3).await;
            let mut answers = collect(host.io.of("/").call("ask", &()).unwrap());
            for (_, client) in &mut clients {
                client.expect(r#"420["ask"]"#).await;
            }
            let mut answering = clients.iter_mut();
            for number in 1..=polls {
                let wanted = if which == 1 { 2 } else { 4 };
                assert_eq!((&mut answers).now_or_never().is_some(), number == wanted);
                if number == wanted {
                    break;
                }
                if let Some((_, client)) = answering.next() {
                    client.say("430[1]").await;
                    settle().await;
                }
            }
            drop(answers);
            settle().await;
            for (_, client) in &mut clients {
                assert!(!is_awaited(client, 0).await, "{which} after {polls}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_next_answer_can_be_given_up_and_taken_up_again() {
    let host = Host::new();
    let mut clients = crowd(&host, 2).await;
    let mut acks: Acks<u64> = host.io.of("/").call("ask", &()).unwrap();
    for (_, client) in &mut clients {
        assert!(acks.next().now_or_never().is_none());
        client.expect(r#"420["ask"]"#).await;
        client.say("430[1]").await;
        settle().await;
        assert!(acks.next().now_or_never().unwrap().is_some());
    }
    assert!(acks.next().now_or_never().unwrap().is_none());
}

// ---- Answers of the server ----------------------------------------------------------------

#[derive(Serialize)]
struct Point {
    x: i32,
}

fn answer_in_every_way(io: &Io) {
    io.on("nothing", async || ())
        .on("bool", async || true)
        .on("char", async || 'ß')
        .on("signed", async || i64::MIN)
        .on("unsigned", async || u64::MAX)
        .on("small", async || -7_i8)
        .on("float", async || 1.5_f64)
        .on("string", async || "\"quoted\"".to_owned())
        .on("literal", async || "text")
        .on("value", async || Value::Array(vec![Value::Null]))
        .on("json", async || json!({ "a": [1, null] }))
        .on("null", async || json!(null))
        .on("own null", async || Value::Null)
        .on("vec", async || vec![1, 2])
        .on("some", async || Some(1))
        .on("none", async || None::<u8>)
        .on("one", async || (vec![1],))
        .on("two", async || (1, "two"))
        .on("three", async || (1, 2, 3))
        .on("four", async || (1, 2, 3, Point { x: 4 }))
        .on("own", async || Ack(Point { x: 1 }))
        .on("own tuple", async || Ack((Point { x: 1 }, 2, 3, 4, 5)))
        .on("ok", async || Ok::<_, BoxError>("fine"))
        .on("ok two", async || Ok::<_, BoxError>((1, 2)))
        .on("ok nothing", async || Ok::<_, BoxError>(()))
        .on("raw", async |args: RawArgs| args);
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_returns_is_the_answer_if_one_is_asked_for() {
    let answers = [
        ("nothing", "[]"),
        ("bool", "[true]"),
        ("char", r#"["ß"]"#),
        ("signed", "[-9223372036854775808]"),
        ("unsigned", "[18446744073709551615]"),
        ("small", "[-7]"),
        ("float", "[1.5]"),
        ("string", r#"["\"quoted\""]"#),
        ("literal", r#"["text"]"#),
        ("value", "[[null]]"),
        ("json", r#"[{"a":[1,null]}]"#),
        // Serde cannot tell it from nothing, as documented; it can tell a `Value`.
        ("null", "[]"),
        ("own null", "[null]"),
        ("vec", "[[1,2]]"),
        ("some", "[1]"),
        ("none", "[null]"),
        ("one", "[[1]]"),
        ("two", r#"[1,"two"]"#),
        ("three", "[1,2,3]"),
        ("four", r#"[1,2,3,{"x":4}]"#),
        ("own", r#"[{"x":1}]"#),
        ("own tuple", r#"[{"x":1},2,3,4,5]"#),
        ("ok", r#"["fine"]"#),
        ("ok two", "[1,2]"),
        ("ok nothing", "[]"),
        ("raw", "[]"),
    ];
    let host = Host::new();
    answer_in_every_way(&host.io);
    let mut client = host.join("/").await;
    for (id, (event, answer)) in answers.into_iter().enumerate() {
        client.say(&format!(r#"42{id}["{event}"]"#)).await;
        client.expect(&format!("43{id}{answer}")).await;
        client.say(&format!(r#"42["{event}"]"#)).await;
        assert!(client.is_silent().await, "{event}");
    }
    client.say(r#"4299["raw", 1,{"a" :2}]"#).await;
    client.expect(r#"4399[1,{"a" :2}]"#).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_are_answered_as_bytes() {
    let host = Host::new();
    host.io
        .on("bytes", async || Binary::from(vec![1, 2]))
        .on("deep", async || Ack(json_with_bytes()))
        .on("raw", async |args: RawArgs| args);
    let mut client = host.join("/").await;
    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    client.say(r#"420["bytes"]"#).await;
    client.expect(&format!("461-0[{placeholder}]")).await;
    client.expect_binary(&[1, 2]).await;
    client.say(r#"421["deep"]"#).await;
    let answer = format!(r#"461-1[{{"a":[{placeholder}]}}]"#);
    client.expect(&answer).await;
    client.expect_binary(&[3]).await;
    client
        .say(&format!(r#"451-2["raw",{placeholder},4]"#))
        .await;
    client.say_binary(&[5, 6]).await;
    client.expect(&format!("461-2[{placeholder},4]")).await;
    client.expect_binary(&[5, 6]).await;
}

fn json_with_bytes() -> Value {
    let bytes = Value::Binary(Binary::from(vec![3]));
    Value::Object([("a".to_owned(), Value::Array(vec![bytes]))].into())
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_answered() {
    let mut host = Host::new();
    host.io
        .on("fails", async || Err::<(), BoxError>("broken".into()))
        .on("cannot be said", async || Ack(HashMap::from([((1, 2), 3)])))
        .on("works", async || ());
    let mut client = host.join("/").await;
    client
        .say_all([
            r#"420["fails"]"#,
            r#"421["cannot be said"]"#,
            r#"422["works"]"#,
        ])
        .await;
    client.expect("432[]").await;
    host.diary.expect("fails in / failed: broken").await;
    let note = "cannot be said in / failed: data cannot be represented in JSON";
    host.diary.expect(note).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_by_hand_is_the_only_one() {
    let mut host = Host::new();
    host.io
        .on("answer", async |ack: AckSender, pen: State<Pen>| {
            pen.note(ack.is_expected().to_string());
            ack.send(&("by hand", 1)).unwrap();
            "by return"
        })
        .on("later", async |ack: AckSender, door: State<Door>| {
            tokio::spawn(async move {
                door.pass().await;
                ack.send(&"later").unwrap();
            });
        })
        .on("never", async |_: AckSender| "by return")
        .on("twice", async |first: AckSender, second: AckSender| {
            assert!(first.is_expected() && !second.is_expected());
            second.send(&2).unwrap();
            first.send(&1).unwrap();
        })
        .on("picky", async |ack: AckSender, Data(_): Data<u64>| {
            ack.send(&()).unwrap();
        });
    let mut client = host.join("/").await;
    client.say(r#"420["answer"]"#).await;
    client.expect(r#"430["by hand",1]"#).await;
    host.diary.expect("true").await;
    client.say(r#"42["answer"]"#).await;
    assert!(client.is_silent().await);
    host.diary.expect("false").await;
    client.say(r#"421["later"]"#).await;
    assert!(client.is_silent().await);
    client.say(r#"422["never"]"#).await;
    assert!(client.is_silent().await);
    client.say(r#"423["twice"]"#).await;
    client.expect("433[1]").await;
    client.say(r#"424["picky","no number"]"#).await;
    assert!(client.is_silent().await);
    host.door.open();
    client.expect(r#"431["later"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_client_that_has_left_goes_nowhere() {
    let host = Host::new();
    host.io.on("later", async |door: State<Door>| {
        door.pass().await;
        "too late"
    });
    let mut client = host.join("/").await;
    client.say_all([r#"420["later"]"#, "41"]).await;
    settle().await;
    let sid = client.join("/").await;
    host.door.open();
    assert!(client.is_silent().await);
    assert_eq!(socket(&host, "/").id().as_str(), sid);
}
