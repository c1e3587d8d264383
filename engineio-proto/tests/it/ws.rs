//! The WebSocket codec: vectors from RFC 6455, its rules one by one, and tungstenite as yardstick.

use std::{
    borrow::Cow,
    io::{self, Read, Write},
};

use engineio_proto::ws::{
    ControlFrame, Decoder, Error, Frame, Header, MAX_SERVER_HEADER, Opcode, Role, Violation, mask,
    server_header_len, write_header_before,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    sample::Index,
    test_runner::{Config, RngSeed},
};
use tungstenite::{
    Message,
    protocol::{
        WebSocketContext,
        frame::{
            FrameHeader,
            coding::{Control, Data, OpCode},
        },
    },
};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

// What the peer sends

/// A frame as the peer of `receiver` would put it on the wire.
fn wire(receiver: Role, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let key = (receiver == Role::Server).then_some(KEY);
    let header = Header {
        fin,
        opcode,
        len: payload.len() as u64,
        mask: key,
    };
    let mut bytes = header.encode().as_ref().to_vec();
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask(&mut bytes[start..], key.unwrap_or_default(), 0);
    bytes
}

// What we make of it

/// All that comes out of one stream.
#[derive(Debug, PartialEq)]
struct Decoded {
    frames: Vec<Frame<'static>>,
    error: Option<Error>,
}

/// Feeds `bytes`, cut before each of `cuts`; checks the bounds of memory at every cut.
fn decode(role: Role, max_message: usize, bytes: &[u8], cuts: &[usize]) -> Decoded {
    let mut decoder = Decoder::new(role, max_message);
    let mut cuts = cuts.to_vec();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();

    let mut frames = Vec::new();
    for cut in cuts.windows(2) {
        let mut read = bytes[cut[0]..cut[1]].to_vec();
        let mut input = &mut read[..];
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(frame)) => frames.push(owned(frame)),
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(decoder.decode(&mut input), Err(error), "stays failed");
                    assert_eq!(decoder.kept_bytes(), 0);
                    return Decoded {
                        frames,
                        error: Some(error),
                    };
                }
            }
        }
        assert!(input.is_empty());
        assert!(decoder.kept_bytes() <= max_message + 256);
        // Memory follows what has arrived, not what was announced.
        assert!(decoder.kept_bytes() <= 2 * cut[1] + 256);
    }
    Decoded {
        frames,
        error: None,
    }
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

fn all(frames: Vec<Frame<'static>>) -> Decoded {
    Decoded {
        frames,
        error: None,
    }
}

fn failed(error: impl Into<Error>) -> Decoded {
    Decoded {
        frames: Vec::new(),
        error: Some(error.into()),
    }
}

// Vectors and rules

#[test]
fn decodes_the_examples_of_the_rfc() {
    let hello = || Frame::Text("Hello".into());
    let long = |head: &[u8], len| [head, &vec![7; len]].concat();
    let cases = [
        (Role::Client, b"\x81\x05Hello".to_vec(), hello()),
        (
            Role::Server,
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            hello(),
        ),
        (Role::Client, b"\x01\x03Hel\x80\x02lo".to_vec(), hello()),
        (
            Role::Client,
            b"\x89\x05Hello".to_vec(),
            Frame::Ping(b"Hello".into()),
        ),
        (
            Role::Server,
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            Frame::Pong(b"Hello".into()),
        ),
        (
            Role::Client,
            long(b"\x82\x7e\x01\x00", 256),
            Frame::Binary(vec![7; 256].into()),
        ),
        (
            Role::Client,
            long(b"\x82\x7f\0\0\0\0\0\x01\0\0", 65_536),
            Frame::Binary(vec![7; 65_536].into()),
        ),
    ];
    for (role, bytes, frame) in cases {
        assert_eq!(decode(role, 65_536, &bytes, &[]), all(vec![frame]));
    }
}

