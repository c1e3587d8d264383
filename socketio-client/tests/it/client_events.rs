//! Events, acknowledgements and handlers.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use socketio_client::{
    Ack, AckError, AckSender, ArgsError, Binary, BoxError, Client, Data, DisconnectReason, Event,
    EventName, Listener, RawArgs, SendError, Socket, Value,
};
use tokio::time::Instant;

use crate::host::{Door, Host, config, pass, patiently, settle};

/// A client that is connected.
async fn connected(host: &Host) -> Client {
    let client = host.client();
    patiently(client.connect()).await.unwrap();
    client
}

#[tokio::test(start_paused = true)]
async fn events_arrive_in_both_directions_and_in_order() {
    let mut host = Host::new();
    host.io.on(
        "count",
        async |socket: socketio_server::Socket, Data(n): Data<u32>| {
            socket.emit("counted", &n).unwrap();
        },
    );
    let client = host.client();
    let pen = host.pen.clone();
    client.on("counted", move |Data(n): Data<u32>| {
        pen.note(n.to_string());
        async {}
    });
    patiently(client.connect()).await.unwrap();
    // More than a transport takes at once, so that some are sent before and some after the upgrade.
    for n in 0..1000 {
        client.emit("count", &n).unwrap();
    }
    for n in 0..1000 {
        host.diary.expect(&n.to_string()).await;
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Parcel {
    label: String,
    content: Vec<Binary>,
}

#[tokio::test(start_paused = true)]
async fn several_arguments_and_bytes_anywhere_go_there_and_back() {
    let host = Host::new();
    host.io.on("mirror", async |args: RawArgs| args);
    let client = connected(&host).await;
    let parcel = || Parcel {
        label: "ä".into(),
        content: vec![Binary::from(vec![0, 255]), Binary::from(vec![])],
    };

    let answer: (u8, Parcel, Option<String>) = client
        .call("mirror", &(7, parcel(), None::<String>))
        .await
        .unwrap();
    assert_eq!(answer, (7, parcel(), None));

    let answer: RawArgs = client.call("mirror", &()).await.unwrap();
    assert_eq!(answer.0.raw(), "");
    let answer: Value = client.call("mirror", &parcel()).await.unwrap();
    assert!(answer.get("content").is_some());
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_returns_is_the_acknowledgement() {
    let host = Host::new();
    let client = host.client();
    client.on("add", |Data((a, b)): Data<(i32, i32)>| a + b);
    client.on("several", async || Ack(("one", 2)));
    client.on("nothing", async || {});
    client.on("late", async |ack: AckSender| {
        assert!(ack.is_expected());
        pass(Duration::from_secs(5)).await;
        ack.send("later").unwrap();
    });
    client.on("wrong", async || Err::<(), _>("out of order"));
    patiently(client.connect()).await.unwrap();
    let server = host.io.of("/");

    let all = async |event: &str, args: serde_json::Value| {
        let acks = server.call::<serde_json::Value>(event, &args).unwrap();
        let mut answers = acks.all().await;
        answers.pop().map(|(_, answer)| answer.ok())
    };
    let added = server.call::<i32>("add", &(2, 3)).unwrap().all().await;
    assert!(matches!(added[..], [(_, Ok(5))]));
    let several = server.call::<(String, u8)>("several", &()).unwrap();
    let several = several.all().await;
    assert_eq!(several[0].1.as_ref().unwrap(), &("one".into(), 2));
    let nothing = server.call::<RawArgs>("nothing", &());
    assert_eq!(
        nothing.unwrap().all().await[0].1.as_ref().unwrap().0.raw(),
        ""
    );
    assert_eq!(all("late", json!(1)).await, Some(Some(json!("later"))));
    // Neither an error nor an unknown event is answered, as in JavaScript.
    assert_eq!(all("wrong", json!(1)).await, Some(None));
    assert_eq!(all("unknown", json!(1)).await, Some(None));
}

#[tokio::test(start_paused = true)]
async fn failures_of_handlers_reach_the_hook_and_nobody_else() {
    let mut host = Host::new();
    let client = host.client();
    client.on("panic", async || {
        if true {
            panic!("oh");
        }
    });
    client.on("late panic", async || {
        pass(Duration::from_secs(1)).await;
        if true {
            panic!("dear {}", 1);
        }
    });
    client.on("error", async || Err::<(), _>("no"));
    client.on("typed", async |Data(_): Data<u8>| {});
    client.on("reason", async |_: DisconnectReason| {});
    let pen = host.pen.clone();
    client.on("fine", move || {
        pen.note("fine");
        async {}
    });
    patiently(client.connect()).await.unwrap();

    for event in ["panic", "late panic", "error", "reason", "fine"] {
        host.io.emit(event, &()).unwrap();
    }
    host.io.emit("typed", &"no number").unwrap();
    host.diary
        .expect(r#"handler of "panic" in / failed: panicked: oh"#)
        .await;
    host.diary
        .expect(r#"handler of "error" in / failed: no"#)
        .await;
    host.diary
        .expect(r#"handler of "reason" in / failed: disconnect reason is missing"#)
        .await;
    host.diary.expect("fine").await;
    let note = host.diary.next().await;
    assert!(note.starts_with(r#"handler of "typed" in / failed: arguments do not fit"#));
    host.diary
        .expect(r#"handler of "late panic" in / failed: panicked: dear 1"#)
        .await;
    assert!(client.of("/").is_connected());
}

#[tokio::test(start_paused = true)]
async fn handlers_start_in_order_and_run_to_their_first_wait() {
    let mut host = Host::new();
    let client = host.client();
    let (pen, door) = (host.pen.clone(), Door::new());
    let (outer, gate) = (pen.clone(), door.clone());
    client.on("slow", move |Data(n): Data<u8>| {
        let (pen, door) = (outer.clone(), gate.clone());
        async move {
            pen.note(format!("start {n}"));
            door.pass().await;
            pen.note(format!("end {n}"));
        }
    });
    patiently(client.connect()).await.unwrap();
    for n in 0..3 {
        host.io.emit("slow", &n).unwrap();
    }
    for n in 0..3 {
        host.diary.expect(&format!("start {n}")).await;
    }
    settle().await;
    assert!(host.diary.rest().is_empty());
    door.open();
    settle().await;
    // In no particular order.
    assert_eq!(host.diary.rest().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn while_handlers_wait_the_server_is_read_up_to_a_bound() {
    let host = Host::new();
    let client = host.client();
    let door = Door::new();
    let (gate, started) = (door.clone(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&started);
    client.on("slow", move || {
        let door = gate.clone();
        count.fetch_add(1, Ordering::Relaxed);
        async move { door.pass().await }
    });
    host.io.on("echo", async |args: RawArgs| args);
    patiently(client.connect()).await.unwrap();
    for _ in 0..100 {
        host.io.emit("slow", &()).unwrap();
    }
    settle().await;
    assert_eq!(started.load(Ordering::Relaxed), 64);
    // The rest waits, and does not keep answers from coming.
    assert_eq!(client.call::<u8>("echo", &1).await.unwrap(), 1);
    door.open();
    settle().await;
    assert_eq!(started.load(Ordering::Relaxed), 100);
}

#[tokio::test(start_paused = true)]
async fn the_bounds_of_handlers_and_streams_are_configuration() {
    let host = Host::new();
    let mut config = config();
    config.handlers.running = 2;
    config.handlers.inbox = 3;
    config.handlers.stream = 4;
    let client = host.client_with(config);
    let (door, started) = (Door::new(), Arc::new(AtomicUsize::new(0)));
    let (gate, count) = (door.clone(), Arc::clone(&started));
    client.on("slow", move || {
        let door = gate.clone();
        count.fetch_add(1, Ordering::Relaxed);
        async move { door.pass().await }
    });
    host.io.on("echo", async |args: RawArgs| args);
    patiently(client.connect()).await.unwrap();
    for _ in 0..4 {
        host.io.emit("slow", &()).unwrap();
    }
    settle().await;
    assert_eq!(started.load(Ordering::Relaxed), 2);
    assert_eq!(client.call::<u8>("echo", &1).await.unwrap(), 1);
    // The third that waits fills the inbox, and what comes behind is not read.
    host.io.emit("slow", &()).unwrap();
    let mut answer = pin!(client.call::<u8>("echo", &1));
    settle().await;
    assert!(poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_pending())).await);
    door.open();
    assert_eq!(answer.await.unwrap(), 1);

    let mut events = client.events();
    for n in 0..4 {
        host.io.emit("tick", &n).unwrap();
    }
    settle().await;
    let mut answer = pin!(client.call::<u8>("echo", &1));
    settle().await;
    assert!(poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx).is_pending())).await);
    assert_eq!(events.next().await.unwrap().name, "tick");
    assert_eq!(answer.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn plain_functions_are_handlers_and_their_panics_are_caught() {
    let mut host = Host::new();
    let client = host.client();
    client.on("add", |Data((a, b)): Data<(i32, i32)>| a + b);
    client.on("fail", || Err::<(), _>("no"));
    client.on("panic", || {
        if true {
            panic!("oh");
        }
    });
    client.on("later", |ack: AckSender| ack.send(&"by hand").unwrap());
    patiently(client.connect()).await.unwrap();
    let server = host.io.of("/");
    let sum = server.call::<i32>("add", &(2, 3)).unwrap().all().await;
    assert!(matches!(sum[..], [(_, Ok(5))]));
    let later = server.call::<String>("later", &()).unwrap().all().await;
    assert_eq!(later[0].1.as_ref().unwrap(), "by hand");
    host.io.emit("fail", &()).unwrap();
    host.diary
        .expect(r#"handler of "fail" in / failed: no"#)
        .await;
    host.io.emit("panic", &()).unwrap();
    host.diary
        .expect(r#"handler of "panic" in / failed: panicked: oh"#)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_wait_for_its_own_server() {
    let mut host = Host::new();
    host.io.on("double", async |Data(n): Data<u8>| n * 2);
    let client = host.client();
    let pen = host.pen.clone();
    client.on("go", move |socket: Socket, Data(n): Data<u8>| {
        let pen = pen.clone();
        async move {
            let doubled: u8 = socket.call("double", &n).await.unwrap();
            pen.note(doubled.to_string());
        }
    });
    patiently(client.connect()).await.unwrap();
    host.io.emit("go", &21).unwrap();
    host.diary.expect("42").await;
}

#[tokio::test(start_paused = true)]
async fn once_off_and_replacing() {
    let mut host = Host::new();
    let client = host.client();
    let note = |text: &'static str| {
        let pen = host.pen.clone();
        move |Data(n): Data<u8>| {
            pen.note(format!("{text} {n}"));
            async {}
        }
    };
    client.on("a", note("replaced"));
    client.on("a", note("on"));
    client.once("b", note("once"));
    patiently(client.connect()).await.unwrap();
    for event in ["a", "b", "b", "a"] {
        host.io.emit(event, &1).unwrap();
    }
    settle().await;
    assert_eq!(host.diary.rest(), ["on 1", "once 1", "on 1"]);
    client.off("a");
    host.io.emit("a", &2).unwrap();
    settle().await;
    assert!(host.diary.rest().is_empty());
}

#[tokio::test(start_paused = true)]
async fn onlookers_fallbacks_and_handlers_of_all_namespaces() {
    let host = Host::new();
    host.io.of("/chat");
    let client = host.client();
    let chat = client.of("chat");
    assert_eq!(chat.namespace(), "/chat");
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let note = |text: &'static str| {
        let seen = Arc::clone(&seen);
        move |socket: Socket, EventName(name): EventName| {
            seen.lock()
                .push(format!("{text} {name} {}", socket.namespace()));
            async move { text }
        }
    };
    client.on("known", note("own"));
    chat.on_fallback(note("fallback"));
    chat.on_any(note("any"));
    client.any_namespace().on("known", note("all"));
    client.any_namespace().on_fallback(note("all fallback"));
    client.any_namespace().on_any(note("all any"));
    client.any_namespace().on_connect(note("all connect"));
    patiently(client.connect()).await.unwrap();

    let ask = async |nsp: &str, event: &str| {
        let acks = host.io.of(nsp).call::<String>(event, &()).unwrap();
        acks.all().await.pop().unwrap().1.unwrap()
    };
    assert_eq!(ask("/", "known").await, "own");
    assert_eq!(ask("/", "other").await, "all fallback");
    assert_eq!(ask("/chat", "known").await, "fallback");
    chat.off_fallback().off_any();
    assert_eq!(ask("/chat", "known").await, "all");

    let mut seen = seen.lock().clone();
    let mut connects: Vec<_> = seen.drain(..2).collect();
    connects.sort();
    assert_eq!(
        connects,
        ["all connect connect /", "all connect connect /chat"]
    );
    assert_eq!(
        seen,
        [
            "all any known /",
            "own known /",
            "all any other /",
            "all fallback other /",
            "any known /chat",
            "all any known /chat",
            "fallback known /chat",
            "all any known /chat",
            "all known /chat",
        ]
    );
}

struct Recorder(crate::host::Pen);

impl Listener for Recorder {
    async fn event(&self, socket: Socket, event: Event) -> Result<(), BoxError> {
        self.0
            .note(format!("{} {}", socket.namespace(), event.name));
        let number: u8 = event.data()?;
        event.ack.send(&(number + 1))?;
        Ok(())
    }

    async fn connect(&self, socket: Socket) -> Result<(), BoxError> {
        self.0.note(format!("connect {}", socket.recovered()));
        Ok(())
    }

    async fn disconnect(&self, _: Socket, reason: DisconnectReason) -> Result<(), BoxError> {
        self.0.note(reason.as_str());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_type_with_methods_handles_a_namespace() {
    let mut host = Host::new();
    let client = host.client();
    client.listen(Recorder(host.pen.clone()));
    patiently(client.connect()).await.unwrap();
    host.diary.expect("connect false").await;
    let answers = host.io.of("/").call::<u8>("next", &6).unwrap().all().await;
    assert!(matches!(answers[..], [(_, Ok(7))]));
    host.diary.expect("/ next").await;
    host.io.emit("next", &"no number").unwrap();
    host.diary.expect("/ next").await;
    let failure = host.diary.next().await;
    assert!(
        failure.starts_with(r#"handler of "next" in / failed"#),
        "{failure}"
    );
    client.disconnect();
    host.diary.expect("io client disconnect").await;
}

#[tokio::test(start_paused = true)]
async fn events_come_as_a_stream_that_holds_up_the_server_when_it_is_full() {
    let host = Host::new();
    host.io.on("echo", async |args: RawArgs| args);
    let client = host.client();
    let mut events = client.events();
    client.on("other", async || "handled");
    patiently(client.connect()).await.unwrap();
    for n in 0..600 {
        host.io.emit("tick", &n).unwrap();
    }
    settle().await;
    let waiting = client
        .call::<u8>("echo", &1)
        .timeout(Duration::from_secs(1));
    assert!(matches!(waiting.await, Err(AckError::Timeout)));
    for n in 0..600 {
        let event = patiently(events.next()).await.unwrap();
        assert_eq!(
            (event.name.as_str(), event.data::<u32>().unwrap()),
            ("tick", n)
        );
    }
    assert_eq!(client.call::<u8>("echo", &1).await.unwrap(), 1);
    let answers = host
        .io
        .of("/")
        .call::<String>("other", &())
        .unwrap()
        .all()
        .await;
    assert_eq!(answers[0].1.as_ref().unwrap(), "handled");

    let asked = host.io.of("/").call::<u8>("ask", &()).unwrap();
    let event = patiently(events.next()).await.unwrap();
    event.ack.send(&9).unwrap();
    assert!(matches!(asked.all().await[..], [(_, Ok(9))]));

    // Another takes its place, and then nobody.
    let next = client.events();
    assert!(patiently(events.next()).await.is_none());
    drop(events);
    drop(next);
    host.io.emit("tick", &1).unwrap();
    patiently(client.close()).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_time_is_not_awaited_any_longer() {
    let host = Host::new();
    host.io.on("sleep", async |Data(s): Data<u64>| {
        pass(Duration::from_secs(s)).await;
        s
    });
    let client = connected(&host).await;
    let start = Instant::now();
    assert!(matches!(
        client.call::<u64>("sleep", &100).await,
        Err(AckError::Timeout)
    ));
    assert_eq!(start.elapsed().as_secs(), 60);
    let answer = client.call::<u64>("sleep", &100).timeout(Duration::MAX);
    assert_eq!(answer.await.unwrap(), 100);
    let answer = client.call::<String>("sleep", &0).await;
    assert!(
        matches!(answer, Err(AckError::Mismatch(ArgsError::Mismatch { .. }))),
        "{answer:?}"
    );
    let answer = client
        .call::<u64>("unknown", &0)
        .timeout(Duration::from_secs(1));
    assert!(matches!(answer.await, Err(AckError::Timeout)));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_is_refused_at_once() {
    let host = Host::new();
    let client = connected(&host).await;
    assert!(matches!(
        client.emit("connect", &()),
        Err(SendError::Encode(_))
    ));
    let answer = client.call::<u8>("disconnect", &()).await;
    assert!(matches!(answer, Err(AckError::Send(SendError::Encode(_)))));
}
