//! The development clock: real time, moved by whoever tests.

use std::time::{SystemTime, UNIX_EPOCH};

/// Decides the timestamps of blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Seconds by which the clock runs ahead of (or behind) real time.
    offset_s: i64,
    /// Timestamp demanded for the next block.
    next: Option<u64>,
    /// Fixed distance between blocks, instead of real time.
    interval_s: Option<u64>,
}

/// Seconds since the Unix epoch by the machine's clock.
pub(crate) fn system_now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs())
}

impl Clock {
    /// Seconds since the Unix epoch by this clock.
    pub(crate) fn now_s(&self) -> u64 {
        system_now_s().saturating_add_signed(self.offset_s)
    }

    /// Timestamp a block on `parent_s` would get. Blocks may share a second, but never go back.
    pub(crate) fn next_timestamp(&self, parent_s: u64) -> u64 {
        match (self.next, self.interval_s) {
            (Some(next), _) => next.max(parent_s),
            (None, Some(interval_s)) => parent_s.saturating_add(interval_s),
            (None, None) => self.now_s().max(parent_s),
        }
    }

    /// Called with the timestamp of a block that was made: a demanded timestamp is used up and moves the clock along.
    pub(crate) fn block_made(&mut self, timestamp_s: u64) {
        if self.next.take().is_some() {
            self.set(timestamp_s);
        }
    }

    /// Sets the clock; returns the new offset.
    pub(crate) fn set(&mut self, timestamp_s: u64) -> i64 {
        let offset = i128::from(timestamp_s) - i128::from(system_now_s());
        self.offset_s = offset.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        self.offset_s
    }

    /// Moves the clock forward; returns the new offset.
    pub(crate) fn increase(&mut self, seconds: u64) -> i64 {
        self.offset_s = self.offset_s.saturating_add_unsigned(seconds);
        self.offset_s
    }

    /// Demands the timestamp of the next block.
    pub(crate) fn set_next(&mut self, timestamp_s: u64) {
        self.next = Some(timestamp_s);
    }

    /// Fixes the distance between blocks, or follows time again.
    pub(crate) fn set_interval(&mut self, interval_s: Option<u64>) {
        self.interval_s = interval_s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demanded_timestamp_is_used_once_and_moves_the_clock() {
        let mut clock = Clock::default();
        let future = system_now_s() + 1_000_000;
        clock.set_next(future);
        assert_eq!(clock.next_timestamp(5), future);
        clock.block_made(future);
        assert!(clock.now_s() >= future);
        assert_eq!(clock.next, None);
    }

    #[test]
    fn time_never_goes_back_behind_the_parent() {
        let mut clock = Clock::default();
        clock.set(100);
        assert_eq!(clock.next_timestamp(5_000), 5_000);
    }

    #[test]
    fn a_fixed_interval_counts_from_the_parent() {
        let mut clock = Clock::default();
        clock.set_interval(Some(12));
        assert_eq!(clock.next_timestamp(1_000), 1_012);
        clock.set_interval(None);
        assert!(clock.next_timestamp(1_000) > 1_012);
    }

    #[test]
    fn increases_add_up_without_overflow() {
        let mut clock = Clock::default();
        assert_eq!(clock.increase(10), 10);
        assert_eq!(clock.increase(5), 15);
        assert_eq!(clock.increase(u64::MAX), i64::MAX);
    }
}
