//! Those who look on at what comes in and goes out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use socketio_server::parser::MsgPack;
use socketio_server::test::Server;
use socketio_server::{Binary, Data, Io, RecoveryConfig, Socket};

use crate::host::{Host, settle};

/// Notes events that come in, with their arguments.
fn looks_on(
    host: &Host,
    name: &'static str,
) -> impl Fn(&socketio_server::EventContext<'_>) + use<> {
    let pen = host.pen.clone();
    move |event| {
        let args = event.args().unwrap();
        pen.note(format!("{name} {} {}", event.name(), args.raw()));
    }
}

#[tokio::test(start_paused = true)]
async fn observers_see_every_event_before_its_handler_whether_or_not_there_is_one() {
    let mut host = Host::new();
    host.io
        .on_any(looks_on(&host, "first"))
        .on_any(looks_on(&host, "second"));
    host.io.any_namespace().on_any(looks_on(&host, "all"));
    host.io.of("/other").on_any(looks_on(&host, "other"));
    let pen = host.pen.clone();
    host.io.on("known", move |Data(n): Data<u8>| {
        pen.note("handler");
        n
    });
    let mut client = host.open().await;
    client.join("/").await;
    client.say(r#"420["known",1]"#).await;
    client.expect("430[1]").await;
    for note in ["all known 1", "first known 1", "second known 1", "handler"] {
        host.diary.expect(note).await;
    }
    client.say(r#"421["unknown"]"#).await;
    for name in ["all", "first", "second"] {
        host.diary.expect(&format!("{name} unknown ")).await;
    }
    assert!(client.is_silent().await);
    host.io.off_any();
    client.say(r#"420["known",2]"#).await;
    client.expect("430[2]").await;
    host.diary.expect("all known 2").await;
    host.diary.expect("handler").await;
    // Nothing but events is seen.
    client.say("41").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_an_observer_reads_is_no_less_malformed() {
    let mut host = Host::new();
    host.io.on_any(looks_on(&host, "any"));
    let mut client = host.join("/").await;
    client.say(r#"42["event",x]"#).await;
    client.expect_close().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_disturbs_nobody() {
    let io = Io::builder().build();
    io.on_any(|_| panic!("looking in"))
        .on_any_outgoing(|_, _| panic!("looking out"))
        .on("event", |socket: Socket| {
            socket.emit("answer", &()).unwrap();
            true
        });
    let mut client = Server::new(&io).connect().await.unwrap();
    assert!(client.call::<bool>("event", &()).await.unwrap());
    client.expect::<()>("answer").await;
}

/// Notes events that go out.
fn looks_out(
    host: &Host,
    ids: &[String],
) -> impl Fn(&Socket, &socketio_server::Outgoing<'_>) + use<> {
    let pen = host.pen.clone();
    let ids = ids.to_vec();
    move |socket, event| {
        let to = ids.iter().position(|id| socket.id().as_str() == id);
        let args: Vec<serde_json::Value> = event.args.0.all().unwrap();
        let bytes = event.args.0.attachments().len();
        pen.note(format!(
            "{} {} {bytes} to {}",
            event.name,
            json!(args),
            to.unwrap()
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_out_is_seen_once_for_each_client_it_is_for() {
    for builder in [Io::builder(), Io::builder().parser(MsgPack)] {
        let mut host = Host::start(builder);
        let server = Server::new(&host.io);
        let mut clients = Vec::new();
        for _ in 0..3 {
            clients.push(server.connect().await.unwrap());
        }
        let other = clients[0].join("/other").await.unwrap_err();
        assert_eq!(other.message(), "Invalid namespace");
        let ids: Vec<String> = clients.iter().map(|it| it.id().to_owned()).collect();
        let root = host.io.of("/");
        root.on_any_outgoing(looks_out(&host, &ids));
        let mut sockets = root.broadcast().sockets();
        sockets.sort_by_key(|it| ids.iter().position(|id| it.id().as_str() == id));
        sockets[1].join("room");
        sockets[2].join("room");

        sockets[0].emit("one", &("a", 1)).unwrap();
        host.diary.expect(r#"one ["a",1] 0 to 0"#).await;
        let placeholder = json!([{ "_placeholder": true, "num": 0 }]);
        sockets[1]
            .volatile()
            .emit("bytes", &Binary::from(vec![1]))
            .unwrap();
        host.diary
            .expect(&format!("bytes {placeholder} 1 to 1"))
            .await;
        drop(sockets[2].call::<()>("question", &()));
        host.diary.expect("question [] 0 to 2").await;
        for (broadcast, to) in [
            (host.io.to("room"), vec![1, 2]),
            (host.io.to("room").except(sockets[1].id()), vec![2]),
            (host.io.to("nobody"), vec![]),
        ] {
            broadcast.emit("many", &()).unwrap();
            drop(broadcast.call::<()>("all", &()).unwrap());
            for event in ["many", "all"] {
                let mut seen = Vec::new();
                for _ in &to {
                    seen.push(host.diary.next().await);
                }
                seen.sort();
                let expected = to.iter().map(|to| format!("{event} [] 0 to {to}"));
                assert_eq!(seen, expected.collect::<Vec<_>>());
            }
        }
        host.io.of("/other").emit("elsewhere", &()).unwrap();
        root.off_any_outgoing();
        root.emit("unseen", &()).unwrap();
        assert_eq!(host.diary.rest(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_s_own_observers_see_its_events_alone_and_after_those_of_all() {
    let mut host = Host::new();
    host.io.on_any(looks_on(&host, "all"));
    let own = Arc::new(looks_on(&host, "own"));
    host.io.on_connect(move |socket: Socket| {
        let own = own.clone();
        if socket.namespace().is_empty() {
            socket.on_any(move |event| own(event));
        }
    });
    let pen = host.pen.clone();
    host.io.on("known", move || pen.note("handler"));
    let mut first = host.join("/").await;
    let mut second = host.join("/").await;
    first
        .say_all([r#"42["known",1]"#, r#"42["unknown",2]"#])
        .await;
    for note in [
        "all known 1",
        "own known 1",
        "handler",
        "all unknown 2",
        "own unknown 2",
    ] {
        host.diary.expect(note).await;
    }
    second.say(r#"42["known",3]"#).await;
    for note in ["all known 3", "handler"] {
        host.diary.expect(note).await;
    }
    // Without observers of all, too, and no longer than it is wanted.
    host.io.off_any();
    first.say(r#"42["unknown",4]"#).await;
    host.diary.expect("own unknown 4").await;
    for socket in host.io.sockets() {
        socket.off_any();
    }
    first.say(r#"42["known",5]"#).await;
    host.diary.expect("handler").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_out_to_a_socket_is_seen_by_its_own_observers_after_those_of_all() {
    let recovery = Io::builder().connection_state_recovery(RecoveryConfig::default());
    for builder in [Io::builder(), Io::builder().parser(MsgPack), recovery] {
        let mut host = Host::start(builder);
        let server = Server::new(&host.io);
        let (first, second) = (
            server.connect().await.unwrap(),
            server.connect().await.unwrap(),
        );
        let find = |id: &str| {
            let mut sockets = host.io.sockets().into_iter();
            sockets.find(|it| it.id().as_str() == id).unwrap()
        };
        let (first, second) = (find(first.id()), find(second.id()));
        let ids = [first.id().to_string(), second.id().to_string()];
        first.on_any_outgoing(looks_out(&host, &ids));
        first.emit("one", &1).unwrap();
        second.emit("unseen", &2).unwrap();
        host.io.emit("many", &3).unwrap();
        drop(host.io.call::<()>("all", &4).unwrap());
        host.io.except(first.id()).emit("unseen", &5).unwrap();
        for note in ["one [1] 0 to 0", "many [3] 0 to 0", "all [4] 0 to 0"] {
            host.diary.expect(note).await;
        }
        let pen = host.pen.clone();
        host.io.on_any_outgoing(move |_, _| pen.note("all"));
        first.emit("both", &()).unwrap();
        for note in ["all", "both [] 0 to 0"] {
            host.diary.expect(note).await;
        }
        host.io.off_any_outgoing();
        first.off_any_outgoing();
        first.emit("unseen", &()).unwrap();
        assert_eq!(host.diary.rest(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_for_many_is_shown_for_those_it_is_sent_to() {
    let host = Host::new();
    let server = Server::new(&host.io);
    let clients = [
        server.connect().await.unwrap(),
        server.connect().await.unwrap(),
    ];
    let seen = Arc::new(AtomicUsize::new(0));
    // Whoever is shown an event empties the room it goes to.
    let (io, count) = (host.io.clone(), seen.clone());
    host.io.on_any_outgoing(move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        io.close_room("room");
    });
    host.io
        .to(clients.each_ref().map(|it| it.id()))
        .join("room");
    let report = host.io.to("room").emit("last", &()).unwrap();
    assert_eq!((report.queued, seen.load(Ordering::Relaxed)), (2, 2));
    assert_eq!(host.io.to("room").emit("later", &()).unwrap().queued, 0);
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}
