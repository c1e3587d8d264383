//! When a collection gives memory back. Decides only; the collections shrink themselves.

/// The capacity to shrink to after a removal, if it is time.
///
/// Shrinking at a quarter to a half leaves as many changes as there are entries until the next time, so that it stays
/// constant per change; small collections are left alone.
pub(super) const fn shrunk(len: usize, capacity: usize) -> Option<usize> {
    if capacity > SMALL && len < capacity / 4 {
        Some(if len * 2 > SMALL { len * 2 } else { SMALL })
    } else {
        None
    }
}

const SMALL: usize = 64;

#[cfg(test)]
mod tests {
    use super::shrunk;

    #[test]
    fn shrinks_at_a_quarter_and_never_below_small() {
        assert_eq!(shrunk(250, 1000), None);
        assert_eq!(shrunk(249, 1000), Some(498));
        assert_eq!(shrunk(0, 1000), Some(64));
        assert_eq!(shrunk(0, 64), None);
    }
}
