//! The framing of the WebTransport transport where no vector looks: limits, and headers at the edges
//! of their forms.

use engineio_proto::webtransport::{Decoder, Error, Frame, MAX_HEADER, header};

fn decode(limit: usize, stream: &[u8]) -> Result<Option<Frame<'_>>, Error> {
    Decoder::new(limit).decode(&mut &*stream)
}

/// A header that announces `len` bytes in the longest form.
fn announce(len: u64) -> [u8; MAX_HEADER] {
    let mut header = [127; MAX_HEADER];
    header[1..].copy_from_slice(&len.to_be_bytes());
    header
}

#[test]
fn each_length_has_the_shortest_header() {
    for (len, expected) in [
        (1, &[0x81][..]),
        (125, &[0xfd]),
        (126, &[0xfe, 0, 126]),
        (65_535, &[0xfe, 0xff, 0xff]),
        (65_536, &[0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        assert_eq!(header(true, len).as_ref(), expected, "{len}");
        let mut stream = expected.to_vec();
        stream.resize(expected.len() + len, 7);
        let frame = decode(len, &stream).unwrap();
        assert_eq!(frame, Some(Frame::Binary(vec![7; len].into())), "{len}");
    }
}

#[test]
fn packet_over_the_limit_is_refused_as_soon_as_its_header_is_there() {
    for (bytes, size) in [
        (&[11][..], 11),
        (&[126, 1, 0], 256),
        (&announce(1 << 40), 1 << 40),
        (&announce(u64::MAX), u64::MAX),
    ] {
        let error = Error::TooBig { limit: 10, size };
        assert_eq!(decode(10, bytes), Err(error));
        // Byte by byte as well.
        let mut decoder = Decoder::new(10);
        let (last, first) = bytes.split_last().unwrap();
        for byte in first {
            assert_eq!(decoder.decode(&mut &[*byte][..]), Ok(None));
        }
        assert_eq!(decoder.decode(&mut &[*last][..]), Err(error));
    }
    assert_eq!(decode(10, &[10]), Ok(None));
}

#[test]
fn packet_without_a_byte_is_refused_in_every_form() {
    for bytes in [&[0][..], &[0x80], &[126, 0, 0], &announce(0)] {
        assert_eq!(decode(10, bytes), Err(Error::Empty));
    }
}

#[test]
fn without_a_limit_no_length_is_too_much_for_arithmetic() {
    for len in [
        u64::MAX,
        u64::MAX - 8,
        i64::MAX as u64 - 8,
        i64::MAX as u64 - 9,
    ] {
        let mut decoder = Decoder::new(usize::MAX);
        let mut header = &announce(len)[..];
        if decoder.decode(&mut header).is_ok() {
            assert_eq!(decoder.decode(&mut &b"and on"[..]), Ok(None));
        }
    }
}

#[test]
fn text_that_is_none_is_refused() {
    assert_eq!(decode(10, &[2, b'4', 0xff]), Err(Error::Utf8));
    assert_eq!(
        decode(10, &[0x82, b'4', 0xff]).unwrap(),
        Some(Frame::Binary(b"4\xff"[..].into()))
    );
    let mut decoder = Decoder::new(10);
    assert_eq!(decoder.decode(&mut &[2, b'4'][..]), Ok(None));
    assert_eq!(decoder.decode(&mut &[0xff][..]), Err(Error::Utf8));
}
