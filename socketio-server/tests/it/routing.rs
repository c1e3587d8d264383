//! Which handler an event reaches: by name, for once, of a namespace or of all of them.

use std::future::{Ready, ready};
use std::sync::Arc;

use socketio_server::test::{Client, Server};
use socketio_server::{AckError, EventName, Handlers, Io, Namespace, Socket, State};

use crate::host::{Host, Pen, settle};

/// Answers with its name.
fn named(name: &'static str) -> impl Fn() -> Ready<&'static str> + Clone + Send + Sync + 'static {
    move || ready(name)
}

/// Which handler answers an event, if any.
async fn reached(client: &Client, event: &str) -> Option<String> {
    match client.call(event, &()).await {
        Ok(name) => Some(name),
        Err(AckError::Timeout) => None,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn assert_reached(reached: Option<String>, name: impl Into<Option<&'static str>>) {
    assert_eq!(reached.as_deref(), name.into());
}

// ---- Names --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_registered_handler_is_for_those_who_are_connected_already_as_well() {
    let mut host = Host::new();
    let client = Server::new(&host.io).connect().await.unwrap();
    assert_reached(reached(&client, "which").await, None);
    host.io.on("which", named("first"));
    assert_reached(reached(&client, "which").await, "first");
    host.io.on("which", named("second"));
    assert_reached(reached(&client, "which").await, "second");
    host.io
        .on_disconnect(async |pen: State<Pen>| pen.note("gone"));
    client.disconnect();
    host.diary.expect("gone").await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_handler_is_not_reached() {
    let io = Io::builder().build();
    io.on("a", named("a"))
        .on("b", named("b"))
        .on_fallback(named("fallback"));
    let client = Server::new(&io).connect().await.unwrap();
    io.off("a");
    assert_reached(reached(&client, "a").await, "fallback");
    assert_reached(reached(&client, "b").await, "b");
    io.off_fallback();
    assert_reached(reached(&client, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_is_replaced_while_it_runs_goes_on() {
    let host = Host::new();
    let door = host.door.clone();
    host.io.on("wait", move || {
        let door = door.clone();
        async move {
            door.pass().await;
            "first"
        }
    });
    let client = Server::new(&host.io).connect().await.unwrap();
    let (running, next) = (
        client.call::<String>("wait", &()),
        client.call::<String>("next", &()),
    );
    host.io.on("next", named("next"));
    assert_eq!(next.await.unwrap(), "next");
    host.io.off("wait");
    host.door.open();
    assert_eq!(running.await.unwrap(), "first");
}

#[tokio::test(start_paused = true)]
async fn unnamed_events_are_called_message_and_json() {
    let io = Io::builder().build();
    io.on_message(named("message")).on_json(named("json"));
    let client = Server::new(&io).connect().await.unwrap();
    assert_reached(reached(&client, "message").await, "message");
    assert_reached(reached(&client, "json").await, "json");
}

#[test]
fn a_name_that_no_event_can_have_is_refused_with_what_is_meant() {
    for (name, instead) in [
        ("connect", "on_connect"),
        ("connect_error", "on_connect"),
        ("disconnect", "on_disconnect"),
        ("disconnecting", "on_disconnecting"),
        ("newListener", "another name"),
        ("removeListener", "another name"),
    ] {
        for register in [
            |io: &Io, name| _ = io.on(name, named("never")),
            |io: &Io, name| _ = io.once(name, named("never")),
        ] {
            let io = Io::builder().build();
            let register = std::panic::AssertUnwindSafe(|| register(&io, name));
            let panic = std::panic::catch_unwind(register).unwrap_err();
            let message = panic.downcast::<String>().unwrap();
            assert_eq!(
                *message,
                format!("no event can be called {name:?}, use {instead}")
            );
        }
        let io = Io::builder().build();
        let reserved = io.try_on(name, named("never")).unwrap_err();
        assert_eq!((reserved.name, reserved.instead), (name, instead));
    }
}

// ---- For once -----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_handler_for_once_has_the_first_event_of_each_socket() {
    let io = Io::builder().build();
    io.once("a", named("once"));
    let server = Server::new(&io);
    let client = server.connect().await.unwrap();
    let other = server.connect().await.unwrap();
    assert_reached(reached(&client, "a").await, "once");
    assert_reached(reached(&client, "a").await, None);
    assert_reached(reached(&other, "a").await, "once");
    assert_reached(reached(&other, "a").await, None);
    io.once("a", named("again"));
    assert_reached(reached(&client, "a").await, "again");
    assert_reached(reached(&client, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_handler_for_once_goes_on_in_the_order_of_handlers() {
    let io = Io::builder().build();
    io.once("a", named("once")).on_fallback(named("fallback"));
    io.of("/all").once("a", named("once"));
    io.any_namespace()
        .once("a", named("once of all"))
        .on_fallback(named("fallback of all"));
    let root = Server::new(&io).connect().await.unwrap();
    let all = root.join("/all").await.unwrap();
    for name in ["once", "fallback", "fallback"] {
        assert_reached(reached(&root, "a").await, name);
    }
    for name in ["once", "once of all", "fallback of all"] {
        assert_reached(reached(&all, "a").await, name);
    }
}

// ---- Whose turn it is ---------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_nearest_handler_wins_and_a_fallback_hides_all_that_is_behind_it() {
    let io = Io::builder().build();
    let chat = io.of("/chat");
    let client = Server::new(&io).connect().namespace("/chat").await.unwrap();
    let all = io.any_namespace();
    assert_reached(reached(&client, "a").await, None);
    all.on_fallback(named("all, any"));
    assert_reached(reached(&client, "a").await, "all, any");
    all.on("a", named("all, a"));
    assert_reached(reached(&client, "a").await, "all, a");
    assert_reached(reached(&client, "b").await, "all, any");
    chat.on_fallback(named("chat, any"));
    assert_reached(reached(&client, "a").await, "chat, any");
    chat.on("a", named("chat, a"));
    assert_reached(reached(&client, "a").await, "chat, a");
    assert_reached(reached(&client, "b").await, "chat, any");
}

#[tokio::test(start_paused = true)]
async fn handlers_of_all_namespaces_serve_each_and_connect_and_disconnect_as_well() {
    let mut host = Host::new();
    host.io.of("/chat");
    let news = host.io.of("/news");
    host.io
        .any_namespace()
        .on(
            "where",
            async |nsp: Namespace, EventName(name): EventName| format!("{name} in {}", nsp.name()),
        )
        .on_connect(async |socket: Socket, pen: State<Pen>| {
            pen.note(format!("{} joined", socket.namespace().name()));
        })
        .on_disconnect(async |socket: Socket, pen: State<Pen>| {
            pen.note(format!("{} left", socket.namespace().name()));
        });
    news.on_connect(async |pen: State<Pen>| pen.note("news joined by its own handler"));
    let server = Server::new(&host.io);
    let client = server.connect().namespace("/chat").await.unwrap();
    assert_reached(reached(&client, "where").await, "where in /chat");
    host.diary.expect("/chat joined").await;
    let news = client.join("/news").await.unwrap();
    assert_reached(reached(&news, "where").await, "where in /news");
    host.diary.expect("news joined by its own handler").await;
    news.disconnect();
    host.diary.expect("/news left").await;
    let refused = client.join("/unknown").await.unwrap_err();
    assert_eq!(refused.message(), "Invalid namespace");
}

// ---- Handlers before there is a server ----------------------------------------------------

#[tokio::test(start_paused = true)]
async fn handlers_that_were_described_first_are_added_to_any_number_of_namespaces() {
    let mut host = Host::new();
    let handlers = Handlers::new()
        .on("a", named("a"))
        .on("b", named("b"))
        .once("c", named("c"))
        .on_connect(async |pen: State<Pen>| pen.note("joined"))
        .off("b");
    host.io.on("a", named("replaced")).on("d", named("d"));
    host.io.add(handlers.clone());
    host.io.of("/chat").add(handlers.clone());
    host.io.of("/news");
    host.io.any_namespace().add(handlers);
    let root = Server::new(&host.io).connect().await.unwrap();
    for nsp in ["/", "/chat", "/news"] {
        let client = match nsp {
            "/" => &root,
            nsp => &root.join(nsp).await.unwrap(),
        };
        assert_reached(reached(client, "a").await, "a");
        assert_reached(reached(client, "b").await, None);
        assert_reached(reached(client, "c").await, "c");
        let kept = (nsp == "/").then_some("d");
        assert_reached(reached(client, "d").await, kept);
        host.diary.expect("joined").await;
    }
}

// ---- Handlers of one socket ---------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_socket_s_own_handler_wins_and_is_for_no_other_socket() {
    let io = Io::builder().build();
    io.on("a", named("namespace")).on_connect(|socket: Socket| {
        if socket.namespace().is_empty() {
            socket
                .on("a", named("own"))
                .on("b", named("own b"))
                .once("c", named("own c"));
        }
    });
    io.on("c", named("namespace c"));
    let server = Server::new(&io);
    let first = server.connect().await.unwrap();
    let second = server.connect().await.unwrap();
    for (client, a, b, c) in [
        (&first, "own", Some("own b"), ["own c", "namespace c"]),
        (&second, "namespace", None, ["namespace c", "namespace c"]),
    ] {
        assert_reached(reached(client, "a").await, a);
        assert_reached(reached(client, "b").await, b);
        for c in c {
            assert_reached(reached(client, "c").await, c);
        }
    }
    let sockets = io.broadcast().sockets();
    let socket = sockets.iter().find(|it| it.id().as_str() == first.id());
    socket.unwrap().off("a").on("b", named("new b"));
    assert_reached(reached(&first, "a").await, "namespace");
    assert_reached(reached(&first, "b").await, "new b");
}

#[tokio::test(start_paused = true)]
async fn what_is_registered_with_a_socket_may_hold_the_socket_and_goes_with_it() {
    for end in ["leaves", "is refused", "registers late"] {
        let io = Io::builder().build();
        let alive = Arc::new(());
        let held = alive.clone();
        io.on_connect(move |socket: Socket| {
            let held = held.clone();
            let register = move || {
                let holding = (socket.clone(), held);
                let handler = move || drop(holding.clone());
                let (on_any, on_any_outgoing, wrap) =
                    (handler.clone(), handler.clone(), handler.clone());
                socket
                    .on("a", handler)
                    .on_any(move |_| on_any())
                    .on_any_outgoing(move |_, _| on_any_outgoing())
                    .wrap(move |event, next| {
                        wrap();
                        next.run(event)
                    });
            };
            match end {
                "registers late" => {
                    tokio::spawn(async move {
                        settle().await;
                        settle().await;
                        register();
                    });
                }
                _ => register(),
            }
            end != "is refused"
        });
        let server = Server::new(&io);
        let client = server.connect().await;
        if let Ok(client) = client {
            client.disconnect();
        }
        for _ in 0..3 {
            server.settle().await;
        }
        // One is the test's, one the connect handler's.
        assert_eq!(Arc::strong_count(&alive), 2, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_came_early_finds_the_handler_that_the_connect_handler_registers() {
    let host = Host::new();
    host.io.on_connect(async |socket: Socket| {
        settle().await;
        socket.on("a", named("own"));
    });
    let mut client = host.open().await;
    client.say_all(["40", r#"420["a"]"#]).await;
    client.text().await;
    client.expect(r#"430["own"]"#).await;
}
