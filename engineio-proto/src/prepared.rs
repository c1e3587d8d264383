//! Outgoing messages, encoded once for any number of recipients and transports.
//!
//! ```text
//!  buffer     │ headroom ░░│ ws header │ 4 │ text …        one allocation, shared
//!                          ▲           ▲
//!                     frame_start   packet_start
//!  attachment │ ws header │  ──► Bytes of the user          two slices, no copy
//! ```
//!
//! Other forms of an attachment, such as base64, are made on first use, at most once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use once_cell::race::OnceBox;

use crate::base64;
use crate::format::Format;
use crate::packet::{Message, PacketType};
use crate::payload::Writer;
use crate::revision::BinaryForm;
use crate::ws;

/// One queue entry: a text message, the binary messages that belong to it, or both.
///
/// Text and attachments travel next to each other, nothing can come between them. Cloning is
/// cheap, and all clones share the encoded bytes.
#[derive(Clone)]
pub struct Prepared(Arc<Inner>);

struct Inner {
    /// Headroom, WebSocket header, packet type and text; empty without text.
    buffer: Vec<u8>,
    frame_start: u32,
    packet_start: u32,
    attachments: Box<[Attachment]>,
    /// Bytes of all frames in their plainest form: asked for by every queue the message passes.
    wire_len: usize,
    /// Written once, before the message is sent.
    plain: AtomicBool,
}

impl Inner {
    fn new(
        buffer: Vec<u8>,
        frame_start: usize,
        packet_start: usize,
        attachments: Vec<Bytes>,
    ) -> Self {
        let attachments: Box<[_]> = match attachments.is_empty() {
            true => Box::default(),
            false => attachments.into_iter().map(Attachment::new).collect(),
        };
        let binaries = attachments.iter().flat_map(Attachment::raw_frame);
        Self {
            wire_len: buffer.len() - frame_start + binaries.map(<[u8]>::len).sum::<usize>(),
            frame_start: frame_start as u32,
            packet_start: packet_start as u32,
            plain: AtomicBool::new(false),
            buffer,
            attachments,
        }
    }
}

struct Attachment {
    header: [u8; ws::MAX_SERVER_HEADER],
    header_start: u8,
    data: Bytes,
    /// Bytes behind their type.
    typed: OnceBox<Framed>,
    /// Base64, and base64 behind its type.
    base64: [OnceBox<Framed>; 2],
}

/// A packet and the WebSocket header in front of it.
struct Framed {
    buffer: Vec<u8>,
    frame_start: usize,
}

impl Framed {
    /// `head`, and the `len` bytes that `append` puts behind it.
    fn new(opcode: ws::Opcode, head: &[u8], len: usize, append: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut buffer = Vec::with_capacity(ws::MAX_SERVER_HEADER + head.len() + len);
        buffer.resize(ws::MAX_SERVER_HEADER, 0);
        buffer.extend_from_slice(head);
        append(&mut buffer);
        let len = buffer.len() - ws::MAX_SERVER_HEADER;
        let frame_start = ws::write_header_before(&mut buffer, ws::MAX_SERVER_HEADER, opcode, len);
        Self {
            buffer,
            frame_start,
        }
    }

    fn frame(&self) -> &[u8] {
        &self.buffer[self.frame_start..]
    }

    fn packet(&self) -> &[u8] {
        &self.buffer[ws::MAX_SERVER_HEADER..]
    }
}

impl Prepared {
    /// Free bytes that [`from_parts`](Self::from_parts) wants in front of the text: the largest
    /// WebSocket header and the packet type.
    pub const HEADROOM: usize = ws::MAX_SERVER_HEADER + 1;

    /// A text message.
    #[must_use]
    pub fn text(text: &str) -> Self {
        let mut buffer = Vec::with_capacity(Self::HEADROOM + text.len());
        buffer.resize(Self::HEADROOM, 0);
        buffer.extend_from_slice(text.as_bytes());
        Self::packet(PacketType::Message, buffer, Self::HEADROOM, Vec::new())
    }

    /// A binary message.
    #[must_use]
    pub fn binary(data: Bytes) -> Self {
        Self(Arc::new(Inner::new(Vec::new(), 0, 0, vec![data])))
    }

    /// A text message that starts at `start` of `buffer`, followed by one binary message per
    /// attachment. Nothing is copied when `start` is at least [`HEADROOM`](Self::HEADROOM).
    ///
    /// The text must be UTF-8, as everything on this wire; a peer that gets other bytes closes
    /// the connection.
    #[must_use]
    pub fn from_parts(buffer: Vec<u8>, start: usize, attachments: Vec<Bytes>) -> Self {
        debug_assert!(str::from_utf8(&buffer[start..]).is_ok(), "text is utf-8");
        Self::packet(PacketType::Message, buffer, start, attachments)
    }

