//! Which of the messages under way have arrived, in whatever order.

/// How far answers may be apart: as many as there are bits.
pub(super) const REACH: u64 = 64;

/// Messages that are expected, counted from 0.
#[derive(Clone, Default)]
pub(super) struct Window {
    /// The count of the oldest message that has not arrived.
    oldest: u64,
    /// The count of the next message to expect.
    next: u64,
    /// Bit by bit from the oldest one: which have arrived.
    arrived: u64,
}

impl Window {
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    pub(super) fn under_way(&self) -> usize {
        (self.next - self.oldest - u64::from(self.arrived.count_ones())) as usize
    }

    /// One more message is under way: its count, or `None` while that would be out of reach.
    pub(super) fn begin(&mut self) -> Option<u64> {
        let count = self.next;
        let is_near = count - self.oldest < REACH;
        self.next += u64::from(is_near);
        is_near.then_some(count)
    }

    /// Notes that the message so far ahead of the oldest one has arrived; `None` if it was not
    /// expected, else whether it came before an earlier one.
    pub(super) fn arrive(&mut self, ahead: u64) -> Option<bool> {
        if ahead >= self.next - self.oldest || self.arrived & (1 << ahead) != 0 {
            return None;
        }
        self.arrived |= 1 << ahead;
        let done = self.arrived.trailing_ones();
        self.oldest += u64::from(done);
        self.arrived = self.arrived.checked_shr(done).unwrap_or_default();
        Some(ahead > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expecting(messages: u64) -> Window {
        let mut window = Window::default();
        for count in 0..messages {
            assert_eq!(window.begin(), Some(count));
        }
        window
    }

    #[test]
    fn messages_in_order_move_the_window() {
        let mut window = expecting(2);
        assert_eq!(window.arrive(0), Some(false));
        assert_eq!((window.oldest(), window.under_way()), (1, 1));
        assert_eq!(window.arrive(0), Some(false));
        assert_eq!((window.oldest(), window.under_way()), (2, 0));
        assert_eq!(window.arrive(0), None);
    }

    #[test]
    fn a_message_that_comes_early_counts_once() {
        let mut window = expecting(3);
        assert_eq!(window.arrive(1), Some(true));
        assert_eq!(window.arrive(1), None);
        assert_eq!((window.oldest(), window.under_way()), (0, 2));
        assert_eq!(window.arrive(0), Some(false));
        assert_eq!((window.oldest(), window.under_way()), (2, 1));
    }

    #[test]
    fn nothing_is_expected_out_of_reach() {
        let mut window = expecting(REACH);
        assert_eq!(window.begin(), None);
        for ahead in (0..REACH).rev() {
            assert_eq!(window.arrive(ahead), Some(ahead > 0));
        }
        assert_eq!((window.oldest(), window.under_way()), (REACH, 0));
        assert_eq!(window.begin(), Some(REACH));
    }
}
