//! WebSocket frames: where reads are cut changes nothing, memory stays within what is promised, and
//! what was decoded can be sent.

use std::borrow::Cow;

use engineio_proto::ws::{self, Decoder, Error, Frame, Header, Opcode, Role};

use crate::input::Input;

pub(in crate::targets) fn frames(input: &[u8]) {
    let mut input = Input::new(input);
    let role = input.pick(&[Role::Server, Role::Client]);
    let limit = input.pick(&[0, 1, 125, 126, 300, 1 << 20]);
    let cuts = input.bytes();
    let bytes = input.rest();

    let whole = decode(role, limit, bytes, &[]);
    let cut = decode(role, limit, bytes, cuts);
    assert_eq!(whole, cut);
    for frame in &whole.0 {
        let (opcode, payload) = parts(frame);
        assert!(payload.len() <= limit || opcode.is_control());
        let wire = encode(role, opcode, &payload);
        let again = decode(role, limit, &wire, cuts);
        assert_eq!(again, (vec![frame.clone()], None));
    }
}

pub(super) type Decoded = (Vec<Frame<'static>>, Option<Error>);

/// Feeds `bytes` in parts as long as `cuts` say, and what is left in one.
pub(super) fn decode(role: Role, limit: usize, bytes: &[u8], cuts: &[u8]) -> Decoded {
    let mut decoder = Decoder::new(role, limit);
    let mut frames = Vec::new();
    let mut taken = 0;
    let mut cuts = cuts.iter();
    while taken < bytes.len() {
        let left = bytes.len() - taken;
        let len = cuts.next().map_or(left, |&cut| left.min(cut.into()));
        let mut read = bytes[taken..taken + len].to_vec();
        taken += len;
        let mut input = &mut read[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(frame)) => frames.push(owned(frame)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error), "stays failed");
                    assert_eq!(decoder.kept_bytes(), 0);
                    return (frames, Some(error));
                }
            }
        }
        assert!(input.is_empty());
        // Memory follows what has arrived, not what was announced.
        assert!(decoder.kept_bytes() <= limit.min(2 * taken) + 256);
    }
    (frames, None)
}

fn owned(frame: Frame<'_>) -> Frame<'static> {
    match frame {
        Frame::Text(text) => Frame::Text(Cow::Owned(text.into_owned())),
        Frame::Binary(bytes) => Frame::Binary(Cow::Owned(bytes.into_owned())),
        Frame::Ping(bytes) => Frame::Ping(Cow::Owned(bytes.into_owned())),
        Frame::Pong(bytes) => Frame::Pong(Cow::Owned(bytes.into_owned())),
        Frame::Close { code, reason } => Frame::Close {
            code,
            reason: Cow::Owned(reason.into_owned()),
        },
    }
}

fn parts(frame: &Frame<'_>) -> (Opcode, Vec<u8>) {
    match frame {
        Frame::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
        Frame::Binary(bytes) => (Opcode::Binary, bytes.to_vec()),
        Frame::Ping(bytes) => (Opcode::Ping, bytes.to_vec()),
        Frame::Pong(bytes) => (Opcode::Pong, bytes.to_vec()),
        Frame::Close { code, reason } => {
            let code = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
            (Opcode::Close, [&code, reason.as_bytes()].concat())
        }
    }
}

/// The frame as the peer of `receiver` sends it.
fn encode(receiver: Role, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mask = match receiver {
        Role::Server => Some([0x37, 0xfa, 0x21, 0x3d]),
        Role::Client => None,
    };
    let header = Header {
        fin: true,
        opcode,
        len: payload.len() as u64,
        mask,
    };
    let mut wire = header.encode().as_ref().to_vec();
    let start = wire.len();
    wire.extend_from_slice(payload);
    ws::mask(&mut wire[start..], mask.unwrap_or_default(), 0);
    wire
}
