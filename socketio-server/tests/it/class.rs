//! Class-based namespaces: whose methods are run, on what, and before whom.

mod failures;
mod functions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Deserialize;
use socketio_server::test::{Client, Refusal, Server};
use socketio_server::{
    Auth, ConnectError, Data, DisconnectReason, EncodeError, Event, EventName, Handlers, Io,
    Namespace, NamespaceClass, Param, Socket, namespace,
};

/// Has a method of each kind, and remembers.
#[derive(Default)]
struct Game {
    moves: AtomicU64,
    left: Mutex<Vec<DisconnectReason>>,
}

#[derive(Event, Deserialize)]
#[event("resign", ack = &'static str)]
struct Resign {
    reason: String,
}

#[namespace("/game")]
impl Game {
    #[connect]
    async fn join(
        &self,
        socket: Socket,
        auth: Auth<serde_json::Value>,
    ) -> Result<(), ConnectError> {
        let name = auth["name"].as_str();
        let name = name.ok_or_else(|| ConnectError::new("who are you?"))?;
        socket.join("players");
        self.greet(&socket, name)
            .map_err(|_| ConnectError::new("no greeting"))
    }

    #[disconnect]
    fn leave(&self, reason: DisconnectReason) {
        self.left.lock().push(reason);
    }

    /// Waits, so that it outlives the call that starts it.
    #[event]
    async fn play(
        &self,
        Data((from, to)): Data<(u64, u64)>,
        socket: Socket,
    ) -> Result<u64, EncodeError> {
        tokio::task::yield_now().await;
        socket.to("players").emit("played", &(from, to))?;
        Ok(self.moves.fetch_add(1, Ordering::Relaxed) + 1)
    }

    #[event("moves so far")]
    fn count(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    #[event]
    async fn kept(self: Arc<Self>) -> u64 {
        self.count()
    }

    #[event]
    fn owned(self: Arc<Self>) -> u64 {
        self.count()
    }

    #[event]
    fn rules() -> &'static str {
        "chess"
    }

    #[event(typed)]
    async fn give_up(&self, Resign { reason }: Resign) -> &'static str {
        if reason.is_empty() { "why?" } else { "thanks" }
    }

    #[event]
    fn place(&self, namespace: Namespace) -> String {
        namespace.name().to_owned()
    }

    #[event]
    async fn announce(&self, namespace: Namespace) -> Result<(), EncodeError> {
        namespace.emit("announced", &()).map(drop)
    }

    #[event]
    fn kick(&self, socket: Socket) {
        socket.disconnect();
    }

    #[fallback]
    fn unknown(&self, EventName(name): EventName) -> String {
        format!("no {name}")
    }

    #[event("elsewhere", blocking)]
    fn thread(&self) -> String {
        format!("{:?}", std::thread::current().id())
    }

    /// No handler of anything.
    fn greet(&self, socket: &Socket, name: &str) -> Result<(), EncodeError> {
        socket.emit("welcome", &name).map(drop)
    }
}

async fn player(server: &Server, name: &str) -> Client {
    let auth = serde_json::json!({ "name": name });
    let mut client = server
        .connect()
        .namespace("/game")
        .auth(auth)
        .await
        .unwrap();
    assert_eq!(client.expect::<String>("welcome").await, name);
    client
}

