//! Many sockets at once: into rooms, out of rooms, away; and who is where.

use std::collections::BTreeSet;

use socketio_server::test::{Client, Server};
use socketio_server::{DisconnectReason, Io, Room, State};

use crate::host::Pen;

/// A server and so many clients of the default namespace.
async fn crowd<const N: usize>(io: &Io) -> (Server, [Client; N]) {
    let server = Server::new(io);
    let mut clients = Vec::new();
    for _ in 0..N {
        clients.push(server.connect().await.unwrap());
    }
    (server, clients.try_into().unwrap())
}

fn members(io: &Io, room: &str) -> BTreeSet<String> {
    let participants = io.participants(room).into_iter();
    participants.map(|sid| sid.to_string()).collect()
}

fn ids<'a>(clients: impl IntoIterator<Item = &'a Client>) -> BTreeSet<String> {
    clients.into_iter().map(|it| it.id().to_owned()).collect()
}

fn rooms(io: &Io) -> BTreeSet<Room> {
    io.rooms().into_iter().collect()
}

#[tokio::test(start_paused = true)]
async fn a_selection_enters_and_leaves_rooms_together() {
    let io = Io::builder().build();
    let (_server, [a, b, c]) = crowd(&io).await;
    io.to([a.id(), b.id()]).join(["red", "blue"]);
    io.to("red").except(a.id()).join("green");
    assert_eq!(members(&io, "red"), ids([&a, &b]));
    assert_eq!(members(&io, "blue"), ids([&a, &b]));
    assert_eq!(members(&io, "green"), ids([&b]));
    io.broadcast().join("all");
    assert_eq!(members(&io, "all"), ids([&a, &b, &c]));
    io.to("green").leave(["red", "green", "nowhere"]);
    assert_eq!(members(&io, "red"), ids([&a]));
    assert_eq!(rooms(&io), ["all", "blue", "red"].map(Room::from).into());
    // A private room is not entered, and not listed.
    assert_eq!(members(&io, c.id()), ids([&c]));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_closed_is_left_by_all() {
    let io = Io::builder().build();
    let (_server, [mut a, b, _c]) = crowd(&io).await;
    io.to([a.id(), b.id()]).join(["red", "blue", "green"]);
    io.close_room("red");
    io.of("/").close_room(["green", "nowhere"]);
    assert_eq!(rooms(&io), ["blue"].map(Room::from).into());
    assert_eq!(io.to("red").emit("x", &()).unwrap().queued, 0);
    // Nobody can be put out of a private room.
    io.close_room(a.id());
    io.to(a.id()).emit("x", &()).unwrap();
    a.expect::<()>("x").await;
}

#[tokio::test(start_paused = true)]
async fn a_selection_is_sent_away_after_it_has_got_what_was_sent_before() {
    let (pen, mut diary) = tokio::sync::mpsc::unbounded_channel();
    let io = Io::builder().state(Pen::new(pen)).build();
    io.of("/other");
    io.on_disconnect(async |pen: State<Pen>, reason: DisconnectReason| {
        pen.note(reason.as_str());
    });
    let (_server, [mut a, mut b, mut c]) = crowd(&io).await;
    let other = a.join("/other").await.unwrap();
    io.to(a.id()).join("out");
    io.to("out").emit("goodbye", &()).unwrap();
    io.to("out").disconnect();
    assert!(io.to("out").sockets().is_empty());
    assert_eq!(io.sockets().len(), 2);
    a.expect::<()>("goodbye").await;
    assert_eq!(a.expect_disconnect().await, "io server disconnect");
    assert!(other.is_connected());
    assert_eq!(diary.recv().await.unwrap(), "server namespace disconnect");

    let mut other = b.join("/other").await.unwrap();
    io.to(b.id()).disconnect_and_close();
    assert_eq!(b.expect_disconnect().await, "io server disconnect");
    assert_eq!(other.expect_disconnect().await, "io server disconnect");
    c.expect_nothing().await;
    assert!(io.socket(io.participants(c.id()).remove(0)).is_some());
    assert_eq!(io.of("/").sockets().len(), 1);
}
