//! The client's end of a websocket: frames into bytes and back, and the bytes' way.

use bytes::{Buf, BytesMut};
use engineio_proto::Message;
use engineio_proto::ws::{Decoder, Header, Opcode, Role, mask};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

/// Masks defend proxies, of which there are none here.
const MASK: [u8; 4] = [0x1d, 0x2c, 0x3b, 0x4a];

pub(super) struct Websocket {
    read: ReadHalf<TokioIo<Upgraded>>,
    write: WriteHalf<TokioIo<Upgraded>>,
    /// What has been read and not been decoded.
    pub(super) input: Vec<u8>,
    pub(super) decoder: Decoder,
    /// What the server has not taken yet.
    output: BytesMut,
}

/// What a turn has brought.
pub(super) enum Turn {
    /// There is input.
    Read,
    Written,
    /// The stream is at its end.
    End,
}

impl Websocket {
    pub(super) fn new(upgraded: Upgraded) -> Self {
        let (read, write) = tokio::io::split(TokioIo::new(upgraded));
        Self {
            read,
            write,
            input: Vec::new(),
            decoder: Decoder::new(Role::Client, usize::MAX >> 1),
            output: BytesMut::new(),
        }
    }

    /// Reads, if that is wanted, or writes, if there is something, whichever can be done first.
    pub(super) async fn turn(&mut self, reading: bool) -> Turn {
        tokio::select! {
            biased;
            written = self.write.write(&self.output), if self.is_writing() => match written {
                Ok(len) => {
                    self.output.advance(len);
                    Turn::Written
                }
                Err(_) => Turn::End,
            },
            read = self.read.read_buf(&mut self.input), if reading => match read {
                Err(_) | Ok(0) => Turn::End,
                Ok(_) => Turn::Read,
            },
            else => std::future::pending().await,
        }
    }

    /// Whether there is something left to be written.
    pub(super) fn is_writing(&self) -> bool {
        !self.output.is_empty()
    }

    pub(super) fn send(&mut self, message: &Message<'_>) {
        match message {
            Message::Text(text) => self.frame(Opcode::Text, text.as_bytes()),
            Message::Binary(data) => self.frame(Opcode::Binary, data),
        }
    }

    pub(super) fn send_close(&mut self) {
        self.frame(Opcode::Close, &[]);
    }

    fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        let header = Header {
            fin: true,
            opcode,
            len: payload.len() as u64,
            mask: Some(MASK),
        };
        self.output.extend_from_slice(header.encode().as_ref());
        let start = self.output.len();
        self.output.extend_from_slice(payload);
        mask(&mut self.output[start..], MASK, 0);
    }
}
