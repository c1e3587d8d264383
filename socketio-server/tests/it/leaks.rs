//! Nothing of a client that has gone stays behind, and nothing of a server that has.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use socketio_server::{Data, Io, NamespaceRequest, Report, Socket, State};
use tokio::sync::oneshot;

use crate::host::{Door, Host, settle};

/// Clients of each kind.
const CLIENTS: usize = 500;

#[tokio::test(start_paused = true)]
async fn thousands_come_and_go_and_leave_nothing() {
    let token = Arc::new(());
    let host = Host::new();
    for nsp in ["/", "/other"] {
        let kept = Arc::clone(&token);
        let namespace = host.io.of(nsp);
        namespace.on_connect(move |socket: Socket| {
            let kept = Arc::clone(&kept);
            async move {
                socket.insert(kept);
                socket.join(["hall".to_owned(), format!("of {}", socket.id())]);
            }
        });
        namespace.on("ask", async |socket: Socket, Data(it): Data<u64>| {
            let answer = socket.call::<u64>("ask", &it).await;
            answer.ok()
        });
    }
    let idle = Arc::strong_count(&token);

    for n in 0..CLIENTS {
        for orderly in [false, true] {
            let mut client = host.join("/").await;
            client.join("/other").await;
            let sockets = host.io.to("hall").sockets();
            let namespace = host.io.of("/");
            assert!(!sockets.is_empty() && Arc::strong_count(&token) >= idle + 2);
            drop(sockets);
            // Handlers, calls and attachments are on their way when it ends.
            client
                .say_all([
                    r#"420["ask",1]"#,
                    r#"42["ask",2]"#,
                    r#"451-["ask",{"_placeholder":true,"num":0}]"#,
                ])
                .await;
            namespace.emit("news", &n).unwrap();
            match orderly {
                true => client.say("1").await,
                false => drop(client),
            }

            let poller = host.poll().await;
            poller.join("/").await;
            poller.say("40/other,").await;
            poller.say(r#"420["ask",1]"#).await;
            if orderly {
                poller.say("1").await;
            }
            settle().await;
        }
    }
    assert!(host.io.of("/").len() >= CLIENTS / 2);
    // Virtual time: those that went without a word miss their heartbeat, and calls end.
    tokio::time::sleep(Duration::from_secs(120)).await;
    host.assert_deserted("/");
    host.assert_deserted("/other");
    assert_eq!(Arc::strong_count(&token), idle);
    // Only without sessions and handlers there is nothing to wait for.
    let shutdown = host.io.shutdown(Duration::ZERO).await;
    assert!(shutdown.is_complete());
}

#[tokio::test(start_paused = true)]
async fn clients_that_never_join_leave_nothing() {
    let host = Host::new();
    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(host.open().await);
        host.poll().await;
    }
    // Virtual time: the time to join, and to hear the goodbye, is over.
    tokio::time::sleep(Duration::from_secs(120)).await;
    let shutdown = host.io.shutdown(Duration::ZERO).await;
    assert!(shutdown.is_complete());
}

/// A server with a value in its state, which nobody serves any more after `stop`.
fn stoppable(token: &Arc<()>) -> (Host, oneshot::Sender<()>) {
    let (stop, stopped) = oneshot::channel();
    let builder = Io::builder().state(Arc::clone(token));
    let host = Host::start_until(builder, stopped.map(|_| ()), Duration::from_secs(10));
    (host, stop)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_been_shut_down_goes_with_its_last_handle() {
    let token = Arc::new(());
    let (host, stop) = stoppable(&token);
    host.io.of("/other").on_disconnect(async |_: Socket| ());
    let io = host.io.clone();
    // A handler that holds the server itself.
    host.io.on("hold", move || {
        let io = io.clone();
        async move { io.of("/").len() }
    });
    let mut client = host.join("/").await;
    client.join("/other").await;
    let poller = host.poll().await;
    poller.join("/").await;
    let [socket, _] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    stop.send(()).unwrap();
    client.expect_close().await;
    assert_eq!(poller.get().await, "1");
    drop((client, poller));
    let Host { io, serving, .. } = host;
    assert!(serving.await.unwrap().is_complete());
    settle().await;
    drop(io);
    assert_eq!(Arc::strong_count(&token), 2);
    drop(socket);
    assert_eq!(Arc::strong_count(&token), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_done_with_a_server_brings_it_back_once_it_has_been_shut_down() {
    let uses: [fn(&Io); 8] = [
        |io| assert_eq!(io.emit("news", &()).unwrap(), Report::default()),
        |io| assert!(io.to("room").sockets().is_empty()),
        |io| {
            io.on("event", holding(io));
        },
        |io| {
            io.of("/other").on("event", holding(io));
        },
        |io| {
            io.any_namespace().on("event", holding(io));
        },
        |io| {
            io.dynamic("/game/{id}").on("event", holding(io));
            drop(io.of("/game/1"));
        },
        |io| {
            let held = io.clone();
            io.dynamic_if(move |_: NamespaceRequest| held.stats().sessions == 0);
        },
        |io| {
            let held = io.clone();
            io.on_new_namespace(move |_| drop(held.clone()));
        },
    ];
    for (before, usage) in [false, true]
        .into_iter()
        .flat_map(|it| uses.map(|usage| (it, usage)))
    {
        let token = Arc::new(());
        let (host, stop) = stoppable(&token);
        if before {
            usage(&host.io);
        }
        stop.send(()).unwrap();
        let Host { io, serving, .. } = host;
        assert!(serving.await.unwrap().is_complete());
        usage(&io);
        drop(io);
        assert_eq!(Arc::strong_count(&token), 1);
    }
}

/// A handler that holds the server itself.
fn holding(io: &Io) -> impl Fn() + Clone + Send + Sync + 'static {
    let io = io.clone();
    move || drop(io.clone())
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_shutdown_was_interrupted_goes_with_its_last_handler() {
    let token = Arc::new(());
    let (host, stop) = stoppable(&token);
    host.io.on("wait", async |door: State<Door>, _: Socket| {
        door.pass().await;
    });
    let mut client = host.join("/").await;
    client.say(r#"42["wait"]"#).await;
    settle().await;
    stop.send(()).unwrap();
    client.expect_close().await;
    let Host {
        io, serving, door, ..
    } = host;
    assert!(!serving.await.unwrap().is_complete());
    drop(io);
    settle().await;
    assert_eq!(Arc::strong_count(&token), 2);
    door.open();
    settle().await;
    assert_eq!(Arc::strong_count(&token), 1);
}

#[tokio::test(start_paused = true)]
async fn what_belongs_to_a_socket_goes_with_it() {
    let token = Arc::new(());
    let host = Host::new();
    let mut client = host.join("/").await;
    let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    socket.insert(Arc::clone(&token));
    let old = socket.insert(Arc::clone(&token));
    assert_eq!(Arc::strong_count(&token), 3);
    drop(old);
    drop(socket);
    settle().await;
    assert_eq!(Arc::strong_count(&token), 2);
    client.say("41").await;
    settle().await;
    assert_eq!(Arc::strong_count(&token), 1);
}
