//! Masking of payloads (RFC 6455 §5.3).
//!
//! Does not choose keys: a client's keys must come from a strong source of randomness, which the
//! caller has.

/// Masks or unmasks `payload` in place with `key`; the two are the same operation.
///
/// `phase` is the offset of `payload` in its frame's payload, in bytes: 0 for a whole payload, the
/// number of bytes masked before when it is worked off in pieces.
pub fn mask(payload: &mut [u8], mut key: [u8; 4], phase: usize) {
    key.rotate_left(phase % 4);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);

    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= key;
    }
}
