//! Packets of a link: what can be decoded is encoded the same way again, in every form there is.

use std::str;

use engineio_proto::{Packet, Revision};

use crate::input::Input;

pub(in crate::targets) fn packet(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&Revision::ALL);
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
    match packet {
        Packet::Text(kind, data) => {
            let text = revision.encode_text(kind, data);
            assert_eq!(revision.decode_text(&text), Ok(packet));
        }
        Packet::Binary(ref data) => {
            let bytes = revision.encode_binary(data);
            assert_eq!(revision.decode_binary(&bytes).as_ref(), Ok(&packet));
            let base64 = revision.encode_base64(data);
            assert_eq!(revision.decode_text(&base64).as_ref(), Ok(&packet));
        }
    }
}
