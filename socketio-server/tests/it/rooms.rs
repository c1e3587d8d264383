//! Rooms and broadcasts: who gets an event, and how often.

use std::collections::HashMap;

use serde_json::json;
use socketio_server::{Binary, Data, Io, Namespace, Room, Socket};

use crate::client::{Client, Received};
use crate::host::Host;

/// Clients of `/`, each with a name, and in the rooms named by its letters.
struct Crowd {
    host: Host,
    clients: Vec<(&'static str, Client)>,
    sockets: HashMap<&'static str, Socket>,
}

impl Crowd {
    /// `a` and `b` are in the rooms "a" and "b", `ab` in both, `none` in none.
    async fn gather() -> Self {
        let host = Host::new();
        handle(&host.io);
        let mut crowd = Self {
            host,
            clients: Vec::new(),
            sockets: HashMap::new(),
        };
        for (name, rooms) in [
            ("a", &["a"][..]),
            ("b", &["b"]),
            ("ab", &["a", "b"]),
            ("none", &[]),
        ] {
            let mut client = crowd.host.open().await;
            let id = client.join("/").await;
            let mut sockets = crowd.namespace().broadcast().sockets().into_iter();
            let socket = sockets.find(|it| it.id().as_str() == id).unwrap();
            socket.join(rooms);
            crowd.sockets.insert(name, socket);
            crowd.clients.push((name, client));
        }
        crowd
    }

    fn namespace(&self) -> Namespace {
        self.host.io.of("/")
    }

    fn client(&mut self, name: &str) -> &mut Client {
        let mut clients = self.clients.iter_mut();
        &mut clients.find(|it| it.0 == name).unwrap().1
    }

