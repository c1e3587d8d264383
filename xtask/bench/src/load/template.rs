//! Messages as they go over the wire, byte for byte: built once, then only their numbers change.
//!
//! Numbers have a fixed width, so that a message and its answer never change their length and an
//! answer can be checked by comparing bytes.

/// Stands where the number goes.
pub(crate) const PLACE: &str = "######";

const DIGITS: usize = PLACE.len();

/// The first number: without leading zeros, so that it can also be an acknowledgement's id.
const FIRST: u64 = 100_000;
/// How many numbers there are before they start again.
const CYCLE: u64 = 900_000;

/// Clients mask what they send. Zeros would make it a copy, which servers may take faster.
const KEY: [u8; 4] = [0x5a, 0x13, 0xc7, 0x8e];

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;

/// One WebSocket message.
#[derive(Clone, Copy)]
pub(crate) enum Frame<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Close,
}

/// Bytes, and where in them the number stands.
#[derive(Clone)]
pub(crate) struct Template {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

#[derive(Clone)]
struct Place {
    start: usize,
    mask: [u8; DIGITS],
}

impl Template {
    /// What a client sends.
    pub(crate) fn from_client(frames: &[Frame<'_>]) -> Self {
        Self::of(frames, Some(KEY))
    }

    /// What a server sends.
    pub(crate) fn from_server(frames: &[Frame<'_>]) -> Self {
        Self::of(frames, None)
    }

    /// Text outside of a frame.
    pub(crate) fn plain(text: &str) -> Self {
        let mut template = Self::of(&[], None);
        template.append(text.as_bytes(), [0; 4]);
        template
    }

    fn of(frames: &[Frame<'_>], key: Option<[u8; 4]>) -> Self {
        let mut template = Self {
            bytes: Vec::new(),
            places: Vec::new(),
        };
        for frame in frames {
            let payload = frame.payload();
            template.head(frame.first_byte(), payload.len(), key.is_some());
            template.bytes.extend(key.iter().flatten());
            template.append(payload, key.unwrap_or_default());
        }
        template
    }

    fn head(&mut self, first: u8, length: usize, masked: bool) {
        let mask_bit = if masked { MASKED } else { 0 };
        self.bytes.push(first);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => self.bytes.push(short | mask_bit),
            (_, Ok(medium)) => {
                self.bytes.push(126 | mask_bit);
                self.bytes.extend(medium.to_be_bytes());
            }
            (_, Err(_)) => {
                self.bytes.push(127 | mask_bit);
                self.bytes.extend((length as u64).to_be_bytes());
            }
        }
    }

    fn append(&mut self, payload: &[u8], key: [u8; 4]) {
        let start = self.bytes.len();
        let windows = payload.windows(DIGITS).enumerate();
        for (at, _) in windows.filter(|(_, bytes)| *bytes == PLACE.as_bytes()) {
            self.places.push(Place {
                start: start + at,
                mask: std::array::from_fn(|digit| key[(at + digit) % 4]),
            });
        }
        let masked = payload.iter().zip(key.iter().cycle());
        self.bytes.extend(masked.map(|(byte, key)| byte ^ key));
    }

    /// The bytes with the number that follows from a count.
    pub(crate) fn with(&mut self, count: u64) -> &[u8] {
        let digits = digits(FIRST + count % CYCLE);
        for Place { start, mask } in &self.places {
            for ((byte, digit), mask) in self.bytes[*start..].iter_mut().zip(digits).zip(mask) {
                *byte = digit ^ mask;
            }
        }
        &self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// How far the number in `bytes` is ahead of the one that follows from `count`; `None` if the
    /// bytes are not this message. They must not be masked.
    pub(crate) fn distance(&mut self, bytes: &[u8], count: u64) -> Option<u64> {
        let place = self.places.first()?.start;
        let number = bytes.get(place..place + DIGITS)?;
        let number = number.iter().try_fold(0, |number, byte| {
            byte.is_ascii_digit()
                .then(|| number * 10 + u64::from(byte - b'0'))
        })?;
        let ahead = number.checked_sub(FIRST)?;
        (self.with(ahead) == bytes).then(|| (ahead + CYCLE - count % CYCLE) % CYCLE)
    }
}

impl Frame<'_> {
    fn first_byte(&self) -> u8 {
        match self {
            Self::Text(_) => TEXT,
            Self::Binary(_) => BINARY,
            Self::Close => CLOSE,
        }
    }

    fn payload(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
            // 1000: normal closure.
            Self::Close => &[0x03, 0xe8],
        }
    }
}

fn digits(mut number: u64) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit += (number % 10) as u8;
        number /= 10;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The payload of a short masked frame.
    fn unmasked(frame: &[u8]) -> Vec<u8> {
        assert_eq!(frame[1] & MASKED, MASKED);
        let (key, payload) = frame[2..].split_at(4);
        let pairs = payload.iter().zip(key.iter().cycle());
        pairs.map(|(byte, key)| byte ^ key).collect()
    }

    #[test]
    fn a_client_masks_text_and_number() {
        let mut template = Template::from_client(&[Frame::Text("a###### ######")]);
        let frame = template.with(7);
        assert_eq!(frame[0], TEXT);
        assert_eq!(unmasked(frame), b"a100007 100007");
        assert!(frame[2..6].iter().all(|byte| *byte != 0));
    }

    #[test]
    fn a_server_sends_frames_in_a_row() {
        let mut template = Template::from_server(&[Frame::Text("a"), Frame::Binary(&[9; 300])]);
        let bytes = template.with(0);
        assert_eq!(bytes[..3], [TEXT, 1, b'a']);
        assert_eq!(bytes[3..7], [BINARY, 126, 1, 44]);
        assert_eq!(bytes.len(), 3 + 4 + 300);
    }

    #[test]
    fn long_frames_have_a_long_length() {
        let mut template = Template::from_server(&[Frame::Binary(&[0; 125])]);
        assert_eq!(template.with(0)[1..3], [125, 0]);
        let mut template = Template::from_server(&[Frame::Binary(&[0; 126])]);
        assert_eq!(template.with(0)[1..4], [126, 0, 126]);
        let mut template = Template::from_server(&[Frame::Binary(&[0; 70_000])]);
        assert_eq!(template.with(0)[1..10], [127, 0, 0, 0, 0, 0, 1, 17, 112]);
    }

    #[test]
    fn an_answer_says_how_far_ahead_it_is() {
        let mut template = Template::from_server(&[Frame::Text("a######")]);
        let bytes = template.with(12).to_vec();
        assert_eq!(template.distance(&bytes, 12), Some(0));
        assert_eq!(template.distance(&bytes, 10), Some(2));
        assert_eq!(template.distance(&bytes, CYCLE + 12), Some(0));
        assert_eq!(
            template.distance(template.clone().with(1), CYCLE - 1),
            Some(2)
        );
    }

    #[test]
    fn another_message_is_no_answer() {
        let mut template = Template::from_server(&[Frame::Text("###### ######")]);
        for wrong in [
            &b"\x81\x0d100000 100001"[..],
            b"\x81\x0d100000_100000",
            b"\x82\x0d100000 100000",
            b"\x81\x0d000001 000001",
            b"\x81\x0dabcdef abcdef",
            b"\x81\x0d1000",
        ] {
            assert_eq!(template.distance(wrong, 0), None, "{wrong:?}");
        }
        assert_eq!(template.distance(b"\x81\x0d100000 100000", 0), Some(0));
    }
}
