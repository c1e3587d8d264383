//! The blocking client against the server of this workspace, over loopback: there is no virtual
//! clock for threads, so nothing here waits for time to pass.

use std::future::{Ready, ready};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use serde_json::json;
use socketio_client::blocking::{Client, Listener, SimpleClient, Socket};
use socketio_client::engine::{self, Message, Prepared, Target, Transport};
use socketio_client::{
    Ack, AckError, AckSender, Binary, BoxError, Config, ConnectError, Data, DisconnectReason,
    Event, RawArgs, ReceiveError, Stage, Status,
};
use socketio_server::{ConnectError as Refusal, Io};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// Longer than anything takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server on threads of its own, gone with the last of its handles.
struct Host {
    io: Io,
    url: String,
    runtime: Runtime,
}

impl Host {
    fn new() -> Self {
        Self::with(Io::builder().build())
    }

    fn with(io: Io) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = listener.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = io.clone();
        runtime.spawn(async move {
            let _ = served
                .serve(listener, std::future::pending(), PATIENCE)
                .await;
        });
        Self { io, url, runtime }
    }

    fn client(&self) -> Client {
        Client::new(self.config(&[Transport::Polling, Transport::Websocket]))
    }

    fn config(&self, transports: &[Transport]) -> Config {
        let mut config = Config::new(&self.url);
        config.engine.transports = transports.to_vec();
        config.reconnection.delay = Duration::from_millis(1);
        config.reconnection.delay_max = Duration::from_millis(10);
        config
    }
}

/// A place to note what handlers see, in order.
fn diary<T>() -> (Sender<T>, Receiver<T>) {
    channel()
}

/// For handlers of the server, which are async: the end of one that has made its note.
fn noted<T>(_: T) -> Ready<()> {
    ready(())
}

fn next<T>(diary: &Receiver<T>) -> T {
    diary.recv_timeout(PATIENCE).unwrap()
}

const WAYS: [&[Transport]; 3] = [
    &[Transport::Polling],
    &[Transport::Websocket],
    &[Transport::Polling, Transport::Websocket],
];

#[test]
fn events_and_answers_keep_their_order_in_both_directions_over_every_transport() {
    let host = Host::new();
    host.io.on(
        "count",
        async |socket: socketio_server::Socket, Data(n): Data<u32>| {
            socket.emit("counted", &n).unwrap();
            n
        },
    );
    for way in WAYS {
        let client = Client::new(host.config(way));
        let (pen, pages) = diary();
        client.on("counted", move |Data(n): Data<u32>| _ = pen.send(n));
        client.connect().unwrap();
        let calls: Vec<_> = (0..500).map(|n| client.call::<u32>("count", &n)).collect();
        for (n, call) in calls.into_iter().enumerate() {
            assert_eq!(call.timeout(PATIENCE).wait().unwrap(), n as u32, "{way:?}");
        }
        for n in 0..500 {
            assert_eq!(next(&pages), n, "{way:?}");
        }
        client.close();
    }
}

#[test]
fn what_was_emitted_before_connecting_arrives_first() {
    let host = Host::new();
    let (pen, pages) = diary();
    host.io
        .on("note", move |Data(n): Data<u32>| noted(pen.send(n)));
    let client = host.client();
    for n in 0..100 {
        client.emit("note", &n).unwrap();
    }
    client.connect().unwrap();
    for n in 100..200 {
        client.emit("note", &n).unwrap();
    }
    for n in 0..200 {
        assert_eq!(next(&pages), n);
    }
}

#[test]
fn bytes_and_several_arguments_go_there_and_back() {
    let host = Host::new();
    host.io.on("mirror", async |args: RawArgs| args);
    let client = host.client();
    client.connect().unwrap();
    let bytes = Binary::from(vec![0, 255]);
    let answer: (u8, Binary, String) = client
        .call("mirror", &(7, bytes.clone(), "ä"))
        .wait()
        .unwrap();
    assert_eq!(answer, (7, bytes, "ä".to_owned()));
}

