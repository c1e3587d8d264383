//! Joining a namespace: who is let in, what the connect handler may do meanwhile, and what a
//! client can make the server hold before it is let in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use socketio_server::{
    Auth, ConnectError, DisconnectReason, HandlerLimits, Io, RawArgs, Socket, SocketId, State,
};

use crate::client::{Client, request, sid};
use crate::host::{Door, Host, Pen, settle};

/// Notes who leaves, and why.
fn note_disconnects(io: &Io, nsp: &str) {
    io.of(nsp).on_disconnect(
        async |socket: Socket, reason: DisconnectReason, pen: State<Pen>| {
            pen.note(format!("{} {reason}", socket.namespace().name()));
        },
    );
}

// ---- Refusals -----------------------------------------------------------------------------

#[derive(Deserialize)]
struct Credentials {
    token: String,
}

async fn check(Auth(auth): Auth<Credentials>, pen: State<Pen>) -> Result<(), ConnectError> {
    pen.note(format!("checked {}", auth.token));
    match &*auth.token {
        "secret" => Ok(()),
        "" => Err(ConnectError::new("no token")),
        token => Err(ConnectError::new("wrong token").with_data(json!({ "was": token }))),
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_carries_its_message_and_data_and_is_not_final() {
    let mut host = Host::new();
    note_disconnects(&host.io, "/");
    note_disconnects(&host.io, "/chat");
    host.io.on_connect(check);
    host.io.of("/chat").on_connect(check);
    let mut client = host.open().await;
    for nsp in ["", "/chat,"] {
        client.say(&format!(r#"40{nsp}{{"token":""}}"#)).await;
        let refusal = format!(r#"44{nsp}{{"message":"no token"}}"#);
        client.expect(&refusal).await;
        client.say(&format!(r#"40{nsp}{{"token":"x"}}"#)).await;
        let refusal = format!(r#"44{nsp}{{"message":"wrong token","data":{{"was":"x"}}}}"#);
        client.expect(&refusal).await;
        client.say(&format!(r#"40{nsp}{{"token":"secret"}}"#)).await;
        sid(&client.text().await, &format!("40{nsp}"));
    }
    for _ in ["/", "/chat"] {
        for token in ["", "x", "secret"] {
            host.diary.expect(&format!("checked {token}")).await;
        }
    }
    drop(client);
    // Only those who were let in can leave.
    host.diary.expect("/ transport close").await;
    host.diary.expect("/chat transport close").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn credentials_that_do_not_fit_are_refused_without_asking_the_handler() {
    let mut host = Host::new();
    host.io.on_connect(check);
    let mut client = host.open().await;
    for auth in ["", "{}", r#"{"token":7}"#] {
        client.say(&format!("40{auth}")).await;
        let refusal = r#"44{"message":"invalid credentials"}"#;
        client.expect(refusal).await;
        let note = host.diary.next().await;
        assert!(
            note.starts_with("connect in / failed: credentials do not fit: "),
            "{note}"
        );
    }
    host.assert_deserted("/");
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_without_its_state_refuses_as_our_own_fault() {
    let mut host = Host::new();
    host.io.on_connect(async |_: State<u8>| ());
    let mut client = host.open().await;
    client.say("40").await;
    let refusal = r#"44{"message":"internal server error"}"#;
    client.expect(refusal).await;
    host.diary
        .expect("connect in / failed: u8 is missing")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_socket_reaches_nobody_and_is_reached_by_nobody() {
    let mut host = Host::new();
    host.io
        .on_connect(async |socket: Socket, door: State<Door>, pen: State<Pen>| {
            socket.join("room");
            socket.emit("welcome", &()).unwrap();
            door.pass().await;
            let report = socket.namespace().to("room").emit("news", &()).unwrap();
            pen.note(format!("{} {}", socket.is_connected(), report.queued));
            tokio::spawn({
                let pen = pen.clone();
                async move {
                    settle().await;
                    socket.join("room");
                    let report = socket.emit("too late", &()).unwrap();
                    pen.note(format!("{} {}", socket.is_connected(), report.queued));
                }
            });
            Err::<(), _>(ConnectError::new("no"))
        })
        .on("event", async |pen: State<Pen>| pen.note("handled"));
    let mut client = host.open().await;
    client.say_all(["40", r#"42["event"]"#]).await;
    settle().await;
    assert_eq!(host.io.emit("news", &()).unwrap().queued, 0);
    host.door.open();
    client.expect(r#"44{"message":"no"}"#).await;
    host.diary.expect("false 0").await;
    host.diary.expect("false 0").await;
    host.assert_deserted("/");
    // What comes late is ignored, and the link is as good as before.
    client.say_all([r#"42["event"]"#, "41"]).await;
    client.say("40/nowhere,").await;
    let refusal = r#"44/nowhere,{"message":"Invalid namespace"}"#;
    client.expect(refusal).await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn only_namespaces_that_were_made_can_be_joined() {
    let host = Host::new();
    host.io.of("chat");
    let mut client = host.open().await;
    client.join("/chat").await;
    for name in ["/Chat", "/chat/", "/chat?token=1", "/nowhere"] {
        client.say(&format!("40{name},")).await;
        let refusal = format!(r#"44{name},{{"message":"Invalid namespace"}}"#);
        client.expect(&refusal).await;
    }
    host.io.of("/nowhere");
    client.join("/nowhere").await;
}

#[tokio::test(start_paused = true)]
async fn old_clients_are_in_the_default_namespace_with_the_get_after_the_handshake() {
    let host = Host::new();
    host.io.of("/");
    let query = "EIO=3&transport=polling";
    let (_, handshake) = request(&host.io, "GET", query, "").await;
    let (length, open) = handshake.split_once(':').unwrap();
    assert_eq!(open.len(), length.parse::<usize>().unwrap(), "{handshake}");
    let open: Value = serde_json::from_str(&open[1..]).unwrap();
    let query = format!("{query}&sid={}", open["sid"].as_str().unwrap());
    let answer = request(&host.io, "GET", &query, "").await;
    assert_eq!(answer, (200, "2:40".to_owned()));
}

// ---- Inside the connect handler -----------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn what_a_connect_handler_does_takes_effect_after_the_answer() {
    let host = Host::new();
    host.io
        .on_connect(async |socket: Socket, door: State<Door>| {
            socket.emit("first", &()).unwrap();
            socket.join(["a", "b", "c"]);
            socket.leave("b");
            assert_eq!(socket.rooms().len(), 2);
            assert!(!socket.is_connected());
            assert_eq!(socket.emit_volatile("never", &()).unwrap().dropped, 1);
            door.pass().await;
            socket.emit("second", &()).unwrap();
        })
        .on("echo", async |args: RawArgs| args);
    let mut client = host.open().await;
    client.say("40").await;
    assert!(client.is_silent().await);
    let namespace = host.io.of("/");
    host.assert_deserted("/");
    assert_eq!(host.io.emit("news", &()).unwrap().queued, 0);
    host.door.open();
    let id = sid(&client.text().await, "40");
    client.expect(r#"42["first"]"#).await;
    client.expect(r#"42["second"]"#).await;
    let [socket] = namespace.to("a").sockets().try_into().unwrap();
    assert_eq!(socket.id().as_str(), id);
    assert!(socket.is_connected());
    assert_eq!(namespace.to("b").sockets(), []);
    assert_eq!(namespace.to("c").sockets(), [socket]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_may_send_its_client_away() {
    for close in [false, true] {
        let mut host = Host::start(Io::builder().state(close));
        note_disconnects(&host.io, "/");
        host.io
            .on_connect(async |socket: Socket, close: State<bool>| {
                socket.join("room");
                socket.emit("bye", &()).unwrap();
                match *close {
                    true => socket.disconnect_and_close(),
                    false => socket.disconnect(),
                }
            });
        let mut client = host.open().await;
        client.join("/").await;
        client.expect(r#"42["bye"]"#).await;
        client.expect("41").await;
        host.diary.expect("/ server namespace disconnect").await;
        host.assert_deserted("/");
        match close {
            true => client.expect_close().await,
            // Nothing is wrong with the link: it may ask again.
            false => drop(client.join("/").await),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_its_connect_handler_runs_was_never_there() {
    let mut host = Host::new();
    note_disconnects(&host.io, "/");
    host.io
        .on_connect(async |socket: Socket, door: State<Door>, pen: State<Pen>| {
            socket.join("room");
            pen.note("asked");
            door.pass().await;
            let report = socket.emit("welcome", &()).unwrap();
            pen.note(format!("{} {}", socket.is_connected(), report.queued));
        });
    // One leaves the namespace, one cuts its link.
    let mut leaver = host.open().await;
    let mut cutter = host.open().await;
    leaver.say_all(["40", r#"42["early"]"#, "41"]).await;
    cutter.say_all(["40", r#"42["early"]"#]).await;
    host.diary.expect("asked").await;
    host.diary.expect("asked").await;
    drop(cutter);
    // It may ask again at once; that is another join.
    leaver.say("40").await;
    host.diary.expect("asked").await;
    host.assert_deserted("/");
    host.door.open();
    sid(&leaver.text().await, "40");
    leaver.expect(r#"42["welcome"]"#).await;
    assert!(leaver.is_silent().await);
    let mut ends = host.diary.rest();
    ends.sort_unstable();
    assert_eq!(ends, ["false 0", "false 0", "false 1"]);
    assert_eq!(host.io.of("/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_join_is_decided_by_itself() {
    let host = Host::new();
    host.io
        .of("/slow")
        .on_connect(async |door: State<Door>| door.pass().await);
    host.io.on("echo", async |args: RawArgs| args);
    let mut client = host.open().await;
    client.say("40/slow,").await;
    client.join("/").await;
    client.say(r#"420["echo",1]"#).await;
    client.expect("430[1]").await;
    host.door.open();
    sid(&client.text().await, "40/slow,");
}

#[tokio::test(start_paused = true)]
async fn every_membership_has_an_id_of_its_own() {
    let host = Host::new();
    host.io
        .of("/chat")
        .on("id", async |id: SocketId| id.to_string());
    let mut client = host.open().await;
    let first = client.join("/chat").await;
    client.say(r#"42/chat,0["id"]"#).await;
    client.expect(&format!(r#"43/chat,0["{first}"]"#)).await;
    let root = client.join("/").await;
    client.say("41/chat,").await;
    let second = client.join("/chat").await;
    assert!(first != root && root != second && first != second);
}

// ---- Bounds -------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn refused_and_undecided_namespaces_do_not_stop_the_connect_timeout() {
    let timeout = Duration::from_secs(3);
    let mut host = Host::start(Io::builder().connect_timeout(timeout));
    host.io
        .on_connect(async |door: State<Door>, pen: State<Pen>| {
            door.pass().await;
            pen.note("decided");
        });
    note_disconnects(&host.io, "/");
    let mut client = host.open().await;
    client.say_all(["40/nowhere,", "40"]).await;
    client.text().await;
    client.idle(timeout - Duration::from_millis(10)).await;
    client.expect_close().await;
    host.door.open();
    host.diary.expect("decided").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    host.assert_deserted("/");

    // One that was joined in time stops it for good.
    let mut client = host.join("/").await;
    client.say("41").await;
    client.idle(timeout * 2).await;
    client.join("/").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_can_join_sixty_four_namespaces_at_once() {
    let host = Host::new();
    for n in 0..65 {
        host.io.of(&format!("/{n}"));
    }
    let mut client = host.open().await;
    for n in 0..64 {
        client.join(&format!("/{n}")).await;
    }
    client.say("41/0,").await;
    client.join("/64").await;
    client.say("40/0,").await;
    client.expect_close().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_let_in_yet_cannot_make_the_server_hold_much() {
    let limits = HandlerLimits {
        inbox: 8,
        ..HandlerLimits::default()
    };
    let host = Host::start(Io::builder().handler_limits(limits));
    host.io
        .on_connect(async |door: State<Door>| door.pass().await);
    host.io.on("x", async |args: RawArgs| args);
    let mut client = Client::open(host.connect(1 << 10)).await;
    client.say("40").await;
    // Small ones: it is their number that counts, not their bytes.
    let events = (0..20_000).map(|n| format!(r#"42{n}["x"]"#));
    tokio::select! {
        biased;
        () = client.say_all(events) => panic!("the server holds them all"),
        () = settle() => {}
    }
}

#[tokio::test(start_paused = true)]
async fn joining_and_leaving_again_and_again_does_not_pile_up_handlers() {
    let limits = HandlerLimits {
        running: 8,
        ..HandlerLimits::default()
    };
    let running = Arc::new(AtomicUsize::new(0));
    let host = Host::start(
        Io::builder()
            .handler_limits(limits)
            .state(Arc::clone(&running)),
    );
    host.io.on_connect(
        async |running: State<Arc<AtomicUsize>>, door: State<Door>| {
            running.fetch_add(1, Ordering::SeqCst);
            door.pass().await;
            running.fetch_sub(1, Ordering::SeqCst);
        },
    );
    let mut client = host.open().await;
    client.say_all(["40", "41"].repeat(500)).await;
    settle().await;
    let most = running.load(Ordering::SeqCst);
    assert!(most <= 2 * limits.running, "{most} are running");
    host.door.open();
    client.join("/").await;
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

// ---- Credentials --------------------------------------------------------------------------

/// How long the token is, or why nobody knows.
fn token_len(auth: Result<Credentials, impl std::fmt::Display>) -> String {
    match auth {
        Ok(auth) => auth.token.len().to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn large_credentials_are_there_until_the_client_is_let_in() {
    let forgotten = "more than 16 KiB, kept only until the client is let in";
    for always_connect in [false, true] {
        // As much as is kept, with `{"token":""}`, and a byte more.
        for (len, later) in [(16_372, "16372"), (16_373, forgotten)] {
            let builder = Io::builder();
            let mut host = Host::start(match always_connect {
                true => builder.always_connect(),
                false => builder,
            });
            host.io
                .before_connect(async |Auth(auth): Auth<Credentials>, pen: State<Pen>| {
                    pen.note(token_len(Ok::<_, String>(auth)));
                });
            host.io
                .on_connect(async |socket: Socket, door: State<Door>, pen: State<Pen>| {
                    door.pass().await;
                    pen.note(token_len(socket.auth()));
                });
            host.io
                .on("later", async |socket: Socket, pen: State<Pen>| {
                    pen.note(token_len(socket.auth()));
                });
            host.io
                .on("extracted", async |_: Auth<Credentials>| "has credentials");
            host.io
                .on_disconnect(async |socket: Socket, pen: State<Pen>| {
                    pen.note(token_len(socket.auth()));
                });
            let mut client = host.open().await;
            let auth = json!({ "token": "x".repeat(len) });
            client.say(&format!("40{auth}")).await;
            host.diary.expect(&len.to_string()).await;
            settle().await;
            host.door.open();
            host.diary.expect(&len.to_string()).await;
            client.text().await;
            client.say(r#"42["later"]"#).await;
            host.diary.expect(later).await;
            client.say(r#"420["extracted"]"#).await;
            match later == forgotten {
                true => {
                    let note = host.diary.next().await;
                    assert!(
                        note.contains("extracted") && note.contains(forgotten),
                        "{note}"
                    );
                }
                false => client.expect(r#"430["has credentials"]"#).await,
            }
            client.say("41").await;
            host.diary.expect(later).await;
        }
    }
}
