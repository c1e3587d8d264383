//! Data that handlers keep of their clients from one event to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use parking_lot::Mutex;
use serde_json::{Value, json};
use socketio_server::test::{Client, Server};
use socketio_server::{
    BoxError, Data, EventContext, FromEvent, HttpSession, Io, RecoveryConfig, Rejection, Session,
    Socket, State, StoredSession,
};
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions::{MemoryStore, SessionManagerLayer};

use crate::host::{Host, settle};

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

#[tokio::test(start_paused = true)]
async fn a_session_is_recovered_with_its_socket() {
    let recovery = RecoveryConfig::default();
    let host = Host::start(Io::builder().connection_state_recovery(recovery));
    game(&host.io, "/");
    let mut client = host.open().await;
    client.say("40").await;
    let answer: Value = serde_json::from_str(&client.text().await[2..]).unwrap();
    client.say(r#"420["score"]"#).await;
    client.expect("430[1]").await;
    host.io.emit("news", &()).unwrap();
    let news: Value = serde_json::from_str(&client.text().await[2..]).unwrap();
    drop(client);
    settle().await;

    let mut client = host.open().await;
    let claim = json!({ "pid": answer["pid"], "offset": news[1] });
    client.say(&format!("40{claim}")).await;
    assert!(
        client
            .text()
            .await
            .contains(answer["sid"].as_str().unwrap())
    );
    client.say(r#"420["score"]"#).await;
    client.expect("430[2]").await;
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

// ---- The session in a store ---------------------------------------------------------------

/// An application whose sessions are in a store: HTTP shows and changes the basket as well.
struct Shop {
    server: Server,
    failures: Arc<Mutex<Vec<String>>>,
}

/// `GET /basket` tells what is in it, `POST /basket` puts the request's body into it.
async fn basket(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let session = request.extensions().get::<tower_sessions::Session>();
    let session = session.unwrap().clone();
    let mut basket: Vec<String> = session.get("basket").await.unwrap().unwrap_or_default();
    if request.method() == "POST" {
        let item = request.into_body().collect().await.unwrap().to_bytes();
        basket.push(String::from_utf8(item.to_vec()).unwrap());
        session.insert("basket", &basket).await.unwrap();
    }
    Ok(Response::new(Full::from(basket.join(","))))
}

impl Shop {
    fn open() -> Self {
        let store = MemoryStore::default();
        let failures = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&failures);
        let io = Io::builder()
            .session_store(store.clone())
            .on_error(move |error| noted.lock().push(error.to_string()))
            .build();
        io.on("add", async |session: StoredSession, item: Data<String>| {
            let mut basket: Vec<String> = session.get("basket").await?.unwrap_or_default();
            basket.push(item.0);
            session.insert("basket", &basket).await?;
            if basket.len() > 3 {
                panic!("the basket is full");
            }
            Ok::<_, BoxError>(basket.join(","))
        });
        io.on("empty", async |session: StoredSession| {
            session.clear().await
        });
        io.on_disconnect(async |session: StoredSession| {
            let left = session.insert("left", true).await;
            left.map_err(BoxError::from)
        });
        let app = io.layer().layer(service_fn(basket));
        // tower-sessions wants bodies that can be empty; a framework's can.
        let app = app.map_response(|answer: Response<_>| answer.map(BodyExt::boxed));
        let app = SessionManagerLayer::new(store)
            .with_secure(false)
            .layer(app);
        Self {
            server: Server::with_service(&io, app),
            failures,
        }
    }

    /// What HTTP says is in the basket of the browser that got this answer.
    async fn basket(&self, browser: &Response<Bytes>) -> String {
        let cookie = &browser.headers()["set-cookie"];
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap();
        let request = Request::get("/basket").header("cookie", cookie).body("");
        let answer = self.server.request(request.unwrap()).await;
        String::from_utf8(answer.body().to_vec()).unwrap()
    }

    async fn browser(&self) -> Response<Bytes> {
        let request = Request::post("/basket").body("tea").unwrap();
        self.server.request(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_and_routes_share_the_session_in_the_store() {
    let shop = Shop::open();
    let browser = shop.browser().await;
    for connect in [shop.server.connect(), shop.server.connect().polling()] {
        let client = connect.cookies(&browser).await.unwrap();
        let before = shop.basket(&browser).await;
        let basket: String = client.call("add", "milk").await.unwrap();
        assert_eq!(basket, format!("{before},milk"));
        // Saved before the handler's answer came.
        assert_eq!(shop.basket(&browser).await, basket);
    }
    let stranger = shop.server.connect().await.unwrap();
    let basket: String = stranger.call("add", "milk").await.unwrap();
    assert_eq!(basket, "milk");
    assert_eq!(shop.basket(&browser).await, "tea,milk,milk");
    assert!(shop.failures.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_session_that_a_link_begins_lasts_as_long_as_the_link() {
    let shop = Shop::open();
    let client = shop.server.connect().await.unwrap();
    for expected in ["milk", "milk,milk"] {
        let basket: String = client.call("add", "milk").await.unwrap();
        assert_eq!(basket, expected);
    }
    client.call::<()>("empty", &()).await.unwrap();
    let basket: String = client.call("add", "tea").await.unwrap();
    assert_eq!(basket, "tea");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_saves_nothing() {
    let shop = Shop::open();
    let browser = shop.browser().await;
    let client = shop.server.connect().cookies(&browser).await.unwrap();
    for _ in 0..2 {
        client.call::<String>("add", "milk").await.unwrap();
    }
    client.emit("add", "milk");
    shop.server.settle().await;
    assert_eq!(shop.basket(&browser).await, "tea,milk,milk");
    let failures = shop.failures.lock();
    assert!(failures[0].ends_with("the basket is full"), "{failures:?}");
}

#[tokio::test(start_paused = true)]
async fn without_the_layer_there_is_no_stored_session() {
    let io = Io::builder().session_store(MemoryStore::default()).build();
    io.on("has", async |session: Option<StoredSession>| {
        session.is_some()
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    assert!(!client.call::<bool>("has", &()).await.unwrap());
}

// ---- What extractors do afterwards --------------------------------------------------------

/// Notes what happens to the handlers it is a parameter of.
struct Noting;

/// What has happened.
#[derive(Default)]
struct Notes(Mutex<Vec<&'static str>>);

impl FromEvent for Noting {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let State(notes) = State::<Notes>::from_event(event)?;
        event.after_handler(async move {
            // Virtual time: as if a database had to be written.
            tokio::time::sleep(Duration::from_secs(1)).await;
            notes.0.lock().push("first");
            Ok(())
        });
        let State(notes) = State::<Notes>::from_event(event)?;
        let fails = event.name() == "fail";
        event.after_handler(async move {
            notes.0.lock().push("second");
            match fails {
                true => Err("not saved".into()),
                false => Ok(()),
            }
        });
        Ok(Self)
    }
}

#[tokio::test(start_paused = true)]
async fn answers_wait_for_what_is_to_be_done_after_the_handler() {
    let io = Io::builder()
        .state(Notes::default())
        .on_error(|error| error.kind.to_string())
        .build();
    io.on_connect(async |_: Noting, State(notes): State<Notes>| {
        notes.0.lock().push("connect");
    });
    io.on("work", async |_: Noting, State(notes): State<Notes>| {
        notes.0.lock().push("work");
        "done"
    });
    io.on("fail", async |_: Noting| "done");
    io.on("notes", async |State(notes): State<Notes>| {
        std::mem::take(&mut *notes.0.lock())
    });
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let notes = async || client.call::<Vec<String>>("notes", &()).await.unwrap();
    assert_eq!(notes().await, ["connect", "first", "second"]);
    assert_eq!(client.call::<String>("work", &()).await.unwrap(), "done");
    assert_eq!(notes().await, ["work", "first", "second"]);
    let answer: String = client.call("fail", &()).await.unwrap();
    assert_eq!(answer, "not saved");
}