#[test]
fn what_a_handler_returns_is_the_acknowledgement() {
    let host = Host::new();
    let client = host.client();
    client.on("add", |Data((a, b)): Data<(i32, i32)>| a + b);
    client.on("by hand", |ack: AckSender| ack.send(&("one", 2)));
    client.on("several", || Ack(("one", 2)));
    client.connect().unwrap();
    let namespace = host.io.of("/");
    let added = namespace.call::<i32>("add", &(2, 3)).unwrap().all();
    let added = host.runtime.block_on(added);
    assert!(matches!(added[..], [(_, Ok(5))]), "{added:?}");
    for event in ["by hand", "several"] {
        let answers = namespace.call::<(String, u8)>(event, &()).unwrap().all();
        let answers = host.runtime.block_on(answers);
        assert!(
            matches!(&answers[..], [(_, Ok((one, 2)))] if one == "one"),
            "{event}: {answers:?}"
        );
    }
}

#[test]
fn a_handler_may_wait_for_its_own_call() {
    let host = Host::new();
    host.io.on("double", async |Data(n): Data<u32>| 2 * n);
    let client = host.client();
    let (pen, pages) = diary();
    client.on("start", move |socket: Socket, Data(n): Data<u32>| {
        let doubled = socket.call::<u32>("double", &n).wait();
        _ = pen.send(doubled.unwrap());
    });
    client.connect().unwrap();
    host.io.emit("start", &1).unwrap();
    host.io.emit("start", &2).unwrap();
    assert_eq!([next(&pages), next(&pages)], [2, 4]);
}

#[test]
fn a_refusal_carries_the_words_of_the_server_and_is_told_per_namespace() {
    let host = Host::new();
    host.io.of("/open");
    host.io.of("/closed").on_connect(async || {
        Err::<(), _>(Refusal::new("members only").with_data(json!({ "code": 7 })))
    });
    let client = host.client();
    let (pen, pages) = diary();
    let closed = client.of("/closed");
    closed.on_connect_error(move |error: ConnectError| _ = pen.send(error.to_string()));
    client.of("/open").connect().unwrap();
    let Err(ConnectError::Refused { message, data }) = closed.connect() else {
        panic!("let in");
    };
    assert_eq!(
        (message.as_str(), data),
        ("members only", Some(json!({ "code": 7 })))
    );
    assert_eq!(next(&pages), "members only");
    assert!(client.of("/open").is_connected());
    assert!(!closed.is_active());
}

#[test]
fn credentials_are_asked_for_at_every_attempt() {
    let host = Host::new();
    let (pen, pages) = diary();
    host.io
        .of("/a")
        .on_connect(move |auth: socketio_server::Auth<serde_json::Value>| {
            noted(pen.send(auth.0.clone()))
        });
    let client = host.client();
    let asked = AtomicUsize::new(0);
    let socket = client.of("/a");
    socket.auth_with(move || json!({ "token": asked.fetch_add(1, Ordering::Relaxed) }));
    socket.connect().unwrap();
    assert_eq!(next(&pages), json!({ "token": 0 }));
    socket.disconnect();
    socket.connect().unwrap();
    assert_eq!(next(&pages), json!({ "token": 1 }));
}

#[test]
fn a_lost_link_is_opened_again_and_what_was_emitted_meanwhile_arrives() {
    let host = Host::new();
    let (pen, pages) = diary();
    host.io
        .on("note", move |Data(n): Data<u32>| noted(pen.send(n)));
    host.io.on("cut", async |socket: socketio_server::Socket| {
        socket.disconnect_and_close()
    });
    let client = host.client();
    let (told, stages) = diary();
    client.on_stage(move |stage| _ = told.send(format!("{stage:?}")));
    let (left, reasons) = diary();
    client.on_disconnect(move |reason: DisconnectReason| _ = left.send(reason));
    client.connect().unwrap();
    client.emit("cut", &()).unwrap();
    assert_eq!(next(&reasons), DisconnectReason::ServerDisconnect);
    client.emit("note", &1).unwrap();
    // The server has sent it away: it does not come back by itself.
    assert!(!client.of("/").is_active());
    client.connect().unwrap();
    assert_eq!(next(&pages), 1);
    assert!(stages.try_iter().count() > 0);
}

/// A server that opens a session on websocket, lets the client in, and says nothing more.
fn mute() -> String {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming() {
            let mut websocket = tungstenite::accept(stream.unwrap()).unwrap();
            let open = r#"0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100}"#;
            websocket.send(open.into()).unwrap();
            assert_eq!(websocket.read().unwrap().to_text().unwrap(), "40");
            websocket.send(r#"40{"sid":"b"}"#.into()).unwrap();
            held.push(websocket);
        }
    });
    url
}

