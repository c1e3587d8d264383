//! Whatever a peer sends, what is allocated for it is a small multiple of its bytes: lengths that
//! are merely announced cost nothing. Inputs are drawn from seeds, most of them close to valid ones.

use allocation_counter::{AllocationInfo, measure, opt_out};
use bytes::Bytes;
use engineio_proto::server::{Config, RequestId};
use engineio_proto::webtransport;
use engineio_proto::ws::{Decoder, Header, Opcode, Role};
use engineio_proto::{Content, Format, Payload, Prepared, Revision};

use crate::pair::Rng;
use crate::trace::server_speaking;

/// Inputs per decoder.
const INPUTS: u64 = 3000;

/// Bytes of the longest input.
const LONGEST: u64 = 2000;

/// Bytes that an input may cost whatever its length: names, boxes, the first step of a buffer.
const FIXED: u64 = 512;

/// What may be found between packets, or in place of one.
const SPICE: &[&[u8]] = &[
    b":",
    b"=",
    b"&",
    b"&d=4%3A4",
    b"%",
    b"%FF",
    b"+",
    b"0:",
    b"06:4",
    b"99999999:4",
    b"\x1e",
    b"\0\xff",
    b"\x01\x09\x09\x09\x09\xff\x04",
    b"\xff",
    b"\x7f\0\0\0\0\x7f\0\0\0",
];

/// What data is made of.
const DATA: &[&str] = &["a", "AQID", "€", "😀", "\\n", "\n", "\u{2028}"];

impl Rng {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.within(0..=from.len() as u64 - 1) as usize]
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.within(1..=times) == 1
    }

    /// A packet in its text form, which is often base64.
    fn packet(&mut self) -> String {
        let head = self.pick(&["4", "4", "b4", "b", "2", "6", "x", ""]);
        let repeats = match self.one_in(4) {
            true => self.within(0..=400),
            false => self.within(0..=10),
        };
        let data = match head {
            "b4" | "b" => "AQID",
            _ => self.pick(DATA),
        };
        head.to_owned() + &data.repeat(repeats as usize)
    }

    /// Packets one behind the other, each as `put` puts it.
    fn packets(&mut self, put: impl Fn(&mut Self, &str, &mut Vec<u8>)) -> Vec<u8> {
        let len = self.within(0..=LONGEST) as usize;
        let mut input = Vec::new();
        while input.len() < len {
            let packet = self.packet();
            put(self, &packet, &mut input);
            if self.one_in(20) {
                input.extend_from_slice(self.pick(SPICE));
            }
        }
        input
    }

    /// A length, which may be a lie.
    fn length(&mut self, len: usize) -> u64 {
        match self.within(0..=39) {
            0 => self.next() >> 1,
            1 => 1 << self.within(0..=62),
            2 => self.within(0..=10),
            _ => len as u64,
        }
    }

    /// A payload in a revision's own way, or in that of another.
    fn payload(&mut self, revision: Revision, content: Content) -> Vec<u8> {
        match (revision, content) {
            (Revision::V3, Content::Binary) => self.packets(|rng, packet, payload| {
                payload.push(rng.pick(&[0, 0, 0, 1, 2]));
                let length = rng.length(packet.len()).to_string();
                payload.extend(length.bytes().map(|digit| digit - b'0'));
                payload.push(255);
                payload.extend_from_slice(packet.as_bytes());
            }),
            (Revision::V3, _) => self.packets(|rng, packet, payload| {
                let length = rng.length(packet.encode_utf16().count());
                payload.extend_from_slice(format!("{length}:{packet}").as_bytes());
            }),
            _ => self.packets(|_, packet, payload| {
                payload.extend_from_slice(packet.as_bytes());
                payload.push(0x1e);
            }),
        }
    }

    /// A form in which anything may be escaped.
    fn form(&mut self, revision: Revision) -> Vec<u8> {
        let mut form = self
            .pick(&["d=", "d=", "x=1&d=", "", "d"])
            .as_bytes()
            .to_vec();
        let escapes = self.within(0..=2);
        for byte in self.payload(revision, Content::Text) {
            match escapes == 2 || escapes == 1 && !byte.is_ascii_alphanumeric() {
                true => form.extend_from_slice(format!("%{byte:02x}").as_bytes()),
                false => form.push(byte),
            }
        }
        form
    }

    /// A piece of what is left.
    fn piece(&mut self, left: usize) -> usize {
        self.within(1..=left as u64) as usize
    }
}

/// Measures what becomes of inputs, and compares it with their length.
#[track_caller]
fn assert_bounded(
    multiple: u64,
    cost: impl Fn(&AllocationInfo) -> u64,
    mut input: impl FnMut(&mut Rng) -> Vec<u8>,
    mut decode: impl FnMut(&mut Rng, Vec<u8>),
) {
    let mut largest = 0;
    for seed in 0..INPUTS {
        let mut rng = Rng(seed);
        let input = input(&mut rng);
        let len = input.len() as u64;
        let info = measure(|| decode(&mut rng, input));
        let cost = cost(&info);
        largest = largest.max(cost.saturating_sub(FIXED) * 100 / len.max(1));
        assert!(
            cost <= multiple * len + FIXED,
            "seed {seed}: {cost} bytes for {len}",
        );
        assert!(info.bytes_current <= 0, "seed {seed}: nothing is left");
    }
    eprintln!("at most {largest} %");
}

/// All that was allocated, whether it lived together or not.
fn total(info: &AllocationInfo) -> u64 {
    info.bytes_total
}

/// What lived together.
fn peak(info: &AllocationInfo) -> u64 {
    info.bytes_max
}

