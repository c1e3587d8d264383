//! A websocket: frames in, frames out, over any stream. Decides nothing about the session.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::upgrade::OnUpgrade;
use proto::server::{Control, Item, LinkId};
use proto::ws::{ControlFrame, Decoder, Role};
use proto::{Format, Prepared};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::capacity::{make_room, trim};
use crate::limits::OutboxLimits;
use crate::scratch;
use crate::stream::Stream;

/// Slices per write call.
const MAX_SLICES: usize = 64;

/// Bytes of a frame, on average, from which the kernel is cheaper than a copy: a slice costs it
/// as much as copying so much into the thread's buffer.
const WORTH_A_SLICE: usize = 512;

/// Bytes a link takes before messages wait for it in the session, where a ping can overtake them.
const CONGESTED: usize = 64 * 1024;

/// How long the peer of a link that is being closed may take for what is left.
const LINGER: Duration = Duration::from_secs(30);

/// How long it may take from there to close its own end. Some clients never do.
const FAREWELL: Duration = Duration::from_secs(1);

/// A websocket that hyper is about to hand over.
pub(crate) struct Handshake {
    pub(crate) upgrade: OnUpgrade,
    pub(crate) format: Format,
    pub(crate) max_message: usize,
}

/// A websocket of a session.
pub(crate) struct Link {
    pub(crate) id: LinkId,
    state: State,
    max_message: usize,
    /// Bytes that were read but stopped at; they come before anything the stream brings.
    unread: Vec<u8>,
    writer: Writer,
}

enum State {
    Upgrading(OnUpgrade),
    Open { stream: Stream, decoder: Decoder },
}

impl Link {
    pub(crate) fn new(id: LinkId, handshake: Handshake) -> Self {
        Self {
            id,
            state: State::Upgrading(handshake.upgrade),
            max_message: handshake.max_message,
            unread: Vec::new(),
            writer: Writer::new(handshake.format),
        }
    }

