//! Clients that go, or are sent away, while something is under way.

use std::time::Duration;

use socketio_server::{BoxError, Socket, State};

use super::note_disconnects;
use crate::host::{Door, Host, Pen};

#[tokio::test(start_paused = true)]
async fn a_handler_outlives_its_client_and_shutdown_waits_for_it() {
    for patience in [Duration::from_secs(3), Duration::from_secs(30)] {
        let mut host = Host::new();
        note_disconnects(&host.io);
        host.io.on(
            "work",
            async |socket: Socket, door: State<Door>, pen: State<Pen>| {
                pen.note("started");
                door.pass().await;
                let report = socket.emit("result", &()).unwrap();
                pen.note(format!("{} {}", socket.is_connected(), report.dropped));
            },
        );
        let mut client = host.join("/").await;
        client.say(r#"42["work"]"#).await;
        host.diary.expect("started").await;
        drop(client);
        host.diary.expect("transport close").await;
        host.assert_deserted("/");

        let door = host.door.clone();
        let late = Duration::from_secs(10);
        let work = tokio::spawn(async move {
            // Virtual time: the handler is to end this late.
            tokio::time::sleep(late).await;
            door.open();
        });
        let is_in_time = patience > late;
        assert_eq!(host.io.shutdown(patience).await.is_complete(), is_in_time);
        assert_eq!(host.diary.rest().is_empty(), !is_in_time);
        work.await.unwrap();
        assert!(host.io.shutdown(patience).await.is_complete());
    }
}

#[tokio::test(start_paused = true)]
async fn a_last_word_is_never_swapped_with_the_goodbye() {
    let mut host = Host::new();
    host.io.on("leave", async |socket: Socket| {
        socket.emit("bye", &())?;
        socket.disconnect();
        assert_eq!(socket.emit("too late", &())?.queued, 0);
        assert!(!socket.namespace().broadcast().sockets().contains(&socket));
        Ok::<_, BoxError>(())
    });
    let mut client = host.open().await;
    let poller = host.poll().await;
    for _ in 0..500 {
        client.join("/").await;
        client.say(r#"42["leave"]"#).await;
        client.expect(r#"42["bye"]"#).await;
        client.expect("41").await;

        poller.join("/").await;
        poller.say(r#"42["leave"]"#).await;
        poller.expect("42[\"bye\"]\u{1e}41").await;
    }
    assert!(client.is_silent().await);
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_last_word_is_never_swapped_with_the_goodbye_of_another_thread() {
    let host = Host::new();
    let mut client = host.open().await;
    for round in 0..1_000 {
        client.join("/").await;
        let sockets = host.io.of("/").broadcast().sockets();
        let [socket] = sockets.try_into().unwrap();
        let leave = move || {
            socket.emit("bye", &round).unwrap();
            socket.disconnect();
        };
        // Now and then the client has something to say at the same time.
        let thread = tokio::task::spawn_blocking(leave);
        if round % 3 == 0 {
            client.say(r#"42["hello"]"#).await;
        }
        client.expect(&format!(r#"42["bye",{round}]"#)).await;
        client.expect("41").await;
        thread.await.unwrap();
    }
    host.assert_deserted("/");
}
