//! How much an author and a peer may send: token buckets in integers.

use crate::{error::CellError, origin::PeerId};
use qsdm_primitives::{
    ValidatorIndex,
    limits::{
        CELL_BYTES_BURST_MAX, CELL_BYTES_PER_SECOND_MAX, CELLS_BURST_MAX, CELLS_PER_SECOND_MAX, CLOCK_BACK_MS_MAX,
        MESH_PEERS_MAX, PEER_BYTES_BURST_MAX, PEER_BYTES_PER_SECOND_MAX,
    },
};
use std::collections::BTreeMap;

/// Fills by `per_second` up to `burst`.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    per_second: u64,
    burst: u64,
    /// In thousandths, so that a millisecond adds a whole number.
    level: u64,
    filled_ms: u64,
}

impl Bucket {
    fn full(per_second: u64, burst: u64, now_ms: u64) -> Self {
        Self { per_second, burst, level: burst.saturating_mul(1_000), filled_ms: now_ms }
    }

    /// A clock that goes back adds nothing, and nothing again until it is where it was. One that is back by more than
    /// [`CLOCK_BACK_MS_MAX`] was wrong before: counting starts anew from it.
    fn fill(&mut self, now_ms: u64) {
        if now_ms < self.filled_ms {
            if self.filled_ms - now_ms > CLOCK_BACK_MS_MAX {
                self.filled_ms = now_ms;
            }
            return;
        }
        let added = self.per_second.saturating_mul(now_ms - self.filled_ms);
        self.level = self.level.saturating_add(added).min(self.burst.saturating_mul(1_000));
        self.filled_ms = now_ms;
    }

    fn has(&self, amount: u64) -> bool {
        self.level >= amount.saturating_mul(1_000)
    }

    fn take(&mut self, amount: u64) {
        self.level = self.level.saturating_sub(amount.saturating_mul(1_000));
    }

    fn is_full(&self) -> bool {
        self.level == self.burst.saturating_mul(1_000)
    }
}

/// The buckets of all authors and peers.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    /// Cells and bytes; at most as many as the set has members.
    authors: BTreeMap<ValidatorIndex, (Bucket, Bucket)>,
    peers: BTreeMap<PeerId, Bucket>,
}

impl Quotas {
    /// Counts a cell against its author. One that others wait for is counted and never refused.
    pub(crate) fn charge_author(
        &mut self,
        author: ValidatorIndex,
        bytes: usize,
        is_wanted: bool,
        now_ms: u64,
    ) -> Result<(), CellError> {
        let (cells, volume) = self.authors.entry(author).or_insert_with(|| {
            let cells = Bucket::full(CELLS_PER_SECOND_MAX.into(), CELLS_BURST_MAX.into(), now_ms);
            (cells, Bucket::full(CELL_BYTES_PER_SECOND_MAX, CELL_BYTES_BURST_MAX, now_ms))
        });
        cells.fill(now_ms);
        volume.fill(now_ms);
        let bytes = bytes as u64;
        if !is_wanted && !cells.has(1) {
            return Err(CellError::AuthorCells { author, max: CELLS_PER_SECOND_MAX.into() });
        }
        if !is_wanted && !volume.has(bytes) {
            return Err(CellError::AuthorBytes { author, bytes, max: CELL_BYTES_PER_SECOND_MAX });
        }
        cells.take(1);
        volume.take(bytes);
        Ok(())
    }

    /// Counts bytes against the peer that sent them.
    pub(crate) fn charge_peer(&mut self, peer: PeerId, bytes: usize, now_ms: u64) -> Result<(), CellError> {
        let bytes = bytes as u64;
        let refused = CellError::PeerBytes { bytes, max: PEER_BYTES_PER_SECOND_MAX };
        if !self.peers.contains_key(&peer) && self.peers.len() >= MESH_PEERS_MAX {
            // a full bucket says no more than a new one
            self.peers.retain(|_, bucket| {
                bucket.fill(now_ms);
                !bucket.is_full()
            });
            if self.peers.len() >= MESH_PEERS_MAX {
                return Err(refused);
            }
        }
        let fresh = || Bucket::full(PEER_BYTES_PER_SECOND_MAX, PEER_BYTES_BURST_MAX, now_ms);
        let bucket = self.peers.entry(peer).or_insert_with(fresh);
        bucket.fill(now_ms);
        if !bucket.has(bytes) {
            return Err(refused);
        }
        bucket.take(bytes);
        Ok(())
    }

    /// Authors change with the epoch, peers stay.
    pub(crate) fn next_epoch(&mut self) {
        self.authors.clear();
    }

    pub(crate) fn peers(&self) -> usize {
        self.peers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_never_grants_more_than_burst_and_rate_allow(
            steps in prop::collection::vec((0u64..3_000, 0u64..40, any::<bool>()), 1..200)
        ) {
            let (rate, burst) = (10, 20);
            let mut bucket = Bucket::full(rate, burst, 50_000);
            let (mut now, mut latest, mut granted) = (50_000u64, 50_000u64, 0u64);
            for (step, amount, is_back) in steps {
                // goes back by less than what counts as a correction
                now = if is_back { now.saturating_sub(step).max(latest - 30_000) } else { now + step };
                latest = latest.max(now);
                bucket.fill(now);
                if bucket.has(amount) {
                    bucket.take(amount);
                    granted += amount;
                }
                prop_assert!(granted <= burst + (latest - 50_000) * rate / 1_000);
            }
        }
    }

    #[test]
    fn a_corrected_clock_fills_again_without_a_gift() {
        let mut bucket = Bucket::full(10, 20, 10_000_000);
        bucket.take(20);
        bucket.fill(1_000);
        assert!(!bucket.has(1), "going back grants nothing");
        bucket.fill(1_100);
        assert!(bucket.has(1) && !bucket.has(2), "100 ms of ten a second");
        bucket.fill(u64::MAX);
        assert!(bucket.is_full());
    }

    #[test]
    fn peers_beyond_the_limit_wait_until_others_were_silent() {
        let mut quotas = Quotas::default();
        for peer in 0..MESH_PEERS_MAX as u32 {
            quotas.charge_peer(PeerId(peer), 1_000_000, 0).unwrap();
        }
        let refused = quotas.charge_peer(PeerId(u32::MAX), 1, 0);
        assert!(matches!(refused, Err(CellError::PeerBytes { .. })));
        assert_eq!(quotas.peers(), MESH_PEERS_MAX);
        quotas.charge_peer(PeerId(u32::MAX), 1, 60_000).unwrap();
        assert_eq!(quotas.peers(), 1);
    }
}