    /// Waits for hyper to hand over the stream; until then nothing can be read or written. What
    /// hyper had read too far is then [unread](Self::take_unread).
    pub(crate) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Upgrading(upgrade) = &mut self.state else {
            return Poll::Ready(Ok(()));
        };
        let upgraded = ready!(Pin::new(upgrade).poll(cx)).map_err(io::Error::other)?;
        let (stream, read) = Stream::from_upgraded(upgraded);
        self.unread = Vec::from(read);
        self.state = State::Open {
            stream,
            decoder: Decoder::new(Role::Server, self.max_message),
        };
        Poll::Ready(Ok(()))
    }

    /// Reads into `buffer`; 0 bytes are the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let State::Open { stream, .. } = &mut self.state else {
            return Poll::Pending;
        };
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(read.filled().len()))
    }

    /// The decoder of an open link.
    pub(crate) const fn decoder(&mut self) -> Option<&mut Decoder> {
        match &mut self.state {
            State::Open { decoder, .. } => Some(decoder),
            State::Upgrading(_) => None,
        }
    }

    /// Takes what an earlier reader stopped at.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    /// Puts back what the reader did not want yet.
    pub(crate) fn put_back(&mut self, rest: Vec<u8>) {
        self.unread = rest;
    }

    /// Queues an item of the session.
    pub(crate) fn send(&mut self, item: Item) {
        self.writer.push(match item {
            Item::Message(message) => Frame::Message(message),
            Item::Control(control) => Frame::Control(control),
        });
    }

    /// Answers a WebSocket ping. Only the latest one counts (RFC 6455 §5.5.3), so that a peer
    /// that pings and never reads costs nothing.
    pub(crate) fn pong(&mut self, payload: &[u8]) {
        self.writer.pong = Some(Box::new(ControlFrame::pong(payload, None)));
    }

    /// Whether enough is queued to keep the kernel busy.
    pub(crate) const fn is_congested(&self) -> bool {
        self.writer.bytes >= CONGESTED
    }

    /// Bytes that are queued and not yet taken by the kernel, as the [limits](OutboxLimits) count
    /// them.
    pub(crate) fn unsent(&self) -> usize {
        self.writer.bytes + self.writer.frames.len() * OutboxLimits::PER_MESSAGE
    }

    /// Writes what is queued; ready when nothing is left. Adds the bytes that the peer took.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &mut usize,
    ) -> Poll<io::Result<()>> {
        let State::Open { stream, .. } = &mut self.state else {
            return Poll::Pending;
        };
        while let Some(written) = ready!(self.writer.poll_write(cx, Pin::new(stream))?) {
            *bytes += written;
        }
        if !stream.is_write_vectored() {
            // Streams that buffer, such as TLS, hold the last bytes back otherwise.
            ready!(Pin::new(stream).poll_flush(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Answers the close frame of a peer that sends nothing more, in place of what is queued. True if
    /// that was all: the answer has left, and closing the socket destroys nothing.
    pub(crate) fn answer_close(&mut self, cx: &mut Context<'_>, code: Option<u16>) -> bool {
        self.writer.discard();
        self.push_close(code);
        let is_bare = matches!(&self.state, State::Open { stream, .. } if stream.is_bare());
        is_bare && self.poll_write(cx, &mut 0).is_ready()
    }

    fn push_close(&mut self, code: Option<u16>) {
        let close = ControlFrame::close(code, None);
        self.writer.push(Frame::Other(Box::new(close)));
    }

    /// Writes what is queued and a close frame, or that frame alone, then ends the link.
    pub(crate) async fn close(mut self, code: Option<u16>, flush: bool) {
        if !flush {
            self.writer.discard();
        }
        self.push_close(code);
        self.end().await;
    }

    /// Writes what is left, then waits a moment for the peer to close as well: closing a socket with
    /// unread input would destroy what is still on its way to the peer.
    pub(crate) async fn end(mut self) {
        let flush = async {
            std::future::poll_fn(|cx| self.poll_open(cx)).await?;
            std::future::poll_fn(|cx| self.poll_write(cx, &mut 0)).await?;
            if let State::Open { stream, .. } = &mut self.state {
                std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_shutdown(cx)).await?;
            }
            io::Result::Ok(())
        };
        // Whatever happens now, the session is over and nobody is left to be told.
        let Ok(Ok(())) = tokio::time::timeout(LINGER, flush).await else {
            return;
        };
        let drain = async {
            while std::future::poll_fn(|cx| scratch::with(|buffer| self.poll_read(cx, buffer)))
                .await?
                > 0
            {}
            io::Result::Ok(())
        };
        let _ = tokio::time::timeout(FAREWELL, drain).await;
    }
}

/// Frames on their way to the kernel.
struct Writer {
    format: Format,
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that have been written.
    offset: usize,
    bytes: usize,
    pong: Option<Box<ControlFrame>>,
}

enum Frame {
    Message(Prepared),
    Control(Control),
    Other(Box<ControlFrame>),
}

impl Frame {
    fn len(&self, format: Format) -> usize {
        match self {
            Self::Message(message) => message.frames_len(format),
            Self::Control(control) => control.frame().len(),
            Self::Other(frame) => frame.as_ref().as_ref().len(),
        }
    }

    /// Calls `each` with the slices behind the first `skip` bytes, as long as it returns true.
    fn for_each_slice<'a>(
        &'a self,
        format: Format,
        skip: usize,
        mut each: impl FnMut(&'a [u8]) -> bool,
    ) -> bool {
        let mut skip = skip;
        let mut visit = |slice: &'a [u8]| {
            let skipped = skip.min(slice.len());
            skip -= skipped;
            slice.len() == skipped || each(&slice[skipped..])
        };
        match self {
            Self::Message(message) => message.frames(format).all(visit),
            Self::Control(control) => visit(control.frame()),
            Self::Other(frame) => visit(frame.as_ref().as_ref()),
        }
    }
}

impl Writer {
    const fn new(format: Format) -> Self {
        Self {
            format,
            frames: VecDeque::new(),
            offset: 0,
            bytes: 0,
            pong: None,
        }
    }

    fn push(&mut self, frame: Frame) {
        self.bytes += frame.len(self.format);
        make_room(&mut self.frames);
        self.frames.push_back(frame);
    }

    /// Drops everything but a frame that has been written in part.
    fn discard(&mut self) {
        self.frames.truncate(usize::from(self.offset > 0));
        let left = self.frames.iter().map(|it| it.len(self.format));
        self.bytes = left.sum::<usize>() - self.offset;
    }

    /// One write call for as many frames as it takes; `None` if there was nothing to write.
    fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut Stream>,
    ) -> Poll<io::Result<Option<usize>>> {
        if self.offset == 0
            && let Some(pong) = self.pong.take()
        {
            let pong = Frame::Other(pong);
            self.bytes += pong.len(self.format);
            self.frames.push_front(pong);
        }
        if self.frames.is_empty() {
            return Poll::Ready(Ok(None));
        }
        let written = if self.is_one_slice() {
            let mut only = &[][..];
            self.for_each_slice(|slice| {
                only = slice;
                false
            });
            ready!(stream.poll_write(cx, only))?
        } else if stream.is_write_vectored() && self.bytes >= self.frames.len() * WORTH_A_SLICE {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut count = 0;
            self.for_each_slice(|slice| {
                slices[count] = IoSlice::new(slice);
                count += 1;
                count < MAX_SLICES
            });
            ready!(stream.poll_write_vectored(cx, &slices[..count]))?
        } else {
            let poll = scratch::with(|buffer| {
                let mut len = 0;
                self.for_each_slice(|slice| {
                    let part = slice.len().min(buffer.len() - len);
                    buffer[len..len + part].copy_from_slice(&slice[..part]);
                    len += part;
                    part == slice.len()
                });
                stream.poll_write(cx, &buffer[..len])
            });
            ready!(poll)?
        };
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(written);
        Poll::Ready(Ok(Some(written)))
    }

    /// Most writes are a single text.
    fn is_one_slice(&self) -> bool {
        match self.frames.front() {
            Some(Frame::Message(message)) => self.frames.len() == 1 && !message.has_attachments(),
            Some(Frame::Control(_) | Frame::Other(_)) => self.frames.len() == 1,
            None => false,
        }
    }

    fn for_each_slice<'a>(&'a self, mut each: impl FnMut(&'a [u8]) -> bool) {
        let mut skip = self.offset;
        for frame in &self.frames {
            if !frame.for_each_slice(self.format, std::mem::take(&mut skip), &mut each) {
                return;
            }
        }
    }

    /// Drops the frames that have been written.
    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.offset += written;
        while let Some(first) = self.frames.front() {
            let len = first.len(self.format);
            if self.offset < len {
                break;
            }
            self.offset -= len;
            self.frames.pop_front();
        }
        trim(&mut self.frames);
    }
}
