//! Token buckets: what peers may send, and what we send of bulk.

use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// A bucket that fills at a constant rate. It may be overdrawn: whoever takes then waits, in turn.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: u64,
    burst: Duration,
    /// When the bucket will be full again.
    full_at: Instant,
}

impl Bucket {
    /// Starts full, with what comes in within `burst`.
    pub(crate) fn new(per_second: u64, burst: Duration, now: Instant) -> Self {
        Self { per_second: per_second.max(1), burst, full_at: now }
    }

    /// Takes, and says how long to wait until it was there.
    pub(crate) fn take(&mut self, amount: u64, now: Instant) -> Duration {
        let nanos = u128::from(amount) * 1_000_000_000 / u128::from(self.per_second);
        let cost = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.full_at = self.full_at.max(now) + cost.min(Duration::from_secs(3_600));
        self.full_at.saturating_duration_since(now).saturating_sub(self.burst)
    }
}

/// Messages and bytes of one class of one peer.
#[derive(Debug)]
pub(crate) struct Quota {
    messages: Bucket,
    bytes: Bucket,
}

impl Quota {
    pub(crate) fn new(rate: crate::config::Rate, now: Instant) -> Self {
        Self { messages: Bucket::new(rate.messages, rate.burst, now), bytes: Bucket::new(rate.bytes, rate.burst, now) }
    }

    /// How long to wait before a message of so many bytes may be read.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        self.messages.take(1, now).max(self.bytes.take(bytes as u64, now))
    }
}

/// Shares a bandwidth among all that write bulk, in the order in which they ask.
#[derive(Debug)]
pub(crate) struct Pacer(Mutex<Bucket>);

impl Pacer {
    pub(crate) fn new(bytes_per_second: u64) -> Self {
        Self(Mutex::new(Bucket::new(bytes_per_second, Duration::from_millis(20), Instant::now())))
    }

    /// Returns when so many bytes may go.
    pub(crate) async fn pass(&self, bytes: usize) {
        let wait = self.0.lock().take(bytes as u64, Instant::now());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_over_the_burst_waits_its_time() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1_000, Duration::from_secs(2), start);
        assert_eq!(bucket.take(2_000, start), Duration::ZERO);
        assert_eq!(bucket.take(500, start), Duration::from_millis(500));
        assert_eq!(bucket.take(500, start), Duration::from_secs(1));
        assert_eq!(bucket.take(0, start + Duration::from_secs(1)), Duration::ZERO);
        assert_eq!(bucket.take(2_000, start + Duration::from_secs(60)), Duration::ZERO);
        assert_eq!(bucket.take(1, start + Duration::from_secs(60)), Duration::from_millis(1));
    }

    #[test]
    fn an_absurd_amount_does_not_overflow() {
        let start = Instant::now();
        let mut bucket = Bucket::new(0, Duration::ZERO, start);
        for _ in 0..100 {
            assert!(bucket.take(u64::MAX, start) > Duration::ZERO);
        }
    }
}
