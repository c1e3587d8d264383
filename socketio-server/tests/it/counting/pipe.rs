//! A connection over memory that owns its buffers from the start, so that using it costs no heap,
//! and that counts the calls which its server makes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes each direction holds before its writer has to wait.
const CAPACITY: usize = 64 * 1024;

/// The calls of a server which an operating system would have had to answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Reads that brought something.
    pub(crate) reads: usize,
    /// Writes, plain or vectored.
    pub(crate) writes: usize,
}

/// The end that the server holds.
pub(crate) struct ServerEnd(Arc<Mutex<Pipe>>);

/// The end that a test holds. Nothing here waits: what the server does about it, it does when the
/// runtime runs.
pub(crate) struct ClientEnd(Arc<Mutex<Pipe>>);

struct Pipe {
    to_server: Lane,
    to_client: Lane,
    calls: Calls,
}

struct Lane {
    bytes: VecDeque<u8>,
    is_closed: bool,
    /// The server's task, if this lane is what it waits for.
    waiting: Option<Waker>,
}

pub(crate) type Connection = (ServerEnd, ClientEnd);

/// A new connection.
pub(crate) fn pipe() -> Connection {
    let pipe = Arc::new(Mutex::new(Pipe {
        to_server: Lane::new(),
        to_client: Lane::new(),
        calls: Calls::default(),
    }));
    (ServerEnd(Arc::clone(&pipe)), ClientEnd(pipe))
}

impl ClientEnd {
    /// Sends what must fit into the connection.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut pipe = self.0.lock().unwrap();
        let lane = &mut pipe.to_server;
        assert!(bytes.len() <= lane.room() && !lane.is_closed);
        lane.bytes.extend(bytes);
        lane.wake();
    }

    /// Takes all that has arrived.
    pub(crate) fn read(&self) -> Vec<u8> {
        let mut pipe = self.0.lock().unwrap();
        let read = pipe.to_client.bytes.drain(..).collect();
        pipe.to_client.wake();
        read
    }

    /// Takes the calls that the server has made since it was asked last.
    pub(crate) fn take_calls(&self) -> Calls {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        let mut pipe = self.0.lock().unwrap();
        pipe.to_server.close();
        pipe.to_client.close();
    }
}

impl ServerEnd {
    fn lock(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap()
    }
}

impl Drop for ServerEnd {
    fn drop(&mut self) {
        self.lock().to_client.close();
    }
}

impl Lane {
    fn new() -> Self {
        Self {
            bytes: VecDeque::with_capacity(CAPACITY),
            is_closed: false,
            waiting: None,
        }
    }

    fn room(&self) -> usize {
        CAPACITY - self.bytes.len()
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    fn wait<T>(&mut self, cx: &Context<'_>) -> Poll<T> {
        self.waiting = Some(cx.waker().clone());
        Poll::Pending
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.wake();
    }

    fn poll_take(&mut self, cx: &Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() && !self.is_closed {
            return self.wait(cx);
        }
        // The bytes may lie in two pieces; one call takes both, as a socket's would.
        let len = self.bytes.len().min(buf.remaining());
        let (first, second) = self.bytes.as_slices();
        let split = len.min(first.len());
        buf.put_slice(&first[..split]);
        buf.put_slice(&second[..len - split]);
        self.bytes.drain(..len);
        Poll::Ready(Ok(()))
    }

    fn poll_put<'a>(
        &mut self,
        cx: &Context<'_>,
        slices: impl Iterator<Item = &'a [u8]>,
    ) -> Poll<io::Result<usize>> {
        if self.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let before = self.room();
        if before == 0 {
            return self.wait(cx);
        }
        for slice in slices {
            let len = slice.len().min(self.room());
            self.bytes.extend(&slice[..len]);
        }
        Poll::Ready(Ok(before - self.room()))
    }
}

impl AsyncRead for ServerEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = self.lock();
        let before = buf.filled().len();
        let read = pipe.to_server.poll_take(cx, buf);
        pipe.calls.reads += usize::from(buf.filled().len() > before);
        read
    }
}

impl AsyncWrite for ServerEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.lock();
        pipe.calls.writes += 1;
        pipe.to_client.poll_put(cx, std::iter::once(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut pipe = self.lock();
        pipe.calls.writes += 1;
        let slices = slices.iter().map(|slice| &**slice);
        pipe.to_client.poll_put(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lock().to_client.close();
        Poll::Ready(Ok(()))
    }
}