    /// Exactly these get the event `what`, exactly once, and nobody gets anything else.
    #[track_caller]
    fn expect(&mut self, what: &str, names: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let packet = format!(r#"42["{what}"]"#);
        async move {
            for (name, client) in &mut self.clients {
                if names.contains(name) {
                    let received = client.receive().await;
                    let expected = Received::Text(packet.clone());
                    assert_eq!(received, expected, "{name} at {caller}");
                }
                assert!(client.is_silent().await, "{name} at {caller}");
            }
        }
    }
}

fn handle(io: &Io) {
    io.on(
        "say-to",
        async |socket: Socket, Data(rooms): Data<Vec<String>>| {
            socket.to(rooms).emit("x", &()).map(drop)
        },
    )
    .on(
        "say-except",
        async |socket: Socket, Data(rooms): Data<Vec<String>>| {
            socket.except(rooms).emit("x", &()).map(drop)
        },
    )
    .on("say", async |socket: Socket| {
        socket.broadcast().emit("x", &()).map(drop)
    });
}

#[tokio::test(start_paused = true)]
async fn a_selection_reaches_whom_it_means_exactly_once() {
    let mut crowd = Crowd::gather().await;
    let all = crowd.namespace();
    let id = |name| crowd.sockets[name].id();
    let (a, ab, none) = (id("a"), id("ab"), id("none"));
    let empty: [&str; 0] = [];
    let table = [
        (all.broadcast(), &["a", "b", "ab", "none"][..]),
        (all.to("a"), &["a", "ab"]),
        (all.to(["a", "b"]), &["a", "b", "ab"]),
        (all.to("a").to("b"), &["a", "b", "ab"]),
        (all.to(["a", "a"]), &["a", "ab"]),
        (
            all.to(vec!["a".to_owned(), "nowhere".to_owned()]),
            &["a", "ab"],
        ),
        (all.to("nowhere"), &[]),
        (all.to(empty), &[]),
        (all.to(empty).to("a"), &["a", "ab"]),
        (all.to(""), &[]),
        (all.except("a"), &["b", "none"]),
        (all.except(["a", "b"]), &["none"]),
        (all.except("a").except("b"), &["none"]),
        (all.except("nowhere"), &["a", "b", "ab", "none"]),
        (all.except(empty), &["a", "b", "ab", "none"]),
        (all.to("a").except("b"), &["a"]),
        (all.to(["a", "b"]).except("a"), &["b"]),
        (all.to("a").except("a"), &[]),
        // Private rooms.
        (all.to(&none), &["none"]),
        (all.to([&a, &none]), &["a", "none"]),
        (all.to("a").to(&a), &["a", "ab"]),
        (all.to("a").except(&a), &["ab"]),
        (all.except(&ab), &["a", "b", "none"]),
        (all.to(Room::from(none.as_str())), &["none"]),
    ];
    for (row, (selection, names)) in table.into_iter().enumerate() {
        let what = format!("row {row}");
        let report = selection.emit(&what, &()).unwrap();
        assert_eq!((report.queued, report.dropped), (names.len(), 0));
        assert_eq!(selection.sockets().len(), names.len());
        crowd.expect(&what, names).await;
    }
    assert_eq!(crowd.host.io.to("a").sockets().len(), 2);
    assert_eq!(crowd.host.io.except("a").sockets().len(), 2);
    crowd.host.io.emit("everyone", &()).unwrap();
    crowd.expect("everyone", &["a", "b", "ab", "none"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_addresses_others_is_left_out_itself() {
    let mut crowd = Crowd::gather().await;
    for (who, event, names) in [
        ("a", r#"["say"]"#, &["b", "ab", "none"][..]),
        ("a", r#"["say-to",["a"]]"#, &["ab"]),
        ("ab", r#"["say-to",["a","b"]]"#, &["a", "b"]),
        ("none", r#"["say-to",["a"]]"#, &["a", "ab"]),
        ("a", r#"["say-except",["b"]]"#, &["none"]),
        ("none", r#"["say-except",["a","b"]]"#, &[]),
    ] {
        crowd.client(who).say(&format!("42{event}")).await;
        crowd.expect("x", names).await;
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_are_entered_and_left_one_by_one_or_together() {
    let crowd = Crowd::gather().await;
    let socket = &crowd.sockets["none"];
    let rooms = || {
        let mut rooms = socket.rooms();
        rooms.sort();
        rooms
            .iter()
            .map(|room| room.to_string())
            .collect::<String>()
    };
    socket.join("c");
    socket.join(["d", "e", "d"]);
    socket.join("c");
    assert_eq!(rooms(), "cde");
    socket.leave(["c", "nowhere"]);
    socket.leave("c");
    assert_eq!(rooms(), "de");
    // Its own room cannot be left.
    socket.leave(socket.id());
    assert_eq!(rooms(), "de");
    assert_eq!(
        crowd.namespace().to(socket.id()).sockets(),
        std::slice::from_ref(socket)
    );
    socket.leave(&*socket.rooms());
    assert_eq!(rooms(), "");
    let mut names = crowd.namespace().adapter().room_names();
    names.sort();
    assert_eq!(names, [Room::from("a"), Room::from("b")]);
}

#[tokio::test(start_paused = true)]
async fn others_may_enter_a_private_room() {
    let mut crowd = Crowd::gather().await;
    let host = crowd.sockets["a"].id();
    crowd.sockets["b"].join(&host);
    crowd.namespace().to(host).emit("x", &()).unwrap();
    crowd.expect("x", &["a", "b"]).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_of_one_name_in_two_namespaces_are_two() {
    let host = Host::new();
    for nsp in ["/", "/other"] {
        let namespace = host.io.of(nsp);
        namespace.on_connect(async |socket: Socket| socket.join("room"));
    }
    let mut client = host.join("/").await;
    client.join("/other").await;
    host.io.of("/other").to("room").emit("x", &()).unwrap();
    client.expect(r#"42/other,["x"]"#).await;
    host.io.to("room").emit("x", &()).unwrap();
    client.expect(r#"42["x"]"#).await;
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn bytes_reach_each_receiver_whole() {
    let host = Host::new();
    let mut one = host.join("/").await;
    let mut other = host.join("/").await;
    let polling = host.poll().await;
    polling.join("/").await;
    let data = json!({ "text": "é" });
    let report = host
        .io
        .emit("file", &(Binary::from(&b"\x01\x02"[..]), data));
    assert_eq!(report.unwrap().queued, 3);
    let head = r#"451-["file",{"_placeholder":true,"num":0},{"text":"é"}]"#;
    for client in [&mut one, &mut other] {
        client.expect(head).await;
        client.expect_binary(&[1, 2]).await;
    }
    polling.expect(&format!("{head}\u{1e}bAQI=")).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_encoded_reaches_nobody() {
    let mut crowd = Crowd::gather().await;
    let number_keys = HashMap::from([((1, 2), 3)]);
    assert!(crowd.host.io.emit("x", &number_keys).is_err());
    assert!(crowd.host.io.emit("disconnect", &()).is_err());
    assert!(crowd.host.io.to("a").call::<()>("connect", &()).is_err());
    crowd.expect("", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_volatile_broadcast_reaches_those_who_are_ready() {
    let mut crowd = Crowd::gather().await;
    let polling = crowd.host.poll().await;
    polling.join("/").await;
    let volatile = crowd.namespace().broadcast().volatile();
    let report = volatile.emit("x", &()).unwrap();
    assert_eq!((report.queued, report.dropped), (4, 1));
    crowd.expect("x", &["a", "b", "ab", "none"]).await;
    // Behind something else it does not leave at once, and never later.
    crowd.namespace().to("a").emit("first", &()).unwrap();
    let report = volatile.emit("x", &()).unwrap();
    assert_eq!((report.queued, report.dropped), (2, 3));
    crowd.client("a").expect(r#"42["first"]"#).await;
    crowd.client("ab").expect(r#"42["first"]"#).await;
    crowd.expect("x", &["b", "none"]).await;
    crowd.host.io.except(["a", "b"]).emit("last", &()).unwrap();
    polling.expect(r#"42["last"]"#).await;
}

/// After `leave` has returned, whatever other threads send to the room is for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_sent_after_a_leave_arrives() {
    let host = Host::new();
    host.io.on("churn", async |socket: Socket| {
        for round in 0..2_000 {
            socket.join("room");
            // Its own emit is behind the leave, so it must not come back.
            socket.emit("in", &round)?;
            socket.leave("room");
            socket.namespace().to("room").emit("own", &round)?;
        }
        socket.emit("end", &()).map(drop)
    });
    let mut client = host.join("/").await;
    let io = host.io.clone();
    let noise = std::thread::spawn(move || {
        for n in 0..20_000 {
            io.to("room").emit("noise", &n).unwrap();
        }
    });
    client.say(r#"42["churn"]"#).await;
    let mut last = None;
    loop {
        let packet = client.text().await;
        assert!(!packet.starts_with(r#"42["own""#), "{packet}");
        if packet == r#"42["end"]"# {
            break;
        }
        if let Some(n) = packet.strip_prefix(r#"42["noise","#) {
            let n: u32 = n.trim_end_matches(']').parse().unwrap();
            assert!(last < Some(n), "{n} again");
            last = Some(n);
        }
    }
    noise.join().unwrap();
}
