//! Troubles of the link: cut, closed, fallen silent, not read.

use std::time::Duration;

use bytes::Bytes;
use socketio_server::test::{Connect, Server};
use socketio_server::{
    Binary, Builder, DisconnectReason, Io, OutboxLimits, Socket, State, Transport,
};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How a link ends that breaks off, by the transport it lives on.
fn broken(transport: Transport) -> &'static str {
    match transport {
        Transport::Polling => "transport error",
        _ => "transport close",
    }
}

type Notes = UnboundedSender<&'static str>;

/// A server, and what its handlers note.
fn server(builder: Builder) -> (Server, UnboundedReceiver<&'static str>) {
    let (note, notes) = mpsc::unbounded_channel();
    let io = builder.state(note).build();
    io.on_disconnect(async |reason: DisconnectReason, notes: State<Notes>| {
        notes.send(reason.as_str()).unwrap();
    });
    io.on("last", async |notes: State<Notes>| {
        notes.send("heard").unwrap();
    });
    io.on("leave", async |socket: Socket| {
        socket.emit("bye", &()).unwrap();
        socket.disconnect();
    });
    io.on("leave-all", async |socket: Socket| {
        socket.disconnect_and_close();
    });
    (Server::new(&io), notes)
}

fn transports(server: &Server) -> [Connect; 5] {
    [
        server.connect(),
        server.connect().polling(),
        server.connect().upgrading(),
        server.connect().eio3(),
        server.connect().eio3().polling(),
    ]
}

#[tokio::test(start_paused = true)]
async fn both_sides_learn_that_a_link_was_cut() {
    let (server, mut notes) = server(Io::builder());
    for connect in transports(&server) {
        let mut client = connect.await.unwrap();
        server.settle().await;
        client.drop_link();
        let reason = broken(client.transport());
        assert_eq!(client.expect_disconnect().await, reason);
        assert!(!client.is_connected());
        server.settle().await;
        assert_eq!(notes.try_recv().unwrap(), reason);
        // Whoever asks again hears it again.
        assert_eq!(client.expect_disconnect().await, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_dropped_is_gone() {
    let (server, mut notes) = server(Io::builder());
    for connect in transports(&server) {
        let client = connect.await.unwrap();
        server.settle().await;
        let reason = broken(client.transport());
        drop(client);
        server.settle().await;
        assert_eq!(notes.try_recv().unwrap(), reason);
        assert!(server.io().of("/").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_closed_takes_along_what_was_sent() {
    let (server, mut notes) = server(Io::builder());
    for connect in transports(&server) {
        let mut client = connect.await.unwrap();
        client.emit("last", &());
        client.close_link();
        assert_eq!(client.expect_disconnect().await, "io client disconnect");
        server.settle().await;
        assert_eq!(notes.try_recv().unwrap(), "heard");
        assert_eq!(notes.try_recv().unwrap(), "transport close");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_sent_away_gets_what_was_sent_before() {
    let (server, mut notes) = server(Io::builder());
    for connect in transports(&server) {
        let mut client = connect.await.unwrap();
        client.emit("leave", &());
        client.expect::<()>("bye").await;
        assert_eq!(client.expect_disconnect().await, "io server disconnect");
        assert_eq!(notes.recv().await.unwrap(), "server namespace disconnect");
        let mut again = client.join("/").await.unwrap();
        again.emit("leave-all", &());
        assert_eq!(again.expect_disconnect().await, "io server disconnect");
        assert_eq!(notes.recv().await.unwrap(), "server namespace disconnect");
        server.settle().await;
        let refusal = client.join("/").await.unwrap_err();
        assert_eq!(refusal.message(), "link is closed");
    }
}

#[tokio::test(start_paused = true)]
async fn the_heartbeat_ends_a_client_that_has_vanished() {
    let interval = Duration::from_secs(10);
    let timeout = Duration::from_secs(5);
    let (server, mut notes) = server(Io::builder().heartbeat(interval, timeout));
    for connect in transports(&server) {
        let client = connect.await.unwrap();
        server.settle().await;
        client.vanish();
        server.advance(Duration::from_secs(14)).await;
        assert!(notes.try_recv().is_err());
        // Not even dropping it is a trace.
        drop(client);
        server.settle().await;
        assert!(notes.try_recv().is_err());
        server.advance(Duration::from_secs(1)).await;
        assert_eq!(notes.try_recv().unwrap(), "ping timeout");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_by_the_limits_of_the_server() {
    let limits = OutboxLimits {
        soft: 10_000,
        stall: Duration::from_secs(3),
        ..OutboxLimits::default()
    };
    let (server, mut notes) = server(Io::builder().outbox_limits(limits));
    let client = server.connect().buffer(1_000).await.unwrap();
    client.set_reading(false);
    server.settle().await;
    let kilobyte = Binary(Bytes::from(vec![0; 1_000]));
    for _ in 0..20 {
        server.io().emit("news", &kilobyte).unwrap();
    }
    server.advance(Duration::from_secs(2)).await;
    assert!(notes.try_recv().is_err());
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(notes.try_recv().unwrap(), "transport error");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_again_gets_everything() {
    let (server, mut notes) = server(Io::builder());
    for connect in transports(&server) {
        let mut client = connect.buffer(1_000).await.unwrap();
        server.settle().await;
        client.set_reading(false);
        server.settle().await;
        for n in 0..20 {
            let data = Binary(Bytes::from(vec![0; 1_000]));
            server.io().emit("news", &(n, data)).unwrap();
        }
        client.expect_nothing().await;
        server.advance(Duration::from_secs(5)).await;
        client.expect_nothing().await;
        client.set_reading(true);
        for n in 0..20 {
            let (got, data): (u32, Binary) = client.expect("news").await;
            assert_eq!((got, data.len()), (n, 1_000));
        }
        client.expect_nothing().await;
        let reason = broken(client.transport());
        drop(client);
        assert_eq!(notes.recv().await.unwrap(), reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_taken_for_dead_and_learns_it_later() {
    let (server, mut notes) = server(Io::builder());
    for connect in [server.connect(), server.connect().polling()] {
        let mut client = connect.await.unwrap();
        client.set_reading(false);
        server.advance(Duration::from_secs(100)).await;
        assert_eq!(notes.try_recv().unwrap(), "ping timeout");
        assert!(client.is_connected());
        client.set_reading(true);
        let reason = broken(client.transport());
        assert_eq!(client.expect_disconnect().await, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_says_goodbye() {
    let (server, mut notes) = server(Io::builder());
    let mut clients = Vec::new();
    for connect in transports(&server) {
        clients.push(connect.await.unwrap());
    }
    server.settle().await;
    server.io().emit("last words", &()).unwrap();
    let patience = Duration::from_secs(1);
    let ended = server.io().shutdown(patience).await;
    assert!(ended.is_complete());
    for client in &mut clients {
        client.expect::<()>("last words").await;
        assert_eq!(client.expect_disconnect().await, "transport close");
        assert_eq!(notes.recv().await.unwrap(), "server shutting down");
    }
    let refusal = server.connect().await.unwrap_err();
    assert!(refusal.to_string().starts_with("refused with 503"));
}
