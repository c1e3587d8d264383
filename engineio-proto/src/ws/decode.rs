//! The receiving end: from bytes as they arrive to whole messages.
//!
//! Owns what a read leaves unfinished, the joining of fragments and the limit of a message. The
//! layout of headers is `header`'s, the content of payloads `frame`'s.

use std::{borrow::Cow, fmt, mem};

use super::{Error, Frame, Header, MAX_HEADER, Opcode, Role, Violation, mask};

/// Turns the bytes of one connection into [`Frame`]s.
///
/// Owns no heap between messages. Inside one it keeps at most the limit, and at most twice what has
/// arrived, plus 256 bytes: a length that is merely announced costs nothing.
pub struct Decoder {
    role: Role,
    max_message: usize,
    kept: Option<Box<Kept>>,
    end: Option<End>,
}

/// Every connection holds one; most of them idle.
const _: () = assert!(size_of::<Decoder>() <= 48);

impl Decoder {
    /// A decoder for the frames that the end called `role` receives.
    ///
    /// `max_message` is the longest message allowed, in bytes, all fragments together. Control
    /// frames do not count; their own limit is 125 bytes.
    #[must_use]
    pub const fn new(role: Role, max_message: usize) -> Self {
        Self {
            role,
            max_message,
            kept: None,
            end: None,
        }
    }

    /// Takes the next message or control frame out of `input`, which is left at what follows it.
    ///
    /// `None` means that all of `input` has been taken and more is needed; an unfinished rest is
    /// kept. To stop early is allowed: what is left in `input` must come first in the next call.
    /// The frame borrows from the input alone, never from the decoder, so a loop may look at some
    /// frames and return another:
    ///
    /// ```
    /// # use engineio_proto::ws::{ControlFrame, Decoder, Error, Frame};
    /// fn next_message<'b>(
    ///     decoder: &mut Decoder,
    ///     input: &mut &'b mut [u8],
    ///     replies: &mut Vec<ControlFrame>,
    /// ) -> Result<Option<Frame<'b>>, Error> {
    ///     loop {
    ///         match decoder.decode(input)? {
    ///             Some(Frame::Ping(payload)) => replies.push(ControlFrame::pong(&payload, None)),
    ///             Some(Frame::Pong(_)) => {}
    ///             other => return Ok(other),
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// After a [`Frame::Close`] whatever follows is discarded (RFC 6455 §1.4).
    ///
    /// # Errors
    ///
    /// The first fault in the stream, as soon as the bytes that prove it are there: a length that
    /// is too big is refused before its payload. The decoder stays failed and repeats the error.
    pub fn decode<'b>(&mut self, input: &mut &'b mut [u8]) -> Result<Option<Frame<'b>>, Error> {
        match self.end {
            None => {}
            Some(End::Closed) => {
                *input = &mut [];
                return Ok(None);
            }
            Some(End::Failed(error)) => return Err(error),
        }

        let decoded = self.advance(input);
        match decoded {
            Ok(Some(Frame::Close { .. })) => self.end = Some(End::Closed),
            Ok(_) => {}
            Err(error) => self.end = Some(End::Failed(error)),
        }
        if self.end.is_some() || self.kept.as_ref().is_some_and(|kept| kept.is_idle()) {
            self.kept = None;
        }
        decoded
    }

    /// The heap this decoder holds now, in bytes: 0 between messages.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.kept.as_ref().map_or(0, |kept| {
            size_of::<Kept>() + kept.message.capacity() + kept.control.capacity()
        })
    }

    fn advance<'b>(&mut self, input: &mut &'b mut [u8]) -> Result<Option<Frame<'b>>, Error> {
        // Even a frame without payload is finished by its header: no input, no frame.
        while !input.is_empty() {
            let Some(mut body) = self.body(input)? else {
                return Ok(None);
            };
            let part = take(input, body.missing());
            if let Some(key) = body.mask {
                mask(part, key, body.taken);
            }
            if part.len() == body.len && body.is_whole_message() {
                return Frame::new(body.opcode, Cow::Borrowed(part)).map(Some);
            }

            let kept = self.kept.get_or_insert_default();
            let room = self.max_message - kept.message.len();
            kept.append(part, &body, room);
            body.taken += part.len();
            if body.missing() > 0 {
                kept.partial = Partial::Body(body);
                return Ok(None);
            }
            if let Some((opcode, payload)) = kept.finish(&body) {
                return Frame::new(opcode, Cow::Owned(payload)).map(Some);
            }
        }
        Ok(None)
    }

    /// The body of the current frame, its header read; `None` if the header takes all of `input`
    /// and more.
    fn body(&mut self, input: &mut &mut [u8]) -> Result<Option<Body>, Error> {
        let (mut bytes, old) = match &mut self.kept {
            Some(kept) => match mem::take(&mut kept.partial) {
                Partial::Body(body) => return Ok(Some(body)),
                Partial::Header { bytes, len } => (bytes, usize::from(len)),
            },
            None => {
                // Most headers lie whole in the input.
                if let Some((header, size)) = Header::parse(input, self.role)? {
                    take(input, size);
                    return self.admit(header).map(Some);
                }
                ([0; MAX_HEADER], 0)
            }
        };
        let len = MAX_HEADER.min(old + input.len());
        bytes[old..len].copy_from_slice(&input[..len - old]);

        if let Some((header, size)) = Header::parse(&bytes[..len], self.role)? {
            take(input, size - old);
            return self.admit(header).map(Some);
        }
        take(input, len - old);
        self.kept.get_or_insert_default().partial = Partial::Header {
            bytes,
            len: len as u8,
        };
        Ok(None)
    }

    /// Checks a header against the frames before it.
    fn admit(&self, header: Header) -> Result<Body, Error> {
        let (joined, under_way) = match &self.kept {
            Some(kept) => (kept.message.len(), kept.fragmented.is_some()),
            None => (0, false),
        };
        if !header.opcode.is_control() {
            match (header.opcode == Opcode::Continuation, under_way) {
                (true, false) => return Err(Violation::UnexpectedContinuation.into()),
                (false, true) => return Err(Violation::InterleavedMessage.into()),
                (true, true) | (false, false) => {}
            }
            let size = joined as u64 + header.len;
            if size > self.max_message as u64 {
                let limit = self.max_message;
                return Err(Error::TooBig { limit, size });
            }
        }
        Ok(Body {
            fin: header.fin,
            opcode: header.opcode,
            mask: header.mask,
            // Invariant: at most 125 or `max_message`, so it fits.
            len: header.len as usize,
            taken: 0,
        })
    }
}

