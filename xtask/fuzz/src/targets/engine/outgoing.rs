//! What a session was given to send, and what of it has left: in order, whole, once, and counted.

use std::collections::VecDeque;

use bytes::Bytes;
use engineio_proto::{Format, Message, Prepared};

use super::body::Owned;
use crate::input::Input;

/// Messages that have not left yet.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    packets: VecDeque<Owned>,
    /// Packets still to leave of each message, and the bytes it counts until then.
    messages: VecDeque<(usize, usize)>,
    drawn: usize,
}

impl Outgoing {
    /// A message unlike any before it, as the input wants it.
    pub(super) fn draw(&mut self, input: &mut Input<'_>) -> (Prepared, Vec<Owned>) {
        self.drawn += 1;
        let text = format!("{} {}", self.drawn, clean(input.text()));
        let attachment = |index: u8| Bytes::from(vec![self.drawn as u8, index]);
        let attachments: Vec<_> = match input.byte() {
            count @ 0..4 => (0..count).map(attachment).collect(),
            _ => Vec::new(),
        };
        let binaries = attachments.iter().map(|it| Owned::Binary(it.to_vec()));
        let texts = Owned::message(&text);
        match input.below(3) {
            0 => (Prepared::text(&text), vec![texts]),
            1 => {
                let data = attachment(9);
                let packet = Owned::Binary(data.to_vec());
                (Prepared::binary(data), vec![packet])
            }
            _ => {
                let start = input.below(20);
                let buffer = [&vec![0; start], text.as_bytes()].concat();
                let packets = [texts].into_iter().chain(binaries).collect();
                (Prepared::from_parts(buffer, start, attachments), packets)
            }
        }
    }

    pub(super) fn push(&mut self, message: &Prepared, packets: Vec<Owned>) {
        self.messages.push_back((packets.len(), message.wire_len()));
        self.packets.extend(packets);
    }

    /// A packet leaves.
    pub(super) fn take(&mut self, packet: &Owned) {
        assert_eq!(
            self.packets.pop_front().as_ref(),
            Some(packet),
            "in order, once"
        );
        let Some((left, _)) = self.messages.front_mut() else {
            panic!("a packet is part of a message");
        };
        *left -= 1;
        if *left == 0 {
            self.messages.pop_front();
        }
    }

    /// What a session says about itself.
    pub(super) fn queued_bytes(&self) -> usize {
        self.messages.iter().map(|(_, bytes)| bytes).sum()
    }

    /// The session has ended.
    pub(super) fn clear(&mut self) {
        self.packets.clear();
        self.messages.clear();
    }
}

/// Revision 4 takes U+001E for the end of a packet.
fn clean(text: &str) -> String {
    text.replace('\u{1e}', " ")
}

/// The packets of a message as they travel over a link.
pub(super) fn wires(message: &Prepared, format: Format) -> Vec<Wire> {
    let own = |packet: Message<'_>| match packet {
        Message::Text(text) => Wire::Text(text.to_owned()),
        Message::Binary(data) => Wire::Binary(data.to_vec()),
    };
    message.packets(format).map(own).collect()
}

/// A message of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Text(String),
    Binary(Vec<u8>),
}

/// What the other end of a link makes of a message.
pub(super) fn arrive(message: &Prepared, format: Format) -> Vec<Owned> {
    let decode = |wire: Wire| {
        let packet = match &wire {
            Wire::Text(text) => format.revision.decode_text(text),
            Wire::Binary(data) => format.revision.decode_binary(data),
        };
        match packet {
            Ok(packet) => Owned::from(packet),
            Err(error) => panic!("what is sent cannot be decoded: {error}"),
        }
    };
    wires(message, format).into_iter().map(decode).collect()
}
