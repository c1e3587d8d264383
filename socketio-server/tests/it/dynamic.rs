//! Namespaces that come into being when a client joins them: by pattern, by predicate, of any name.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use serde::Deserialize;
use socketio_server::test::{Client, Server};
use socketio_server::{
    AckError, ConnectError, Data, EventName, Io, Namespace, NamespaceRequest, Param, Params,
    Socket, State,
};

use crate::host::{Door, Host, Pen, settle};

async fn join(server: &Server, nsp: &str) -> Client {
    server.connect().namespace(nsp).await.unwrap()
}

/// Why a client may not join.
async fn refusal(server: &Server, nsp: &str) -> String {
    let refused = server.connect().namespace(nsp).await.unwrap_err();
    refused.message()
}

/// Which namespaces exist, as far as a family knows.
fn names(namespaces: &[Namespace]) -> Vec<&str> {
    let mut names: Vec<_> = namespaces.iter().map(Namespace::name).collect();
    names.sort_unstable();
    names
}

const UNKNOWN: &str = "Invalid namespace";

// ---- Patterns -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_pattern_matches_what_it_says_and_nothing_else() {
    let io = Io::builder().build();
    for pattern in [
        "/game/{id}",
        "room-{name}/chat",
        "/{a}-x/y/{b}",
        "/files/{*path}",
    ] {
        io.dynamic(pattern).on("params", async |params: Params| {
            let params = params.iter().map(|(name, value)| format!("{name}={value}"));
            params.collect::<Vec<_>>()
        });
    }
    let server = Server::new(&io);
    for (nsp, params) in [
        ("/game/7", Some(vec!["id=7"])),
        ("/game/a b", Some(vec!["id=a b"])),
        ("/game/", None),
        ("/game", None),
        ("/game/7/8", None),
        ("/game/7/", None),
        ("/Game/7", None),
        ("/room-a/chat", Some(vec!["name=a"])),
        ("/room-/chat", None),
        ("/room-a", None),
        ("/1-x/y/2", Some(vec!["a=1", "b=2"])),
        ("/x/y/2", None),
        ("/files/a/b.txt", Some(vec!["path=a/b.txt"])),
        ("/files/", None),
        ("/files", None),
        ("/other", None),
    ] {
        match params {
            Some(params) => {
                let client = join(&server, nsp).await;
                let got: Vec<String> = client.call("params", &()).await.unwrap();
                assert_eq!(got, params, "{nsp}");
            }
            None => assert_eq!(refusal(&server, nsp).await, UNKNOWN, "{nsp}"),
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    for pattern in [
        "/{", "/}", "/{}", "/{*}", "/{a", "/a}", "/{a}{b}", "/{a{b}}", "/{*a}/b", "/x{*a}",
        "/{*a}x",
    ] {
        let io = Io::builder().build();
        let made = catch_unwind(AssertUnwindSafe(|| io.dynamic(pattern)));
        let panic = made.unwrap_err().downcast::<String>().unwrap();
        assert_eq!(*panic, format!("{pattern:?} is no pattern of namespaces"));
    }
}

#[derive(Deserialize)]
struct Place {
    id: u32,
    side: Side,
}

#[derive(Deserialize, PartialEq, Debug)]
#[serde(rename_all = "lowercase")]
enum Side {
    Left,
    Right,
}

#[tokio::test(start_paused = true)]
async fn parameters_are_read_as_types_and_those_that_do_not_fit_keep_clients_out() {
    let io = Io::builder().build();
    io.dynamic("/one/{id}")
        .on_connect(|_: Param<i32>| ())
        .on("text", |Param(id): Param<String>| id)
        .on("number", |Param(id): Param<u8>| id)
        .on("option", |Param(id): Param<Option<char>>| {
            id.map(String::from)
        })
        .on("several", |Param(it): Param<(u8, u8)>| it.0);
    io.dynamic("/two/{id}/{side}")
        .on("tuple", |Param((id, side)): Param<(u32, Side)>| {
            id == 7 && side == Side::Left
        })
        .on("struct", |Param(place): Param<Place>| {
            place.id == 7 && place.side == Side::Left
        })
        .on("map", |Param(map): Param<HashMap<String, String>>| {
            map["id"] == "7" && map["side"] == "left"
        })
        .on("one", |Param(id): Param<u32>| id);
    let server = Server::new(&io);
    for nsp in ["/one/x", "/one/4294967296", "/one/"] {
        assert_eq!(refusal(&server, nsp).await, UNKNOWN);
    }
    let client = join(&server, "/one/7").await;
    assert_eq!(client.call::<String>("text", &()).await.unwrap(), "7");
    assert_eq!(client.call::<u8>("number", &()).await.unwrap(), 7);
    assert_eq!(client.call::<String>("option", &()).await.unwrap(), "7");
    for (client, event) in [
        (&client, "several"),
        (&join(&server, "/one/300").await, "number"),
        (&join(&server, "/two/7/left").await, "one"),
        (&join(&server, "/two/7/middle").await, "tuple"),
    ] {
        let answer: HashMap<String, String> = client.call(event, &()).await.unwrap();
        assert_eq!(answer["message"], UNKNOWN);
    }
    let client = join(&server, "/two/7/left").await;
    for event in ["tuple", "struct", "map"] {
        assert!(client.call::<bool>(event, &()).await.unwrap(), "{event}");
    }
}

// ---- Predicates ---------------------------------------------------------------------------

#[derive(Deserialize)]
struct Credentials {
    key: Option<String>,
}

#[tokio::test(start_paused = true)]
async fn a_predicate_decides_by_name_and_credentials_and_is_asked_about_every_client() {
    let io = Io::builder().build();
    io.dynamic_if(|request: NamespaceRequest| {
        assert!(request.handshake().query().contains("EIO=4"));
        let auth: Credentials = request.auth().unwrap();
        auth.key.as_deref() == request.name().strip_prefix("/secret/")
    });
    let server = Server::new(&io);
    let connect = |key: &str| {
        let auth = HashMap::from([("key", key.to_owned())]);
        server.connect().namespace("/secret/tea").auth(auth)
    };
    let _first = connect("tea").await.unwrap();
    assert_eq!(connect("milk").await.unwrap_err().message(), UNKNOWN);
    connect("tea").await.unwrap();
    assert_eq!(io.of("/secret/tea").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_while_a_predicate_decides_waits() {
    let mut host = Host::new();
    let door = host.door.clone();
    let family = host.io.dynamic_if(move |request: NamespaceRequest| {
        let door = door.clone();
        async move {
            door.pass().await;
            request.name() != "/no"
        }
    });
    family.on("event", async |Data(n): Data<u8>, pen: State<Pen>| {
        pen.note(n.to_string());
        n
    });
    let mut client = host.open().await;
    client.say_all(["40/yes,", r#"42/yes,0["event",1]"#]).await;
    client.say_all(["40/no,", r#"42/no,0["event",2]"#]).await;
    client
        .say_all(["40/left,", r#"42/left,0["event",3]"#, "41/left,"])
        .await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    host.door.open();
    let answer = client.text().await;
    assert!(answer.starts_with(r#"40/yes,{"sid""#), "{answer}");
    let mut answers = [client.text().await, client.text().await];
    answers.sort();
    let refused = r#"44/no,{"message":"Invalid namespace"}"#;
    assert_eq!(answers, ["43/yes,0[1]", refused]);
    host.diary.expect("1").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    assert_eq!(names(&family.namespaces()), ["/yes"]);
}

#[tokio::test(start_paused = true)]
async fn a_predicate_that_panics_does_not_allow() {
    let io = Io::builder().build();
    io.dynamic_if(|request: NamespaceRequest| match request.name() {
        "/plain" => panic!("plainly"),
        _ => false,
    });
    io.dynamic_if(async |request: NamespaceRequest| match request.name() {
        "/async" => panic!("later"),
        name => name == "/fine",
    });
    let server = Server::new(&io);
    assert_eq!(refusal(&server, "/plain").await, UNKNOWN);
    assert_eq!(refusal(&server, "/async").await, UNKNOWN);
    join(&server, "/fine").await;
}

// ---- Whose it is --------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn fixed_namespaces_come_first_and_families_in_their_order() {
    let io = Io::builder().accept_any_namespace().build();
    let answers = |name: &'static str| move || name;
    io.any_namespace().on("whose", answers("any"));
    io.dynamic("/a/{b}").on("whose", answers("pattern"));
    io.dynamic_if(|request: NamespaceRequest| request.name().starts_with("/a"))
        .on("whose", answers("predicate"));
    io.of("/a").on("whose", answers("fixed"));
    let server = Server::new(&io);
    for (nsp, whose) in [
        ("/a", "fixed"),
        ("/a/1", "pattern"),
        ("/a/1/2", "predicate"),
        ("/b", "any"),
    ] {
        let client = join(&server, nsp).await;
        let answer: String = client.call("whose", &()).await.unwrap();
        assert_eq!(answer, whose);
    }
}

#[tokio::test(start_paused = true)]
async fn children_share_handlers_as_they_change_and_their_own_come_first() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    let server = Server::new(&io);
    let one = join(&server, "/game/1").await;
    let two = join(&server, "/game/2").await;
    let reached = async |client: &Client, event: &str| match client.call(event, &()).await {
        Ok(name) => name,
        Err(AckError::Timeout) => String::new(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(reached(&one, "a").await, "");
    games.on("a", async || "game a").on("b", async || "game b");
    io.of("/game/1")
        .on("a", async || "own")
        .on_fallback(async |EventName(name): EventName| format!("own fallback {name}"));
    assert_eq!(reached(&one, "a").await, "own");
    assert_eq!(reached(&one, "b").await, "own fallback b");
    assert_eq!(reached(&two, "a").await, "game a");
    games.on("a", async || "new a");
    assert_eq!(reached(&two, "a").await, "new a");
    // The same pattern is the same.
    io.dynamic("/game/{id}").off("a");
    assert_eq!(reached(&two, "a").await, "");
    assert_eq!(io.of("/game/2"), io.of("game/2"));
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_all_children_reaches_each_and_nobody_else() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    io.of("/other");
    let server = Server::new(&io);
    let mut clients = [
        join(&server, "/game/1").await,
        join(&server, "/game/1").await,
        join(&server, "/game/2").await,
    ];
    let mut other = join(&server, "/other").await;
    assert_eq!(games.emit("news", &7).unwrap().queued, 3);
    for client in &mut clients {
        assert_eq!(client.expect::<u8>("news").await, 7);
    }
    other.expect_nothing().await;
    assert_eq!(names(&games.namespaces()), ["/game/1", "/game/2"]);
}

// ---- Coming and going ---------------------------------------------------------------------

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
