//! What handlers get to know of the request that opened their client's link, and what applications
//! have to say to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use http::request::Parts;
use http::{Request, StatusCode};
use parking_lot::Mutex;
use socketio_server::test::{Refusal, Server};
use socketio_server::{
    ClientBundle, Cors, Data, Extension, Handshake, Io, Peer, PeerAddr, SessionCookie, Sid, Socket,
    Transport,
};
use tokio::net::{TcpListener, TcpStream};

use crate::client::Client;

/// A user, as a layer in front would find out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User(&'static str);

/// Something else that such layers leave.
#[derive(Clone)]
struct Trace;

fn refused(refusal: &Refusal) -> (StatusCode, &str) {
    match refusal {
        Refusal::Http { status, body } => (*status, body),
        other => panic!("{other:?}"),
    }
}

// ---- What is known ------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_url_is_known_with_its_parameters() {
    let io = Io::builder().build();
    io.on("url", async |handshake: Arc<Handshake>| {
        handshake.url().to_owned()
    });
    io.on("parameter", async |socket: Socket, name: Data<String>| {
        let value = socket.handshake().parameter(&name);
        value.map(|value| value.into_owned())
    });
    let server = Server::new(&io);
    let connect = server.connect().query("room=tea+time&room=2&%C3%A4=%26");
    let client = connect.await.unwrap();
    let url: String = client.call("url", &()).await.unwrap();
    assert!(url.starts_with("/socket.io/?EIO=4&"), "{url}");
    assert!(url.ends_with("&room=tea+time&room=2&%C3%A4=%26"), "{url}");
    for (name, expected) in [
        ("room", Some("tea time")),
        ("ä", Some("&")),
        ("transport", Some("websocket")),
        ("nothing", None),
    ] {
        let value: Option<String> = client.call("parameter", name).await.unwrap();
        assert_eq!(value.as_deref(), expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn headers_are_kept_as_far_as_asked_for() {
    for (builder, expected) in [
        (Io::builder(), ""),
        (Io::builder().keep_headers([AUTHORIZATION]), "secret"),
        (Io::builder().keep_all_headers(), "secret localhost phone"),
    ] {
        let io = builder.build();
        io.on("headers", async |handshake: Arc<Handshake>| {
            let names = ["authorization", "host", "x-device"];
            let values = names.map(|name| handshake.header(name).unwrap_or_default());
            values.join(" ").trim_end().to_owned()
        });
        let server = Server::new(&io);
        let connect = server.connect().header("authorization", "secret");
        let client = connect.header("x-device", "phone").await.unwrap();
        let headers: String = client.call("headers", &()).await.unwrap();
        assert_eq!(headers, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn cookies_are_read_by_their_names() {
    let io = Io::builder().keep_headers([COOKIE]).build();
    io.on("cookie", async |socket: Socket, name: Data<String>| {
        socket.handshake().cookie(&name).map(str::to_owned)
    });
    let server = Server::new(&io);
    let connect = server.connect().header("cookie", "a=1; bb = 2;c==;d");
    let client = connect.header("cookie", "e=5").await.unwrap();
    for (name, expected) in [
        ("a", Some("1")),
        ("b", None),
        ("c", Some("=")),
        ("d", None),
        ("e", Some("5")),
    ] {
        let value: Option<String> = client.call("cookie", name).await.unwrap();
        assert_eq!(value.as_deref(), expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn time_origin_and_encryption_are_known() {
    let io = Io::builder().build();
    io.on("facts", async |handshake: Arc<Handshake>| {
        let since = handshake.time().duration_since(SystemTime::UNIX_EPOCH);
        let issued = Duration::from_millis(handshake.issued());
        assert_eq!(since.unwrap(), issued);
        (
            handshake.issued(),
            handshake.is_cross_domain(),
            handshake.is_secure(),
        )
    });
    let server = Server::new(&io);
    let since_1970 = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let before = since_1970();
    let plain = server.connect().await.unwrap();
    let (issued, cross_domain, secure): (u64, bool, bool) = plain.call("facts", &()).await.unwrap();
    assert!((before..=since_1970()).contains(&issued));
    assert!(!cross_domain && !secure);
    let connect = server.connect().header("origin", "https://a.b");
    let page = connect.peer(Peer::default().secure()).await.unwrap();
    let (_, cross_domain, secure): (u64, bool, bool) = page.call("facts", &()).await.unwrap();
    assert!(cross_domain && secure);
}

// ---- Where it comes from ------------------------------------------------------------------

fn where_from(io: &Io) {
    io.on("where", async |address: Option<PeerAddr>| {
        address.map(|PeerAddr(address)| address.to_string())
    });
}

#[tokio::test(start_paused = true)]
async fn the_address_is_what_the_request_was_given() {
    let io = Io::builder().build();
    where_from(&io);
    let server = Server::new(&io);
    let nowhere = server.connect().await.unwrap();
    assert_eq!(
        nowhere.call::<Option<String>>("where", &()).await.unwrap(),
        None
    );
    for connect in [server.connect(), server.connect().upgrading()] {
        let peer = Peer::at(([192, 0, 2, 1], 50_000).into());
        let client = connect.peer(peer).await.unwrap();
        let address: String = client.call("where", &()).await.unwrap();
        assert_eq!(address, "192.0.2.1:50000");
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_may_come_from_elsewhere() {
    #[derive(Clone)]
    struct ConnectInfo(SocketAddr);

    let io = Io::builder()
        .peer(|request| {
            let info = request.extensions.get::<ConnectInfo>();
            info.map_or_else(Peer::default, |info| Peer::at(info.0))
        })
        .build();
    where_from(&io);
    let server = Server::new(&io);
    let info = ConnectInfo(([192, 0, 2, 7], 7).into());
    let client = server.connect().extension(info).await.unwrap();
    let address: String = client.call("where", &()).await.unwrap();
    assert_eq!(address, "192.0.2.7:7");
}

#[tokio::test]
async fn the_address_over_tcp_is_that_of_the_connection() {
    let io = Io::builder().build();
    where_from(&io);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let serving = io.clone();
    tokio::spawn(async move {
        serving
            .serve(listener, std::future::pending(), Duration::ZERO)
            .await
    });
    let stream = TcpStream::connect(server).await.unwrap();
    let address = stream.local_addr().unwrap();
    let mut client = Client::open(stream).await;
    client.join("/").await;
    client.say(r#"420["where"]"#).await;
    client.expect(&format!(r#"430["{address}"]"#)).await;
}

// ---- What layers have found out -----------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn extensions_are_kept_by_their_types() {
    let io = Io::builder().keep_extension::<User>().build();
    io.on("user", async |user: Option<Extension<User>>| {
        user.map(|Extension(user)| user.0)
    });
    io.on("trace", async |trace: Option<Extension<Trace>>| {
        trace.is_some()
    });
    let server = Server::new(&io);
    for connect in [server.connect(), server.connect().upgrading()] {
        let connect = connect.extension(User("alice")).extension(Trace);
        let client = connect.await.unwrap();
        let user: Option<String> = client.call("user", &()).await.unwrap();
        assert_eq!(user.as_deref(), Some("alice"));
        assert!(!client.call::<bool>("trace", &()).await.unwrap());
    }
    let stranger = server.connect().await.unwrap();
    let user: Option<String> = stranger.call("user", &()).await.unwrap();
    assert_eq!(user, None);
}

#[tokio::test(start_paused = true)]
async fn handlers_know_the_transport() {
    let io = Io::builder().build();
    io.on("transport", async |transport: Transport| transport.as_str());
    let server = Server::new(&io);
    let client = server.connect().upgrading().await.unwrap();
    server.settle().await;
    let transport: String = client.call("transport", &()).await.unwrap();
    assert_eq!(transport, "websocket");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_moves_to_websocket_is_noticed_once() {
    let io = Io::builder().build();
    let moved = Arc::new(Mutex::new(Vec::new()));
    for nsp in ["/", "/second", "/slow"] {
        let notes = Arc::clone(&moved);
        io.of(nsp)
            .on_upgrade(move |socket: Socket, transport: Transport| {
                let name = socket.namespace().name().to_owned();
                notes.lock().push((name, transport.as_str()));
                let _ = socket.emit("moved", &());
            });
    }
    // Whoever has not been let in by then is not told.
    // Virtual time: the client moves meanwhile.
    let slow = async || tokio::time::sleep(Duration::from_secs(1)).await;
    io.of("/slow").on_connect(slow);
    let server = Server::new(&io);
    let direct = [server.connect(), server.connect().polling()];
    for connect in direct {
        let client = connect.await.unwrap();
        client.join("/second").await.unwrap();
    }
    server.settle().await;
    assert!(moved.lock().is_empty());

    let mut client = server.connect().upgrading().await.unwrap();
    client.expect::<()>("moved").await;
    assert_eq!(*moved.lock(), [("/".to_owned(), "websocket")]);
    moved.lock().clear();
    let slow = server.connect().namespace("/slow").upgrading();
    slow.await.unwrap();
    assert!(moved.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_move_to_websocket_is_no_event_and_passes_by_those_around_events() {
    let io = Io::builder().build();
    let notes = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| {
        let notes = Arc::clone(&notes);
        move |event: &str| notes.lock().push(format!("{what} {event}"))
    };
    let (observer, middleware, handler) = (note("observer"), note("middleware"), note("handler"));
    let failed = note("failed");
    io.on_any(move |event| observer(event.name()))
        .wrap(move |event, next| {
            middleware(event.name());
            next.run(event)
        })
        .on_error(move |error| failed(&error.event))
        .on_upgrade(move |transport: Transport| handler(transport.as_str()))
        .on("hello", || ());
    let client = Server::new(&io).connect().upgrading().await.unwrap();
    client.call::<()>("hello", &()).await.unwrap();
    let expected = ["handler websocket", "observer hello", "middleware hello"];
    assert_eq!(*notes.lock(), expected);
}

// ---- Who is let in ------------------------------------------------------------------------

fn guarded() -> Io {
    let io = Io::builder()
        .allow_request(async |request: Parts| {
            // Virtual time: as if a database had to be asked.
            tokio::time::sleep(Duration::from_secs(1)).await;
            match request.headers.get(AUTHORIZATION) {
                Some(token) if token == "a" => Ok(Extension(User("alice"))),
                Some(_) => Err("wrong token"),
                None => Err("no token"),
            }
        })
        .allow_request(async |request: Parts| !request.uri.to_string().contains("banned"))
        .build();
    io.on("user", async |Extension(user): Extension<User>| user.0);
    io
}

#[tokio::test(start_paused = true)]
async fn a_hook_lets_clients_in_and_says_who_they_are() {
    let server = Server::new(&guarded());
    let connects = [
        server.connect(),
        server.connect().polling(),
        server.connect().upgrading(),
    ];
    for connect in connects {
        let client = connect.header("authorization", "a").await.unwrap();
        let user: String = client.call("user", &()).await.unwrap();
        assert_eq!(user, "alice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_refuses_in_its_own_words() {
    let server = Server::new(&guarded());
    let polling = server.connect().polling();
    let refusal = polling.header("authorization", "b").await.unwrap_err();
    let words = r#"{"code":4,"message":"wrong token"}"#;
    assert_eq!(refused(&refusal), (StatusCode::FORBIDDEN, words));
    let refusal = server.connect().await.unwrap_err();
    assert_eq!(refused(&refusal), (StatusCode::BAD_REQUEST, "no token"));
    // The second hook is asked as well, and says no more than no.
    let banned = server
        .connect()
        .header("authorization", "a")
        .query("banned");
    let refusal = banned.await.unwrap_err();
    assert_eq!(refused(&refusal), (StatusCode::BAD_REQUEST, "Forbidden"));
    assert!(server.io().of("/").is_empty());
}

#[tokio::test(start_paused = true)]
async fn links_may_be_named_by_the_application() {
    let sid = Sid::from_random([1; 15]);
    let io = Io::builder().generate_id(move |_| Ok(sid)).build();
    let server = Server::new(&io);
    let first = server.request(handshake()).await;
    let body = str::from_utf8(first.body()).unwrap();
    assert!(body.contains(sid.as_str()), "{body}");
    let second = server.request(handshake()).await;
    assert_eq!(second.status(), StatusCode::BAD_REQUEST);
}

fn handshake() -> Request<&'static str> {
    Request::get("/socket.io/?EIO=4&transport=polling")
        .header("origin", "https://a.b")
        .body("")
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_carry_what_was_asked_for() {
    let io = Io::builder()
        .cors(Cors::list(["https://a.b"]))
        .cookie(SessionCookie::default())
        .on_initial_headers(|_, headers| {
            headers.insert("x-first", HeaderValue::from_static("yes"));
        })
        .on_headers(|request, headers| {
            let method = HeaderValue::from_str(request.method.as_str());
            headers.insert("x-method", method.unwrap());
        })
        .build();
    let server = Server::new(&io);
    let response = server.request(handshake()).await;
    let headers = response.headers();
    assert_eq!(headers["access-control-allow-origin"], "https://a.b");
    assert_eq!(headers["x-first"], "yes");
    assert_eq!(headers["x-method"], "GET");
    let cookie = headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("io="), "{cookie}");
    assert!(
        cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_of_allowed_origins_may_use_the_client_too() {
    let folder = std::env::temp_dir().join(format!("socketio-bundle-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("dist")).unwrap();
    std::fs::write(folder.join("package.json"), r#"{"version": "4.8.4"}"#).unwrap();
    std::fs::write(folder.join("dist/socket.io.js"), "client").unwrap();
    let bundle = ClientBundle::open(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let io = Io::builder()
        .client(bundle)
        .cors(Cors::list(["https://a.b"]))
        .build();
    let server = Server::new(&io);
    for (method, origin, status, allowed) in [
        ("GET", "https://a.b", 200, true),
        ("GET", "https://b.a", 200, false),
        ("OPTIONS", "https://a.b", 204, true),
    ] {
        let request = Request::builder()
            .method(method)
            .uri("/socket.io/socket.io.js");
        let request = request.header("origin", origin).body("").unwrap();
        let response = server.request(request).await;
        assert_eq!(response.status().as_u16(), status);
        let answered = response.headers().get("access-control-allow-origin");
        assert_eq!(answered.is_some_and(|it| it == origin), allowed, "{origin}");
    }
}
