//! The framing of WebTransport: where reads are cut changes nothing, memory follows what has
//! arrived, and what was decoded can be sent.

use std::borrow::Cow;

use engineio_proto::webtransport::{Decoder, Error, Frame, header};

use crate::input::Input;

pub(in crate::targets) fn webtransport(input: &[u8]) {
    let mut input = Input::new(input);
    let limit = input.pick(&[0, 1, 125, 126, 300, 1 << 20]);
    let cuts = input.bytes();
    let bytes = input.rest();

    let whole = decode(limit, bytes, &[]);
    assert_eq!(whole, decode(limit, bytes, cuts));
    for frame in whole.0 {
        let (is_binary, packet) = match &frame {
            Frame::Text(text) => (false, text.as_bytes()),
            Frame::Binary(data) => (true, &**data),
        };
        assert!(!packet.is_empty() && packet.len() <= limit);
        let wire = [header(is_binary, packet.len()).as_ref(), packet].concat();
        assert_eq!(decode(limit, &wire, cuts), (vec![frame], None));
    }
}

fn decode(limit: usize, bytes: &[u8], cuts: &[u8]) -> (Vec<Frame<'static>>, Option<Error>) {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    let mut cuts = cuts.iter();
    let mut rest = bytes;
    while !rest.is_empty() {
        let len = cuts
            .next()
            .map_or(rest.len(), |&cut| rest.len().min(cut.into()));
        let (mut input, behind) = rest.split_at(len);
        rest = behind;
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Frame::Text(text))) => {
                    frames.push(Frame::Text(Cow::Owned(text.into_owned())));
                }
                Ok(Some(Frame::Binary(data))) => {
                    frames.push(Frame::Binary(Cow::Owned(data.into_owned())));
                }
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(input.is_empty());
    }
    (frames, None)
}
