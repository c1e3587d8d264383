//! Over real sockets, in real time, on both kinds of runtimes.

use std::future::pending;
use std::time::Duration;

use socketio_client::{Client, Config, Data, SimpleClient, Socket, Transport};
use socketio_server::Io;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A server on a free port, and its URL.
async fn serve() -> (Io, String) {
    let io = Io::builder().build();
    io.on("echo", async |Data(n): Data<u32>| n);
    io.on(
        "back",
        async |socket: socketio_server::Socket, Data(n): Data<u32>| {
            socket.emit("forth", &n).map(drop)
        },
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = io.clone();
    tokio::spawn(async move { server.serve(listener, pending(), Duration::ZERO).await });
    (io, url)
}

async fn exchange() {
    let (io, url) = serve().await;
    for transports in [
        vec![Transport::Polling],
        vec![Transport::Websocket],
        vec![Transport::Polling, Transport::Websocket],
    ] {
        let mut config = Config::new(&url);
        config.engine.transports = transports;
        let client = Client::new(config);
        let (heard, mut ear) = mpsc::unbounded_channel();
        client.on("forth", move |_: Socket, Data(n): Data<u32>| {
            heard.send(n).unwrap();
            async {}
        });
        client.connect().await.unwrap();
        for n in 0..500 {
            client.emit("back", &n).unwrap();
            if n % 100 == 0 {
                assert_eq!(client.call::<u32>("echo", &n).await.unwrap(), n);
            }
        }
        for n in 0..500 {
            assert_eq!(ear.recv().await, Some(n));
        }
        client.close().await;
    }
    let client = SimpleClient::connect(&*url).await.unwrap();
    assert_eq!(client.call::<u32>("echo", &1).await.unwrap(), 1);
    client.disconnect().await;
    let shutdown = io.shutdown(Duration::from_secs(10)).await;
    assert!(shutdown.is_complete());
}

#[tokio::test]
async fn events_and_answers_on_a_runtime_of_one_thread() {
    exchange().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_answers_on_a_runtime_of_several_threads() {
    exchange().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_use_one_client() {
    let (_io, url) = serve().await;
    let client = Client::new(url);
    client.connect().await.unwrap();
    let tasks = (0..8_u32).map(|task| {
        let client = client.clone();
        tokio::spawn(async move {
            for n in 0..100 {
                let number = task * 1000 + n;
                assert_eq!(client.call::<u32>("echo", &number).await.unwrap(), number);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}
