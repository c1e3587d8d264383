//! Class-based namespaces and functions that know their event: whose methods are run, on what, and
//! before whom.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde::Deserialize;
use socketio_server::test::{Client, Refusal, Server};
use socketio_server::{
    Auth, BoxError, ConnectError, Data, DisconnectReason, EncodeError, Event, EventName,
    HandlerError, Handlers, Io, Namespace, NamespaceClass, Param, Socket, event, namespace,
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

// ---- Failures -----------------------------------------------------------------------------

/// Fails in every way.
#[derive(Default)]
struct Failing(Mutex<Vec<String>>);

#[namespace("/failing")]
impl Failing {
    #[connect]
    fn join(&self, auth: Auth<serde_json::Value>) -> Result<(), ConnectError> {
        assert!(auth["calm"].as_bool().unwrap(), "do not panic");
        Ok(())
    }

    #[event]
    async fn errs(&self) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        Err("on purpose".into())
    }

    #[event]
    fn panics(&self) {
        panic!("in a method");
    }

    #[event]
    async fn rejects(&self, _: Data<u8>) {}

    #[fallback]
    fn falls_back(&self) -> Result<(), BoxError> {
        Err("unknown".into())
    }

    #[disconnecting]
    fn part(&self) -> Result<(), BoxError> {
        Err("parting".into())
    }

    #[disconnect]
    fn leave(&self) -> Result<(), BoxError> {
        Err("farewell".into())
    }

    #[error]
    fn failed(&self, error: &HandlerError) -> String {
        self.0.lock().push(error.to_string());
        format!("{} failed", error.event)
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_class_are_its_own_and_answered_by_its_error_method() {
    let io = Io::builder().build();
    let failing = Arc::new(Failing::default());
    io.register(Arc::clone(&failing))
        .on("function", || Err::<(), BoxError>("a function".into()))
        .on_error(|_| "the namespace's");
    let server = Server::new(&io);
    let connect = |calm: bool| {
        let auth = serde_json::json!({ "calm": calm });
        server.connect().namespace("/failing").auth(auth)
    };
    let refused = connect(false).await.unwrap_err();
    assert_eq!(refused.message(), "connect failed");
    let client = connect(true).await.unwrap();
    for event in ["errs", "panics", "rejects", "another"] {
        let expected = format!("{event} failed");
        assert_eq!(client.call::<String>(event, "x").await.unwrap(), expected);
    }
    assert_eq!(answer(&client, "function").await, "the namespace's");
    client.disconnect();
    server.settle().await;
    let causes = [
        "do not panic",
        "on purpose",
        "in a method",
        "do not fit",
        "unknown",
        "parting",
        "farewell",
    ];
    let told = failing.0.lock();
    assert_eq!(told.len(), causes.len(), "{told:?}");
    for (told, cause) in told.iter().zip(causes) {
        assert!(told.contains(cause), "{told}");
    }
}

/// Fails before there is a connection.
struct Early;

#[namespace("/early")]
impl Early {
    #[before_connect]
    fn check(&self, _: Data<u8>) -> bool {
        true
    }

    #[error]
    fn failed(&self, error: &HandlerError) -> ConnectError {
        ConnectError::new(format!("{} failed early", error.event))
    }
}

#[tokio::test(start_paused = true)]
async fn a_class_refuses_in_its_own_words_when_its_middleware_fails() {
    let io = Io::builder().build();
    io.register(Early);
    let connect = Server::new(&io).connect();
    let refused = connect.namespace("/early").await.unwrap_err();
    assert_eq!(refused.message(), "connect failed early");
}

/// Has no error method.
struct Careless;

#[namespace("/failing")]
impl Careless {
    #[event]
    fn errs(&self) -> Result<(), BoxError> {
        Err("somebody".into())
    }
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_class_without_an_error_method_are_the_namespaces() {
    let io = Io::builder().build();
    io.register(Failing::default());
    io.register(Careless).on_error(|_| "the namespace's");
    let auth = serde_json::json!({ "calm": true });
    let connect = Server::new(&io).connect();
    let client = connect.namespace("/failing").auth(auth).await.unwrap();
    assert_eq!(answer(&client, "errs").await, "the namespace's");
    assert_eq!(answer(&client, "panics").await, "panics failed");
}

// ---- Functions ----------------------------------------------------------------------------

/// Adds.
#[event]
async fn add(Data((a, b)): Data<(i64, i64)>) -> i64 {
    a + b
}

#[event("sub tract")]
fn subtract(Data((a, b)): Data<(i64, i64)>) -> i64 {
    a - b
}

#[event]
fn r#type(socket: Socket) -> String {
    socket.namespace().name().to_owned()
}

#[event(typed)]
fn any_name(Resign { reason }: Resign) -> &'static str {
    if reason == "bored" { "bye" } else { "no" }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_registered_under_its_own_name() {
    let io = Io::builder().build();
    io.register(add).register(subtract).register(any_name);
    io.of("/else").register(r#type);
    io.any_namespace().register(add);
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    assert_eq!(client.call::<i64>("add", &(1, 2)).await.unwrap(), 3);
    assert_eq!(client.call::<i64>("sub tract", &(1, 2)).await.unwrap(), -1);
    let bored = serde_json::json!({ "reason": "bored" });
    assert_eq!(
        client.call::<String>("resign", &bored).await.unwrap(),
        "bye"
    );
    let elsewhere = client.join("/else").await.unwrap();
    assert_eq!(answer(&elsewhere, "type").await, "/else");
    assert_eq!(elsewhere.call::<i64>("add", &(1, 2)).await.unwrap(), 3);
}
