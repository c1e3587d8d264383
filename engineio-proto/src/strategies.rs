//! Strategies of `proptest` for everything the codecs read and write, for the property tests of
//! those who build on this crate. With the feature `proptest`.
//!
//! ```
//! use engineio_proto::{Payload, strategies};
//! use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
//!
//! // What is encoded is decoded to the same, in every format.
//! let inputs = (strategies::format(), vec(strategies::packet(), 1..5));
//! let result = TestRunner::default().run(&inputs, |(format, packets)| {
//!     let (content, body) = Payload::encode(format, packets.iter().map(|it| it.as_packet()));
//!     let mut payload = Payload::new(format.revision, content, body.into()).unwrap();
//!     for packet in &packets {
//!         prop_assert_eq!(payload.next_packet().unwrap(), Some(packet.as_packet()));
//!     }
//!     prop_assert_eq!(payload.next_packet().unwrap(), None);
//!     Ok(())
//! });
//! result.unwrap();
//! ```

use bytes::Bytes;
use proptest::{collection::vec, option, prelude::*, sample};

use crate::format::Format;
use crate::packet::{Packet, PacketType};
use crate::prepared::Prepared;
use crate::revision::Revision;

/// A packet that owns its data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum OwnedPacket {
    /// A packet in its text form.
    Text(PacketType, String),
    /// A `message` packet that carries bytes.
    Binary(Vec<u8>),
}

impl OwnedPacket {
    /// The packet, borrowing its data.
    #[must_use]
    pub fn as_packet(&self) -> Packet<'_> {
        match self {
            Self::Text(kind, data) => Packet::Text(*kind, data),
            Self::Binary(data) => Packet::Binary(data.into()),
        }
    }
}

impl From<Packet<'_>> for OwnedPacket {
    fn from(packet: Packet<'_>) -> Self {
        match packet {
            Packet::Text(kind, data) => Self::Text(kind, data.to_owned()),
            Packet::Binary(data) => Self::Binary(data.into_owned()),
        }
    }
}

/// Every revision.
pub fn revision() -> impl Strategy<Value = Revision> {
    sample::select(&Revision::ALL[..])
}

/// Every format: each revision plain, with base64, and as JSONP of any index.
pub fn format() -> impl Strategy<Value = Format> {
    (revision(), any::<bool>(), option::of(any::<u32>())).prop_map(|(revision, base64, jsonp)| {
        let format = Format::new(revision);
        match jsonp {
            Some(index) => format.with_jsonp(index),
            None if base64 => format.with_base64(),
            None => format,
        }
    })
}

/// Every type of packet.
pub fn packet_type() -> impl Strategy<Value = PacketType> {
    (b'0'..=b'6').prop_map(|digit| {
        // Invariant: that is the range of the digits.
        PacketType::from_digit(digit).expect("a digit of a type")
    })
}

/// Any text that payloads of all revisions can carry: without U+001E, which separates the packets
/// of revision 4.
pub fn text() -> impl Strategy<Value = String> {
    "[^\u{1e}]{0,40}"
}

/// Any packet with such a text, or with bytes.
pub fn packet() -> impl Strategy<Value = OwnedPacket> {
    prop_oneof![
        (packet_type(), text()).prop_map(|(kind, data)| OwnedPacket::Text(kind, data)),
        vec(any::<u8>(), 0..60).prop_map(OwnedPacket::Binary),
    ]
}

/// Any message as it is queued: a text, with or without attachments, or bytes.
pub fn prepared() -> impl Strategy<Value = Prepared> {
    let attachments = || vec(vec(any::<u8>(), 0..60).prop_map(Bytes::from), 0..3);
    prop_oneof![
        (text(), attachments()).prop_map(|(text, attachments)| {
            Prepared::from_parts(text.into_bytes(), 0, attachments)
        }),
        vec(any::<u8>(), 0..60).prop_map(|data| Prepared::binary(data.into())),
    ]
}

/// Ways to cut something of `len` bytes into pieces: the lengths of the pieces, some of them empty.
pub fn pieces(len: usize) -> impl Strategy<Value = Vec<usize>> {
    vec(0..=len, 0..8).prop_map(move |mut cuts| {
        cuts.push(len);
        cuts.sort_unstable();
        let mut start = 0;
        let lengths = cuts.into_iter().map(|cut| {
            let length = cut - start;
            start = cut;
            length
        });
        lengths.collect()
    })
}
