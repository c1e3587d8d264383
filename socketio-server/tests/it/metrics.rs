//! Figures of a server, as a recorder of the crate `metrics` gets them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use serde::Deserialize;
use serde_json::json;
use socketio_server::test::Server;
use socketio_server::{ConnectError, Data, Io, NamespaceRequest, OutboxLimits, Socket};

use crate::client::request;

/// What has been told since it was last looked at, by name and labels: each step of a counter or a
/// gauge, each value of a histogram.
#[derive(Default, Clone)]
struct Figures(Arc<Mutex<BTreeMap<String, Vec<f64>>>>);

impl Figures {
    fn take(&self) -> BTreeMap<String, Vec<f64>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// The figures of these names, in this order; those that nobody has touched are 0.
    #[track_caller]
    fn assert(&self, expected: &[(&str, f64)]) {
        let figures = self.take();
        let value = |name: &str| figures.get(name).map_or(0.0, |steps| steps.iter().sum());
        let found: Vec<_> = expected
            .iter()
            .map(|&(name, _)| (name, value(name)))
            .collect();
        assert_eq!(found, expected, "of {figures:#?}");
    }

    fn figure(&self, key: &Key) -> Arc<Figure> {
        let labels = key.labels();
        let labels = labels.map(|it| format!("{}={}", it.key(), it.value()));
        let labels = labels.collect::<Vec<_>>().join(",");
        Arc::new(Figure {
            name: format!("{}{{{labels}}}", key.name()),
            all: self.clone(),
        })
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.figure(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.figure(key))
    }
}

/// One of them.
struct Figure {
    name: String,
    all: Figures,
}

impl Figure {
    fn step(&self, value: f64) {
        let mut all = self.all.0.lock().unwrap();
        all.entry(self.name.clone()).or_default().push(value);
    }
}

impl CounterFn for Figure {
    fn increment(&self, value: u64) {
        self.step(value as f64);
    }

    fn absolute(&self, _: u64) {
        unimplemented!("no counter is set");
    }
}

impl GaugeFn for Figure {
    fn increment(&self, value: f64) {
        self.step(value);
    }

    fn decrement(&self, value: f64) {
        self.step(-value);
    }

    fn set(&self, _: f64) {
        unimplemented!("no gauge is set");
    }
}

impl HistogramFn for Figure {
    fn record(&self, value: f64) {
        self.step(value);
    }
}

#[derive(Deserialize)]
struct Guest {
    invited: bool,
}

/// A server built while a recorder is installed for this thread.
macro_rules! recorded {
    ($figures:ident, $io:ident = $builder:expr) => {
        let $figures = Figures::default();
        let _recording = metrics::set_default_local_recorder(&$figures);
        let $io = $builder.build();
    };
}

#[tokio::test(start_paused = true)]
async fn links_and_sockets_are_counted_as_they_come_and_go() {
    recorded!(figures, io = Io::builder());
    io.of("/chat")
        .on_connect(async |socket: Socket| match socket.auth::<Guest>() {
            Ok(Guest { invited: true }) => Ok(()),
            _ => Err(ConnectError::new("no")),
        });
    let server = Server::new(&io);
    let polling = server.connect().upgrading().await.unwrap();
    let websocket = server
        .connect()
        .namespace("/chat")
        .auth(json!({ "invited": true }))
        .await
        .unwrap();
    server.connect().namespace("/chat").await.unwrap_err();
    server.settle().await;
    figures.assert(&[
        ("engineio_sessions{}", 2.0),
        ("engineio_sessions_opened_total{transport=polling}", 1.0),
        ("engineio_sessions_opened_total{transport=websocket}", 2.0),
        ("engineio_upgrades_total{}", 1.0),
        ("socketio_sockets{nsp=/}", 1.0),
        ("socketio_sockets{nsp=/chat}", 1.0),
        ("socketio_connects_total{nsp=/chat}", 1.0),
        ("socketio_connects_refused_total{nsp=/chat}", 1.0),
    ]);
    polling.disconnect();
    websocket.drop_link();
    server.advance(Duration::from_secs(60)).await;
    figures.assert(&[
        ("engineio_sessions{}", -1.0),
        ("socketio_sockets{nsp=/}", -1.0),
        ("socketio_sockets{nsp=/chat}", -1.0),
        (
            "socketio_disconnects_total{nsp=/,reason=client namespace disconnect}",
            1.0,
        ),
        (
            "socketio_disconnects_total{nsp=/chat,reason=transport close}",
            1.0,
        ),
    ]);
    polling.close_link();
    server.advance(Duration::from_secs(60)).await;
    figures.assert(&[("engineio_sessions{}", -1.0)]);
}

