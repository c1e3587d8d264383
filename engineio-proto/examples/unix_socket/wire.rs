//! A stream, cut into frames of one packet each.
//!
//! ```text
//!   1 byte            4 bytes           length bytes
//! ┌────────┬────────────────────────┬─────────────────┐
//! │ t or b │ length, big-endian     │ packet          │
//! └────────┴────────────────────────┴─────────────────┘
//! ```

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use engineio_proto::server::LinkEnd;
use engineio_proto::{Message, Tick};

use crate::now;

/// Bytes of the longest packet.
pub(crate) const MAX_PACKET: usize = 1_000_000;

/// How long the peer may take for what is written to it.
const PATIENCE: Duration = Duration::from_secs(20);

/// One end. Whatever breaks it shows when it is read.
pub(crate) struct Wire {
    stream: UnixStream,
    unread: Vec<u8>,
}

pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

impl Wire {
    pub(crate) fn new(stream: UnixStream) -> Self {
        let unread = Vec::new();
        Self { stream, unread }
    }

    pub(crate) fn write(&mut self, packet: &Message<'_>) {
        let (kind, data) = match packet {
            Message::Text(text) => (b't', text.as_bytes()),
            Message::Binary(data) => (b'b', &data[..]),
        };
        let mut frame = vec![kind];
        frame.extend((data.len() as u32).to_be_bytes());
        frame.extend(data);
        let sent = self.stream.set_write_timeout(Some(PATIENCE));
        if sent.and_then(|()| self.stream.write_all(&frame)).is_err() {
            // Half a frame may be out: nothing can follow it.
            _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// The next frame; `None` if there is none until that time.
    pub(crate) fn read(&mut self, until: Option<Tick>) -> Result<Option<Frame>, LinkEnd> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            // Zero would mean for ever.
            let wait = until.map(|until| Duration::from_millis(until.saturating_sub(now()).max(1)));
            let mut buffer = [0; 16 * 1024];
            let read = self.stream.set_read_timeout(wait);
            match read.and_then(|()| self.stream.read(&mut buffer)) {
                Ok(0) => return Err(LinkEnd::Closed),
                Ok(len) => self.unread.extend_from_slice(&buffer[..len]),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    ErrorKind::Interrupted => {}
                    _ => return Err(LinkEnd::Failed("read failed")),
                },
            }
        }
    }

    fn take_frame(&mut self) -> Result<Option<Frame>, LinkEnd> {
        let Some((&[kind, a, b, c, d], rest)) = self.unread.split_first_chunk() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if len > MAX_PACKET {
            return Err(LinkEnd::Failed("packet over the limit"));
        }
        let Some(packet) = rest.get(..len) else {
            return Ok(None);
        };
        let packet = packet.to_vec();
        self.unread.drain(..5 + len);
        match kind {
            b't' => match String::from_utf8(packet) {
                Ok(text) => Ok(Some(Frame::Text(text))),
                Err(_) => Err(LinkEnd::Failed("text is not utf-8")),
            },
            b'b' => Ok(Some(Frame::Binary(packet))),
            _ => Err(LinkEnd::Failed("unknown kind of frame")),
        }
    }
}
