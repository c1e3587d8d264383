//! How clients come in: transports, revisions, parsers, credentials, namespaces, refusals.

use std::future::pending;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;
use socketio_server::parser::MsgPack;
use socketio_server::test::{Connect, Refusal, Server};
use socketio_server::{
    Auth, Binary, ConnectError, Data, DisconnectReason, Io, RawArgs, Socket, SocketId, State,
    Transport,
};
use tokio::sync::Notify;
use tokio::sync::mpsc::{self, UnboundedSender};

/// Answers in `/` and `/chat`: `echo` with its arguments, `who` with the socket's id, `query` with
/// that of the link's first request.
fn echo(io: Io) -> Io {
    for namespace in [io.of("/"), io.of("/chat")] {
        namespace.on("echo", async |args: RawArgs| args);
        namespace.on("who", async |id: SocketId| id.to_string());
        namespace.on("query", async |socket: Socket| {
            socket.handshake().query().to_owned()
        });
    }
    io
}

/// A client of each kind there is.
fn every_kind(server: &Server) -> Vec<(&'static str, Connect)> {
    vec![
        ("websocket", server.connect()),
        ("polling", server.connect().polling()),
        ("upgrading", server.connect().upgrading()),
        ("websocket of old", server.connect().eio3()),
        ("polling of old", server.connect().eio3().polling()),
        ("upgrading of old", server.connect().eio3().upgrading()),
    ]
}

