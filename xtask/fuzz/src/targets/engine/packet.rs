//! Packets of a link: what can be decoded is encoded the same way again.

use std::str;

use engineio_proto::{Packet, Revision};

use super::REVISIONS;
use crate::input::Input;

pub(in crate::targets) fn packet(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&REVISIONS);
    let message = input.rest();
    if let Ok(text) = str::from_utf8(message)
        && let Ok(packet) = revision.decode_text(text)
    {
        again(revision, packet);
    }
    if let Ok(packet) = revision.decode_binary(message) {
        again(revision, packet);
    }
}

fn again(revision: Revision, packet: Packet<'_>) {
    let Packet::Text(kind, data) = packet else {
        return;
    };
    let text = revision.encode_text(kind, data);
    assert_eq!(revision.decode_text(&text), Ok(packet));
}