#[test]
fn encodes_control_frames() {
    let cases: [(ControlFrame, &[u8]); 6] = [
        (ControlFrame::ping(b"Hello", None), b"\x89\x05Hello"),
        (
            ControlFrame::pong(b"Hello", Some(KEY)),
            b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58",
        ),
        (ControlFrame::close(None, None), b"\x88\x00"),
        (ControlFrame::close(Some(1009), None), b"\x88\x02\x03\xf1"),
        (
            ControlFrame::close(Some(1009), Some([1, 2, 3, 4])),
            b"\x88\x82\x01\x02\x03\x04\x02\xf3",
        ),
        (
            ControlFrame::ping(&[b'x'; 200], None),
            &[b"\x89\x7d", &[b'x'; 125][..]].concat(),
        ),
    ];
    for (frame, bytes) in cases {
        assert_eq!(frame.as_ref(), bytes);
    }
}

#[test]
fn breaches_of_the_protocol_are_refused_by_name() {
    let cases: [(Role, &[u8], Violation); 21] = [
        (Role::Client, b"\xc1\x00", Violation::ReservedBit),
        (Role::Client, b"\xa1\x00", Violation::ReservedBit),
        (Role::Client, b"\x91\x00", Violation::ReservedBit),
        (Role::Client, b"\x83\x00", Violation::ReservedOpcode(3)),
        (Role::Client, b"\x8f\x00", Violation::ReservedOpcode(15)),
        (Role::Server, b"\x81\x00", Violation::Unmasked),
        (Role::Client, b"\x81\x80", Violation::Masked),
        (Role::Client, b"\x09\x00", Violation::FragmentedControl),
        (Role::Client, b"\x89\x7e", Violation::LongControl),
        (Role::Client, b"\x88\x7f", Violation::LongControl),
        (
            Role::Client,
            b"\x81\x7e\x00\x7d",
            Violation::LengthNotMinimal,
        ),
        (
            Role::Client,
            b"\x81\x7f\0\0\0\0\0\0\xff\xff",
            Violation::LengthNotMinimal,
        ),
        (
            Role::Client,
            b"\x81\x7f\x80\0\0\0\0\0\0\0",
            Violation::LengthOverflow,
        ),
        (Role::Client, b"\x80\x00", Violation::UnexpectedContinuation),
        (Role::Client, b"\x00\x00", Violation::UnexpectedContinuation),
        (
            Role::Client,
            b"\x01\x00\x81\x00",
            Violation::InterleavedMessage,
        ),
        (
            Role::Client,
            b"\x01\x00\x02\x00",
            Violation::InterleavedMessage,
        ),
        (Role::Client, b"\x88\x01\x03", Violation::ClosePayload),
        (
            Role::Client,
            b"\x88\x02\x03\xed",
            Violation::CloseCode(1005),
        ),
        (
            Role::Client,
            b"\x88\x02\x0b\xb7",
            Violation::CloseCode(2999),
        ),
        (
            Role::Client,
            b"\x88\x02\x13\x88",
            Violation::CloseCode(5000),
        ),
    ];
    for (role, bytes, violation) in cases {
        assert_eq!(
            decode(role, 1000, bytes, &[]),
            failed(violation),
            "{bytes:x?}"
        );
        assert_eq!(Error::from(violation).close_code(), 1002);
    }
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    for code in 0..=u16::MAX {
        let bytes = [&[0x88, 0x02], &code.to_be_bytes()[..]].concat();
        let allowed = match code {
            1004..=1006 | 1015 => false,
            1000..=1014 | 3000..=4999 => true,
            _ => false,
        };
        let expected = if allowed {
            all(vec![Frame::Close {
                code: Some(code),
                reason: "".into(),
            }])
        } else {
            failed(Violation::CloseCode(code))
        };
        assert_eq!(decode(Role::Client, 0, &bytes, &[]), expected);
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let cases: [&[u8]; 4] = [
        b"\x81\x01\xff",
        b"\x81\x02\xe2\x82",
        b"\x01\x02\xe2\x82\x80\x01A",
        b"\x88\x03\x03\xe8\xff",
    ];
    for bytes in cases {
        for cut in 0..bytes.len() {
            assert_eq!(
                decode(Role::Client, 100, bytes, &[cut]),
                failed(Error::Utf8)
            );
        }
    }
    assert_eq!(Error::Utf8.close_code(), 1007);
}

#[test]
fn too_big_is_refused_from_the_header_alone() {
    let cases: [(usize, &[u8], u64); 4] = [
        (4, b"\x82\x05", 5),
        (0, b"\x82\x01", 1),
        (
            1_000_000,
            b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
            i64::MAX as u64,
        ),
        // The fragments count together.
        (4, b"\x02\x03abc\x00\x00\x80\x02", 5),
    ];
    for (limit, bytes, size) in cases {
        let error = Error::TooBig { limit, size };
        assert_eq!(decode(Role::Client, limit, bytes, &[]), failed(error));
        assert_eq!(error.close_code(), 1009);
    }
}

#[test]
fn the_limit_is_inclusive_and_not_for_control_frames() {
    let bytes = b"\x82\x04abcd\x02\x02ab\x89\x05Hello\x80\x02cd";
    let expected = vec![
        Frame::Binary(b"abcd".into()),
        Frame::Ping(b"Hello".into()),
        Frame::Binary(b"abcd".into()),
    ];
    assert_eq!(decode(Role::Client, 4, bytes, &[]), all(expected));
}

#[test]
fn what_follows_a_close_frame_is_discarded() {
    let bytes = b"\x88\x06\x0f\xa0done\x81\x05Hello\xff\xff";
    let expected = all(vec![Frame::Close {
        code: Some(4000),
        reason: "done".into(),
    }]);
    for cut in 0..bytes.len() {
        assert_eq!(decode(Role::Client, 100, bytes, &[cut]), expected);
    }
}

#[test]
fn stopping_early_leaves_the_rest_in_the_input() {
    let mut decoder = Decoder::new(Role::Client, 100);
    let mut bytes = *b"\x81\x01a\x81\x01b";
    let mut input = &mut bytes[..];
    assert_eq!(
        decoder.decode(&mut input),
        Ok(Some(Frame::Text("a".into())))
    );
    assert_eq!(input, b"\x81\x01b");
}

// Memory

#[test]
fn whole_frames_are_lent_out_of_the_input() {
    for opcode in [Opcode::Text, Opcode::Binary] {
        let mut bytes = wire(Role::Server, true, opcode, b"Hello");
        // The first header byte comes with an earlier read, and does not make a copy necessary.
        let (mut early, mut late) = bytes.split_at_mut(1);
        let place = late[5..].as_ptr_range();
        let mut decoder = Decoder::new(Role::Server, 100);
        assert_eq!(decoder.decode(&mut early), Ok(None));
        let lent = match decoder.decode(&mut late).unwrap() {
            Some(Frame::Text(Cow::Borrowed(text))) => text.as_bytes(),
            Some(Frame::Binary(Cow::Borrowed(bytes))) => bytes,
            other => panic!("{other:?}"),
        };
        assert_eq!((lent, lent.as_ptr_range()), (&b"Hello"[..], place));
        assert_eq!(decoder.kept_bytes(), 0);
    }
}

#[test]
fn a_control_frame_inside_a_fragmented_message_is_lent_too() {
    let mut bytes = *b"\x01\x03Hel\x89\x02hi\x80\x02lo";
    let mut input = &mut bytes[..];
    let mut decoder = Decoder::new(Role::Client, 100);
    let ping = decoder.decode(&mut input).unwrap();
    assert!(
        matches!(ping, Some(Frame::Ping(Cow::Borrowed(b"hi")))),
        "{ping:?}"
    );
    assert!(decoder.kept_bytes() > 0);
    let text = decoder.decode(&mut input).unwrap();
    assert_eq!(text, Some(Frame::Text("Hello".into())));
    assert_eq!(decoder.kept_bytes(), 0);
}

#[test]
fn an_idle_decoder_owns_no_heap_wherever_the_reads_were_cut() {
    let bytes = wire(Role::Server, true, Opcode::Text, b"Hello");
    for cut in 1..bytes.len() {
        let mut bytes = bytes.clone();
        let (mut early, mut late) = bytes.split_at_mut(cut);
        let mut decoder = Decoder::new(Role::Server, 100);
        assert_eq!(decoder.decode(&mut &mut [][..]), Ok(None));
        assert_eq!(decoder.kept_bytes(), 0);
        assert_eq!(decoder.decode(&mut early), Ok(None));
        assert!(decoder.kept_bytes() > 0);
        let text = decoder.decode(&mut late);
        assert_eq!(text, Ok(Some(Frame::Text("Hello".into()))));
        assert_eq!(decoder.kept_bytes(), 0);
    }
}

#[test]
fn a_large_message_in_small_reads_is_moved_a_logarithmic_number_of_times() {
    let payload = vec![b'x'; 1 << 20];
    let small: Vec<u8> = payload
        .chunks(16)
        .enumerate()
        .flat_map(|(i, piece)| {
            let opcode = [Opcode::Text, Opcode::Continuation][i.min(1)];
            wire(Role::Server, (i + 1) * 16 == 1 << 20, opcode, piece)
        })
        .collect();
    for mut bytes in [wire(Role::Server, true, Opcode::Text, &payload), small] {
        let mut decoder = Decoder::new(Role::Server, 1 << 20);
        let mut sizes = Vec::new();
        let last = bytes.len() - 1;
        for mut read in bytes[..last].chunks_mut(7) {
            assert_eq!(decoder.decode(&mut read), Ok(None));
            sizes.push(decoder.kept_bytes());
        }
        assert!(sizes.is_sorted());
        sizes.dedup();
        assert!(sizes.len() <= 24, "{sizes:?}");
        let text = decoder.decode(&mut &mut bytes[last..]).unwrap().unwrap();
        let Frame::Text(Cow::Owned(text)) = text else {
            panic!("a message over many reads is handed over");
        };
        assert_eq!(text.as_bytes(), payload);
        assert_eq!(text.capacity(), 1 << 20);
    }
}

// Headers

#[test]
fn a_header_is_written_to_end_where_the_payload_starts() {
    for len in [0, 125, 126, 65_535, 65_536, 1 << 20] {
        let mut buf = [0xaa; MAX_SERVER_HEADER + 3];
        let start = write_header_before(&mut buf, MAX_SERVER_HEADER, Opcode::Binary, len);
        let header = Header {
            fin: true,
            opcode: Opcode::Binary,
            len: len as u64,
            mask: None,
        };
        assert_eq!(&buf[start..MAX_SERVER_HEADER], header.encode().as_ref());
        assert_eq!(MAX_SERVER_HEADER - start, server_header_len(len));
        assert!(buf[..start].iter().all(|byte| *byte == 0xaa));
        assert_eq!(buf[MAX_SERVER_HEADER..], [0xaa; 3]);
    }
}

fn opcodes() -> impl Strategy<Value = (Opcode, OpCode)> {
    prop_oneof![
        Just((Opcode::Continuation, OpCode::Data(Data::Continue))),
        Just((Opcode::Text, OpCode::Data(Data::Text))),
        Just((Opcode::Binary, OpCode::Data(Data::Binary))),
        Just((Opcode::Close, OpCode::Control(Control::Close))),
        Just((Opcode::Ping, OpCode::Control(Control::Ping))),
        Just((Opcode::Pong, OpCode::Control(Control::Pong))),
    ]
}

fn lengths() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 65_500..65_600_u64, 0..=i64::MAX as u64]
}