    /// A packet of any type in its text form.
    pub(crate) fn packet(
        kind: PacketType,
        mut buffer: Vec<u8>,
        mut start: usize,
        attachments: Vec<Bytes>,
    ) -> Self {
        if start < Self::HEADROOM {
            let missing = Self::HEADROOM - start;
            buffer.splice(0..0, std::iter::repeat_n(0, missing));
            start += missing;
        }
        let packet_start = start - 1;
        buffer[packet_start] = kind.digit();
        let len = buffer.len() - packet_start;
        let frame_start = ws::write_header_before(&mut buffer, packet_start, ws::Opcode::Text, len);
        Self(Arc::new(Inner::new(
            buffer,
            frame_start,
            packet_start,
            attachments,
        )))
    }

    /// Says that compressing this message is not worth it, or not safe, for all clones. To be said
    /// before it is sent.
    pub fn forbid_compression(&self) {
        self.0.plain.store(true, Ordering::Relaxed);
    }

    /// Whether the message may be compressed.
    #[must_use]
    pub fn is_compressible(&self) -> bool {
        !self.0.plain.load(Ordering::Relaxed)
    }

    /// Bytes on a websocket of revision 4: headers and data of all its frames. Other forms are a
    /// little longer, base64 by a third.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.0.wire_len
    }

    /// Bytes of all [`frames`](Self::frames) in a format.
    #[must_use]
    pub fn frames_len(&self, format: Format) -> usize {
        match self.has_attachments() {
            true => self.frames(format).map(<[u8]>::len).sum(),
            false => self.wire_len(),
        }
    }

    /// Whether binary messages follow the text, or there is no text.
    #[must_use]
    pub fn has_attachments(&self) -> bool {
        !self.0.attachments.is_empty()
    }

    /// The unmasked WebSocket frames of a server, as slices to be written one after the other.
    pub fn frames(&self, format: Format) -> impl Iterator<Item = &[u8]> {
        let inner = &*self.0;
        let text = &inner.buffer[inner.frame_start as usize..];
        let attachments = inner.attachments.iter();
        std::iter::once(text)
            .filter(|text| !text.is_empty())
            .chain(attachments.flat_map(move |it| it.frame(format)))
    }

    /// The packets, for transports with a framing of their own: the text form including its type
    /// digit, then each attachment, as bytes or, if the format wants it, as base64 text.
    pub fn packets(&self, format: Format) -> impl Iterator<Item = Message<'_>> {
        let attachments = self.0.attachments.iter();
        self.text_packet()
            .map(text)
            .into_iter()
            .chain(attachments.map(move |it| it.packet(format)))
    }

    /// Appends the packets to a polling payload.
    pub(crate) fn append_to(&self, payload: &mut Writer, format: Format) {
        for index in 0..self.packet_count() {
            self.append_packet(index, payload, format);
        }
    }

    /// How many packets there are; at least one.
    pub(crate) fn packet_count(&self) -> usize {
        usize::from(self.text_packet().is_some()) + self.0.attachments.len()
    }

    /// Appends one of the packets to a polling payload, counted from zero.
    pub(crate) fn append_packet(&self, index: usize, payload: &mut Writer, format: Format) {
        let form = format.revision.rules().binary_form;
        match self.text_packet() {
            Some(packet) if index == 0 => payload.push_text(packet),
            text => {
                let attachment = &self.0.attachments[index - usize::from(text.is_some())];
                if payload.is_binary() {
                    payload.push_binary(attachment.bytes(form));
                } else {
                    payload.push_text(attachment.base64(form).packet());
                }
            }
        }
    }

    fn text_packet(&self) -> Option<&[u8]> {
        let packet = &self.0.buffer[self.0.packet_start as usize..];
        (!packet.is_empty()).then_some(packet)
    }
}

fn text(packet: &[u8]) -> Message<'_> {
    // Invariant: the constructors take text only, and base64 is text.
    Message::Text(str::from_utf8(packet).expect("utf-8"))
}

impl Attachment {
    fn new(data: Bytes) -> Self {
        let mut header = [0; ws::MAX_SERVER_HEADER];
        let end = header.len();
        let start = ws::write_header_before(&mut header, end, ws::Opcode::Binary, data.len());
        Self {
            header,
            header_start: start as u8,
            data,
            typed: OnceBox::new(),
            base64: [OnceBox::new(), OnceBox::new()],
        }
    }

    fn frame(&self, format: Format) -> [&[u8]; 2] {
        let form = format.revision.rules().binary_form;
        match form {
            _ if format.base64 => [self.base64(form).frame(), &[]],
            BinaryForm::Raw => self.raw_frame(),
            BinaryForm::Typed => [self.typed().frame(), &[]],
        }
    }

