//! The delays between attempts, by the formula of the reference (backo2 in its client).

use std::time::Duration;

use crate::Reconnection;

/// Counts attempts and says how long to wait before the next.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    delay: f64,
    delay_max: f64,
    randomization: f64,
    attempts: u32,
}

impl Backoff {
    pub(super) fn new(config: &Reconnection) -> Self {
        let jitter = config.randomization;
        Self {
            delay: millis(config.delay),
            delay_max: millis(config.delay_max),
            randomization: if jitter > 0.0 && jitter <= 1.0 {
                jitter
            } else {
                0.0
            },
            attempts: 0,
        }
    }

    /// How often somebody has waited since the last reset.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Milliseconds to wait before the next attempt, which is counted. `random` is from 0 to 1, the
    /// latter excluded.
    pub(super) fn next(&mut self, random: f64) -> u64 {
        let delay = self.delay * 2_f64.powf(f64::from(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
        let deviation = (random * self.randomization * delay).floor();
        // The same number decides about size and sign.
        let longer = (random * 10.0) as u32 % 2 == 1;
        let delay = if longer {
            delay + deviation
        } else {
            delay - deviation
        };
        delay.min(self.delay_max) as u64
    }

    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

/// At least one, lest attempts that fail at once follow each other without a pause.
fn millis(duration: Duration) -> f64 {
    (duration.as_millis() as f64).max(1.0)
}

/// SplitMix64: enough to keep clients from coming back all at once.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    /// From 0 to 1, the latter excluded.
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_stay_in_the_bounds_of_the_reference() {
        let mut random = Random(7);
        let mut seen = [(u64::MAX, 0); 6];
        for _ in 0..20_000 {
            let mut backoff = Backoff::new(&Reconnection::default());
            for (least, most) in &mut seen {
                let delay = backoff.next(random.next());
                *least = delay.min(*least);
                *most = delay.max(*most);
            }
        }
        let bounds = [
            (551, 1499),
            (1101, 2999),
            (2201, 5000),
            (4401, 5000),
            (5000, 5000),
            (5000, 5000),
        ];
        for ((least, most), (lower, upper)) in seen.into_iter().zip(bounds) {
            assert!(least >= lower && most <= upper, "{seen:?}");
            // And use them: 20,000 draws come close to both ends.
            assert!(least <= lower + 20 && most + 20 >= upper, "{seen:?}");
        }
    }

    #[test]
    fn one_number_decides_about_size_and_sign() {
        for (random, delays) in [
            (0.0, [1000, 2000, 4000, 5000]),
            (0.1, [1050, 2100, 4200, 5000]),
            (0.25, [875, 1750, 3500, 5000]),
            (0.899, [551, 1101, 2202, 4404]),
            (0.999, [1499, 2999, 5000, 5000]),
        ] {
            let mut backoff = Backoff::new(&Reconnection::default());
            assert_eq!([(); 4].map(|()| backoff.next(random)), delays, "{random}");
            assert_eq!(backoff.attempts(), 4);
            backoff.reset();
            assert_eq!(backoff.next(random), delays[0]);
        }
    }

    #[test]
    fn without_randomization_or_with_nonsense_delays_double() {
        for randomization in [0.0, -1.0, 1.1, f64::NAN] {
            let config = Reconnection {
                delay: Duration::from_millis(10),
                delay_max: Duration::from_millis(70),
                randomization,
                ..Reconnection::default()
            };
            let mut backoff = Backoff::new(&config);
            assert_eq!([(); 5].map(|()| backoff.next(0.9)), [10, 20, 40, 70, 70]);
        }
    }

    #[test]
    fn no_delay_is_too_short_or_too_often() {
        let config = Reconnection {
            delay: Duration::ZERO,
            ..Reconnection::default()
        };
        let mut backoff = Backoff::new(&config);
        assert_eq!(backoff.next(0.0), 1);
        for _ in 0..5_000 {
            assert!(backoff.next(0.9) <= 5_000);
        }
    }
}
