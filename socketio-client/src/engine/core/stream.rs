//! One byte stream of a session: what it is used for, and what is to be written on it.

use bytes::Bytes;
use engineio_proto::Tick;
use engineio_proto::client::{LinkId, RequestId};

use super::super::Target;
use super::StreamId;
use super::request::Request;
use super::response::Reader;
use super::websocket::Websocket;

/// A byte stream, from the wish for it to its end.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) target: Target,
    /// Whether the driver has opened it.
    pub(super) is_open: bool,
    pub(super) out: Outgoing,
    pub(super) usage: Usage,
}

/// What a stream is used for.
#[derive(Debug)]
pub(super) enum Usage {
    /// A request on its way, or its answer.
    Exchange(Box<Exchange>),
    /// The next request may use it, before this time.
    Idle { until: Tick },
    /// A websocket, by this name in the session.
    Websocket(LinkId, Box<Websocket>),
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Get(RequestId),
    Post(RequestId),
    Link(LinkId),
}

/// A request on its way, or its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) purpose: Purpose,
    pub(super) request: Request,
    pub(super) response: Reader,
    /// How many redirects led here.
    pub(super) redirects: u8,
    /// Whether the stream has carried requests before, so that its end may be older than this one.
    pub(super) reuses: bool,
    /// Whether anything of the request may have reached the server.
    pub(super) was_written: bool,
    /// When it fails for want of progress.
    pub(super) deadline: Option<Tick>,
}

impl Exchange {
    /// Whether the request may be made once more on a new stream, the old one having ended: the
    /// stream was idle before, and nothing of the request was written.
    ///
    /// One that was written may have arrived, however the stream ended. What a POST has brought
    /// must not come twice, and a poll may still wait at the server, which would give it messages
    /// that nobody gets any more.
    pub(super) const fn may_repeat(&self) -> bool {
        self.reuses && !self.was_written
    }
}

/// Bytes to be written on a stream. A large body goes behind the rest as it is, uncopied.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) buffer: Vec<u8>,
    written: usize,
    body: Bytes,
}

/// From this size on a body is written by itself.
const LARGE_BODY: usize = 16 * 1024;
/// Memory that is kept for the next time.
const KEPT: usize = 4 * 1024;
/// So much that has been written may stay in front of what waits.
const COMPACTED: usize = 64 * 1024;

impl Outgoing {
    /// A request, alone on its stream.
    pub(super) fn request(&mut self, mut head: Vec<u8>, body: Bytes) {
        self.written = 0;
        if body.len() < LARGE_BODY {
            head.extend_from_slice(&body);
            self.body = Bytes::new();
        } else {
            self.body = body;
        }
        self.buffer = head;
    }

    /// What is to be written next.
    pub(super) fn next(&self) -> &[u8] {
        match &self.buffer[self.written..] {
            [] => &self.body,
            rest => rest,
        }
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.written + self.body.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// So many bytes have been written.
    pub(super) fn advance(&mut self, len: usize) {
        let from_buffer = len.min(self.buffer.len() - self.written);
        self.written += from_buffer;
        let from_body = (len - from_buffer).min(self.body.len());
        self.body = self.body.slice(from_body..);
        if self.written == self.buffer.len() {
            self.written = 0;
            self.buffer.clear();
            self.buffer.shrink_to(KEPT);
        } else if self.written > COMPACTED {
            self.buffer.drain(..self.written);
            self.written = 0;
        }
    }
}