    fn raw_frame(&self) -> [&[u8]; 2] {
        [&self.header[self.header_start as usize..], &self.data]
    }

    fn packet(&self, format: Format) -> Message<'_> {
        let form = format.revision.rules().binary_form;
        match format.base64 {
            true => text(self.base64(form).packet()),
            false => Message::Binary(self.bytes(form).into()),
        }
    }

    /// The packet in bytes.
    fn bytes(&self, form: BinaryForm) -> &[u8] {
        match form {
            BinaryForm::Raw => &self.data,
            BinaryForm::Typed => self.typed().packet(),
        }
    }

    fn typed(&self) -> &Framed {
        self.typed.get_or_init(|| {
            let head = BinaryForm::Typed.head();
            let framed = Framed::new(ws::Opcode::Binary, head, self.data.len(), |buffer| {
                buffer.extend_from_slice(&self.data);
            });
            Box::new(framed)
        })
    }

    fn base64(&self, form: BinaryForm) -> &Framed {
        self.base64[form as usize].get_or_init(|| {
            let head = form.base64_head().as_bytes();
            let len = base64::encoded_len(self.data.len());
            let framed = Framed::new(ws::Opcode::Text, head, len, |buffer| {
                base64::encode(&self.data, buffer);
            });
            Box::new(framed)
        })
    }
}

/// A message that came, as one to be sent: text is copied, and bytes are unless they are owned.
impl From<Message<'_>> for Prepared {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::text(text),
            Message::Binary(data) => Self::binary(data.into_owned().into()),
        }
    }
}

/// Shows sizes, never the data.
impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("wire_len", &self.wire_len())
            .field("attachments", &self.0.attachments.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::Revision;

    const V3: Format = Format::new(Revision::V3);
    const V4: Format = Format::new(Revision::V4);

    fn frames_in(prepared: &Prepared, format: Format) -> Vec<u8> {
        prepared.frames(format).collect::<Vec<_>>().concat()
    }

    fn frames(prepared: &Prepared) -> Vec<u8> {
        frames_in(prepared, V4)
    }

    fn payload_in(prepared: &Prepared, format: Format) -> Vec<u8> {
        let mut payload = Writer::new(format, prepared.has_attachments());
        prepared.append_to(&mut payload, format);
        payload.into_response().1
    }

    fn payload(prepared: &Prepared) -> String {
        String::from_utf8(payload_in(prepared, V4)).unwrap()
    }

    #[test]
    fn text_is_framed_in_its_own_headroom() {
        let prepared = Prepared::text("hello");
        assert_eq!(frames(&prepared), b"\x81\x064hello");
        assert_eq!(prepared.wire_len(), 8);
        assert_eq!(payload(&prepared), "4hello");
    }

    #[test]
    fn long_text_uses_the_long_headers() {
        for (len, header) in [
            (125, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = frames(&Prepared::text(&"a".repeat(len)));
            assert_eq!(&frame[..header.len()], header);
            assert_eq!(frame.len(), header.len() + 1 + len);
        }
    }

    #[test]
    fn attachments_follow_their_text_as_the_same_bytes() {
        let data = Bytes::from_static(&[1, 2, 3, 4]);
        let prepared = Prepared::from_parts(b"51-x".to_vec(), 0, vec![data.clone()]);
        assert_eq!(frames(&prepared), b"\x81\x05451-x\x82\x04\x01\x02\x03\x04");
        assert_eq!(payload(&prepared), "451-x\u{1e}bAQIDBA==");
        let shared = prepared.frames(V4).last().unwrap();
        assert_eq!(shared.as_ptr(), data.as_ptr());
    }

    #[test]
    fn every_format_has_its_own_form_of_the_same_attachment() {
        let prepared = Prepared::binary(Bytes::from_static(&[1, 2, 3, 4]));
        for (format, frame, payload) in [
            (
                V3,
                &b"\x82\x05\x04\x01\x02\x03\x04"[..],
                &b"\x01\x05\xff\x04\x01\x02\x03\x04"[..],
            ),
            (V3.with_base64(), b"\x81\x0ab4AQIDBA==", b"10:b4AQIDBA=="),
            (V4.with_base64(), b"\x81\x09bAQIDBA==", b"bAQIDBA=="),
            (
                V3.with_jsonp(7),
                b"\x82\x05\x04\x01\x02\x03\x04",
                br#"___eio[7]("10:b4AQIDBA==");"#,
            ),
            (V4, b"\x82\x04\x01\x02\x03\x04", b"bAQIDBA=="),
        ] {
            assert_eq!(frames_in(&prepared, format), frame, "{format:?}");
            assert_eq!(payload_in(&prepared, format), payload, "{format:?}");
        }
    }

    #[test]
    fn a_queue_entry_is_one_pointer() {
        assert_eq!(size_of::<Prepared>(), size_of::<usize>());
    }
}
