//! Bodies of polling: what can be decoded comes back when it is encoded.

use engineio_proto::{Content, Payload, Revision};

use super::body::{FORMATS, Owned, read};
use crate::input::Input;

pub(in crate::targets) fn payload(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&Revision::ALL);
    let content = input.pick(&[Content::Text, Content::Binary]);
    let (packets, complete) = read(revision, content, input.rest());
    assert!(!complete || revision.accepts(content));
    if packets.is_empty() {
        return;
    }
    for format in FORMATS.into_iter().filter(|it| it.revision == revision) {
        let (content, body) = Payload::encode(format, packets.iter().map(Owned::lend));
        assert!(revision.accepts(content));
        assert_eq!(read(revision, content, &body), (packets.clone(), true));
    }
}
