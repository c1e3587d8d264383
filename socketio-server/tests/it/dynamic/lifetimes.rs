//! How long namespaces exist that clients bring into being, and how many of them.

use std::time::Duration;

use socketio_server::test::Server;
use socketio_server::{AckError, ConnectError, Io, Namespace, Param, Socket, State};

use super::{UNKNOWN, join, names, refusal};
use crate::host::{Door, Host, Pen, settle};

#[tokio::test(start_paused = true)]
async fn a_refused_client_leaves_nothing_behind_and_an_admitted_one_brings_the_namespace() {
    let mut host = Host::new();
    announced(&host);
    let games = host.io.dynamic("/game/{id}");
    games.on_connect(async |Param(id): Param<u32>, door: State<Door>| {
        door.pass().await;
        match id {
            0 => Err(ConnectError::new("no")),
            _ => Ok(()),
        }
    });
    let server = Server::new(&host.io);
    let mut client = host.open().await;
    client.say_all(["40/game/0,", "40/game/1,"]).await;
    settle().await;
    assert_eq!(names(&games.namespaces()), [""; 0]);
    host.door.open();
    client.text().await;
    client.text().await;
    assert_eq!(names(&games.namespaces()), ["/game/1"]);
    assert_eq!(refusal(&server, "/game/0").await, "no");
    drop(client);
    settle().await;
    assert_eq!(names(&games.namespaces()), [""; 0]);
    assert_eq!(host.diary.rest(), ["/game/1"]);
}

/// Who notes which namespaces come into being.
fn announced(host: &Host) {
    let pen = host.pen.clone();
    host.io
        .on_new_namespace(move |namespace| pen.note(namespace.name()));
}

#[tokio::test(start_paused = true)]
async fn a_new_namespace_is_announced_once_before_its_first_client_is_in() {
    let mut host = Host::new();
    announced(&host);
    host.io.of("/fixed");
    host.io.of("/fixed");
    host.io
        .dynamic("/game/{id}")
        .before_connect(async |Param(id): Param<u32>| id != 0)
        .on_disconnect(async |pen: State<Pen>| pen.note("left"));
    host.diary.expect("/fixed").await;
    let server = Server::new(&host.io);
    assert_eq!(
        refusal(&server, "/game/0").await,
        "Connection rejected by server"
    );
    let one = join(&server, "/game/1").await;
    let two = join(&server, "/game/1").await;
    host.diary.expect("/game/1").await;
    for client in [one, two] {
        client.disconnect();
        host.diary.expect("left").await;
    }
    settle().await;
    join(&server, "/game/1").await;
    host.diary.expect("/game/1").await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_default_namespace_is_never_new_even_when_the_server_has_ended() {
    let mut host = Host::new();
    announced(&host);
    host.io.of("/").emit("news", &()).unwrap();
    let ended = host.io.shutdown(Duration::ZERO).await;
    assert!(ended.is_complete(), "{ended}");
    announced(&host);
    host.io.emit("news", &()).unwrap();
    host.io.of("/").emit("news", &()).unwrap();
    assert_eq!(host.io.of("/").name(), "/");
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_hook_for_new_namespaces_that_panics_keeps_nobody_out() {
    let io = Io::builder().build();
    io.on_new_namespace(|_| panic!("in the hook"));
    io.dynamic("/game/{id}");
    let server = Server::new(&io);
    assert!(join(&server, "/game/1").await.is_connected());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_with_its_last_socket_and_handle() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    let server = Server::new(&io);
    let client = join(&server, "/game/1").await;
    let held = io.of("/game/1");
    held.on("own", async || true);
    client.disconnect();
    server.settle().await;
    // It is held, and as it was.
    let client = join(&server, "/game/1").await;
    assert!(client.call::<bool>("own", &()).await.unwrap());
    drop(held);
    client.disconnect();
    server.settle().await;
    assert_eq!(names(&games.namespaces()), [""; 0]);
    let client = join(&server, "/game/1").await;
    let unanswered = client.call::<bool>("own", &()).await;
    assert!(matches!(unanswered, Err(AckError::Timeout)));
}

#[tokio::test(start_paused = true)]
async fn without_cleanup_a_namespace_stays_once_somebody_was_let_in() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    games
        .cleanup(false)
        .before_connect(async |Param(id): Param<u32>| id != 0);
    let server = Server::new(&io);
    refusal(&server, "/game/0").await;
    join(&server, "/game/1").await.disconnect();
    server.settle().await;
    assert_eq!(names(&games.namespaces()), ["/game/1"]);
    assert!(games.namespaces()[0].is_empty());
}

#[tokio::test(start_paused = true)]
async fn there_are_no_more_namespaces_than_allowed_with_those_counted_that_are_undecided() {
    let host = Host::new();
    let games = host.io.dynamic("/game/{id}");
    games
        .max(2)
        .on_connect(async |Param(id): Param<u32>, door: State<Door>| {
            if id == 9 {
                door.pass().await;
            }
            id != 9
        });
    let server = Server::new(&host.io);
    let one = join(&server, "/game/1").await;
    let mut undecided = host.open().await;
    undecided.say("40/game/9,").await;
    settle().await;
    assert_eq!(refusal(&server, "/game/3").await, "too many namespaces");
    // Those that are there have room.
    join(&server, "/game/1").await;
    host.door.open();
    undecided.text().await;
    let three = join(&server, "/game/3").await;
    assert_eq!(refusal(&server, "/game/4").await, "too many namespaces");
    for client in [one, three] {
        client.disconnect();
    }
    server.settle().await;
    join(&server, "/game/4").await;
    games.max(0);
    assert_eq!(refusal(&server, "/game/5").await, "too many namespaces");
}

#[tokio::test(start_paused = true)]
async fn two_who_join_at_the_same_time_meet() {
    let host = Host::new();
    host.io
        .dynamic("/game/{id}")
        .on_connect(async |door: State<Door>| door.pass().await)
        .on("shout", async |socket: Socket| {
            socket.broadcast().emit("heard", &()).unwrap().queued
        });
    let mut clients = [host.open().await, host.open().await];
    for client in &mut clients {
        client.say("40/game/1,").await;
    }
    settle().await;
    host.door.open();
    for client in &mut clients {
        client.text().await;
    }
    let [one, two] = &mut clients;
    one.say(r#"42/game/1,0["shout"]"#).await;
    one.expect("43/game/1,0[1]").await;
    two.expect(r#"42/game/1,["heard"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn any_namespace_is_accepted_only_if_asked_for() {
    for (builder, accepted) in [
        (Io::builder(), false),
        (Io::builder().accept_any_namespace(), true),
    ] {
        let io = builder.build();
        io.any_namespace()
            .on("name", async |nsp: Namespace| nsp.name().to_owned());
        let server = Server::new(&io);
        match server.connect().namespace("/what/ever").await {
            Ok(client) => {
                let name: String = client.call("name", &()).await.unwrap();
                assert!(accepted && name == "/what/ever");
            }
            Err(refused) => assert!(!accepted && refused.message() == UNKNOWN),
        }
    }
}
