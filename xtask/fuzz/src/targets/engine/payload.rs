//! Bodies of polling: what can be decoded comes back when it is encoded.

use std::str;

use engineio_proto::Payload;

use super::{Owned, REVISIONS, read};
use crate::input::Input;

pub(in crate::targets) fn payload(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&REVISIONS);
    let Ok(body) = str::from_utf8(input.rest()) else {
        return;
    };
    let (packets, _) = read(revision, body);
    if packets.is_empty() {
        return;
    }
    let body = Payload::encode(revision, packets.iter().map(Owned::lend));
    let Ok(body) = String::from_utf8(body) else {
        panic!("a payload is text");
    };
    assert_eq!(read(revision, &body), (packets, true));
}
