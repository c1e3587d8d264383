//! Namespaces that come into being when a client joins them: by pattern, by predicate, of any name.

mod lifetimes;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Deserialize;
use socketio_server::test::{Client, Server};
use socketio_server::{
    AckError, Data, EventName, Io, Namespace, NamespaceRequest, Param, Params, RecoveryConfig,
    Report, State,
};

use crate::host::{Host, Pen, settle};

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

// ---- All of them --------------------------------------------------------------------------

/// Two clients in one game, one in another and one that does not play, each in these rooms.
async fn players(server: &Server, io: &Io) -> [Client; 4] {
    let rooms: [(_, &[_]); 4] = [
        ("/game/1", &["red"]),
        ("/game/1", &["red", "blue"]),
        ("/game/2", &["red"]),
        ("/other", &["red"]),
    ];
    let mut clients = Vec::new();
    for (nsp, rooms) in rooms {
        let client = join(server, nsp).await;
        io.of(nsp).to(client.id()).join(rooms);
        clients.push(client);
    }
    clients.try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_all_children_reaches_each_and_nobody_else() {
    let recovery = Io::builder().connection_state_recovery(RecoveryConfig::default());
    for builder in [Io::builder(), recovery] {
        let io = builder.build();
        let games = io.dynamic("/game/{id}");
        io.of("/other");
        let server = Server::new(&io);
        let mut players = players(&server, &io).await;
        let second = players[1].id().to_owned();
        for (selection, reaches) in [
            (games.broadcast(), &[0, 1, 2][..]),
            (games.to("red"), &[0, 1, 2]),
            (games.to("red").except("blue"), &[0, 2]),
            (games.to(["blue", "red"]).except(&second), &[0, 2]),
            (games.to(&second), &[1]),
            (games.to("nobody"), &[]),
        ] {
            let sent = selection.emit("news", &7).unwrap();
            assert_eq!(
                (sent.queued + sent.deferred, sent.dropped),
                (reaches.len(), 0)
            );
            for &player in reaches {
                assert_eq!(players[player].expect::<u8>("news").await, 7);
            }
            for player in &mut players {
                player.expect_nothing().await;
            }
        }
        assert_eq!(names(&games.namespaces()), ["/game/1", "/game/2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn all_children_can_be_asked_and_their_sockets_moved_together() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    io.of("/other");
    let server = Server::new(&io);
    let mut players = players(&server, &io).await;
    // Ids of acknowledgements differ from namespace to namespace.
    drop(io.of("/game/1").call::<u8>("skipped", &()).unwrap());
    let votes = games.to("red").call::<u8>("vote", &()).unwrap();
    assert_eq!(votes.expected(), 3);
    let mut expected = HashMap::new();
    for (answer, player) in (1..).zip(&mut players[..2]) {
        player.expect::<()>("skipped").await;
        player.expect_event("vote").await.ack(&answer);
        expected.insert(player.id().to_owned(), Some(answer));
    }
    // The third one does not say anything.
    players[2].expect_event("vote").await;
    expected.insert(players[2].id().to_owned(), None);
    let votes = votes.all().await.into_iter();
    let votes: HashMap<_, _> = votes
        .map(|(id, vote)| (id.to_string(), vote.ok()))
        .collect();
    assert_eq!(votes, expected);

    games.to("red").join("late");
    games.to("blue").leave("red");
    for (nsp, red, late) in [("/game/1", 1, 2), ("/game/2", 1, 1), ("/other", 1, 0)] {
        let members = |room| io.of(nsp).participants(room).len();
        assert_eq!((members("red"), members("late")), (red, late), "{nsp}");
    }
    assert_eq!(games.broadcast().sockets().len(), 3);
    games.except("blue").disconnect();
    for player in [0, 2] {
        let reason = players[player].expect_disconnect().await;
        assert_eq!(reason, "io server disconnect");
    }
    assert!(players[1].is_connected() && players[3].is_connected());
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_to_no_children_reaches_nobody() {
    let io = Io::builder().build();
    let games = io.dynamic("/game/{id}");
    assert_eq!(
        games.volatile().emit("news", &7).unwrap(),
        Report::default()
    );
    assert_eq!(games.call::<u8>("vote", &()).unwrap().all().await.len(), 0);
}