// Streams of frames

/// A stream a correct peer may send, and what it says.
#[derive(Debug, Clone)]
struct Stream {
    role: Role,
    bytes: Vec<u8>,
    frames: Vec<Frame<'static>>,
}

fn streams() -> impl Strategy<Value = Stream> {
    let role = prop_oneof![Just(Role::Server), Just(Role::Client)];
    let close = option::of((prop_oneof![1000..1004_u16, 3000..5000_u16], "\\PC{0,30}"));
    (role, vec(messages(), 0..6), option::of(close)).prop_map(|(role, messages, close)| {
        let mut stream = Stream {
            role,
            bytes: Vec::new(),
            frames: Vec::new(),
        };
        for (message, cuts, controls) in messages {
            stream.push(message, &cuts, controls);
        }
        if let Some(close) = close {
            stream.close(close);
        }
        stream
    })
}

type Cuts = Vec<Index>;
type Controls = Vec<Option<(bool, Vec<u8>)>>;

/// A message, where to cut it into fragments, and the control frames between them.
fn messages() -> impl Strategy<Value = (Frame<'static>, Cuts, Controls)> {
    let message = prop_oneof![
        "\\PC{0,60}".prop_map(|text| Frame::Text(text.into())),
        vec(any::<u8>(), 0..300).prop_map(|bytes| Frame::Binary(bytes.into())),
        (any::<u8>(), 65_000..66_000_usize).prop_map(|(byte, len)| {
            let bytes: Vec<u8> = (0..len).map(|i| byte.wrapping_add(i as u8)).collect();
            Frame::Binary(bytes.into())
        }),
    ];
    let control = option::of((any::<bool>(), vec(any::<u8>(), 0..=125)));
    (message, vec(any::<Index>(), 0..4), vec(control, 4))
}