#[test]
fn a_new_link_does_not_wait_for_one_that_a_mute_server_holds_up() {
    let mut config = Config::new(mute());
    config.engine.transports = vec![Transport::Websocket];
    // It is not waited for: the test would take longer than anybody's patience.
    config.engine.close_timeout = PATIENCE * 100;
    let client = Client::new(config);
    for _ in 0..20 {
        client.connect().unwrap();
        assert!(client.is_open());
        client.disconnect();
    }
}

#[test]
fn calls_end_with_the_connection_and_with_their_patience() {
    let host = Host::new();
    host.io
        .on("never", async |ack: socketio_server::AckSender| {
            std::future::pending::<()>().await;
            drop(ack);
        });
    let client = host.client();
    client.connect().unwrap();
    let late = client.call::<u32>("never", &()).timeout(Duration::ZERO);
    assert!(matches!(late.wait(), Err(AckError::Timeout)));
    let lost = client.call::<u32>("never", &());
    client.disconnect();
    assert!(matches!(lost.wait(), Err(AckError::Disconnected)));
}

#[test]
fn a_client_that_nobody_holds_says_goodbye() {
    let host = Host::new();
    let (pen, pages) = diary();
    host.io
        .on_disconnect(move |reason: socketio_server::DisconnectReason| noted(pen.send(reason)));
    for way in WAYS {
        let client = Client::new(host.config(way));
        client.connect().unwrap();
        drop(client);
        let reason = next(&pages);
        assert_eq!(
            reason,
            socketio_server::DisconnectReason::ClientNamespaceDisconnect,
            "{way:?}"
        );
    }
}