#[tokio::test(start_paused = true)]
async fn messages_and_their_bytes_are_counted_both_ways() {
    for is_polling in [false, true] {
        recorded!(figures, io = Io::builder());
        io.on("echo", |socket: Socket, Data(text): Data<String>| {
            socket.emit("echo", &text).map(drop)
        });
        let server = Server::new(&io);
        let connect = match is_polling {
            true => server.connect().polling(),
            false => server.connect(),
        };
        let mut clients = [connect.await.unwrap(), server.connect().await.unwrap()];
        figures.take();
        let text = "x".repeat(1000);
        clients[0].emit("echo", &text);
        assert_eq!(clients[0].expect::<String>("echo").await, text);
        io.emit("news", &()).unwrap();
        server.settle().await;
        let all = figures.take();
        let count = |name: &str| all[name].iter().sum::<f64>();
        assert_eq!(count("engineio_messages_received_total{}"), 1.0);
        assert_eq!(count("engineio_messages_sent_total{}"), 3.0);
        assert_eq!(count("socketio_events_received_total{nsp=/}"), 1.0);
        assert_eq!(count("socketio_events_sent_total{nsp=/}"), 3.0);
        for way in ["received", "sent"] {
            let bytes = count(&format!("engineio_bytes_{way}_total{{}}"));
            assert!((1000.0..1200.0).contains(&bytes), "{bytes} {way}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_are_timed_from_their_turn_to_their_end_by_names_that_exist() {
    recorded!(figures, io = Io::builder().on_error(|_| {}));
    io.on("work", async |Data(seconds): Data<u64>| {
        last(seconds).await;
    });
    io.on("fail", async || Err::<(), _>("on purpose"));
    io.on_fallback(async || last(2).await);
    io.on_connect(async || last(4).await);
    io.on_disconnect(async || last(8).await);
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    client.emit("work", &1);
    client.emit("work", &16);
    client.emit("work", "no number");
    client.emit("fail", &());
    client.emit("made up", &());
    client.emit("something else", &());
    server.advance(Duration::from_secs(30)).await;
    client.disconnect();
    server.advance(Duration::from_secs(30)).await;
    let round = |value: f64| (value * 10.0).round() / 10.0;
    let all = figures.take();
    let seconds = |event: &str| {
        let values = all.get(&format!("socketio_handler_seconds{{nsp=/,event={event}}}"));
        let values = values.into_iter().flatten();
        values.map(|&it| round(it)).collect::<Vec<_>>()
    };
    assert_eq!(seconds("connect"), [4.0]);
    assert_eq!(seconds("work"), [1.0, 16.0]);
    assert_eq!(seconds("fail"), [0.0]);
    assert_eq!(seconds("*"), [2.0, 2.0]);
    assert_eq!(seconds("disconnect"), [8.0]);
    assert_eq!(seconds("made up"), [0.0; 0]);
    assert_eq!(all["socketio_handler_failures_total{nsp=/}"], [1.0, 1.0]);
}

#[tokio::test(start_paused = true)]
async fn a_move_to_websocket_has_a_name_that_no_event_is_counted_by() {
    recorded!(figures, io = Io::builder());
    io.on_upgrade(|| ()).on("upgrade", || ()).on_fallback(|| ());
    let server = Server::new(&io);
    let client = server.connect().upgrading().await.unwrap();
    for event in ["upgrade", "transport upgrade"] {
        client.call::<()>(event, &()).await.unwrap();
    }
    let all = figures.take();
    for name in ["upgrade", "transport upgrade", "*"] {
        let values = &all[&format!("socketio_handler_seconds{{nsp=/,event={name}}}")];
        assert_eq!(values.len(), 1, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_get_through_is_counted_by_its_reason() {
    let outbox = OutboxLimits {
        soft: 10_000,
        hard: 10_000,
        ..OutboxLimits::default()
    };
    recorded!(figures, io = Io::builder().outbox_limits(outbox));
    request(&io, "GET", "EIO=4&transport=flash", "").await;
    request(&io, "GET", "EIO=4&transport=polling&sid=nobody", "").await;
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let [socket] = io.of("/").broadcast().sockets().try_into().unwrap();
    socket.emit("fits", &"x".repeat(1_000)).unwrap();
    socket.volatile().emit("too late", &()).unwrap();
    socket.emit("too much", &"x".repeat(10_000)).unwrap();
    server.settle().await;
    figures.assert(&[
        (
            "engineio_requests_refused_total{reason=unknown_transport}",
            1.0,
        ),
        (
            "engineio_requests_refused_total{reason=unknown_session}",
            1.0,
        ),
        ("engineio_queue_dropped_total{reason=not_ready}", 1.0),
        ("engineio_queue_dropped_total{reason=full}", 1.0),
    ]);
    drop(client);
}

async fn last(seconds: u64) {
    // Virtual time: what handlers are seen to take.
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn no_client_makes_up_a_namespace() {
    recorded!(figures, io = Io::builder().accept_any_namespace());
    io.dynamic("/game/{id}")
        .on("wait", async |Data(seconds): Data<u64>| last(seconds).await);
    io.dynamic_if(|request: NamespaceRequest| request.name().starts_with("/room-"));
    io.of("/fixed");
    // One of a pattern is one, whoever makes it.
    let held = io.of("/game/0");
    let server = Server::new(&io);
    let mut clients = Vec::new();
    for nsp in [
        "/fixed",
        "/game/0",
        "/game/1",
        "/room-7",
        "/whatever",
        "/else",
    ] {
        let client = server.connect().namespace(nsp).await.unwrap();
        client.emit("wait", &1);
        clients.push(client);
    }
    server.advance(Duration::from_secs(10)).await;
    held.emit("news", &()).unwrap();
    clients[2].disconnect();
    server.settle().await;
    let all = figures.take();
    let count = |name: &str| all.get(name).map_or(0.0, |steps| steps.iter().sum());
    for (name, games, others) in [
        ("socketio_sockets", 1.0, 3.0),
        ("socketio_connects_total", 2.0, 3.0),
        ("socketio_events_received_total", 2.0, 3.0),
        ("socketio_events_sent_total", 1.0, 0.0),
    ] {
        assert_eq!(
            count(&format!("{name}{{nsp=/game/{{id}}}}")),
            games,
            "{name}"
        );
        assert_eq!(count(&format!("{name}{{nsp=*}}")), others, "{name}");
    }
    assert_eq!(count("socketio_sockets{nsp=/fixed}"), 1.0);
    let seconds = &all["socketio_handler_seconds{nsp=/game/{id},event=wait}"];
    assert_eq!(seconds.len(), 2);
    let reason = "reason=client namespace disconnect";
    let disconnects = format!("socketio_disconnects_total{{nsp=/game/{{id}},{reason}}}");
    assert_eq!(count(&disconnects), 1.0);
    for name in all.keys() {
        let made_up = ["/game/0", "/game/1", "room", "whatever", "else"];
        assert!(!made_up.iter().any(|it| name.contains(it)), "{name}");
    }
}
