//! Random numbers, a pool of them for each call to the system: every websocket frame wants one.

/// Where [`Core`](super::core::Core) has its random numbers from: masks and keys of websockets,
/// and what keeps a request out of caches. They are to be unpredictable (RFC 6455 §5.3).
pub(crate) type Random = Box<dyn FnMut() -> u32 + Send>;

const POOL: usize = 256;

/// The generator of the system.
pub(crate) fn system() -> Random {
    let mut pool = [0; POOL];
    let mut used = POOL;
    Box::new(move || {
        if used == POOL {
            // A system without randomness: masks protect intermediaries, not this client, and the
            // pool of before is better than no connection at all.
            let _ = getrandom::fill(&mut pool);
            used = 0;
        }
        let mut number = [0; 4];
        number.copy_from_slice(&pool[used..used + 4]);
        used += 4;
        u32::from_ne_bytes(number)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_do_not_repeat_when_the_pool_is_used_up() {
        let mut random = system();
        let count = POOL;
        let numbers: HashSet<_> = (0..count).map(|_| random()).collect();
        assert!(numbers.len() > count - 5, "{} of {count}", numbers.len());
    }
}