async fn every_kind_is_served(io: Io) {
    let server = Server::new(&io);
    let data = ("text", 7, Binary::from(vec![1, 2, 3]));
    for nsp in ["/", "/chat"] {
        for (kind, connect) in every_kind(&server) {
            let client = connect.namespace(nsp).await.unwrap();
            for _ in 0..3 {
                let back: (String, u8, Binary) = client.call("echo", &data).await.unwrap();
                assert_eq!(back, ("text".into(), 7, data.2.clone()), "{kind} in {nsp}");
                server.settle().await;
            }
            let id: String = client.call("who", &()).await.unwrap();
            assert_eq!(client.id(), id, "{kind} in {nsp}");
            assert_eq!(client.namespace(), nsp);
            let is_old = kind.ends_with("of old");
            let query: String = client.call("query", &()).await.unwrap();
            assert_eq!(query.contains("EIO=3"), is_old, "{kind}: {query}");
            // Only they compute it.
            assert_eq!(id.starts_with("/chat#"), is_old && nsp == "/chat");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clients_of_every_kind_are_served() {
    every_kind_is_served(echo(Io::builder().build())).await;
}

#[tokio::test(start_paused = true)]
async fn clients_use_the_parser_of_the_server() {
    every_kind_is_served(echo(Io::builder().parser(MsgPack).build())).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_is_on_the_transport_that_was_asked_for() {
    let io = echo(Io::builder().build());
    io.on("transport", async |socket: Socket| {
        socket.transport().as_str()
    });
    let server = Server::new(&io);
    let kinds = every_kind(&server);
    let expected = ["websocket", "polling", "websocket"].repeat(2);
    for ((kind, connect), expected) in kinds.into_iter().zip(expected) {
        let client = connect.await.unwrap();
        server.settle().await;
        assert_eq!(client.transport().as_str(), expected, "{kind}");
        let seen: String = client.call("transport", &()).await.unwrap();
        assert_eq!(seen, expected, "{kind}");
    }
    assert_eq!(
        server.connect().await.unwrap().transport(),
        Transport::Websocket
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_without_websocket_keeps_clients_on_polling() {
    let builder = Io::builder().protocol(|protocol| protocol.websocket = false);
    let server = Server::new(&echo(builder.build()));
    let client = server.connect().upgrading().await.unwrap();
    server.settle().await;
    assert_eq!(client.transport(), Transport::Polling);
    let back: u8 = client.call("echo", &7).await.unwrap();
    assert_eq!(back, 7);
    let refusal = server.connect().await.unwrap_err();
    let Refusal::Http { status, body } = &refusal else {
        panic!("{refusal}");
    };
    assert_eq!(*status, 400);
    assert!(body.contains("Transport unknown"), "{body}");
}

// ---- Credentials --------------------------------------------------------------------------

#[derive(Deserialize)]
struct Credentials {
    token: String,
}

async fn check(Auth(auth): Auth<Credentials>) -> Result<(), ConnectError> {
    match &*auth.token {
        "secret" => Ok(()),
        token => Err(ConnectError::new("wrong token").with_data(json!({ "was": token }))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_brings_message_and_data() {
    let io = Io::builder().build();
    io.on_connect(check);
    let server = Server::new(&io);
    for connect in [server.connect(), server.connect().polling()] {
        let refusal = connect.auth(json!({ "token": "x" })).await.unwrap_err();
        assert_eq!(refusal.message(), "wrong token");
        assert_eq!(refusal.data(), Some(&json!({ "was": "x" })));
        let data = Some(json!({ "was": "x" }));
        let message = "wrong token".to_owned();
        assert_eq!(refusal, Refusal::Namespace { message, data });
    }
    let refusal = server.connect().await.unwrap_err();
    assert_eq!(refusal.message(), "invalid credentials");
    assert_eq!(refusal.data(), None);
    let client = server.connect().auth(json!({ "token": "secret" })).await;
    assert!(client.unwrap().is_connected());
}

#[tokio::test(start_paused = true)]
async fn old_clients_bring_credentials_in_the_query() {
    let io = Io::builder().build();
    io.of("/chat").on_connect(check);
    let server = Server::new(&io);
    let connect = || server.connect().eio3().namespace("chat");
    let refusal = connect().auth(json!({ "token": "x" })).await.unwrap_err();
    // Their refusals hold data or a message.
    assert_eq!(refusal.data(), Some(&json!({ "was": "x" })));
    assert!(
        connect()
            .auth(json!({ "token": "secret" }))
            .await
            .unwrap()
            .is_connected()
    );
}

// ---- Namespaces ---------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_link_carries_several_namespaces() {
    let (note, mut notes) = mpsc::unbounded_channel::<DisconnectReason>();
    let io = echo(Io::builder().state(note).build());
    io.of("/chat").on_disconnect(
        async |reason: DisconnectReason, notes: State<UnboundedSender<DisconnectReason>>| {
            notes.send(reason).unwrap();
        },
    );
    let server = Server::new(&io);
    for connect in [server.connect(), server.connect().upgrading()] {
        let mut root = connect.await.unwrap();
        let mut chat = root.join("/chat").await.unwrap();
        assert_ne!(root.id(), chat.id());
        io.of("/chat").emit("news", "of chat").unwrap();
        io.emit("news", "of all").unwrap();
        assert_eq!(root.expect::<String>("news").await, "of all");
        assert_eq!(chat.expect::<String>("news").await, "of chat");

        let refusal = root.join("/nowhere").await.unwrap_err();
        assert_eq!(refusal.message(), "Invalid namespace");
        let refusal = root.join("/chat").await.unwrap_err();
        assert_eq!(refusal.message(), "namespace joined already");

        chat.disconnect();
        assert_eq!(chat.expect_disconnect().await, "io client disconnect");
        server.settle().await;
        let reason = notes.try_recv().unwrap();
        assert_eq!(reason, DisconnectReason::ClientNamespaceDisconnect);
        assert!(root.is_connected() && !chat.is_connected());
        let again = root.join("/chat").await.unwrap();
        assert_ne!(again.id(), chat.id());
        // The link lives as long as one of its clients is held.
        drop((root, chat));
        let back: u8 = again.call("echo", &7).await.unwrap();
        assert_eq!(back, 7);
        drop(again);
        server.settle().await;
        let reason = notes.try_recv().unwrap();
        assert_eq!(reason, DisconnectReason::TransportClose);
        assert_eq!((io.of("/").len(), io.of("/chat").len()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn an_old_client_is_in_the_default_namespace_before_it_asks() {
    let io = echo(Io::builder().build());
    let server = Server::new(&io);
    let chat = server.connect().eio3().namespace("/chat").await.unwrap();
    let mut root = chat.join("/").await.unwrap();
    io.emit("news", &1).unwrap();
    assert_eq!(root.expect::<u8>("news").await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_old_client_that_is_refused_the_default_namespace_is_refused_all() {
    let door = Arc::new(Notify::new());
    let io = echo(Io::builder().state(door.clone()).build());
    io.on_connect(async |door: State<Arc<Notify>>| {
        door.notified().await;
        Err::<(), _>(ConnectError::new("not today"))
    });
    for nsp in ["/slow", "/slower"] {
        io.of(nsp).on_connect(pending::<()>);
    }
    let server = Server::new(&io);
    let chat = server.connect().eio3().namespace("/chat").await.unwrap();
    let (slow, slower, ()) = tokio::join!(
        chat.join("/slow").into_future(),
        chat.join("/slower").into_future(),
        async {
            server.settle().await;
            door.notify_one();
        }
    );
    for refused in [slow, slower] {
        assert_eq!(refused.unwrap_err().message(), "not today");
    }
    assert!(chat.is_connected());
}

#[tokio::test(start_paused = true)]
async fn each_namespace_has_its_own_credentials() {
    let io = Io::builder().build();
    io.of("/admin").on_connect(check);
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let refusal = client.join("admin").auth(json!({ "token": "x" })).await;
    assert_eq!(refusal.unwrap_err().message(), "wrong token");
    let admin = client.join("/admin").auth(json!({ "token": "secret" }));
    assert_eq!(admin.await.unwrap().namespace(), "/admin");
}

#[tokio::test(start_paused = true)]
async fn what_a_connect_handler_emits_comes_first() {
    let io = Io::builder().build();
    io.on_connect(async |socket: Socket| socket.emit("welcome", &1).map(drop).unwrap());
    io.on("hello", async |socket: Socket, Data(n): Data<u8>| {
        socket.emit("again", &n).map(drop)
    });
    let server = Server::new(&io);
    for (kind, connect) in every_kind(&server) {
        let mut client = connect.await.unwrap();
        client.emit("hello", &2);
        assert_eq!(client.expect::<u8>("welcome").await, 1, "{kind}");
        assert_eq!(client.expect::<u8>("again").await, 2, "{kind}");
    }
}