/// Shows sizes, not payloads.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("role", &self.role)
            .field("max_message", &self.max_message)
            .field("kept_bytes", &self.kept_bytes())
            .field("end", &self.end)
            .finish()
    }
}

/// Why nothing more is decoded.
#[derive(Debug, Clone, Copy)]
enum End {
    Closed,
    Failed(Error),
}

/// What a decoder has to remember inside a frame or a fragmented message.
#[derive(Default)]
struct Kept {
    partial: Partial,
    /// Whether the message is text or binary; `None` outside fragmented messages.
    fragmented: Option<Opcode>,
    /// The message so far: earlier fragments and what has arrived of the current one.
    message: Vec<u8>,
    /// What has arrived of a control frame, which may stand between fragments.
    control: Vec<u8>,
}

/// How far the current frame has arrived.
enum Partial {
    /// The first bytes of a header; none between two frames.
    Header { bytes: [u8; MAX_HEADER], len: u8 },
    /// All of the header and some of the payload.
    Body(Body),
}

impl Default for Partial {
    fn default() -> Self {
        Self::Header {
            bytes: [0; MAX_HEADER],
            len: 0,
        }
    }
}

/// A frame whose header has been read and accepted; `taken` of `len` bytes have arrived.
struct Body {
    fin: bool,
    opcode: Opcode,
    mask: Option<[u8; 4]>,
    len: usize,
    taken: usize,
}

impl Body {
    fn missing(&self) -> usize {
        self.len - self.taken
    }

    /// Whether the frame alone is something to hand out, with no fragments to join.
    fn is_whole_message(&self) -> bool {
        self.fin && self.opcode != Opcode::Continuation
    }
}

impl Kept {
    /// Nothing is under way, so there is nothing to remember.
    fn is_idle(&self) -> bool {
        self.fragmented.is_none() && matches!(self.partial, Partial::Header { len: 0, .. })
    }

    /// Appends what has arrived of a frame. Memory doubles with the data, which keeps many small
    /// reads linear, but never beyond what may still come: the rest of a final frame, else `room`,
    /// the rest of the limit.
    fn append(&mut self, part: &[u8], body: &Body, room: usize) {
        let (to, rest) = if body.opcode.is_control() {
            (&mut self.control, body.missing())
        } else if body.fin {
            (&mut self.message, body.missing())
        } else {
            (&mut self.message, room)
        };
        if to.capacity() - to.len() < part.len() {
            to.reserve_exact(to.len().min(rest).max(part.len()));
        }
        to.extend_from_slice(part);
    }

    /// Ends a frame that has arrived completely, and hands out what it completes.
    fn finish(&mut self, body: &Body) -> Option<(Opcode, Vec<u8>)> {
        if body.opcode.is_control() {
            return Some((body.opcode, mem::take(&mut self.control)));
        }
        let opcode = self.fragmented.take().unwrap_or(body.opcode);
        if body.fin {
            return Some((opcode, mem::take(&mut self.message)));
        }
        self.fragmented = Some(opcode);
        None
    }
}

/// Splits up to `len` bytes off the front of `input`.
fn take<'b>(input: &mut &'b mut [u8], len: usize) -> &'b mut [u8] {
    let len = len.min(input.len());
    let (front, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    front
}
