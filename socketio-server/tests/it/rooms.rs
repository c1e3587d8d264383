//! Rooms and broadcasts: who gets an event, and how often.

use std::collections::HashMap;

use serde_json::json;
use socketio_server::test::{Client, Server};
use socketio_server::{Binary, Data, Io, Namespace, Room, Socket, SocketId};

use crate::host::Host;

/// Clients of `/`, each with a name, and in the rooms named by its letters.
struct Crowd {
    server: Server,
    clients: Vec<(&'static str, Client)>,
    sockets: HashMap<&'static str, Socket>,
}

impl Crowd {
    /// `a` and `b` are in the rooms "a" and "b", `ab` in both, `none` in none.
    async fn gather() -> Self {
        let io = Io::builder().build();
        handle(&io);
        let mut crowd = Self {
            server: Server::new(&io),
            clients: Vec::new(),
            sockets: HashMap::new(),
        };
        for (name, rooms) in [
            ("a", &["a"][..]),
            ("b", &["b"]),
            ("ab", &["a", "b"]),
            ("none", &[]),
        ] {
            let client = crowd.server.connect().await.unwrap();
            let socket = io.to(client.id()).sockets().remove(0);
            socket.join(rooms);
            crowd.sockets.insert(name, socket);
            crowd.clients.push((name, client));
        }
        crowd
    }

    fn id(&self, name: &str) -> SocketId {
        self.sockets[name].id()
    }

    fn namespace(&self) -> Namespace {
        self.server.io().of("/")
    }

    fn client(&mut self, name: &str) -> &mut Client {
        let mut clients = self.clients.iter_mut();
        &mut clients.find(|it| it.0 == name).unwrap().1
    }

