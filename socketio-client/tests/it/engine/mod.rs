//! The driver of a session on tokio.

mod host;
mod streams;
#[cfg(feature = "tls-rustls")]
mod tls;
mod way;

use std::future::{self, Future};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use socketio_client::engine::{
    CloseReason, Connection, ErrorKind, Message, Prepared, Target, Transport,
};
use tokio::time::Instant;

use self::host::{Host, WAYS, Way, soon};

fn text(message: Message<'_>) -> String {
    match message {
        Message::Text(text) => text.to_owned(),
        Message::Binary(_) => panic!("binary"),
    }
}

async fn recv_text(connection: &mut Connection) -> String {
    text(connection.recv().await.unwrap().expect("a message"))
}

/// Polls it once and drops it.
async fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    let mut future = pin!(future);
    future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test(start_paused = true)]
async fn messages_travel_in_both_directions() {
    for way in WAYS {
        let host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        connection.send(Prepared::text("hello"));
        connection.send(Prepared::binary(b"\0\xff"[..].into()));
        assert_eq!(recv_text(&mut connection).await, "hello", "{way:?}");
        let message = connection.recv().await.unwrap();
        assert!(
            matches!(&message, Some(Message::Binary(data)) if **data == *b"\0\xff"),
            "{way:?}: {message:?}"
        );
    }
}

