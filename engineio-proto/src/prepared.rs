//! Outgoing messages, encoded once for any number of recipients and transports.
//!
//! ```text
//!  buffer     │ headroom ░░│ ws header │ 4 │ text …        one allocation, shared
//!                          ▲           ▲
//!                     frame_start   packet_start
//!  attachment │ ws header │  ──► Bytes of the user          two slices, no copy
//! ```
//!
//! Forms that few recipients need (base64) are made on first use, at most once.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use once_cell::race::OnceBox;

use crate::packet::{Message, PacketType};
use crate::revision::Rules;
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
    /// Bytes of all frames: asked for by every queue the message passes.
    wire_len: usize,
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
        let binaries = attachments.iter().flat_map(Attachment::frame);
        Self {
            wire_len: buffer.len() - frame_start + binaries.map(<[u8]>::len).sum::<usize>(),
            frame_start: frame_start as u32,
            packet_start: packet_start as u32,
            buffer,
            attachments,
        }
    }
}

struct Attachment {
    header: [u8; ws::MAX_SERVER_HEADER],
    header_start: u8,
    data: Bytes,
    base64: OnceBox<String>,
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

    /// Bytes on a websocket: headers and data of all its frames.
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.0.wire_len
    }

    /// Whether binary messages follow the text, or there is no text.
    #[must_use]
    pub fn has_attachments(&self) -> bool {
        !self.0.attachments.is_empty()
    }

    /// The unmasked WebSocket frames of a server, as slices to be written one after the other.
    pub fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let inner = &*self.0;
        let text = &inner.buffer[inner.frame_start as usize..];
        let binaries = inner.attachments.iter().flat_map(Attachment::frame);
        std::iter::once(text)
            .filter(|text| !text.is_empty())
            .chain(binaries)
    }

    /// The packets, for transports with a framing of their own: the text form including its type
    /// digit, then the bytes of each attachment.
    pub fn packets(&self) -> impl Iterator<Item = Message<'_>> {
        let binaries = self
            .0
            .attachments
            .iter()
            .map(|it| Message::Binary(&it.data));
        self.text_packet()
            // Invariant: the constructors take text only.
            .map(|packet| Message::Text(str::from_utf8(packet).expect("utf-8")))
            .into_iter()
            .chain(binaries)
    }

    /// Appends the packets to a polling payload.
    pub(crate) fn append_to(&self, payload: &mut Vec<u8>, rules: &Rules) {
        for index in 0..self.packet_count() {
            self.append_packet(index, payload, rules);
        }
    }

    /// How many packets there are; at least one.
    pub(crate) fn packet_count(&self) -> usize {
        usize::from(self.text_packet().is_some()) + self.0.attachments.len()
    }

    /// Appends one of the packets to a polling payload, counted from zero.
    pub(crate) fn append_packet(&self, index: usize, payload: &mut Vec<u8>, rules: &Rules) {
        match self.text_packet() {
            Some(packet) if index == 0 => (rules.append_text)(payload, packet),
            text => {
                let attachment = &self.0.attachments[index - usize::from(text.is_some())];
                (rules.append_base64)(payload, attachment.base64().as_bytes());
            }
        }
    }

    fn text_packet(&self) -> Option<&[u8]> {
        let packet = &self.0.buffer[self.0.packet_start as usize..];
        (!packet.is_empty()).then_some(packet)
    }
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
            base64: OnceBox::new(),
        }
    }

    fn frame(&self) -> [&[u8]; 2] {
        [&self.header[self.header_start as usize..], &self.data]
    }

    fn base64(&self) -> &str {
        self.base64
            .get_or_init(|| Box::new(STANDARD.encode(&self.data)))
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

    fn frames(prepared: &Prepared) -> Vec<u8> {
        prepared.frames().collect::<Vec<_>>().concat()
    }

    fn payload(prepared: &Prepared) -> String {
        let mut payload = Vec::new();
        prepared.append_to(&mut payload, Revision::V4.rules());
        String::from_utf8(payload).unwrap()
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
        let shared = prepared.frames().last().unwrap();
        assert_eq!(shared.as_ptr(), data.as_ptr());
    }

    #[test]
    fn a_queue_entry_is_one_pointer() {
        assert_eq!(size_of::<Prepared>(), size_of::<usize>());
    }
}