#[test]
fn payloads_cost_no_more_than_twice_their_length() {
    for revision in Revision::ALL {
        for content in [Content::Text, Content::Binary] {
            // The body itself is taken over, and base64 decoded into one buffer that grows.
            let input = |rng: &mut Rng| rng.payload(revision, content);
            assert_bounded(2, total, input, |_, body| {
                let Ok(mut payload) = Payload::new(revision, content, body.into()) else {
                    return;
                };
                while let Ok(Some(_)) = payload.next_packet() {}
            });
        }
    }
}

#[test]
fn forms_cost_no_more_than_nine_times_their_length() {
    for revision in Revision::ALL {
        let format = Format::new(revision).with_jsonp(0);
        // Escapes of the form, then those of JSONP are undone; then it is a payload.
        assert_bounded(
            9,
            total,
            |rng| rng.form(revision),
            |_, body| {
                let mut opened = None;
                opt_out(|| opened = Some(server_speaking(format, Config::default())));
                let mut session = opened.unwrap();
                session.handle_post(1, RequestId(1), Content::Form, body.into());
                while session.next_message(1).is_some() {}
            },
        );
    }
}

#[test]
fn messages_of_a_link_cost_no_more_than_their_length() {
    for revision in Revision::ALL {
        let input = |rng: &mut Rng| rng.packet().into_bytes();
        assert_bounded(1, total, input, |_, message| {
            let _ = revision.decode_binary(&message);
            if let Ok(text) = str::from_utf8(&message) {
                let _ = revision.decode_text(text);
            }
        });
    }
}

/// Feeds a stream in pieces, each of which is a read of its own, until one fails.
fn in_pieces(rng: &mut Rng, mut stream: Vec<u8>, mut feed: impl FnMut(&mut [u8]) -> bool) {
    let mut rest = &mut stream[..];
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at_mut(rng.piece(rest.len()));
        if !feed(piece) {
            break;
        }
        rest = behind;
    }
}

/// A buffer that grows holds twice what is in it, and what it grew from is there until then.
const GROWTH: u64 = 3;

#[test]
fn streams_of_webtransport_keep_no_more_than_three_times_what_has_arrived() {
    let input = |rng: &mut Rng| {
        rng.packets(|rng, packet, stream| {
            let len = rng.length(packet.len()) as usize;
            let header = webtransport::header(rng.one_in(2), len);
            stream.extend_from_slice(header.as_ref());
            stream.extend_from_slice(packet.as_bytes());
        })
    };
    assert_bounded(GROWTH, peak, input, |rng, stream| {
        let mut decoder = webtransport::Decoder::new(usize::MAX);
        in_pieces(rng, stream, |piece| {
            let mut input = &*piece;
            loop {
                match decoder.decode(&mut input) {
                    Ok(Some(_)) => {}
                    Ok(None) => return true,
                    Err(_) => return false,
                }
            }
        });
    });
}

#[test]
fn streams_of_websockets_keep_no_more_than_three_times_what_has_arrived() {
    use Opcode::{Binary, Continuation, Ping, Text};

    for role in [Role::Server, Role::Client] {
        let input = |rng: &mut Rng| {
            rng.packets(|rng, packet, stream| {
                let header = Header {
                    fin: rng.one_in(2),
                    opcode: rng.pick(&[Text, Binary, Continuation, Continuation, Ping]),
                    len: rng.length(packet.len()),
                    mask: (role == Role::Server).then_some([0; 4]),
                };
                stream.extend_from_slice(header.encode().as_ref());
                stream.extend_from_slice(packet.as_bytes());
            })
        };
        assert_bounded(GROWTH, peak, input, |rng, stream| {
            let mut decoder = Decoder::new(role, usize::MAX >> 1);
            in_pieces(rng, stream, |mut piece| {
                loop {
                    match decoder.decode(&mut piece) {
                        Ok(Some(_)) => {}
                        Ok(None) => return true,
                        Err(_) => return false,
                    }
                }
            });
        });
    }
}

#[test]
fn forms_of_an_attachment_are_made_once_for_all_recipients() {
    let v3 = Format::new(Revision::V3);
    let v4 = Format::new(Revision::V4);
    for (format, expected) in [
        (v3, 2),
        (v4, 0),
        (v3.with_base64(), 2),
        (v4.with_base64(), 2),
    ] {
        let prepared = Prepared::binary(Bytes::from(vec![7; 1000]));
        // What it is made of and its place: two allocations.
        for expected in [expected, 0, 0] {
            let recipient = prepared.clone();
            let info = measure(|| {
                assert!(recipient.frames_len(format) > 1000);
                assert_eq!(recipient.packets(format).count(), 1);
            });
            assert_eq!(info.count_total, expected, "{format:?}");
        }
    }
}

#[test]
fn polls_share_the_forms_of_an_attachment() {
    const LEN: usize = 100_000;

    let v3 = Format::new(Revision::V3);
    let v4 = Format::new(Revision::V4);
    for format in [v3, v3.with_base64(), v4] {
        let prepared = Prepared::binary(Bytes::from(vec![7; LEN]));
        let costs: Vec<_> = (0..3)
            .map(|_| {
                let mut session = server_speaking(format, Config::default());
                session.send(prepared.clone());
                measure(|| {
                    session.handle_get(1, RequestId(1));
                    while session.poll_output().is_some() {}
                })
                .bytes_total as usize
            })
            .collect();
        // The first one makes the form, and each its own body.
        assert!(costs[0] - costs[1] >= LEN, "{format:?}: {costs:?}");
        assert_eq!(costs[1], costs[2]);
    }
}
