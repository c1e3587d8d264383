//! Inputs nobody thought of, for every decoder and every state machine of the proto crates.
//!
//! ```text
//!   seeds/, regressions/ ──► Campaign: mutate, run, shrink ──► regressions/
//!                                │
//!   libFuzzer (coverage/) ───────┤   bytes
//!                                ▼
//!                          Target::check        panics, heap
//!                                │
//!                 targets/: what always holds, one function each
//! ```
//!
//! A target panics if something that must hold does not. [`Campaign`] needs nothing but the stable
//! toolchain; the crate in `coverage/` lets libFuzzer do the same, guided by coverage.

mod campaign;
mod corpus;
mod input;
mod mutate;
mod targets;

use std::panic::{self, AssertUnwindSafe};

use allocation_counter::AllocationInfo;

pub use campaign::{Campaign, Failure, Found, Mistake, Report};
pub use corpus::{export, plant, regressions, seeds};
pub use targets::TARGETS;

/// Something to be tried with any bytes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Target {
    /// How it is called for.
    pub name: &'static str,
    /// What is tried, in one line.
    pub about: &'static str,
    /// The longest input that makes sense, in bytes.
    pub max_len: usize,
    /// Bytes of heap in use at once, for the fixed part and for each byte of input. Twice what is
    /// needed is a mistake, not a matter of taste.
    pub heap: (usize, usize),
    /// Parts of inputs that chance would hardly come upon.
    pub dictionary: &'static [&'static [u8]],
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
}

impl Target {
    /// The target of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.name == name)
    }

    /// Runs the target, and panics as well if it holds too much memory or leaves some behind.
    pub fn check(&self, input: &[u8]) -> AllocationInfo {
        let mut heap = self.measure(input);
        if heap.bytes_current > 0 {
            // What is made once and for all, such as a thread's own values.
            heap = self.measure(input);
        }
        let (fixed, per_byte) = self.heap;
        let most = fixed + per_byte * input.len();
        let (held, left) = (heap.bytes_max, heap.bytes_current);
        assert!(
            held <= most as u64,
            "{held} bytes of heap, {most} are allowed"
        );
        assert!(left <= 0, "{left} bytes of heap are left behind");
        heap
    }

    fn measure(&self, input: &[u8]) -> AllocationInfo {
        let mut outcome = Ok(());
        // The counter has to see the end, whatever it is.
        let heap = allocation_counter::measure(|| {
            outcome = panic::catch_unwind(AssertUnwindSafe(|| (self.run)(input)));
        });
        if let Err(panic) = outcome {
            panic::resume_unwind(panic);
        }
        heap
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    impl Target {
        /// A target that tries nothing.
        pub(crate) const NONE: Self = Self {
            name: "none",
            about: "",
            max_len: 100,
            heap: (100, 10),
            dictionary: &[],
            run: |_| (),
        };
    }

    fn message(run: fn(&[u8]), input: &[u8]) -> String {
        let target = Target {
            run,
            ..Target::NONE
        };
        match panic::catch_unwind(|| target.check(input)) {
            Ok(_) => "fine".to_owned(),
            Err(panic) => *panic.downcast().unwrap(),
        }
    }

    #[test]
    fn memory_has_to_be_in_proportion_and_given_back() {
        let hold: fn(&[u8]) = |input| drop(black_box(vec![0_u8; 110 + input.len()]));
        assert_eq!(message(hold, b"a"), "111 bytes of heap, 110 are allowed");
        assert_eq!(message(hold, b"ab"), "fine");
        let leak = |_: &[u8]| std::mem::forget(black_box(vec![0_u8; 7]));
        assert_eq!(message(leak, b""), "7 bytes of heap are left behind");
    }
}
