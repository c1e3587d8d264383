//! Those who look on at rooms as they come and go, and are entered and left.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;
use socketio_server::test::{Client, Server};
use socketio_server::{Io, Namespace, RecoveryConfig, Room, RoomEvent, Socket, SocketId};

use crate::host::{Host, settle};

/// Notes events; private rooms and sockets by the sign that says which socket it is.
fn notes(host: &Host, name: &'static str) -> impl Fn(&Namespace, &RoomEvent) + use<> {
    let pen = host.pen.clone();
    let seen = Mutex::new(Vec::new());
    move |namespace, event| {
        let mut seen = seen.lock();
        if let RoomEvent::Created { room } = event
            && room.len() == 20
        {
            seen.push(Room::clone(room));
        }
        let number = |id: &str| seen.iter().position(|it| **it == *id);
        let room = event.room();
        let room = number(room).map_or_else(|| room.to_string(), |own| format!("#{own}"));
        let sid = |sid: &SocketId| number(sid.as_str()).unwrap();
        let change = match event {
            RoomEvent::Created { .. } => format!("{room} is there"),
            RoomEvent::Joined { sid: it, .. } => format!("#{} enters {room}", sid(it)),
            RoomEvent::Left { sid: it, .. } => format!("#{} leaves {room}", sid(it)),
            RoomEvent::Deleted { .. } => format!("{room} is gone"),
            _ => panic!("{event:?}"),
        };
        pen.note(format!("{name}{} {change}", namespace.name()));
    }
}

#[track_caller]
fn assert_noted<const N: usize>(host: &mut Host, expected: [&str; N]) {
    assert_eq!(host.diary.rest(), expected);
}