impl Stream {
    fn push(&mut self, message: Frame<'static>, cuts: &[Index], controls: Controls) {
        let (mut opcode, payload) = match &message {
            Frame::Text(text) => (Opcode::Text, text.as_bytes().to_vec()),
            Frame::Binary(bytes) => (Opcode::Binary, bytes.to_vec()),
            other => unreachable!("{other:?}"),
        };
        let mut cuts: Vec<usize> = cuts.iter().map(|i| i.index(payload.len() + 1)).collect();
        cuts.sort_unstable();

        let mut start = 0;
        for (cut, control) in cuts.into_iter().zip(controls) {
            self.frame(false, opcode, &payload[start..cut]);
            opcode = Opcode::Continuation;
            start = cut;
            if let Some((ping, payload)) = control {
                let opcode = if ping { Opcode::Ping } else { Opcode::Pong };
                self.frame(true, opcode, &payload);
                self.frames.push(match opcode {
                    Opcode::Ping => Frame::Ping(payload.into()),
                    _ => Frame::Pong(payload.into()),
                });
            }
        }
        self.frame(true, opcode, &payload[start..]);
        self.frames.push(message);
    }

    fn close(&mut self, close: Option<(u16, String)>) {
        let (code, reason) = close.unzip();
        let mut payload = code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec());
        let reason = reason.unwrap_or_default();
        payload.extend_from_slice(reason.as_bytes());
        self.frame(true, Opcode::Close, &payload);
        let reason = reason.into();
        self.frames.push(Frame::Close { code, reason });
    }

    fn frame(&mut self, fin: bool, opcode: Opcode, payload: &[u8]) {
        self.bytes.extend(wire(self.role, fin, opcode, payload));
    }

    fn cuts(&self, cuts: &[Index]) -> Vec<usize> {
        cuts.iter().map(|i| i.index(self.bytes.len() + 1)).collect()
    }
}

