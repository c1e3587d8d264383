//! The simple client.

use std::time::Duration;

use futures_util::StreamExt;
use socketio_client::{AckError, ConnectError, Data, EmitError, ReceiveError, SimpleClient};
use socketio_server::ConnectError as Refusal;

use crate::host::{Host, patiently, settle};

#[tokio::test(start_paused = true)]
async fn it_emits_calls_and_receives_in_turn() {
    let host = Host::new();
    host.io.on_connect(async |socket: socketio_server::Socket| {
        drop(socket.emit("welcome", &("you", 1)));
    });
    host.io.on(
        "say",
        async |socket: socketio_server::Socket, Data(text): Data<String>| {
            socket.emit("said", &text).unwrap();
            text
        },
    );
    let mut client = patiently(SimpleClient::join(host.client().of("/")))
        .await
        .unwrap();
    let event = patiently(client.receive(None)).await.unwrap();
    assert_eq!(event.name, "welcome");
    assert_eq!(event.data::<(String, u8)>().unwrap(), ("you".into(), 1));
    client.emit("say", "a").await.unwrap();
    assert_eq!(client.call::<String>("say", "b").await.unwrap(), "b");
    let patience = Duration::from_secs(1);
    for text in ["a", "b"] {
        let event = client.receive(patience).await.unwrap();
        assert_eq!(
            (
                event.name.as_str(),
                event.data::<String>().unwrap().as_str()
            ),
            ("said", text)
        );
    }
    assert!(matches!(
        client.receive(patience).await,
        Err(ReceiveError::Timeout)
    ));
    let unanswered = client.call_within::<u8>(patience, "unknown", &()).await;
    assert!(matches!(unanswered, Err(AckError::Timeout)));

    // Whoever asks is told that it has arrived.
    let asked = host
        .io
        .of("/")
        .call::<socketio_server::RawArgs>("ask", &1)
        .unwrap();
    assert_eq!(patiently(client.next()).await.unwrap().name, "ask");
    assert_eq!(asked.all().await[0].1.as_ref().unwrap().0.raw(), "");
    patiently(client.disconnect()).await;
    settle().await;
    assert!(host.io.of("/").is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_waits_while_the_link_is_away_and_says_when_it_is_gone() {
    let host = Host::new();
    host.io.on("say", async |Data(text): Data<String>| text);
    let mut client = patiently(SimpleClient::join(host.client().of("/")))
        .await
        .unwrap();
    host.network.go_down();
    settle().await;
    {
        let emit = client.emit("say", "a");
        assert!(
            tokio::time::timeout(Duration::from_secs(5), emit)
                .await
                .is_err()
        );
    }
    host.network.come_up();
    assert_eq!(
        patiently(client.call::<String>("say", "b")).await.unwrap(),
        "b"
    );
    for socket in host.io.to(client.socket().id().unwrap().as_str()).sockets() {
        socket.emit("bye", &()).unwrap();
        socket.disconnect();
    }
    // What came before can still be received.
    assert_eq!(patiently(client.receive(None)).await.unwrap().name, "bye");
    let received = patiently(client.receive(None)).await;
    assert!(matches!(received, Err(ReceiveError::Disconnected)));
    assert!(patiently(client.next()).await.is_none());
    assert!(matches!(
        client.emit("say", "c").await,
        Err(EmitError::Disconnected)
    ));
    assert!(matches!(
        client.call::<u8>("say", "c").await,
        Err(AckError::Disconnected)
    ));
}

#[tokio::test(start_paused = true)]
async fn it_tells_why_it_was_not_connected() {
    let host = Host::new();
    host.io
        .on_connect(async || Err::<(), _>(Refusal::new("no")));
    let error = patiently(SimpleClient::join(host.client().of("/")))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Refused { message, .. } if message == "no"));
    host.network.go_down();
    let error = patiently(SimpleClient::join(host.client().of("/")))
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectError::Link(_)));
}