async fn answer(client: &Client, event: &str) -> String {
    client.call(event, &()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_value_serves_all_clients_with_its_methods() {
    let io = Io::builder().build();
    let game = io.register(Game::default());
    let server = Server::new(&io);
    let (mut alice, bob) = (player(&server, "alice").await, player(&server, "bob").await);
    assert_eq!(game.len(), 2);
    assert_eq!(alice.call::<u64>("play", &(1, 2)).await.unwrap(), 1);
    assert_eq!(bob.call::<u64>("play", &(3, 4)).await.unwrap(), 2);
    assert_eq!(alice.expect::<(u64, u64)>("played").await, (3, 4));
    for client in [&alice, &bob] {
        for event in ["moves so far", "kept", "owned"] {
            assert_eq!(client.call::<u64>(event, &()).await.unwrap(), 2, "{event}");
        }
    }
    assert_eq!(answer(&alice, "rules").await, "chess");
    assert_eq!(answer(&alice, "checkmate").await, "no checkmate");
    let resign = serde_json::json!({ "reason": "late" });
    assert_eq!(
        alice.call::<String>("resign", &resign).await.unwrap(),
        "thanks"
    );
}

#[tokio::test(start_paused = true)]
async fn a_method_is_run_as_its_attribute_says() {
    let io = Io::builder().build();
    io.register(Game::default());
    let alice = player(&Server::new(&io), "alice").await;
    let here = format!("{:?}", std::thread::current().id());
    assert_ne!(answer(&alice, "elsewhere").await, here);
}

#[tokio::test(start_paused = true)]
async fn connect_and_disconnect_are_methods() {
    let io = Io::builder().build();
    let game = Arc::new(Game::default());
    io.register(Arc::clone(&game));
    let server = Server::new(&io);
    let refused = server.connect().namespace("/game").await.unwrap_err();
    assert!(matches!(&refused, Refusal::Namespace { .. }));
    assert_eq!(refused.message(), "who are you?");
    let alice = player(&server, "alice").await;
    alice.emit("kick", &());
    server.settle().await;
    assert!(!alice.is_connected());
    drop(player(&server, "bob").await);
    server.settle().await;
    let expected = [
        DisconnectReason::ServerNamespaceDisconnect,
        DisconnectReason::TransportClose,
    ];
    assert_eq!(*game.left.lock(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_method_does_is_done_in_its_namespace() {
    let io = Io::builder().build();
    io.register(Game::default());
    let server = Server::new(&io);
    let mut alice = player(&server, "alice").await;
    let mut outside = alice.join("/").await.unwrap();
    alice.call::<()>("announce", &()).await.unwrap();
    alice.expect::<()>("announced").await;
    outside.expect_nothing().await;
}

// ---- Where, and before whom ---------------------------------------------------------------

struct Here(&'static str);

#[namespace]
impl Here {
    #[event]
    fn which(&self) -> &'static str {
        self.0
    }

    #[event]
    fn either(&self) -> &'static str {
        self.0
    }
}

struct Everywhere;

#[namespace("*")]
impl Everywhere {
    #[event]
    fn which(&self) -> &'static str {
        "everywhere"
    }

    #[event]
    fn only_here(&self, socket: Socket) -> String {
        socket.namespace().name().to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_without_a_path_belongs_to_the_default_namespace() {
    let io = Io::builder().build();
    assert_eq!(io.register(Here("here")).name(), "/");
    let client = Server::new(&io).connect().await.unwrap();
    assert_eq!(answer(&client, "which").await, "here");
}

#[tokio::test(start_paused = true)]
async fn a_class_of_all_namespaces_serves_those_that_have_none() {
    let io = Io::builder().build();
    io.register(Everywhere);
    io.register(Here("here"));
    io.of("/other");
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let other = client.join("/other").await.unwrap();
    assert_eq!(answer(&other, "which").await, "everywhere");
    assert_eq!(answer(&other, "only_here").await, "/other");
    // A class of the namespace leaves it nothing.
    assert_eq!(answer(&client, "which").await, "here");
    client.emit("only_here", &());
    assert_eq!(answer(&client, "which").await, "here");
}

#[tokio::test(start_paused = true)]
async fn a_handler_on_its_own_wins_whichever_came_first() {
    for class_first in [true, false] {
        let io = Io::builder().build();
        if class_first {
            io.register(Here("class"));
        }
        io.on("either", || "function");
        if !class_first {
            io.register(Here("class"));
        }
        let client = Server::new(&io).connect().await.unwrap();
        assert_eq!(answer(&client, "which").await, "class");
        assert_eq!(answer(&client, "either").await, "function");
        io.any_namespace().on_fallback(|| "fallback of all");
        assert_eq!(answer(&client, "which").await, "fallback of all");
        assert_eq!(answer(&client, "either").await, "function");
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_can_be_registered_elsewhere_and_beside_others() {
    let io = Io::builder().build();
    io.of("/a").register(Here("a"));
    io.of("/b").register(Here("b")).register(Here("b again"));
    io.any_namespace().register(Game::default());
    let server = Server::new(&io);
    let client = server.connect().namespace("/a").await.unwrap();
    assert_eq!(answer(&client, "which").await, "a");
    let client = client.join("/b").await.unwrap();
    assert_eq!(answer(&client, "which").await, "b again");
    io.of("/b").register(Everywhere);
    assert_eq!(answer(&client, "which").await, "everywhere");
    assert_eq!(answer(&client, "either").await, "b again");
}

/// Of a pattern.
#[derive(Default)]
struct Match(Mutex<Vec<String>>);

#[namespace("/match/{id}")]
impl Match {
    #[before_connect]
    async fn known(&self, Param(id): Param<u32>) -> Result<(), ConnectError> {
        self.0.lock().push(format!("asked for {id}"));
        if id < 10 {
            Ok(())
        } else {
            Err(ConnectError::new("no such match"))
        }
    }

    #[before_connect]
    fn open(&self, Param(id): Param<u32>) -> bool {
        id != 0
    }

    #[connect]
    fn join(&self, socket: Socket) {
        socket.join("players");
    }

    #[event]
    fn which(&self, Param(id): Param<u32>) -> u32 {
        id
    }

    #[event]
    fn say(&self, namespace: Namespace, Data(text): Data<String>) -> Result<(), EncodeError> {
        namespace.to("players").emit("said", &text).map(drop)
    }

    #[disconnecting]
    fn leaving(&self, socket: Socket) {
        let rooms = socket.rooms().len();
        self.0.lock().push(format!("leaves {rooms} room"));
    }

    #[disconnect]
    fn left(&self) {
        self.0.lock().push("has left".to_owned());
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_of_a_pattern_serves_all_namespaces_that_fit() {
    let io = Io::builder().build();
    let class = Arc::new(Match::default());
    let matches = io.register(Arc::clone(&class));
    let server = Server::new(&io);
    let connect = |name: &str| server.connect().namespace(name);
    let (one, mut two) = (
        connect("/match/1").await.unwrap(),
        connect("/match/2").await.unwrap(),
    );
    assert_eq!(one.call::<u32>("which", &()).await.unwrap(), 1);
    assert_eq!(two.call::<u32>("which", &()).await.unwrap(), 2);
    assert_eq!(matches.namespaces().len(), 2);
    one.call::<()>("say", "hi").await.unwrap();
    two.expect_nothing().await;
    let refused = connect("/match/10").await.unwrap_err();
    assert_eq!(refused.message(), "no such match");
    assert!(connect("/match/0").await.is_err());
    one.disconnect();
    server.settle().await;
    let expected = [
        "asked for 1",
        "asked for 2",
        "asked for 10",
        "asked for 0",
        "leaves 1 room",
        "has left",
    ];
    assert_eq!(*class.0.lock(), expected);
}

struct ByHand(AtomicU64);

impl NamespaceClass for ByHand {
    type Place = Namespace;
    const PATH: &'static str = "/by-hand";

    fn handlers(self: Arc<Self>) -> Handlers {
        Handlers::new().on("count", move || self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_can_be_written_by_hand() {
    let io = Io::builder().build();
    assert_eq!(io.register(ByHand(AtomicU64::new(5))).name(), "/by-hand");
    let client = Server::new(&io)
        .connect()
        .namespace("/by-hand")
        .await
        .unwrap();
    assert_eq!(client.call::<u64>("count", &()).await.unwrap(), 5);
    assert_eq!(client.call::<u64>("count", &()).await.unwrap(), 6);
}

/// Types of classes may have parameters.
struct Holding<T>(T);

#[namespace("/holding")]
impl<T: Clone + Into<String> + Send + Sync + 'static> Holding<T> {
    #[event]
    fn held(&self) -> String {
        self.0.clone().into()
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_can_be_generic() {
    let io = Io::builder().build();
    io.register(Holding("it"));
    let client = Server::new(&io)
        .connect()
        .namespace("/holding")
        .await
        .unwrap();
    assert_eq!(answer(&client, "held").await, "it");
}
