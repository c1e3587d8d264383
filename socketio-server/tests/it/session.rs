//! Data that handlers keep of their clients from one event to the next.

use std::sync::Arc;

use http::request::Parts;
use parking_lot::Mutex;
use socketio_server::test::{Client, Server};
use socketio_server::{Data, HttpSession, Io, Session, Socket};

#[derive(Clone, Default, Debug, PartialEq, Eq)]
struct Player {
    name: String,
    points: u32,
}

/// A game whose players have points.
fn game(io: &Io, nsp: &str) {
    let namespace = io.of(nsp);
    namespace.on("score", async |session: Session<Player>| {
        session.edit(|player| {
            player.points += 1;
            player.points
        })
    });
    namespace.on(
        "name",
        async |session: Session<Player>, Data(name): Data<String>| {
            let points = session.get().points;
            session.save(Player { name, points });
        },
    );
    namespace.on("show", async |session: Session<Player>| {
        let player = session.get();
        format!("{}: {}", player.name, player.points)
    });
}

async fn show(client: &Client) -> String {
    client.call("show", &()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_session_lasts_from_event_to_event() {
    let io = Io::builder().build();
    game(&io, "/");
    let server = Server::new(&io);
    let alice = server.connect().upgrading().await.unwrap();
    assert_eq!(show(&alice).await, ": 0");
    for points in 1..=2 {
        assert_eq!(alice.call::<u32>("score", &()).await.unwrap(), points);
    }
    alice.call::<()>("name", "Alice").await.unwrap();
    assert_eq!(show(&alice).await, "Alice: 2");
    let bob = server.connect().await.unwrap();
    assert_eq!(show(&bob).await, ": 0");
}

#[tokio::test(start_paused = true)]
async fn each_namespace_and_each_type_has_a_session_of_its_own() {
    let io = Io::builder().build();
    game(&io, "/");
    game(&io, "/second");
    io.on("other", async |session: Session<u32>| {
        session.edit(|number| {
            *number += 10;
            *number
        })
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    client.call::<u32>("score", &()).await.unwrap();
    assert_eq!(client.call::<u32>("other", &()).await.unwrap(), 10);
    let second = client.join("/second").await.unwrap();
    assert_eq!(show(&second).await, ": 0");
    assert_eq!(show(&client).await, ": 1");
}

#[tokio::test(start_paused = true)]
async fn a_session_can_be_read_to_the_end_and_not_beyond() {
    let io = Io::builder().build();
    game(&io, "/");
    let last = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&last);
    io.on_disconnect(move |session: Session<Player>| {
        notes.lock().push(session.get().points);
        async {}
    });
    let server = Server::new(&io);
    for _ in 0..2 {
        let client = server.connect().await.unwrap();
        assert_eq!(client.call::<u32>("score", &()).await.unwrap(), 1);
        client.disconnect();
        server.settle().await;
    }
    assert_eq!(*last.lock(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_does_not_change_any_more() {
    let io = Io::builder().build();
    io.on("both", async |session: Session<Player>| {
        let before = session.get();
        session.edit(|player| player.points = 7);
        (before.points, session.get().points)
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let both: (u32, u32) = client.call("both", &()).await.unwrap();
    assert_eq!(both, (0, 7));
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_comes_too_late_is_made_again() {
    let io = Io::builder().build();
    io.on("race", async |session: Session<Player>| {
        let other = session.clone();
        let mut tries = 0;
        session.edit(|player| {
            tries += 1;
            if tries == 1 {
                // As a handler of the same socket on another thread might.
                other.edit(|player| player.name = "other".to_owned());
            }
            player.points += 1;
        });
        let player = session.get();
        (tries, player.name.clone(), player.points)
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let (tries, name, points): (u32, String, u32) = client.call("race", &()).await.unwrap();
    assert_eq!((tries, &*name, points), (2, "other", 1));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_reached_from_outside_of_handlers() {
    let io = Io::builder().build();
    game(&io, "/");
    let sockets = Arc::new(Mutex::new(Vec::new()));
    let present = Arc::clone(&sockets);
    io.on_connect(move |socket: Socket| present.lock().push(socket));
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    client.call::<u32>("score", &()).await.unwrap();
    let socket = sockets.lock().pop().unwrap();
    socket.session::<Player>().edit(|player| player.points = 40);
    assert_eq!(client.call::<u32>("score", &()).await.unwrap(), 41);
}

// ---- The HTTP session ---------------------------------------------------------------------

/// As a layer in front leaves it: the browser's session on the server.
#[derive(Clone)]
struct Browser(Arc<Mutex<Player>>);

fn copying() -> Io {
    let io = Io::builder()
        .http_session(async |request: Parts| {
            let browser = request.extensions.get::<Browser>();
            browser.map(|browser| browser.0.lock().clone())
        })
        .build();
    for nsp in ["/", "/second"] {
        let namespace = io.of(nsp);
        namespace.on(
            "score",
            async |HttpSession(session): HttpSession<Option<Player>>| {
                session.edit(|player| {
                    let player = player.as_mut()?;
                    player.points += 1;
                    Some(player.points)
                })
            },
        );
        namespace.on("none", async |session: Option<HttpSession<String>>| {
            session.is_none()
        });
    }
    io
}

#[tokio::test(start_paused = true)]
async fn the_http_session_is_copied_when_a_client_connects() {
    let server = Server::new(&copying());
    let player = Player {
        name: "Alice".to_owned(),
        points: 10,
    };
    let browser = Browser(Arc::new(Mutex::new(player)));
    let connect = || server.connect().extension(browser.clone());
    let first = connect().upgrading().await.unwrap();
    let score = async |client: &Client| client.call::<Option<u32>>("score", &()).await.unwrap();
    assert_eq!(score(&first).await, Some(11));
    // What HTTP changes is not seen any more, and what handlers change never reaches HTTP.
    browser.0.lock().points = 20;
    assert_eq!(score(&first).await, Some(12));
    assert_eq!(browser.0.lock().points, 20);
    // All namespaces of the link have the same copy, and every link its own.
    let second = first.join("/second").await.unwrap();
    assert_eq!(score(&second).await, Some(13));
    let other = connect().await.unwrap();
    assert_eq!(score(&other).await, Some(21));
    assert_eq!(score(&first).await, Some(14));
    let stranger = server.connect().await.unwrap();
    assert_eq!(score(&stranger).await, None);
    assert!(stranger.call::<bool>("none", &()).await.unwrap());
}
