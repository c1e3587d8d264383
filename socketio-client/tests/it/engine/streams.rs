//! Byte streams of another kind: slow, buffering, breaking.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socketio_client::engine::{
    CloseReason, Connect, Connection, ErrorKind, Message, Prepared, Target,
};
use tokio::io::{AsyncRead, AsyncWrite, BufStream, ReadBuf};
use tokio::time::Instant;

use super::host::{Host, WAYS, Way, soon};
use super::recv_text;

#[tokio::test(start_paused = true)]
async fn more_than_the_way_holds_gets_through() {
    for way in WAYS {
        let host = Host::start();
        let mut connection = host.open(way).await.unwrap();
        // On polling it travels as base64, and the server takes a million bytes.
        let big = vec![7; 700_000];
        for _ in 0..3 {
            connection.send(Prepared::binary(big.clone().into()));
        }
        assert!(connection.queued_bytes() > 2_100_000);
        for _ in 0..3 {
            let message = soon(connection.recv()).await.unwrap();
            assert!(
                matches!(&message, Some(Message::Binary(data)) if **data == *big),
                "{way:?}"
            );
        }
        assert_eq!(connection.queued_bytes(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn streams_that_buffer_are_flushed() {
    for way in WAYS {
        let host = Host::start();
        let memory = Arc::new(host.connector());
        let connector = move |target: Target| {
            let connecting = memory.connect(target);
            async { Ok(BufStream::new(connecting.await?)) }
        };
        let opened = Connection::open_with(host.config(way), connector).await;
        let mut connection = opened.unwrap();
        connection.send(Prepared::text("hello"));
        assert_eq!(soon(recv_text(&mut connection)).await, "hello");
    }
}

/// A stream that falls silent when it is told to; or ends.
struct Fragile<S> {
    stream: S,
    fate: Fate,
}

#[derive(Clone, Default)]
struct Fate {
    silent: Arc<AtomicBool>,
    broken: Arc<AtomicBool>,
}

impl Fate {
    fn poll(&self) -> Poll<io::Result<()>> {
        if self.broken.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        match self.silent.load(Ordering::Relaxed) {
            true => Poll::Pending,
            false => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Fragile<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.fate.poll())?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Fragile<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.fate.poll())?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.fate.poll())?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.fate.poll())?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

async fn open_fragile(host: &Host, way: Way) -> (Connection, Fate) {
    let fate = Fate::default();
    let memory = Arc::new(host.connector());
    let shared = fate.clone();
    let connector = move |target: Target| {
        let connecting = memory.connect(target);
        let fate = shared.clone();
        async {
            let stream = connecting.await?;
            Ok(Fragile { stream, fate })
        }
    };
    let opened = Connection::open_with(host.config(way), connector).await;
    (opened.unwrap(), fate)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_given_up() {
    for way in [Way::Polling, Way::Websocket] {
        let host = Host::start();
        let (mut connection, fate) = open_fragile(&host, way).await;
        let start = Instant::now();
        fate.silent.store(true, Ordering::Relaxed);
        soon(connection.recv()).await.unwrap_err();
        assert_eq!(connection.close_reason(), Some(CloseReason::PingTimeout));
        assert_eq!(start.elapsed(), Duration::from_secs(45), "{way:?}");
        assert!(connection.recv().await.unwrap().is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_does_not_get_through_is_noticed_before_the_heartbeat() {
    let host = Host::start();
    let (mut connection, fate) = open_fragile(&host, Way::Polling).await;
    // A ping came after 25 s. So the heartbeat has time until 70 s, and the timer is set for that.
    let idle = tokio::time::timeout(Duration::from_secs(46), connection.recv());
    idle.await.map(drop).unwrap_err();
    fate.silent.store(true, Ordering::Relaxed);
    connection.send(Prepared::text("unheard"));
    let start = Instant::now();
    let error = soon(connection.recv()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Timeout), "{error}");
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_does_not_keep_the_client_from_closing() {
    for way in [Way::Polling, Way::Websocket] {
        let host = Host::start();
        let (mut connection, fate) = open_fragile(&host, way).await;
        fate.silent.store(true, Ordering::Relaxed);
        connection.send(Prepared::text("unheard"));
        let start = Instant::now();
        soon(connection.close()).await;
        assert_eq!(connection.close_reason(), Some(CloseReason::ForcedClose));
        assert!(start.elapsed() <= Duration::from_secs(30), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_network_that_breaks_is_an_error() {
    for way in [Way::Polling, Way::Websocket] {
        let host = Host::start();
        let (mut connection, fate) = open_fragile(&host, way).await;
        connection.send(Prepared::text("hello"));
        assert_eq!(recv_text(&mut connection).await, "hello");
        fate.broken.store(true, Ordering::Relaxed);
        connection.send(Prepared::text("unheard"));
        soon(connection.recv()).await.unwrap_err();
        assert_eq!(connection.close_reason(), Some(CloseReason::TransportError));
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_dropped_leaves_no_stream_open() {
    for way in WAYS {
        let mut host = Host::start();
        let (connection, fate) = open_fragile(&host, way).await;
        drop(connection);
        assert_eq!(Arc::strong_count(&fate.silent), 1, "{way:?}");
        soon(host.end()).await;
    }
}