/// What tungstenite makes of a stream.
fn tungstenite_decodes(stream: &Stream) -> Vec<Frame<'static>> {
    struct Pipe<'a>(&'a [u8]);
    impl Read for Pipe<'_> {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buf)? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                n => Ok(n),
            }
        }
    }
    impl Write for Pipe<'_> {
        fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
            Ok(buf.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let role = match stream.role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let mut pipe = Pipe(&stream.bytes);
    let mut context = WebSocketContext::new(role, None);
    let mut frames = Vec::new();
    loop {
        frames.push(match context.read(&mut pipe) {
            Ok(Message::Text(text)) => Frame::Text(text.to_string().into()),
            Ok(Message::Binary(bytes)) => Frame::Binary(bytes.to_vec().into()),
            Ok(Message::Ping(bytes)) => Frame::Ping(bytes.to_vec().into()),
            Ok(Message::Pong(bytes)) => Frame::Pong(bytes.to_vec().into()),
            Ok(Message::Close(close)) => Frame::Close {
                code: close.as_ref().map(|close| close.code.into()),
                reason: close
                    .map(|close| close.reason.to_string())
                    .unwrap_or_default()
                    .into(),
            },
            Ok(other) => panic!("{other:?}"),
            Err(tungstenite::Error::ConnectionClosed) => break,
            Err(tungstenite::Error::Io(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
            Err(error) => panic!("{error}"),
        });
    }
    frames
}

proptest! {
    #![proptest_config(Config {
        rng_seed: RngSeed::Fixed(6455),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn headers_are_written_like_tungstenites(
        fin: bool,
        (ours, theirs) in opcodes(),
        len in lengths(),
        mask in option::of(any::<[u8; 4]>()),
    ) {
        let mut expected = Vec::new();
        let header = FrameHeader { is_final: fin, opcode: theirs, mask, ..FrameHeader::default() };
        header.format(len, &mut expected).unwrap();
        let header = Header { fin, opcode: ours, len, mask }.encode();
        prop_assert_eq!(header.as_ref(), expected);
    }

    #[test]
    fn masking_is_an_xor_byte_by_byte_at_any_offset(
        key: [u8; 4],
        payload in vec(any::<u8>(), 0..100),
        cut: Index,
    ) {
        let mut pieces = payload.clone();
        let cut = cut.index(payload.len() + 1);
        mask(&mut pieces[..cut], key, 0);
        mask(&mut pieces[cut..], key, cut);
        let expected: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b).collect();
        prop_assert_eq!(pieces, expected);
    }

    #[test]
    fn a_stream_says_the_same_however_it_is_cut(
        stream in streams(),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let decoded = decode(stream.role, 66_000, &stream.bytes, &stream.cuts(&cuts));
        prop_assert_eq!(decoded, all(stream.frames));
    }

    #[test]
    fn tungstenite_understands_the_same(stream in streams()) {
        prop_assert_eq!(tungstenite_decodes(&stream), stream.frames);
    }

    #[test]
    fn damaged_streams_fail_alike_however_they_are_cut_and_within_the_bounds(
        mut stream in streams(),
        damage in vec((any::<Index>(), any::<u8>()), 1..4),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        for (place, byte) in damage {
            if !stream.bytes.is_empty() {
                let place = place.index(stream.bytes.len());
                stream.bytes[place] = byte;
            }
        }
        let whole = decode(stream.role, 66_000, &stream.bytes, &[]);
        let cut = decode(stream.role, 66_000, &stream.bytes, &stream.cuts(&cuts));
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn arbitrary_bytes_fail_alike_however_they_are_cut_and_within_the_bounds(
        bytes in vec(prop_oneof![any::<u8>(), Just(0x81), Just(0x01), Just(0x00)], 0..300),
        cuts in vec(0..300_usize, 0..20),
        max_message in 0..200_usize,
    ) {
        let cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        for role in [Role::Server, Role::Client] {
            let whole = decode(role, max_message, &bytes, &[]);
            prop_assert_eq!(whole, decode(role, max_message, &bytes, &cuts));
        }
    }
}