async fn socket(server: &Server, io: &Io) -> (Client, Socket) {
    let client = server.connect().await.unwrap();
    let sockets = io.to(client.id()).sockets();
    (client, sockets.into_iter().next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn rooms_are_created_and_entered_left_and_deleted_and_each_change_is_told_at_once() {
    let recovery = Io::builder().connection_state_recovery(RecoveryConfig::default());
    for builder in [Io::builder(), recovery] {
        let mut host = Host::start(builder);
        host.io.on_room_event(notes(&host, ""));
        host.io.on_connect(|socket: Socket| {
            socket.join(["early", "gone"]);
            socket.leave("gone");
        });
        let server = Server::new(&host.io);
        let (_first, first) = socket(&server, &host.io).await;
        assert_noted(
            &mut host,
            [
                "/ #0 is there",
                "/ #0 enters #0",
                "/ early is there",
                "/ #0 enters early",
            ],
        );
        let (client, second) = socket(&server, &host.io).await;
        assert_noted(
            &mut host,
            ["/ #1 is there", "/ #1 enters #1", "/ #1 enters early"],
        );
        first.join(["late", "late", "early"]);
        assert_noted(&mut host, ["/ late is there", "/ #0 enters late"]);
        first.leave(["early", "unknown"]);
        assert_noted(&mut host, ["/ #0 leaves early"]);
        // What changes nothing is not told.
        first.join(second.id());
        first.leave(first.id());
        assert_noted(&mut host, []);
        host.io.close_room("late");
        assert_noted(&mut host, ["/ #0 leaves late", "/ late is gone"]);
        client.disconnect();
        server.settle().await;
        let gone = [
            "/ #1 leaves #1",
            "/ #1 is gone",
            "/ #1 leaves early",
            "/ early is gone",
        ];
        assert_noted(&mut host, gone);
        first.disconnect();
        assert_noted(&mut host, ["/ #0 leaves #0", "/ #0 is gone"]);
        server.settle().await;
        assert_noted(&mut host, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_refused_was_in_no_room() {
    let mut host = Host::new();
    host.io.on_room_event(notes(&host, ""));
    host.io.on_connect(|socket: Socket| {
        socket.join("early");
        false
    });
    Server::new(&host.io).connect().await.unwrap_err();
    assert_noted(&mut host, []);
}

#[tokio::test(start_paused = true)]
async fn observers_are_told_of_their_own_namespaces_for_as_long_as_they_look_on() {
    let mut host = Host::new();
    host.io.any_namespace().on_room_event(notes(&host, "any "));
    host.io
        .dynamic("/game/{id}")
        .on_room_event(notes(&host, "game "));
    host.io.of("/other").on_room_event(notes(&host, "other "));
    let server = Server::new(&host.io);
    let joining = server.connect().namespace("/game/1");
    let game = joining.await.unwrap();
    assert_noted(
        &mut host,
        [
            "any /game/1 #0 is there",
            "game /game/1 #0 is there",
            "any /game/1 #0 enters #0",
            "game /game/1 #0 enters #0",
        ],
    );
    host.io.any_namespace().off_room_event();
    host.io.of("/game/1").broadcast().join("late");
    assert_noted(
        &mut host,
        ["game /game/1 late is there", "game /game/1 #0 enters late"],
    );
    host.io.dynamic("/game/{id}").off_room_event();
    game.disconnect();
    server.settle().await;
    assert_noted(&mut host, []);
}

#[tokio::test(start_paused = true)]
async fn an_observer_may_change_rooms_and_is_told_of_that_afterwards() {
    let mut host = Host::new();
    // Holding back whoever wants to be in two rooms.
    host.io.on_room_event(|namespace, event| {
        if let RoomEvent::Joined { room, sid } = event
            && &**room == "first"
        {
            let socket = namespace.socket(sid.clone()).unwrap();
            assert_eq!(socket.rooms(), [Room::clone(room)]);
            socket.join("second");
            socket.leave("first");
        }
    });
    host.io.on_room_event(notes(&host, ""));
    host.io.on_connect(|socket: Socket| socket.join("first"));
    let server = Server::new(&host.io);
    let (_client, socket) = socket(&server, &host.io).await;
    assert_noted(
        &mut host,
        [
            "/ #0 is there",
            "/ #0 enters #0",
            "/ first is there",
            "/ #0 enters first",
            "/ second is there",
            "/ #0 enters second",
            "/ #0 leaves first",
            "/ first is gone",
        ],
    );
    assert_eq!(socket.rooms(), [Room::from("second")]);
}

#[tokio::test(start_paused = true)]
async fn an_observer_of_rooms_that_panics_disturbs_nobody() {
    let mut host = Host::new();
    host.io.on_room_event(|_, _| panic!("looking on"));
    host.io.on_room_event(notes(&host, ""));
    let server = Server::new(&host.io);
    let (_client, socket) = socket(&server, &host.io).await;
    socket.join("room");
    let own = ["/ #0 is there", "/ #0 enters #0"];
    assert_noted(
        &mut host,
        [own[0], own[1], "/ room is there", "/ #0 enters room"],
    );
}

#[tokio::test(start_paused = true)]
async fn the_rooms_of_a_socket_that_goes_on_are_left_and_entered_again() {
    let recovery = Io::builder().connection_state_recovery(RecoveryConfig::default());
    let mut host = Host::start(recovery);
    host.io.on_room_event(notes(&host, ""));
    let mut client = host.open().await;
    client.say("40").await;
    let sid = client.text().await;
    let answer: serde_json::Value = serde_json::from_str(&sid[2..]).unwrap();
    host.io.broadcast().join("room");
    host.io.emit("news", &1).unwrap();
    let news: serde_json::Value = serde_json::from_str(&client.text().await[2..]).unwrap();
    drop(client);
    settle().await;
    let came = [
        "/ #0 is there",
        "/ #0 enters #0",
        "/ room is there",
        "/ #0 enters room",
    ];
    let went = [
        "/ #0 leaves #0",
        "/ #0 is gone",
        "/ #0 leaves room",
        "/ room is gone",
    ];
    assert_eq!(host.diary.rest(), [came, went].concat());
    let mut client = host.open().await;
    let claim = serde_json::json!({ "pid": answer["pid"], "offset": news[2] });
    client.say(&format!("40{claim}")).await;
    settle().await;
    assert_noted(&mut host, came);
}

#[test]
fn what_is_told_of_a_room_is_in_the_order_of_its_changes_on_any_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let io = Io::builder().build();
    let events: Arc<Mutex<Vec<RoomEvent>>> = Arc::default();
    let told = Arc::clone(&events);
    io.on_room_event(move |_, event| {
        // One at a time: who panics has not been told.
        told.try_lock().unwrap().push(event.clone());
    });
    let server = runtime.block_on(async { Server::new(&io) });
    let clients: Vec<_> = (0..4)
        .map(|_| runtime.block_on(socket(&server, &io)))
        .collect();
    thread::scope(|scope| {
        for (_, socket) in &clients {
            scope.spawn(|| {
                for turn in 0..2000 {
                    let room = ["a", "b"][turn % 2];
                    socket.join(room);
                    socket.leave(room);
                }
                socket.join("a");
            });
        }
    });
    let mut rooms: HashMap<Room, HashSet<SocketId>> = HashMap::new();
    for event in events.lock().drain(..) {
        match event {
            RoomEvent::Created { room } => assert_eq!(rooms.insert(room, HashSet::new()), None),
            RoomEvent::Joined { room, sid } => assert!(rooms.get_mut(&room).unwrap().insert(sid)),
            RoomEvent::Left { room, sid } => assert!(rooms.get_mut(&room).unwrap().remove(&sid)),
            RoomEvent::Deleted { room } => assert!(rooms.remove(&room).unwrap().is_empty()),
            _ => panic!("{event:?}"),
        }
    }
    assert_eq!(rooms[&Room::from("a")].len(), clients.len());
    assert_eq!(rooms.len(), 1 + clients.len());
}