#[tokio::test]
async fn messages_travel_over_real_sockets() {
    for way in WAYS {
        let host = Host::start_tcp().await;
        let mut connection = Connection::open(host.config(way)).await.unwrap();
        for number in 0..100 {
            connection.send(Prepared::text(&number.to_string()));
        }
        for number in 0..100 {
            assert_eq!(recv_text(&mut connection).await, number.to_string());
        }
        connection.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_moves_to_websocket_without_losing_anything() {
    let host = Host::start();
    let mut connection = host.open(Way::Upgrade).await.unwrap();
    assert_eq!(connection.transport(), Transport::Polling);
    let mut sent = 0;
    let mut received = 0;
    while connection.transport() == Transport::Polling || received < sent {
        if connection.transport() == Transport::Polling {
            connection.send(Prepared::text(&sent.to_string()));
            sent += 1;
        }
        let message = soon(recv_text(&mut connection)).await;
        assert_eq!(message, received.to_string());
        received += 1;
    }
    assert!(sent > 1, "moved too early to show anything");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_poll_loses_nothing() {
    const MESSAGES: usize = 300;
    for way in WAYS {
        let host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        let big = "x".repeat(10_000);
        for number in 0..MESSAGES {
            connection.send(Prepared::text(&format!("{number} {big}")));
        }
        let mut received = 0;
        let mut dropped = 0;
        while received < MESSAGES {
            match poll_once(recv_text(&mut connection)).await {
                Poll::Ready(message) => {
                    assert_eq!(message, format!("{received} {big}"), "{way:?}");
                    received += 1;
                }
                Poll::Pending => {
                    dropped += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(dropped > MESSAGES, "{way:?}: {dropped}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_lives_on_and_is_rarely_polled() {
    for way in WAYS {
        let host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        let mut polls = 0;
        {
            let mut recv = pin!(connection.recv());
            let counted = future::poll_fn(|cx| {
                polls += 1;
                // Time stands still while a task is busy.
                assert!(polls < 10_000, "{way:?}: busy");
                recv.as_mut().poll(cx).map(drop)
            });
            let hour = Duration::from_secs(3600);
            tokio::time::timeout(hour, counted).await.unwrap_err();
        }
        // The server pings every 25 s; each ping is a few events on the streams.
        assert!((144..3000).contains(&polls), "{way:?}: {polls}");
        connection.send(Prepared::text("still here"));
        assert_eq!(recv_text(&mut connection).await, "still here");
    }
}

#[tokio::test(start_paused = true)]
async fn what_arrived_in_time_counts_however_late_it_is_looked_at() {
    let host = Host::start();
    let mut connection = host.open(Way::Websocket).await.unwrap();
    connection.send(Prepared::text("hello"));
    assert!(poll_once(connection.recv()).await.is_pending());
    // Virtual time: nobody receives, until a ping has come and gone unanswered.
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(recv_text(&mut connection).await, "hello");
    // It is the server that has given up.
    while let Ok(Some(_)) = soon(connection.recv()).await {}
    assert_eq!(connection.close_reason(), Some(CloseReason::TransportClose));
}

#[tokio::test(start_paused = true)]
async fn closing_tells_the_server() {
    for way in WAYS {
        let mut host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        connection.send(Prepared::text("last words"));
        let start = Instant::now();
        soon(connection.close()).await;
        assert_eq!(connection.close_reason(), Some(CloseReason::ForcedClose));
        assert!(connection.recv().await.unwrap().is_none());
        assert_eq!(soon(host.end()).await, CloseReason::TransportClose);
        soon(host.server.idle()).await;
        // Nobody had to wait for a deadline.
        assert!(start.elapsed() < Duration::from_secs(1), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_is_no_error() {
    for way in WAYS {
        let host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        connection.send(Prepared::text("close"));
        assert!(soon(connection.recv()).await.unwrap().is_none(), "{way:?}");
        assert_eq!(connection.close_reason(), Some(CloseReason::TransportClose));
        // It stays that way.
        assert!(soon(connection.recv()).await.unwrap().is_none(), "{way:?}");
        soon(connection.close()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_given_up() {
    let connector = |_: Target| future::pending::<std::io::Result<tokio::io::DuplexStream>>();
    for way in WAYS {
        let start = Instant::now();
        let config = Host::start().config(way);
        let error = Connection::open_with(config, connector).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error}");
        assert_eq!(start.elapsed(), Duration::from_secs(20));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dial_that_fails_is_the_reason() {
    let connector = |_: Target| {
        let refused = std::io::ErrorKind::ConnectionRefused.into();
        future::ready(Err::<tokio::io::DuplexStream, std::io::Error>(refused))
    };
    for way in WAYS {
        let config = Host::start().config(way);
        let error = Connection::open_with(config, connector).await.unwrap_err();
        let ErrorKind::Dial(cause) = error.kind() else {
            panic!("{error:?}");
        };
        assert_eq!(cause.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_quoted() {
    for way in WAYS {
        let host = Host::start();
        let mut config = host.config(way);
        config.query.push(("refuse".into(), "me".into()));
        let opened = Connection::open_with(config, host.connector()).await;
        let error = opened.unwrap_err();
        assert!(error.transport().is_some());
        assert!(matches!(error.kind(), ErrorKind::Status { .. }), "{error}");
        assert!(error.to_string().ends_with(": you"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn closing_may_be_given_up_and_taken_up_again() {
    for way in WAYS {
        let mut host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        let mut polls = 0;
        loop {
            if poll_once(connection.close()).await.is_ready() {
                break;
            }
            polls += 1;
            tokio::task::yield_now().await;
        }
        assert!(polls > 0, "{way:?}");
        assert_eq!(soon(host.end()).await, CloseReason::TransportClose);
    }
}

#[test]
fn an_idle_session_owns_no_read_buffer() {
    const SESSIONS: usize = 50;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let host = runtime.block_on(async { Host::start() });
    let mut connections = Vec::new();
    let open = async |connections: &mut Vec<Connection>| {
        let mut connection = host.open(Way::Websocket).await.unwrap();
        connection.send(Prepared::text("hello"));
        assert_eq!(recv_text(&mut connection).await, "hello");
        assert!(poll_once(connection.recv()).await.is_pending());
        connections.push(connection);
    };
    // What is made once per thread.
    runtime.block_on(open(&mut connections));
    let used = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..SESSIONS {
                open(&mut connections).await;
            }
        });
    });
    let each = used.bytes_current / SESSIONS as i64;
    // The server's end and the pipes between them included.
    assert!(each < 40 * 1024, "{each} bytes");
}

#[tokio::test]
async fn a_session_may_move_between_threads() {
    let host = Host::start_tcp().await;
    let mut connection = Connection::open(host.config(Way::Upgrade)).await.unwrap();
    let echo = tokio::spawn(async move {
        connection.send(Prepared::text("hello"));
        recv_text(&mut connection).await
    });
    assert_eq!(echo.await.unwrap(), "hello");
}
