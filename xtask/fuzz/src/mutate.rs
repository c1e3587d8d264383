//! New inputs out of old ones, by chance and from a seed.

/// Draws inputs; the same seed draws the same ones.
pub(crate) struct Mutator {
    random: Random,
    dictionary: &'static [&'static [u8]],
    max_len: usize,
}

impl Mutator {
    /// A mutator whose inputs have at most `max_len` bytes.
    pub(crate) const fn new(
        seed: u64,
        dictionary: &'static [&'static [u8]],
        max_len: usize,
    ) -> Self {
        Self {
            random: Random(seed),
            dictionary,
            max_len,
        }
    }

    /// An input like one of `corpus`, with a few changes.
    pub(crate) fn draw(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.member(corpus).to_vec();
        // Mostly few changes, sometimes many.
        let most = 1 << self.random.below(6);
        for _ in 0..=self.random.below(most) {
            self.change(&mut input, corpus);
        }
        input.truncate(self.max_len);
        input
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.random.below(end)
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        match self.random.below(11) {
            0 => {
                if let Some(byte) = self.byte_of(input) {
                    *byte ^= 1 << (self.random.next() % 8);
                }
            }
            1 => {
                let new = self.random.next() as u8;
                if let Some(byte) = self.byte_of(input) {
                    *byte = new;
                }
            }
            2 => {
                let new = INTERESTING[self.random.below(INTERESTING.len())];
                let change = self.random.next().to_le_bytes()[0] % 33;
                if let Some(byte) = self.byte_of(input) {
                    *byte = match change {
                        0..16 => byte.wrapping_add(change),
                        16..32 => byte.wrapping_sub(change - 15),
                        _ => new,
                    };
                }
            }
            3 => {
                let new = self.random.next().to_le_bytes();
                let len = 1 + self.random.below(new.len());
                self.insert(input, &new[..len]);
            }
            4 => {
                let new = [INTERESTING[self.random.below(INTERESTING.len())]];
                self.insert(input, &new);
            }
            5 => {
                let range = self.range(input.len());
                input.drain(range);
            }
            6 => {
                let copy = input[self.range(input.len())].to_vec();
                self.insert(input, &copy);
            }
            7 => {
                let range = self.range(input.len());
                let len = range.len().min(256);
                let to = self.random.below(input.len() - len + 1);
                input.copy_within(range.start..range.start + len, to);
            }
            8 if !self.dictionary.is_empty() => {
                let token = self.dictionary[self.random.below(self.dictionary.len())];
                if self.random.below(4) == 0 {
                    self.overwrite(input, token);
                } else {
                    self.insert(input, token);
                }
            }
            9 => {
                let number = INTEGERS[self.random.below(INTEGERS.len())];
                let len = 1 << self.random.below(4);
                let bytes = match self.random.below(2) {
                    0 => number.to_le_bytes()[..len].to_vec(),
                    _ => number.to_be_bytes()[8 - len..].to_vec(),
                };
                self.overwrite(input, &bytes);
            }
            _ => {
                let other = self.member(corpus);
                let part = other[self.range(other.len())].to_vec();
                if self.random.below(2) == 0 {
                    let keep = self.random.below(input.len() + 1);
                    input.truncate(keep);
                    input.extend_from_slice(&part);
                } else {
                    self.insert(input, &part);
                }
            }
        }
    }

    fn member<'c>(&mut self, corpus: &'c [Vec<u8>]) -> &'c [u8] {
        match corpus.len() {
            0 => &[],
            // What is new is looked at more often.
            len if self.random.below(2) == 0 => &corpus[len - 1 - self.random.below(len.min(32))],
            len => &corpus[self.random.below(len)],
        }
    }

    fn byte_of<'i>(&mut self, input: &'i mut [u8]) -> Option<&'i mut u8> {
        let at = self.random.below(input.len().max(1));
        input.get_mut(at)
    }

    fn insert(&mut self, input: &mut Vec<u8>, bytes: &[u8]) {
        if input.len() + bytes.len() <= self.max_len {
            let at = self.random.below(input.len() + 1);
            input.splice(at..at, bytes.iter().copied());
        }
    }

    fn overwrite(&mut self, input: &mut [u8], bytes: &[u8]) {
        let at = self.random.below(input.len() + 1);
        for (to, from) in input[at..].iter_mut().zip(bytes) {
            *to = *from;
        }
    }

    /// Mostly short.
    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.random.below(len + 1);
        let longest = match self.random.below(4) {
            0 => len,
            _ => 16,
        };
        let end = start + self.random.below(longest.min(len - start) + 1);
        start..end
    }
}

/// Bytes that mean something in text, in lengths or in headers.
const INTERESTING: [u8; 24] = [
    0, 1, 2, 7, 16, 32, 64, 100, 125, 126, 127, 128, 129, 254, 255, b'0', b'4', b'"', b',', b'-',
    b'[', b'{', b'/', 0x1e,
];

const INTEGERS: [u64; 16] = [
    0,
    1,
    125,
    126,
    127,
    128,
    255,
    256,
    32_767,
    65_535,
    65_536,
    i32::MAX as u64,
    u32::MAX as u64,
    (1 << 53) - 1,
    i64::MAX as u64,
    u64::MAX,
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_draws_the_same_inputs_again_and_mostly_different_ones() {
        let corpus = [b"abc".to_vec(), Vec::new(), vec![7; 100]];
        let draw = |seed| {
            let mut mutator = Mutator::new(seed, &[b"token"], 64);
            (0..1000).map(|_| mutator.draw(&corpus)).collect::<Vec<_>>()
        };
        let inputs = draw(1);
        assert_eq!(inputs, draw(1));
        assert_ne!(inputs, draw(2));
        assert!(inputs.iter().all(|input| input.len() <= 64));
        assert!(BTreeSet::from_iter(inputs).len() > 500);
    }
}
