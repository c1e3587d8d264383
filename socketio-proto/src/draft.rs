//! A packet while it is being written. Its JSON comes first, behind a gap; in the text form, the
//! event's name and the head, which depend on how the JSON turned out, are written backwards into
//! the gap. Whether the packet may be sent at all, and in which form, is decided in `encode`.

use std::{borrow::Cow, io, mem};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, ser::Formatter};

use crate::{
    Args, Body, EncodeError, Encoded, Packet,
    binary::{self, Placeholder},
    head::Kind,
    json::{self, Flaw},
    shape::{Shape, Spread},
};

/// A packet whose body is written behind `start`, and whose head is not written yet.
pub(crate) struct Draft<'a> {
    kind: Kind,
    nsp: &'a str,
    id: Option<u64>,
    event: Option<EventName<'a>>,
    /// The body is appended here.
    pub(crate) buffer: Vec<u8>,
    start: usize,
    attachments: Vec<Bytes>,
}

struct EventName<'a> {
    plain: &'a str,
    /// With JSON escapes but without quotes.
    escaped: Cow<'a, str>,
}

impl<'a> Draft<'a> {
    /// A packet without a body yet, with at least `headroom` bytes free in front.
    pub(crate) fn new(
        headroom: usize,
        kind: Kind,
        nsp: &'a str,
        id: Option<u64>,
        event: Option<&'a str>,
    ) -> Self {
        let event = event.map(|plain| EventName {
            plain,
            escaped: escaped(plain),
        });
        let name_len = event.as_ref().map_or(0, |name| name.escaped.len());
        let gap = headroom + HEAD_ROOM + nsp.len() + name_len;
        let mut buffer = Vec::with_capacity(gap + BODY_HINT);
        buffer.resize(gap, 0);
        Self {
            kind,
            nsp,
            id,
            event,
            buffer,
            start: gap,
            attachments: Vec::new(),
        }
    }

    /// Writes these arguments.
    pub(crate) fn list<T: Serialize + ?Sized>(&mut self, args: &T) -> Result<(), EncodeError> {
        let mut shape = Shape::One;
        let mut json = serde_json::Serializer::with_formatter(&mut self.buffer, Attaching);
        let spread = Spread {
            inner: &mut json,
            shape: &mut shape,
        };
        let (written, attachments) = binary::writing(|| args.serialize(spread));
        written.map_err(EncodeError::Json)?;
        self.attachments = attachments;
        self.close_list(shape);
        self.check_placeholders()
    }

    /// Writes the arguments of another packet.
    pub(crate) fn raw_list(&mut self, args: &Args<'_>) -> Result<(), EncodeError> {
        args.check().map_err(|_| EncodeError::Malformed)?;
        let raw = args.raw();
        self.buffer.extend_from_slice(raw.as_bytes());
        self.attachments = args.attachments().to_vec();
        // Joined by commas already, the arguments are closed like a single one.
        self.close_list(if raw.is_empty() {
            Shape::Nothing
        } else {
            Shape::One
        });
        Ok(())
    }

    /// Makes an array of what was written.
    fn close_list(&mut self, shape: Shape) {
        match shape {
            // An array already.
            Shape::Several => {}
            Shape::One => {
                self.buffer.push(b']');
                self.prepend(b"[");
            }
            Shape::Nothing => {
                self.buffer.truncate(self.start);
                self.buffer.extend_from_slice(b"[]");
            }
        }
    }

    /// Each attachment has a placeholder of its own, so that one too many is user data that only
    /// looks like one.
    fn check_placeholders(&self) -> Result<(), EncodeError> {
        if self.attachments.is_empty() {
            return Ok(());
        }
        match json::placeholders(self.body(), self.attachments.len()) {
            Ok(found) if found == self.attachments.len() => Ok(()),
            Err(Flaw::Depth) => Err(EncodeError::TooDeep {
                limit: json::MAX_DEPTH,
            }),
            _ => Err(EncodeError::Placeholder),
        }
    }

    /// What was written, once it is complete.
    fn body(&self) -> &str {
        // Invariant: serde_json writes UTF-8, and others' arguments are text.
        str::from_utf8(&self.buffer[self.start..]).expect("JSON is text")
    }

    /// The packet for a parser to spell.
    pub(crate) fn packet(&self) -> Packet<'_> {
        let json = self.body();
        let args = |json| Args::received(json, 1).with_attachments(self.attachments.clone());
        let body = match (self.kind, &self.event) {
            (Kind::Connect, _) => Body::Connect((!json.is_empty()).then(|| json.into())),
            (Kind::Disconnect, _) => Body::Disconnect,
            (Kind::ConnectError, _) => Body::ConnectError(json.into()),
            (Kind::Event, Some(name)) => Body::Event {
                name: name.plain.into(),
                args: args(json),
            },
            (Kind::Event | Kind::Ack, _) => Body::Ack(args(json)),
        };
        Packet::new(self.nsp, self.id, body)
    }

    /// The packet in the text form of its revision; nothing is left of the draft.
    pub(crate) fn seal(&mut self) -> Encoded {
        if let Some(name) = self.event.take() {
            self.prepend_name(&name.escaped);
        }
        if let Some(id) = self.id {
            self.prepend_number(id);
        }
        if self.nsp != "/" {
            self.prepend(b",");
            self.prepend(self.nsp.as_bytes());
        }
        let count = self.attachments.len();
        if count > 0 {
            self.prepend(b"-");
            self.prepend_number(count as u64);
        }
        self.prepend(&[self.kind.digit(count > 0)]);
        Encoded {
            buffer: mem::take(&mut self.buffer),
            start: self.start,
            attachments: mem::take(&mut self.attachments),
        }
    }

    /// Puts the event's name into its list of arguments, whose bracket gives way to a comma.
    fn prepend_name(&mut self, name: &str) {
        if self.buffer[self.start..] == *b"[]" {
            self.start += 1;
        } else {
            self.buffer[self.start] = b',';
        }
        self.prepend(b"\"");
        self.prepend(name.as_bytes());
        self.prepend(b"[\"");
    }

    fn prepend(&mut self, bytes: &[u8]) {
        let end = self.start;
        self.start -= bytes.len();
        self.buffer[self.start..end].copy_from_slice(bytes);
    }

    fn prepend_number(&mut self, mut number: u64) {
        loop {
            self.prepend(&[b'0' + (number % 10) as u8]);
            number /= 10;
            if number == 0 {
                return;
            }
        }
    }
}

/// Bytes a body usually fits in.
const BODY_HINT: usize = 128;

/// What the gap needs beside the names: a type, ten digits of a count and a dash, a comma, sixteen
/// digits of an id, the brackets, quotes and comma around the event's name. There is no memory for
/// more attachments than ten digits count.
const HEAD_ROOM: usize = 1 + 11 + 1 + 16 + 4;

/// Compact JSON in which byte strings become attachments (copied, as serde only lends them).
struct Attaching;

impl Formatter for Attaching {
    fn write_byte_array<W>(&mut self, writer: &mut W, value: &[u8]) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        match binary::attach(|| Bytes::copy_from_slice(value)) {
            Some(num) => write!(writer, "{}", Placeholder(num)),
            None => serde_json::ser::CompactFormatter.write_byte_array(writer, value),
        }
    }
}

/// The inside of a JSON string.
fn escaped(name: &str) -> Cow<'_, str> {
    if !name
        .bytes()
        .any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
    {
        return Cow::Borrowed(name);
    }
    let quoted = Value::from(name).to_string();
    Cow::Owned(quoted[1..quoted.len() - 1].to_owned())
}