#[test]
fn closing_waits_for_handlers_and_forgets_them() {
    let host = Host::new();
    let client = host.client();
    let held = Arc::new(());
    let (pen, pages) = diary();
    let (go, gate) = diary::<()>();
    let gate = std::sync::Mutex::new(gate);
    let hold = Arc::clone(&held);
    client.on("slow", move || {
        let _ = &hold;
        _ = pen.send("begun");
        next(&gate.lock().unwrap());
        _ = pen.send("done");
    });
    client.connect().unwrap();
    host.io.emit("slow", &()).unwrap();
    assert_eq!(next(&pages), "begun");
    client.disconnect();
    go.send(()).unwrap();
    client.close();
    assert_eq!(next(&pages), "done");
    assert_eq!(client.status(), Status::Closed);
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn panics_and_errors_of_handlers_reach_the_hook_and_nobody_else() {
    let host = Host::new();
    let client = host.client();
    let (pen, pages) = diary();
    client.on_error(move |error| _ = pen.send(error.to_string()));
    client.on("panic", || {
        if true {
            panic!("oh");
        }
    });
    client.on("error", || Err::<(), _>("no"));
    let (fine, seen) = diary();
    client.on("fine", move || _ = fine.send(()));
    client.connect().unwrap();
    for event in ["panic", "error", "fine"] {
        host.io.emit(event, &()).unwrap();
    }
    assert_eq!(
        next(&pages),
        r#"handler of "panic" in / failed: panicked: oh"#
    );
    assert_eq!(next(&pages), r#"handler of "error" in / failed: no"#);
    next(&seen);
}

struct Notes(Sender<String>);

impl Listener for Notes {
    fn event(&self, _: Socket, event: Event) -> Result<(), BoxError> {
        self.0.send(event.name.clone())?;
        event.ack.send(&"thanks")?;
        Ok(())
    }

    fn connect(&self, socket: Socket) -> Result<(), BoxError> {
        Ok(self.0.send(format!("connected {}", socket.namespace()))?)
    }

    fn disconnect(&self, _: Socket, reason: DisconnectReason) -> Result<(), BoxError> {
        Ok(self.0.send(reason.to_string())?)
    }
}

#[test]
fn a_listener_is_told_everything() {
    let host = Host::new();
    let client = host.client();
    let (pen, pages) = diary();
    client.listen(Notes(pen));
    client.connect().unwrap();
    assert_eq!(next(&pages), "connected /");
    let answers = host.io.of("/").call::<String>("hello", &()).unwrap().all();
    let answers = host.runtime.block_on(answers);
    assert_eq!(answers[0].1.as_ref().unwrap(), "thanks");
    assert_eq!(next(&pages), "hello");
    client.disconnect();
    assert_eq!(next(&pages), "io client disconnect");
}

#[test]
fn events_can_be_taken_one_by_one() {
    let host = Host::new();
    host.io.on_connect(async |socket: socketio_server::Socket| {
        for n in 0..1000 {
            socket.emit("n", &n).unwrap();
        }
    });
    let client = host.client();
    let events = client.events();
    client.connect().unwrap();
    let taken: Vec<u32> = events.take(1000).map(|it| it.data().unwrap()).collect();
    assert_eq!(taken, (0..1000).collect::<Vec<_>>());
}

#[test]
fn the_simple_client_sends_and_receives_in_turn() {
    let host = Host::new();
    host.io.on(
        "echo",
        async |socket: socketio_server::Socket, args: RawArgs| {
            socket.emit("echo", &args).unwrap();
            args
        },
    );
    host.io.on("bye", async |socket: socketio_server::Socket| {
        socket.disconnect()
    });
    let mut client = SimpleClient::connect(host.config(WAYS[2])).unwrap();
    client.emit("echo", &("a", 1)).unwrap();
    let event = client.receive(PATIENCE).unwrap();
    assert_eq!(event.name, "echo");
    assert_eq!(event.data::<(String, u8)>().unwrap(), ("a".into(), 1));
    assert_eq!(client.call::<u8>("echo", &5).unwrap(), 5);
    assert_eq!(client.receive(PATIENCE).unwrap().data::<u8>().unwrap(), 5);
    let nothing = client.receive(Duration::ZERO);
    assert!(matches!(nothing, Err(ReceiveError::Timeout)));
    client.emit("bye", &()).unwrap();
    assert!(matches!(
        client.receive(None),
        Err(ReceiveError::Disconnected)
    ));
}

#[test]
fn nobody_there_is_an_error_at_once_and_a_stage_each_time() {
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut config = Config::new(format!("http://{}", free.local_addr().unwrap()));
    drop(free);
    config.reconnection.attempts = Some(2);
    config.reconnection.delay = Duration::from_millis(1);
    let client = Client::new(config);
    let (pen, pages) = diary();
    client.on_stage(move |stage| {
        if matches!(stage, Stage::ReconnectFailed) {
            _ = pen.send(());
        }
    });
    assert!(matches!(client.connect(), Err(ConnectError::Link(_))));
    let given_up = client.connect_with_retry();
    assert!(
        matches!(given_up, Err(ConnectError::Link(_))),
        "{given_up:?}"
    );
    next(&pages);
    client.wait();
    assert_eq!(client.status(), Status::Closed);
}

#[test]
fn sockets_may_come_from_somebody_else() {
    let host = Host::new();
    host.io.on("mirror", async |args: RawArgs| args);
    let address = host.url.strip_prefix("http://").unwrap().to_owned();
    let dialed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dialed);
    let client = Client::with_connector("http://somewhere.invalid", move |_: Target| {
        count.fetch_add(1, Ordering::Relaxed);
        TcpStream::connect(&address)
    });
    client.connect().unwrap();
    assert_eq!(client.call::<u8>("mirror", &1).wait().unwrap(), 1);
    assert!(dialed.load(Ordering::Relaxed) > 0);

    let broken = Client::with_connector("http://somewhere.invalid", |_: Target| {
        UnixStream::connect("/nowhere/at/all")
    });
    assert!(matches!(broken.connect(), Err(ConnectError::Link(_))));
}

#[test]
fn the_engine_is_usable_alone_and_from_other_threads() {
    let host = Host::new();
    host.io.on("mirror", async |args: RawArgs| args);
    let mut config = engine::Config::new(&host.url);
    config.path = "/socket.io".into();
    let mut connection = engine::blocking::Connection::open(config).unwrap();
    // A client of Socket.IO, spelled by hand.
    connection.send(Prepared::text("0"));
    let sender = connection.sender();
    let answer = connection.recv();
    let Ok(Some(Message::Text(answer))) = answer else {
        panic!("{answer:?}");
    };
    assert!(answer.starts_with(r#"0{"sid":"#), "{answer}");
    let other = std::thread::spawn(move || sender.send(Prepared::text(r#"21["mirror","x"]"#)));
    let answer = connection.recv_timeout(PATIENCE);
    let Ok(Some(Message::Text(answer))) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(answer, r#"31["x"]"#);
    other.join().unwrap();
    connection.close();
    assert!(connection.recv().unwrap().is_none());
    assert_eq!(
        connection.close_reason(),
        Some(engine::CloseReason::ForcedClose)
    );
}