    /// Exactly these get the event `what`, exactly once, and nobody gets anything else.
    #[track_caller]
    fn expect(&mut self, what: &str, names: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            for (name, client) in &mut self.clients {
                let events = client.received().await;
                let events: Vec<_> = events.iter().map(|event| event.name()).collect();
                let expected = Vec::from_iter(names.contains(name).then_some(what));
                assert_eq!(events, expected, "{name} at {caller}");
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
    let (a, ab, none) = (crowd.id("a"), crowd.id("ab"), crowd.id("none"));
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
    let io = crowd.server.io();
    assert_eq!(io.to("a").sockets().len(), 2);
    assert_eq!(io.except("a").sockets().len(), 2);
    io.emit("everyone", &()).unwrap();
    crowd.expect("everyone", &["a", "b", "ab", "none"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_addresses_others_is_left_out_itself() {
    let mut crowd = Crowd::gather().await;
    for (who, event, rooms, names) in [
        ("a", "say", &[][..], &["b", "ab", "none"][..]),
        ("a", "say-to", &["a"], &["ab"]),
        ("ab", "say-to", &["a", "b"], &["a", "b"]),
        ("none", "say-to", &["a"], &["a", "ab"]),
        ("a", "say-except", &["b"], &["none"]),
        ("none", "say-except", &["a", "b"], &[]),
    ] {
        crowd.client(who).emit(event, rooms);
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
    let mut names = crowd.namespace().rooms();
    names.sort();
    assert_eq!(names, [Room::from("a"), Room::from("b")]);
}

#[tokio::test(start_paused = true)]
async fn nobody_enters_the_private_room_of_another() {
    let mut crowd = Crowd::gather().await;
    let owner = crowd.id("a");
    crowd.sockets["b"].join([owner.as_str(), "c"]);
    crowd.namespace().to(&owner).join("private");
    crowd.namespace().broadcast().join(&owner);
    assert_eq!(crowd.sockets["b"].rooms().len(), 2);
    crowd.namespace().to(owner).emit("x", &()).unwrap();
    crowd.expect("x", &["a"]).await;
}

#[tokio::test(start_paused = true)]
async fn rooms_of_one_name_in_two_namespaces_are_two() {
    let io = Io::builder().build();
    for nsp in ["/", "/other"] {
        let namespace = io.of(nsp);
        namespace.on_connect(async |socket: Socket| socket.join("room"));
    }
    let mut root = Server::new(&io).connect().await.unwrap();
    let mut other = root.join("/other").await.unwrap();
    io.of("/other").to("room").emit("x", &()).unwrap();
    other.expect::<()>("x").await;
    root.expect_nothing().await;
    io.to("room").emit("x", &()).unwrap();
    root.expect::<()>("x").await;
    other.expect_nothing().await;
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
    let io = crowd.server.io();
    assert!(io.emit("x", &number_keys).is_err());
    assert!(io.emit("disconnect", &()).is_err());
    assert!(io.to("a").call::<()>("connect", &()).is_err());
    crowd.expect("", &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_volatile_broadcast_reaches_those_who_are_ready() {
    let mut crowd = Crowd::gather().await;
    // It has its poll answered, and does not ask again.
    let mut polling = crowd.server.connect().polling().await.unwrap();
    polling.set_reading(false);
    crowd.server.settle().await;
    let to_polling = crowd.namespace().to(polling.id());
    to_polling.emit("taken", &()).unwrap();
    crowd.server.settle().await;
    let volatile = crowd.namespace().broadcast().volatile();
    let report = volatile.emit("x", &()).unwrap();
    assert_eq!((report.queued, report.dropped), (4, 1));
    crowd.expect("x", &["a", "b", "ab", "none"]).await;
    // Behind something else it does not leave at once, and never later.
    crowd.namespace().to("a").emit("first", &()).unwrap();
    let report = volatile.emit("x", &()).unwrap();
    assert_eq!((report.queued, report.dropped), (2, 3));
    crowd.client("a").expect::<()>("first").await;
    crowd.client("ab").expect::<()>("first").await;
    crowd.expect("x", &["b", "none"]).await;
    to_polling.emit("last", &()).unwrap();
    polling.set_reading(true);
    polling.expect::<()>("taken").await;
    polling.expect::<()>("last").await;
}

/// After `leave` has returned, whatever other threads send to the room is for others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_sent_after_a_leave_arrives() {
    let io = Io::builder().build();
    io.on("churn", async |socket: Socket| {
        for round in 0..2_000 {
            socket.join("room");
            // Its own emit is behind the leave, so it must not come back.
            socket.emit("in", &round)?;
            socket.leave("room");
            socket.namespace().to("room").emit("own", &round)?;
        }
        socket.emit("end", &()).map(drop)
    });
    let mut client = Server::new(&io).connect().await.unwrap();
    let noise = std::thread::spawn(move || {
        for n in 0..20_000 {
            io.to("room").emit("noise", &n).unwrap();
        }
    });
    client.emit("churn", &());
    let mut last = None;
    loop {
        let event = client.receive().await;
        match event.name() {
            "noise" => {
                let n: u32 = event.data();
                assert!(last < Some(n), "{n} again");
                last = Some(n);
            }
            "in" => {}
            "end" => break,
            _ => panic!("{event}"),
        }
    }
    noise.join().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_id_can_be_sent_kept_and_looked_up_again() {
    let crowd = Crowd::gather().await;
    let id = crowd.sockets["a"].id();
    let text = serde_json::to_string(&id).unwrap();
    assert_eq!(text, format!("\"{id}\""));
    let kept: SocketId = serde_json::from_str(&text).unwrap();
    assert_eq!((&kept, &SocketId::from(id.as_str())), (&id, &id));
    for found in [
        crowd.namespace().socket(&kept),
        crowd.namespace().socket(id.as_str()),
    ] {
        assert_eq!(found.as_ref(), Some(&crowd.sockets["a"]));
    }
    assert_eq!(crowd.namespace().socket("nobody"), None);
    // As long as most ids are, and longer.
    for other in ["/admin#longer than any", "nobody"] {
        let other_id = SocketId::from(other);
        assert!(other_id == other && id != other && other_id != id);
    }
}
